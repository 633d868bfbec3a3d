import { describe, expect, it } from 'vitest';
import { ECONNREFUSED, EHOSTUNREACH } from '../../src/base/errno.ts';
import type { Interface } from '../../src/stack/interface.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { Connection } from '../../src/tcp/connection.ts';
import type { Listener } from '../../src/tcp/listener.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import { CLOSED, ESTABLISHED, SYN_SENT } from '../../src/tcp/state.ts';
import { address, Bench, bytes } from './net.ts';

function listen(s: Stack, at: string, port: number): Listener {
  const l = s.tcp.listen(new TcpOptions(), { address: address(at), port }, 10);
  if (typeof l === 'number') throw new Error(`listen: ${l}`);
  return l;
}

function connect(s: Stack, to: string, port: number): Connection {
  const c = s.tcp.connect(new TcpOptions(), null, address(to), port);
  if (typeof c === 'number') throw new Error(`connect: ${c}`);
  return c;
}

/** Sends everything through, reading at the other end as it comes. */
function transfer(b: Bench, from: Connection, to: Connection, data: Uint8Array): Uint8Array {
  const got = new Uint8Array(data.length);
  let sent = 0;
  let have = 0;
  for (let step = 0; step < 20000 && have < data.length; step++) {
    if (sent < data.length) {
      const n = from.send(data, sent, data.length - sent, 0);
      if (n > 0) sent += n;
    }
    b.settle();
    const n = to.recv(got, have, data.length - have, 0);
    if (n > 0) have += n;
    else if (sent === data.length || n < 0) b.run(10_000);
  }
  expect(have).toBe(data.length);
  return got;
}

const same = (x: Uint8Array, y: Uint8Array): boolean => Buffer.compare(x, y) === 0;

interface Where {
  name: string;
  make: () => { b: Bench; A: Stack; B: Stack; to: string };
}

function direct(medium: 'ip' | 'ethernet', to: string, offload = false, scatter = false): Where['make'] {
  return () => {
    const b = new Bench();
    const A = b.host('A');
    const B = b.host('B');
    const extra = { checksumOffload: offload, gsoMax: offload ? 60000 : 0, scatter };
    b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64'], { medium, extra });
    return { b, A, B, to };
  };
}

function routed(to: string, mtu: number, offload = false, scatter = false): Where['make'] {
  return () => {
    const b = new Bench();
    const A = b.host('A');
    const R = b.host('R', { ip_forward: 1, ipv6_forwarding: 1 });
    const B = b.host('B');
    const extra = { checksumOffload: offload, gsoMax: offload ? 60000 : 0, scatter };
    const [x] = b.wire(A, R, ['10.1.0.1/24', 'fd01::1/64'], ['10.1.0.254/24', 'fd01::ff/64'], {
      medium: 'ethernet',
      extra,
    });
    const [, y] = b.wire(R, B, ['10.2.0.254/24', 'fd02::ff/64'], ['10.2.0.1/24', 'fd02::1/64'], { mtu });
    A.routes.add({ destination: 'default', via: '10.1.0.254', interface: x });
    A.routes.add({ destination: 'default', via: 'fd01::ff', interface: x });
    B.routes.add({ destination: 'default', via: '10.2.0.254', interface: y });
    B.routes.add({ destination: 'default', via: 'fd02::ff', interface: y });
    return { b, A, B, to };
  };
}

const places: Where[] = [
  { name: 'over IPv4 on a bare link', make: direct('ip', '10.9.0.2') },
  { name: 'over IPv6 on a bare link', make: direct('ip', 'fd00::2') },
  { name: 'over IPv4 on Ethernet', make: direct('ethernet', '10.9.0.2') },
  { name: 'over IPv6 on Ethernet', make: direct('ethernet', 'fd00::2') },
  { name: 'over a link with offload', make: direct('ip', '10.9.0.2', true) },
  { name: 'over IPv6 on a link with offload', make: direct('ethernet', 'fd00::2', true) },
  { name: 'through a router to a narrower link (path MTU discovery)', make: routed('10.2.0.1', 1280) },
  { name: 'through a router to a narrower link over IPv6', make: routed('fd02::1', 1280) },
  { name: 'through a router that cuts super-segments', make: routed('10.2.0.1', 1500, true) },
  { name: 'through a router that cuts super-segments over IPv6', make: routed('fd02::1', 1500, true) },
  { name: 'over a link that carries segments by reference', make: direct('ip', '10.9.0.2', false, true) },
  { name: 'over IPv6 and Ethernet, by reference', make: direct('ethernet', 'fd00::2', false, true) },
  { name: 'by reference to a router that copies', make: routed('10.2.0.1', 1280, false, true) },
  { name: 'over a link that carries by reference', make: direct('ip', '10.9.0.2', true, true) },
  { name: 'over IPv6 on a link that carries by reference', make: direct('ethernet', 'fd00::2', true, true) },
  {
    name: 'from a link that carries by reference through a router to a narrower one',
    make: routed('10.2.0.1', 1280, true, true),
  },
  {
    name: 'from a link that carries by reference through a router to a narrower one over IPv6',
    make: routed('fd02::1', 1280, true, true),
  },
];

describe('TCP on the stack', () => {
  for (const { name, make } of places) {
    it(`opens, carries 300 kB each way and closes ${name}`, () => {
      const { b, A, B, to } = make();
      const l = listen(B, to.includes(':') ? '::' : '0.0.0.0', 80);
      const c = connect(A, to, 80);
      b.settle();
      expect(c.state).toBe(ESTABLISHED);
      const d = l.accept()!;
      expect(same(transfer(b, c, d, bytes(300000)), bytes(300000))).toBe(true);
      expect(same(transfer(b, d, c, bytes(300000, 5)), bytes(300000, 5))).toBe(true);
      c.close();
      b.settle();
      d.close();
      b.run(70e6);
      l.close();
      expect([...A.tcp.connections(), ...B.tcp.connections()]).toEqual([]);
      expect(A.deadline()).toBe(Number.POSITIVE_INFINITY);
      expect(B.deadline()).toBe(Number.POSITIVE_INFINITY);
      expect(A.mib.TcpInErrs + B.mib.TcpInErrs).toBe(0);
    });
  }

  it('connects to its own host through lo, whose segments are large', () => {
    const b = new Bench();
    const A = b.host('A');
    b.wire(A, b.host('B'), ['10.9.0.1/24'], ['10.9.0.2/24']);
    for (const to of ['127.0.0.1', '::1', '10.9.0.1']) {
      const l = listen(A, to, 80);
      const c = connect(A, to, 80);
      b.settle();
      const d = l.accept()!;
      expect(same(transfer(b, c, d, bytes(400000)), bytes(400000))).toBe(true);
      // Half of the largest window that the peer has announced (Linux).
      expect(c.mss).toBe(c.maxWindow >> 1);
      expect(c.mss).toBeGreaterThanOrEqual(32768);
      c.close();
      d.close();
      l.close();
      b.settle();
    }
    expect(b.seen).toEqual([]);
  });

  it('carries lo’s traffic without a second interface, by expire alone', () => {
    const A = new Bench().host('A');
    const l = listen(A, '127.0.0.1', 80);
    const c = connect(A, '127.0.0.1', 80);
    for (let i = 0; i < 10 && A.deadline() <= A.now; i++) A.expire(A.now);
    A.transmit(A.lo, A.now, () => true);
    for (let i = 0; i < 10 && A.deadline() <= A.now; i++) A.expire(A.now);
    expect(c.state).toBe(ESTABLISHED);
    expect(l.accept()).toBeInstanceOf(Connection);
  });

  it('a closed port refuses, a dead neighbour is unreachable', () => {
    const { b, A } = direct('ethernet', '10.9.0.2')();
    const refused = connect(A, '10.9.0.2', 81);
    b.settle();
    expect(refused.state).toBe(CLOSED);
    expect(refused.error).toBe(ECONNREFUSED);
    const dead = connect(A, '10.9.0.99', 81);
    b.run(2.9e6);
    expect(dead.state).toBe(SYN_SENT);
    b.run(0.3e6);
    expect(dead.state).toBe(CLOSED);
    expect(dead.error).toBe(EHOSTUNREACH);
  });

  it('a forged "fragmentation needed" whose sequence number is not in flight changes nothing (attack 8)', () => {
    const { b, A, B, to } = routed('10.2.0.1', 1500)();
    const l = listen(B, '0.0.0.0', 80);
    const c = connect(A, to, 80);
    b.settle();
    l.accept();
    const quote = A.icmp;
    expect(quote).toBeDefined();
    const error = {
      source: c.local,
      destination: c.remote,
      sourcePort: c.localPort,
      destinationPort: 80,
      protocol: 6,
    };
    A.tcp.icmpError(
      Object.assign(Object.create(null), error, {
        family: 4,
        type: 3,
        code: 4,
        mtu: 600,
        seq: (c.sndNxt + 5000) | 0,
        at: 0,
        end: 0,
      }),
    );
    expect(c.path.mtu).toBe(1500);
    A.tcp.icmpError(
      Object.assign(Object.create(null), error, {
        family: 4,
        type: 3,
        code: 4,
        mtu: 600,
        seq: c.sndUna,
        at: 0,
        end: 0,
      }),
    );
    expect(c.path.mtu).toBe(600);
  });

  it('waits for room when a link takes nothing, losing nothing', () => {
    const b = new Bench();
    const A = b.host('A');
    const B = b.host('B');
    b.wire(A, B, ['10.9.0.1/24'], ['10.9.0.2/24'], { extra: { txQueueLength: 64 } });
    const l = listen(B, '0.0.0.0', 80);
    const c = connect(A, '10.9.0.2', 80);
    b.settle();
    const d = l.accept()!;
    const x = A.interfaces[1]!;
    c.send(bytes(40000), 0, 40000, 0);
    for (let i = 0; i < 5; i++) A.transmit(x, A.now, () => false);
    expect(x.queued).toBe(10);
    expect(transfer(b, c, d, bytes(200000)).length).toBe(200000);
    expect(x.counters.txDropped).toBe(0);
    expect(A.mib.TcpRetransSegs).toBe(0);
  });
});

describe('the stack’s contract', () => {
  it('close() frees everything (regression 28)', () => {
    const { b, A, B } = direct('ethernet', '10.9.0.2')();
    const l = listen(B, '0.0.0.0', 80);
    const open: Connection[] = [];
    for (let i = 0; i < 5; i++) {
      const c = connect(A, '10.9.0.2', 80);
      open.push(c);
      b.settle();
      l.accept();
      c.send(bytes(5000), 0, 5000, 0);
    }
    const u = A.udp.socket(4);
    u.bind(address('0.0.0.0'), 9);
    A.icmp.openPing();
    u.send(bytes(3000), 0, 3000, address('10.9.0.55'), 9);
    open[0]!.close();
    A.close();
    A.close();
    expect(A.deadline()).toBe(Number.POSITIVE_INFINITY);
    expect([...A.tcp.connections()]).toEqual([]);
    expect(A.tcp.timersArmed).toBe(0);
    expect([...A.udp.endpoints()]).toEqual([]);
    expect(A.neighbors.size).toBe(0);
    expect(A.interfaces).toEqual([]);
    // What still comes in is dropped without a word.
    const ifc = {
      isUp: true,
      medium: 'ip',
      counters: { rxPackets: 0, rxBytes: 0, rxDropped: 0 },
    } as unknown as Interface;
    A.receive(ifc, B.frames.from(bytes(40)), 5);
    A.expire(1e9);
    A.transmit(ifc, 1e9, () => true);
  });

  it('gives all frames back to their pool', () => {
    const { b, A, B } = direct('ethernet', '10.9.0.2')();
    let out = 0;
    for (const s of [A, B]) {
      const { frames } = s;
      const take = frames.take.bind(frames);
      const put = frames.put.bind(frames);
      frames.take = n => {
        out++;
        return take(n);
      };
      frames.put = f => {
        out--;
        put(f);
      };
    }
    const l = listen(B, '0.0.0.0', 80);
    const c = connect(A, '10.9.0.2', 80);
    b.settle();
    const d = l.accept()!;
    transfer(b, c, d, bytes(100000));
    const u = A.udp.socket(4);
    u.send(bytes(9000), 0, 9000, address('10.9.0.2'), 7);
    u.send(bytes(100), 0, 100, address('10.9.0.77'), 7);
    u.send(bytes(100), 0, 100, address('127.0.0.1'), 7);
    c.close();
    d.close();
    b.run(100e6);
    expect(out).toBe(0);
  });

  it('never goes back in time', () => {
    const A = new Bench().host('A');
    A.tick(5e6);
    A.tick(1e6);
    expect(A.now).toBe(5e6);
  });

  it('says what is wrong with an interface', () => {
    const A = new Bench().host('A');
    const ok = { name: 'eth0', medium: 'ip', mtu: 1500 } as const;
    A.addInterface(ok);
    expect(() => A.addInterface(ok)).toThrow(/name 'eth0' is taken/);
    expect(() => A.addInterface({ ...ok, name: 'x', mtu: 67 })).toThrow(/mtu 67: .*68\.\.65536/);
    expect(() => A.addInterface({ ...ok, name: 'x', medium: 'ethernet', mac: 'zz' })).toThrow(/mac 'zz'/);
    expect(() => A.addInterface({ ...ok, name: 'x', gsoMax: -1 })).toThrow(/gsoMax/);
    expect(A.interface('eth0')!.addAddress('10.0.0.1/33')).toBeLessThan(0);
    expect(A.interface('eth0')!.addAddress('224.0.0.1/4')).toBeLessThan(0);
    expect(A.interface('eth0')!.removeAddress('10.0.0.1')).toBeLessThan(0);
  });

  it('drops frames for other hardware addresses, and everything while an interface is down', () => {
    const { b, A, B } = direct('ethernet', '10.9.0.2')();
    const u = B.udp.socket(4);
    u.bind(address('0.0.0.0'), 5);
    const y = B.interfaces[1]!;
    A.udp.socket(4).send(bytes(5), 0, 5, address('10.9.0.2'), 5);
    b.settle();
    expect(u.queued).toBe(1);
    b.lose = f => {
      if (f.bytes[f.start + 5] !== 255) f.bytes[f.start + 5]! ^= 1;
      return false;
    };
    A.udp.socket(4).send(bytes(5), 0, 5, address('10.9.0.2'), 5);
    b.settle();
    expect(u.queued).toBe(1);
    expect(y.counters.rxDropped).toBe(1);
    b.lose = () => false;
    y.down();
    A.udp.socket(4).send(bytes(5), 0, 5, address('10.9.0.2'), 5);
    b.settle();
    expect(u.queued).toBe(1);
    expect(B.mib.drops.get('interface-down')).toBe(1);
    y.up();
    A.udp.socket(4).send(bytes(5), 0, 5, address('10.9.0.2'), 5);
    b.settle();
    expect(u.queued).toBe(2);
  });
});
