import { describe, expect, it } from 'vitest';
import { ECONNREFUSED, EHOSTUNREACH } from '../../src/base/errno.ts';
import type { PingEndpoint } from '../../src/icmp/ping.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { decodeIcmp4, Icmp4Message, putIcmp4 } from '../../src/wire/icmp4.ts';
import { decodeIcmp6, Icmp6Message, putIcmp6 } from '../../src/wire/icmp6.ts';
import { OK } from '../../src/wire/reason.ts';
import { inject, output, raw4, raw6 } from '../ip/raw.ts';
import { address, Bench, bytes } from '../stack/net.ts';

function pair(medium: 'ip' | 'ethernet' = 'ip', sysctl: Record<string, number> = {}) {
  const b = new Bench();
  const A = b.host('A', sysctl);
  const B = b.host('B');
  const [x, y] = b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64'], { medium });
  return { b, A, B, x, y };
}

function ping(s: Stack): PingEndpoint {
  const p = s.icmp.openPing();
  if (typeof p === 'number') throw new Error(`${p}`);
  return p;
}

function icmp4(type: number, code: number, word: number, rest: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + rest.length);
  out.set(rest, 8);
  putIcmp4(out, 0, out.length, type, code, word);
  return out;
}

function icmp6(type: number, code: number, word: number, rest: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + rest.length);
  out.set(rest, 8);
  putIcmp6(out, 0, out.length, type, code, word, address('fd00::2'), address('fd00::1'));
  return out;
}

function message4(datagram: Uint8Array): Icmp4Message {
  const m = new Icmp4Message();
  expect(decodeIcmp4(datagram, 20, datagram.length, m)).toBe(OK);
  return m;
}

describe('echo', () => {
  for (const medium of ['ip', 'ethernet'] as const) {
    for (const far of ['10.9.0.2', 'fd00::2', '127.0.0.1', '::1']) {
      it(`is answered by ${far} on ${medium}, at any size`, () => {
        const { b, A } = pair(medium);
        const p = ping(A);
        for (const [i, n] of [0, 56, 1472, 9000].entries()) expect(p.send(address(far), i, bytes(n))).toBe(0);
        b.settle();
        expect(p.replies.map(r => [r.sequence, r.length, r.ttl])).toEqual([
          [0, 0, 64],
          [1, 56, 64],
          [2, 1472, 64],
          [3, 9000, 64],
        ]);
        expect(p.replies[0]!.source.toString()).toBe(far);
      });
    }
  }

  it('is not answered if told so, nor to a broadcast address', () => {
    const { A, x } = pair('ip', { icmp_echo_ignore_all: 1 });
    inject(A, x, raw4(icmp4(8, 0, 1, bytes(8)), { protocol: 1 }));
    expect(output(A, x)).toEqual([]);
    const { A: C, x: z } = pair();
    inject(C, z, raw4(icmp4(8, 0, 1, bytes(8)), { protocol: 1, destination: '10.9.0.255' }));
    inject(C, z, raw4(icmp4(8, 0, 1, bytes(8)), { protocol: 1, destination: '224.0.0.1' }));
    expect(output(C, z)).toEqual([]);
    expect(C.mib.IcmpInEchos).toBe(2);
  });

  it('is dropped with a bad checksum', () => {
    const { A, x } = pair();
    const bad = icmp4(8, 0, 1, bytes(8));
    bad[9]! ^= 1;
    inject(A, x, raw4(bad, { protocol: 1 }));
    expect(output(A, x)).toEqual([]);
    expect(A.mib.IcmpInCsumErrors).toBe(1);
  });

  it('with malformed or route options: bad ones get a parameter problem, source routes nothing', () => {
    const { A, x } = pair();
    const echo = icmp4(8, 0, 1, bytes(8));
    // Record route that is full, timestamp that is full: fine, and not in the answer.
    inject(A, x, raw4(echo, { protocol: 1, options: new Uint8Array([7, 7, 8, 1, 2, 3, 4, 0]) }));
    expect(output(A, x).map(d => d[0])).toEqual([0x45]);
    for (const options of [
      [7, 0, 0, 0],
      [7, 1, 0, 0],
      [7, 40, 4, 0],
      [68, 3, 5, 0],
      [7, 3, 0, 0],
    ]) {
      inject(A, x, raw4(echo, { protocol: 1, options: new Uint8Array(options) }));
    }
    const problems = output(A, x).map(d => message4(d));
    expect(problems.map(m => m.type)).toEqual([12, 12, 12, 12, 12]);
    expect(problems.map(m => m.pointer)).toEqual([21, 21, 21, 21, 22]);
    inject(A, x, raw4(echo, { protocol: 1, options: new Uint8Array([131, 7, 4, 10, 0, 0, 1, 0]) }));
    inject(A, x, raw4(echo, { protocol: 1, options: new Uint8Array([137, 7, 8, 10, 0, 0, 1, 0]) }));
    expect(output(A, x)).toEqual([]);
    expect(A.mib.drops.get('ip-source-route')).toBe(2);
  });
});

describe('ICMP errors that we send', () => {
  const udp = new Uint8Array([0, 6, 0, 5, 0, 8, 0, 0]);

  it('quote the offending datagram, at most 576 and 1280 bytes in all', () => {
    const { A, x } = pair();
    const big = new Uint8Array(1400);
    big.set([0, 6, 0, 5, 1400 >> 8, 1400 & 255, 0, 0]);
    inject(A, x, raw4(big));
    const [d] = output(A, x);
    expect(d!.length).toBe(576);
    const m = message4(d!);
    expect([m.type, m.code]).toEqual([3, 3]);
    expect(d!.slice(28, 28 + 40)).toEqual(raw4(big).slice(0, 40));
    inject(A, x, raw6(new Uint8Array(1400), 200));
    const [e] = output(A, x);
    expect(e!.length).toBe(1280);
    const m6 = new Icmp6Message();
    expect(decodeIcmp6(e!, 40, e!.length, address('fd00::1'), address('fd00::2'), m6)).toBe(OK);
    expect([m6.type, m6.code, m6.pointer]).toEqual([4, 1, 6]);
  });

  it('are never about errors, groups, later fragments, or sources that name no host', () => {
    const { A, x } = pair();
    for (const d of [
      raw4(udp, { destination: '10.9.0.255' }),
      raw4(udp, { destination: '255.255.255.255' }),
      raw4(udp, { destination: '224.0.0.1' }),
      raw4(udp, { source: '0.0.0.0', destination: '255.255.255.255' }),
      raw4(udp, { source: '10.9.0.255' }),
      raw4(udp, { source: '224.0.0.5' }),
      raw4(icmp4(3, 3, 0, raw4(udp, { source: '10.9.0.1', destination: '10.9.0.2' })), {
        protocol: 1,
        ttl: 1,
      }),
      raw6(udp, 200, 'fd00::2', 'ff02::1'),
      raw6(icmp6(1, 4, 0, new Uint8Array(60)), 58),
    ]) {
      inject(A, x, d);
    }
    expect(output(A, x)).toEqual([]);
  });

  it('are limited: a burst of six to one host, then one a second; fifty for all together', () => {
    const { b, A, x } = pair();
    for (let i = 0; i < 100; i++) inject(A, x, raw4(udp));
    expect(output(A, x).length).toBe(6);
    b.now += 1e6;
    A.tick(b.now);
    for (let i = 0; i < 100; i++) inject(A, x, raw4(udp));
    expect(output(A, x).length).toBe(1);
    b.now += 60e6;
    A.tick(b.now);
    for (let i = 0; i < 200; i++) inject(A, x, raw4(udp, { source: `10.9.0.${i + 2}` }));
    expect(output(A, x).length).toBe(50);
    expect(A.mib.IcmpOutRateLimitGlobal).toBeGreaterThan(100);
  });
});

describe('ICMP errors that we get', () => {
  function client(A: Stack) {
    const c = A.udp.socket(4);
    c.connect(address('10.9.0.2'), 5);
    c.send(bytes(1), 0, 1, null, 0);
    const q = new Uint8Array([c.localPort >> 8, c.localPort & 255, 0, 5, 0, 9, 0, 0]);
    return { c, quote: raw4(q, { source: '10.9.0.1', destination: '10.9.0.2' }) };
  }

  it('reach the socket that they are about', () => {
    const { A, x } = pair();
    const { c, quote } = client(A);
    inject(A, x, raw4(icmp4(3, 3, 0, quote), { protocol: 1 }));
    expect(c.error).toBe(ECONNREFUSED);
    const p = ping(A);
    p.send(address('10.9.0.2'), 1, bytes(8));
    const echo = output(A, x).slice(-1)[0]!;
    inject(A, x, raw4(icmp4(3, 1, 0, echo), { protocol: 1 }));
    expect(p.error).toBe(EHOSTUNREACH);
  });

  it('are ignored if they quote too little, a stranger, a bad header, or come by broadcast', () => {
    const { A, x } = pair();
    const { c, quote } = client(A);
    inject(A, x, raw4(icmp4(3, 3, 0, quote.slice(0, 27)), { protocol: 1 }));
    const badIhl = quote.slice();
    badIhl[0] = 0x41;
    inject(A, x, raw4(icmp4(3, 3, 0, badIhl), { protocol: 1 }));
    badIhl[0] = 0x4f;
    inject(A, x, raw4(icmp4(3, 3, 0, badIhl), { protocol: 1 }));
    inject(
      A,
      x,
      raw4(icmp4(3, 3, 0, raw4(quote.slice(20), { source: '10.9.0.7', destination: '10.9.0.2' })), {
        protocol: 1,
      }),
    );
    inject(A, x, raw4(icmp4(3, 3, 0, quote), { protocol: 1, destination: '10.9.0.255' }));
    for (let n = 0; n < 60; n++) inject(A, x, raw6(icmp6(1, 4, 0, new Uint8Array(n)), 58));
    expect(c.error).toBe(0);
    expect(A.mib.IcmpInErrors).toBe(5);
  });

  it('source quench is ignored (RFC 6633), and redirects are', () => {
    const { A, x } = pair();
    const { c, quote } = client(A);
    c.options.recverr = true;
    inject(A, x, raw4(icmp4(4, 0, 0, quote), { protocol: 1 }));
    inject(A, x, raw4(icmp4(5, 1, 0x0a090063, quote), { protocol: 1 }));
    expect(c.error).toBe(0);
    expect(A.mib.IcmpInSrcQuenchs).toBe(1);
  });

  it('a path MTU is believed for a socket of ours only, not below 552 (1280), and never raised', () => {
    const { A, x } = pair();
    const { quote } = client(A);
    const mtu = (): number => {
      const p = A.net.path(address('10.9.0.2'), null);
      return typeof p === 'number' ? p : p.mtu;
    };
    const stranger = quote.slice();
    stranger[20]! ^= 0x40;
    inject(A, x, raw4(icmp4(3, 4, 1000, stranger), { protocol: 1 }));
    expect(mtu()).toBe(1500);
    inject(A, x, raw4(icmp4(3, 4, 1400, quote), { protocol: 1 }));
    expect(mtu()).toBe(1400);
    inject(A, x, raw4(icmp4(3, 4, 1450, quote), { protocol: 1 }));
    inject(A, x, raw4(icmp4(3, 4, 9000, quote), { protocol: 1 }));
    expect(mtu()).toBe(1400);
    inject(A, x, raw4(icmp4(3, 4, 68, quote), { protocol: 1 }));
    expect(mtu()).toBe(552);
    const s = A.udp.socket(6);
    s.connect(address('fd00::2'), 5);
    const quote6 = raw6(
      new Uint8Array([s.localPort >> 8, s.localPort & 255, 0, 5, 0, 8, 0, 0]),
      17,
      'fd00::1',
      'fd00::2',
    );
    inject(A, x, raw6(icmp6(2, 0, 600, quote6), 58));
    const p6 = A.net.path(address('fd00::2'), null);
    expect(typeof p6 === 'object' && p6.mtu).toBe(1280);
  });

  it('a router that names no MTU is answered by the next plateau (RFC 1191 §7.1)', () => {
    const { A, x } = pair();
    const { quote } = client(A);
    quote[2] = 1500 >> 8;
    quote[3] = 1500 & 255;
    inject(A, x, raw4(icmp4(3, 4, 0, quote), { protocol: 1 }));
    const p = A.net.path(address('10.9.0.2'), null);
    expect(typeof p === 'object' && p.mtu).toBe(1492);
  });

  it('remembers a bounded number of path MTUs', () => {
    const { A } = pair();
    for (let i = 0; i < 5000; i++) {
      const p = A.net.path(address(`10.9.${0}.${2 + (i % 250)}`), null);
      if (typeof p === 'object') A.net.lowerMtu(p, 600 + i);
    }
    A.routes.add({ destination: 'default', via: '10.9.0.2', interface: A.interfaces[1]! });
    for (let i = 0; i < 5000; i++) {
      const p = A.net.path(address(`11.${i >> 8}.${i & 255}.1`), null);
      if (typeof p === 'object') A.net.lowerMtu(p, 600);
    }
    expect(A.net.mtus.size).toBeLessThanOrEqual(2048);
  });
});
