import { expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { fill, Lab, line } from './kit.ts';

test('MUST-1: a window of 65535 is a large number, not a negative one', () => {
  const c = new Lab().accepted();
  c.feed(400_000);
  let most = 0;
  let acked = 1;
  for (let round = 0; round < 12; round++) {
    c.heard();
    most = Math.max(most, c.ack - acked);
    acked = c.ack;
    c.say('.', { window: 65535 });
  }
  expect(most).toBeGreaterThan(32768);
});

test('MUST-1: never more than the 65535 bytes of an unscaled window are outstanding', () => {
  const c = new Lab().accepted({ window: 65535 });
  c.feed(1_000_000);
  let acked = 1;
  for (let round = 0; round < 40; round++) {
    c.heard();
    expect(c.ack - acked).toBeLessThanOrEqual(65535);
    acked = c.ack;
    c.say('.');
  }
});

test('REC-1: a peer may announce the largest scaled window, of 30 bits', () => {
  const c = new Lab().accepted({ windowScale: 14 });
  c.say('.', { window: 65535 });
  expect(c.info().snd_wnd).toBe(65535 * 16384);
});

test('REC-1: our own window grows beyond 16 bits where scaling was agreed', () => {
  const lab = new Lab({ sysctl: { tcp_rmem: '4096 4194304 4194304' } });
  const c = lab.peer({ windowScale: 7 });
  lab.listen();
  c.knock();
  const scale = c.take().windowScale!;
  c.say('.');
  let window = 0;
  for (let i = 0; i < 100; i++) {
    c.say('P.', { data: 1460 });
    c.say('P.', { data: 1460 });
    for (const h of c.heard()) window = Math.max(window, h.window * 2 ** scale);
  }
  expect(scale).toBeGreaterThan(0);
  expect(window).toBeGreaterThan(65535);
});

for (const family of [4, 6] as const) {
  test(`MUST-2: every kind of segment leaves with a right checksum (IPv${family})`, () => {
    const lab = new Lab({ family });
    const options = { sackOk: true, timestamps: true, windowScale: 7 };
    const c = lab.accepted(options);
    c.send('odd');
    lab.run(1); // retransmissions
    c.say('.');
    c.say('P.', { seq: c.seq + 7, data: 'ahead' }); // draws a SACK
    c.close(); // what lies unread makes it a RST, or a FIN
    const d = lab.connected(options);
    d.send(3001);
    d.drain();
    d.shutdown(1);
    d.drain();
    const closed = lab.peer({}, 4242);
    closed.knock();
    const kinds = new Set(lab.all.map(s => s.flags));
    expect([...kinds]).toEqual(expect.arrayContaining(['S', 'S.', '.', 'P.', 'F.', 'R.']));
    expect(lab.all.filter(s => !s.checksumOk).map(line)).toEqual([]);
  });
}

test('MUST-3: a segment with a bad checksum changes nothing, draws no answer and is counted', () => {
  const lab = new Lab();
  const c = lab.accepted();
  const before = lab.mib.TcpInCsumErrors;
  c.say('P.', { data: 'wrong', checksum: 0x1234 });
  c.say('R', { seq: 1, checksum: 0x1234 });
  expect(c.lines()).toEqual([]);
  expect(lab.mib.TcpInCsumErrors - before).toBe(2);
  c.say('P.', { seq: 1, data: 'right' });
  expect(c.readAll()).toEqual(new TextEncoder().encode('right'));
});

test('MUST-3: a bad checksum on a SYN opens nothing', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.say('S', { seq: 0, checksum: 1 });
  expect(lab.segments).toEqual([]);
});

test('MUST-4: a SYN with end-of-list, no-operation and maximum segment size is understood', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.knock({ raw: Uint8Array.of(1, 1, 2, 4, 0x02, 0x58, 1, 0) });
  c.take();
  c.say('.');
  c.fd = lab.accept(lab.listen());
  c.send(1500);
  expect(c.heard().map(h => h.data.length)).toEqual([600, 600, 300]);
});

test('MUST-4: nothing behind end-of-list is read', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.knock({ raw: Uint8Array.of(2, 4, 0x02, 0x58, 0, 2, 4, 0x01) });
  c.take();
  c.say('.');
  c.fd = lab.accept(lab.listen());
  c.send(600);
  expect(c.heard().map(h => h.data.length)).toEqual([600]);
});

test('MUST-5: options are read on segments that are no SYN', () => {
  const c = new Lab().accepted({ sackOk: true });
  c.send(4000);
  expect(c.heard().map(line)).toEqual([
    '. 1:1461(1460) ack 1',
    '. 1461:2921(1460) ack 1',
    'P. 2921:4001(1080) ack 1',
  ]);
  c.say('.', { ack: 1, options: { sack: [[c.hostIsn + 1461, c.hostIsn + 4001]] } });
  expect(c.info().sacked).toBe(2);
});

test('MUST-5, MUST-6: an unknown option on a data segment is stepped over', () => {
  const c = new Lab().accepted();
  c.say('P.', { data: 'hello', options: { raw: Uint8Array.of(200, 5, 1, 2, 3, 1, 1, 1) } });
  expect(c.lines()).toEqual(['. 1:1(0) ack 6']);
  expect(c.readAll()).toHaveLength(5);
});

test('MUST-6: an unknown option on a SYN does not hide the one behind it', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.knock({ raw: Uint8Array.of(200, 6, 9, 9, 9, 9, 2, 4, 0x03, 0xe8, 1, 1) });
  c.take();
  c.say('.');
  c.fd = lab.accept(lab.listen());
  c.send(1000);
  expect(c.heard().map(h => h.data.length)).toEqual([1000]);
});

const BAD = [
  ['length 0', [8, 0, 1, 1]],
  ['length 1', [8, 1, 1, 1]],
  ['a length past the end', [8, 10, 0, 0]],
  ['no room for a length', [1, 1, 1, 8]],
  ['a wrong length for its kind', [2, 3, 5, 1]],
] as const;

test.each(BAD)('MUST-7: an option with %s on a SYN does not keep the connection from opening', (_, raw) => {
  const lab = new Lab();
  const listener = lab.listen();
  const c = lab.peer();
  c.knock({ raw: Uint8Array.from(raw) });
  expect(line(c.take())).toBe('S. 0:0(0) ack 1');
  c.say('.');
  expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
});

test.each(BAD)('MUST-7: an option with %s on a later segment does not end the connection', (_, raw) => {
  const c = new Lab().accepted();
  c.say('P.', { data: 'a', options: { raw: Uint8Array.from(raw) } });
  c.heard();
  c.say('P.', { seq: 1, data: 'a' });
  c.say('P.', { seq: 2, data: 'b' });
  expect(c.state()).toBe('ESTABLISHED');
  expect(c.readAll()).toEqual(new TextEncoder().encode('ab'));
});

test('MUST-68: what lies inside an option is no option, whatever it looks like', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  // Kind 253 (experiments) of eight bytes that read like a maximum segment size of 100.
  c.knock({ raw: Uint8Array.of(253, 8, 2, 4, 0, 100, 1, 1, 2, 4, 0x03, 0xe8) });
  c.take();
  c.say('.');
  c.fd = lab.accept(lab.listen());
  c.send(1000);
  expect(c.heard().map(h => h.data.length)).toEqual([1000]);
});

test('MUST-69: the header is a multiple of four bytes, and what follows an end-of-list is zero', () => {
  const lab = new Lab();
  for (const timestamps of [true, false]) {
    for (const sackOk of [true, false]) {
      const c = lab.accepted({ timestamps, sackOk, windowScale: 3 });
      c.say('P.', { seq: 4, data: 'ahead' });
      c.say('P.', { seq: 20, data: 'ahead' });
      c.send(fill(10));
      lab.run(0.3);
      c.close();
    }
  }
  for (const s of lab.all) {
    expect(s.options.length % 4).toBe(0);
    const end = endOfList(s.options);
    expect([...s.options.subarray(end)].every(b => b === 0)).toBe(true);
  }
});

/** Where the end-of-list option stands, or the length. */
function endOfList(options: Uint8Array): number {
  let i = 0;
  while (i < options.length && options[i] !== 0) i += options[i] === 1 ? 1 : options[i + 1]!;
  return i;
}

test('MUST-69: bytes behind the end-of-list of a peer may be anything', () => {
  const c = new Lab().accepted();
  c.say('P.', { data: 'x', options: { raw: Uint8Array.of(0, 8, 0, 0xff) } });
  expect(c.readAll()).toHaveLength(1);
});

test('reserved bits and a header length beyond the segment are survived', () => {
  const lab = new Lab();
  const c = lab.accepted();
  expect(parseAddress(lab.hostAddress)).not.toBeNull();
  c.say('P.AE', { data: 'x' });
  expect(c.readAll()).toHaveLength(1);
});
