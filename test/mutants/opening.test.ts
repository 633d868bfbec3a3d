import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { EAGAIN } from '../../src/base/errno.ts';
import { Segment, SYN } from '../../src/wire/segment.ts';
import { type Conn, Lab, type PeerOptions } from '../rfc/kit.ts';

describe('a simultaneous open', () => {
  const crossing = (lab = new Lab(), window = 65535): Conn => {
    const c = lab.dialled({ window });
    c.say('S', { seq: 0, options: { mss: 1460 } });
    expect(c.take().flags).toBe('S.');
    expect(c.state()).toBe('SYN_RECV');
    return c;
  };

  test('close() in SYN_RECV sends a FIN, and the connection ends', () => {
    const c = crossing();
    c.close();
    expect(c.state()).toBe('FIN_WAIT_1');
    c.say('.', { ack: 1 });
    c.lab.run(1);
    expect(c.heard().some(h => h.flags.includes('F'))).toBe(true);
    c.say('F.');
    c.lab.run(0.1);
    expect(c.state()).toBe('TIME_WAIT');
  });

  test('in its SYN_RECV a wrong ACK is answered with a RST of its number and the connection stays', () => {
    const c = crossing();
    c.say('.', { ack: 5000 });
    expect(c.lines()).toEqual(['R 5000:5000(0)']);
    expect(c.state()).toBe('SYN_RECV');
  });

  test('a peer with a window of zero is given up like any that does not answer', () => {
    const c = crossing(new Lab({ sysctl: { tcp_syn_retries: 2, tcp_syn_linear_timeouts: 0 } }), 0);
    c.lab.run(60);
    expect(c.state()).toBe('CLOSED');
  });
});

describe('who may knock', () => {
  test.each([
    ['10.9.0.255', '10.9.0.1'],
    ['224.0.0.1', '10.9.0.1'],
    ['255.255.255.255', '10.9.0.1'],
    ['10.9.0.2', '10.9.0.255'],
    ['10.9.0.2', '224.0.0.1'],
  ])('MUST-57, MUST-63: TCP itself takes no SYN to %s from %s, whatever IP let through', (to, from) => {
    const lab = new Lab();
    const fd = lab.socket();
    expect(lab.bind(fd, '0.0.0.0', 80)).toBe(0);
    expect(lab.call(s => s.listen(fd, 5))).toBe(0);
    const segment = new Segment();
    segment.source.assign(parseAddress(from)!);
    segment.destination.assign(parseAddress(to)!);
    segment.sourcePort = 4000;
    segment.destinationPort = 80;
    segment.flags = SYN;
    lab.host.stack.tcp.receive(segment);
    expect([...lab.host.stack.tcp.requests()]).toEqual([]);
    // Not even as one that the listener had no way to answer.
    expect(lab.mib.TcpExtListenDrops).toBe(0);
  });

  test('a listener that was closed takes no SYN', () => {
    const lab = new Lab();
    lab.close(lab.listen());
    const c = lab.peer();
    c.knock();
    expect(c.take().flags).toBe('R.');
  });

  test('listen() asks for no more than somaxconn', () => {
    const lab = new Lab({ sysctl: { somaxconn: 2, tcp_syncookies: 0 } });
    lab.listen(80, () => {}, 1000);
    expect([...lab.host.stack.tcp.listeners()][0]?.backlog).toBe(2);
  });
});

describe('the SYN queue', () => {
  const queue = (lab: Lab): { synQueueLength: number; young: number } =>
    [...lab.host.stack.tcp.listeners()][0]!;

  test('every entry that leaves gives its place back: completed, reset, or given up', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const peers = [0, 1, 2].map(() => {
      const c = lab.peer();
      c.knock();
      c.take();
      return c;
    });
    expect(queue(lab)).toMatchObject({ synQueueLength: 3, young: 3 });
    peers[0]!.say('.');
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
    peers[1]!.say('R', { seq: 1 });
    expect(queue(lab)).toMatchObject({ synQueueLength: 1, young: 1 });
    lab.run(1.5);
    expect(queue(lab)).toMatchObject({ synQueueLength: 1, young: 0 });
    lab.run(130);
    expect(queue(lab)).toMatchObject({ synQueueLength: 0, young: 0 });
    expect([...lab.host.stack.tcp.requests()]).toEqual([]);
  });

  test('a crowded one loses patience with those that never answered', () => {
    const left = (n: number): number => {
      const lab = new Lab();
      lab.listen();
      for (let i = 0; i < n; i++) lab.peer().knock();
      lab.run(20);
      return [...lab.host.stack.tcp.requests()].length;
    };
    expect(left(1)).toBe(1);
    expect(left(8)).toBe(8);
    expect(left(12)).toBe(8);
  });

  test('without cookies its last quarter is not for strangers', () => {
    const lab = new Lab({ sysctl: { tcp_syncookies: 0, tcp_max_syn_backlog: 8 } });
    lab.listen(80, () => {}, 128);
    for (let i = 0; i < 12; i++) lab.peer().knock();
    expect([...lab.host.stack.tcp.requests()]).toHaveLength(7);
  });

  test('a last ACK without timestamps, though they were agreed, completes the handshake', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock({ mss: 1460, sackOk: true, timestamps: [5000, 0] });
    c.take();
    c.say('.');
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
  });

  test('a segment outside the window does not complete the handshake', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock();
    c.take();
    c.say('.', { seq: 500_000 });
    expect(lab.accept(listener)).toBe(-EAGAIN);
    expect(c.take()).toMatchObject({ flags: '.', seq: 1, ack: 1 });
  });

  test('a wrong acknowledgement does not complete the handshake, nor does that of the SYN-ACK less one', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock();
    c.take();
    for (const ack of [0, 2, 5000]) c.say('.', { seq: 1, ack });
    expect(lab.accept(listener)).toBe(-EAGAIN);
    expect(c.heard().map(h => h.flags)).toEqual(['R', 'R', 'R']);
  });

  test('a SYN that comes again is answered with the SYN-ACK again, at once', () => {
    const lab = new Lab();
    lab.listen();
    const c = lab.peer();
    c.knock();
    const first = c.take();
    lab.run(0.6);
    c.knock();
    expect(c.take()).toMatchObject({ flags: 'S.', seq: first.seq, ack: 1 });
  });

  test('MUST-18: a SYN-ACK that went twice is not measured (Karn)', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock();
    lab.run(1.5);
    c.heard();
    c.say('.');
    c.fd = lab.accept(listener);
    expect(c.info().rtt).toBe(0);
  });
});

describe('an active open', () => {
  test('in SYN_SENT an ACK of the initial number, which acknowledges nothing, draws a RST', () => {
    const c = new Lab().dialled();
    c.say('S.', { seq: 0, ack: 0, options: { mss: 1460 } });
    expect(c.lines()).toEqual(['R 0:0(0)']);
    expect(c.state()).toBe('SYN_SENT');
  });

  test('MUST-22: tcp_syn_retries is how often the SYN is repeated', () => {
    const c = new Lab({ sysctl: { tcp_syn_retries: 2, tcp_syn_linear_timeouts: 0 } }).dialled();
    c.lab.run(100);
    expect(c.heard()).toHaveLength(2);
    expect(c.state()).toBe('CLOSED');
  });
});

describe('SYN cookies', () => {
  const cookies = (options: PeerOptions = {}): { lab: Lab; listener: number; c: Conn } => {
    const lab = new Lab({ sysctl: { tcp_syncookies: 2 } });
    const listener = lab.listen();
    const c = lab.peer(options);
    c.knock();
    c.take();
    expect([...lab.host.stack.tcp.requests()]).toEqual([]);
    return { lab, listener, c };
  };

  test('one that was given is good for a minute, and after two no more', () => {
    const good = cookies();
    good.lab.run(55);
    good.c.say('.');
    expect(good.lab.accept(good.listener)).toBeGreaterThanOrEqual(0);
    const old = cookies();
    old.lab.run(130);
    old.c.say('.');
    expect(old.lab.accept(old.listener)).toBe(-EAGAIN);
    expect(old.c.take().flags).toBe('R');
  });

  test('a number near one is none', () => {
    for (const off of [8, 64, 4096, -8, 1 << 20]) {
      const { lab, listener, c } = cookies();
      c.say('.', { ack: 1 + off });
      expect(lab.accept(listener)).toBe(-EAGAIN);
      expect(c.take().flags).toBe('R');
    }
  });

  test('it remembers the MSS', () => {
    const { lab, listener, c } = cookies({ mss: 1300 });
    c.say('.');
    c.fd = lab.accept(listener);
    c.send(5000);
    expect(c.heard()[0]?.data.length).toBe(1300);
  });

  test('with timestamps it remembers the window scale and SACK', () => {
    const { lab, listener, c } = cookies({ timestamps: true, windowScale: 7, sackOk: true });
    c.say('.', { window: 100 });
    c.fd = lab.accept(listener);
    c.window = 100;
    c.send(10_000);
    expect(c.heard().reduce((n, h) => n + h.data.length, 0)).toBe(10_000);
  });
});
