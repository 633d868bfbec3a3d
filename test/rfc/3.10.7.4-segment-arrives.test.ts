import { describe, expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { buildSegment } from '../../src/sim/build.ts';
import { type Conn, fill, Lab, line } from './kit.ts';

/** Segments of `sizes` bytes that reach the host in one go: it sends only when it has seen them all. */
function batch(c: Conn, sizes: readonly number[]): void {
  const { host } = c.lab;
  for (const n of sizes) {
    const bytes = buildSegment({
      source: parseAddress(c.lab.peerAddress) ?? new Address(0, 0, 0, 0),
      destination: c.lab.hostAddress,
      sourcePort: c.port,
      destinationPort: c.hostPort,
      seq: (c.isn + c.seq) | 0,
      ack: (c.hostIsn + c.ack) | 0,
      flags: '.',
      data: fill(n, c.seq - 1),
    });
    c.seq += n;
    const now = host.stackTime(c.lab.world.now);
    host.stack.receive(host.interfaces[0]!, host.stack.frames.from(bytes), now);
  }
  host.touch();
  c.lab.settle();
}

describe('acknowledging', () => {
  test('MUST-58, MUST-59: segments that are there together are processed first and acknowledged once', () => {
    const c = new Lab().accepted();
    batch(c, new Array<number>(8).fill(1460));
    expect(c.lines()).toEqual([`. 1:1(0) ack ${1 + 8 * 1460}`]);
  });

  test('MUST-58: data that is going anyway carries the acknowledgement', () => {
    const c = new Lab().accepted();
    c.send('first');
    c.heard();
    c.send('second'); // held by Nagle until the acknowledgement, which comes with data
    c.say('P.', { data: 'reply' });
    c.lab.run(0.1);
    const sent = c.heard();
    expect(sent.filter(h => h.data.length > 0).map(line)).toEqual(['P. 6:12(6) ack 6']);
    expect(sent.length).toBeLessThanOrEqual(2);
  });
});

describe('out of order', () => {
  test('SHLD-31: what comes too early is kept and delivered in its place', () => {
    const c = new Lab().accepted({ sackOk: true });
    c.say('P.', { seq: 7, data: 'world' });
    c.say('P.', { seq: 12, data: '!' });
    expect(c.readAll()).toHaveLength(0);
    c.heard();
    c.say('P.', { seq: 1, data: 'hello ' });
    expect(c.heard().at(-1)?.ack).toBe(13);
    expect(new TextDecoder().decode(c.readAll())).toBe('hello world!');
  });

  test('SHLD-31: a FIN too, acted upon when what is before it has come', () => {
    const c = new Lab().accepted();
    c.say('FP.', { seq: 4, data: 'def' });
    expect(c.state()).toBe('ESTABLISHED');
    c.say('P.', { seq: 1, data: 'abc' });
    expect(c.state()).toBe('CLOSE_WAIT');
    expect(c.recv(10)).toHaveLength(6);
    expect(c.recv(10)).toHaveLength(0);
  });

  test('MAY-13: it is acknowledged at once, again with what is missing', () => {
    const c = new Lab().accepted({ sackOk: true });
    for (let i = 0; i < 3; i++) {
      c.say('P.', { seq: 101 + 100 * i, data: 100 });
      const [dup, ...more] = c.heard();
      expect(more).toEqual([]);
      expect(dup).toMatchObject({ ack: 1, sack: [[101, 201 + 100 * i]] });
    }
  });

  test('MAY-13: after three of them, which start recovery at the sender, within a millisecond', () => {
    const c = new Lab().accepted({ sackOk: true });
    for (let i = 0; i < 20; i++) c.say('P.', { seq: 101 + 100 * i, data: 100 });
    c.lab.run(0.001);
    const acks = c.heard();
    expect(acks.at(-1)).toMatchObject({ ack: 1, sack: [[101, 2101]] });
    expect(acks.length).toBeLessThan(20);
    expect(c.lab.mib.TcpExtTCPAckCompressed).toBe(20 - acks.length);
  });
});

describe('the ACK field', () => {
  test('MAY-12: data with an acknowledgement of what was never sent is dropped and answered', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'evil', ack: 5000 });
    expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
    expect(c.readAll()).toHaveLength(0);
  });

  test('MAY-12: so is data with one that is older than the largest window we have seen', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'evil', ack: -100_000 });
    expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
    expect(c.readAll()).toHaveLength(0);
  });

  test('MAY-12: nor does one just below the initial number pass, since no such byte was ever sent', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'ghost', ack: -10 });
    expect(c.readAll()).toHaveLength(0);
  });

  test('a segment without it is dropped', () => {
    const c = new Lab().accepted();
    c.say('P', { data: 'evil' });
    expect(c.lines()).toEqual([]);
    expect(c.readAll()).toHaveLength(0);
  });

  test('the window is taken from newer segments only (SND.WL1, SND.WL2)', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.say('P.', { data: 'new' });
    c.say('P.', { data: 'newer', window: 5000 });
    c.say('P.', { seq: 1, data: 'new', window: 9000 }); // an old one comes late
    c.heard();
    expect(c.info().snd_wnd).toBe(5000);
    c.say('.', { window: 7000 });
    expect(c.info().snd_wnd).toBe(7000);
  });
});

describe('the FIN bit', () => {
  test('is not processed in LISTEN and SYN_SENT', () => {
    const lab = new Lab();
    lab.listen();
    const c = lab.peer();
    c.say('F', { seq: 1 });
    expect(lab.all).toEqual([]);
    const d = lab.dialled();
    d.say('F.', { seq: 0, ack: 1 });
    expect(d.state()).toBe('SYN_SENT');
  });

  test('may come with the last segment of the handshake', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock();
    c.take();
    c.say('F.', { seq: 1 });
    c.fd = lab.accept(listener);
    expect(c.fd).toBeGreaterThanOrEqual(0);
    expect(c.state()).toBe('CLOSE_WAIT');
    expect(c.recv(1)).toHaveLength(0);
  });

  test('in FIN_WAIT_1 leads to CLOSING, or to TIME_WAIT if it acknowledges ours', () => {
    const c = new Lab().accepted();
    c.shutdown(1);
    c.heard();
    c.say('F.', { ack: 1 });
    expect(c.state()).toBe('CLOSING');
    c.say('.', { ack: 2 });
    expect(c.state()).toBe('TIME_WAIT');
    const d = new Lab().accepted();
    d.shutdown(1);
    d.heard();
    d.say('F.', { ack: 2 });
    expect(d.state()).toBe('TIME_WAIT');
  });

  test('in LAST_ACK only the acknowledgement of our FIN ends the connection', () => {
    const c = new Lab().accepted();
    c.say('F.');
    c.close();
    c.heard();
    c.say('.', { ack: 1 });
    expect(c.state()).toBe('LAST_ACK');
    c.say('.', { ack: 2 });
    expect(c.state()).toBe('CLOSED');
  });
});

test('what is read once does not change, whatever a later copy of it says (first copy wins)', () => {
  const c = new Lab().accepted();
  c.say('P.', { seq: 4, data: 'DEF' });
  c.say('P.', { seq: 1, data: 'abcxyz' });
  c.say('P.', { seq: 1, data: 'qqqqqq' });
  expect(c.readAll()).toHaveLength(6);
  c.say('P.', { seq: 1, data: 'zzzzzz' });
  expect(c.readAll()).toHaveLength(0);
});
