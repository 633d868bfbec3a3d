import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../src/base/address.ts';
import type { UdpEndpoint } from '../../src/udp/endpoint.ts';
import { decodeIpv4, Ipv4Header } from '../../src/wire/ipv4.ts';
import { decodeIpv6, Ipv6Header } from '../../src/wire/ipv6.ts';
import { OK } from '../../src/wire/reason.ts';
import { putUdp } from '../../src/wire/udp.ts';
import { address, Bench, bytes } from '../stack/net.ts';
import { fragment6, inject, output, raw4, raw6 } from './raw.ts';

function host(sysctl: Record<string, number> = {}) {
  const b = new Bench();
  const A = b.host('A', sysctl);
  const x = A.addInterface({ name: 'eth0', medium: 'ip', mtu: 1500 });
  x.addAddress('10.9.0.1/24');
  x.addAddress('fd00::1/64');
  const server = A.udp.socket(6);
  server.bind(address('::'), 5);
  return { b, A, x, server };
}

/** A UDP datagram with its header, from port 6 to port 5. */
function udp(n: number, source: Address, destination: Address): Uint8Array {
  const out = new Uint8Array(8 + n);
  out.set(bytes(n), 8);
  putUdp(out, 0, out.length, 6, 5, source, destination);
  return out;
}
const udp4 = (n: number): Uint8Array => udp(n, address('10.9.0.2'), address('10.9.0.1'));
const udp6 = (n: number): Uint8Array => udp(n, address('fd00::2'), address('fd00::1'));

function took(server: UdpEndpoint): Uint8Array | null {
  const d = server.receive();
  return typeof d === 'number' ? null : d.bytes;
}

describe('fragmentation on the way out', () => {
  for (const [from, to, mtu] of [
    ['10.9.0.1', '10.9.0.2', 1500],
    ['10.9.0.1', '10.9.0.2', 68],
    ['fd00::1', 'fd00::2', 1280],
  ] as const) {
    it(`cuts a datagram of 8000 bytes to ${from} at ${mtu} and the other side puts it together`, () => {
      const b = new Bench();
      const A = b.host('A');
      const B = b.host('B');
      b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64'], { mtu });
      const server = B.udp.socket(6);
      server.bind(address('::'), 5);
      const client = A.udp.socket(from.includes(':') ? 6 : 4);
      expect(client.send(bytes(8000), 0, 8000, address(to), 5)).toBe(8000);
      b.settle();
      expect(took(server)).toEqual(bytes(8000));
      for (const f of b.seen) expect(f.bytes.length).toBeLessThanOrEqual(mtu);
      const h4 = new Ipv4Header();
      const h6 = new Ipv6Header();
      for (const f of b.seen) {
        const reason = to.includes(':')
          ? decodeIpv6(f.bytes, 0, f.bytes.length, h6, 0)
          : decodeIpv4(f.bytes, 0, f.bytes.length, h4);
        expect(reason).toBe(OK);
      }
    });
  }

  it('carries the largest UDP datagrams', () => {
    const b = new Bench();
    const A = b.host('A');
    const B = b.host('B');
    b.wire(A, B, ['10.9.0.1/24', 'fd00::1/64'], ['10.9.0.2/24', 'fd00::2/64']);
    const server = B.udp.socket(6);
    server.bind(address('::'), 5);
    A.udp.socket(4).send(bytes(65507), 0, 65507, address('10.9.0.2'), 5);
    b.settle();
    expect(took(server)).toEqual(bytes(65507));
    A.udp.socket(6).send(bytes(65527), 0, 65527, address('fd00::2'), 5);
    b.settle();
    expect(took(server)).toEqual(bytes(65527));
  });

  it('numbers datagrams that may be cut anew each, and atomic ones 0 (RFC 6864)', () => {
    const { A, x } = host();
    const s = A.udp.socket(4);
    s.send(bytes(4000), 0, 4000, address('10.9.0.2'), 5);
    s.send(bytes(4000), 0, 4000, address('10.9.0.2'), 5);
    s.send(bytes(10), 0, 10, address('10.9.0.2'), 5);
    const ids = output(A, x).map(d => (d[4]! << 8) | d[5]!);
    expect(ids.length).toBe(7);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(ids[3]).toBe((ids[0]! + 1) & 0xffff);
    expect(ids[6]).toBe(0);
  });
});

describe('reassembly', () => {
  it('takes pieces in any order, and repeated ones', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6, maxLength: 6 }),
        fc.boolean(),
        (order, v6) => {
          const { A, x, server } = host();
          const whole = v6 ? udp6(1000) : udp4(1000);
          for (const i of [...order.slice(0, 3), ...order]) {
            const piece = whole.slice(i * 200, Math.min((i + 1) * 200, whole.length));
            inject(
              A,
              x,
              v6
                ? fragment6(piece, 17, i * 200, i < 5, 99)
                : raw4(piece, { id: 9, offset: i * 200, more: i < 5 }),
            );
          }
          expect(took(server)).toEqual(bytes(1000));
          expect(took(server)).toBe(null);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('drops a datagram whose pieces overlap, all of it (teardrop, RFC 5722)', () => {
    for (const v6 of [false, true]) {
      for (const [at, n] of [
        [104, 48],
        [96, 16],
        [192, 104],
        [0, 304],
      ] as const) {
        const { A, x, server } = host();
        const whole = v6 ? udp6(392) : udp4(392);
        const put = (from: number, to: number, more: boolean): void =>
          inject(
            A,
            x,
            v6
              ? fragment6(whole.slice(from, to), 17, from, more, 9)
              : raw4(whole.slice(from, to), { id: 9, offset: from, more }),
          );
        put(0, 104, true);
        put(200, 304, true);
        put(at, at + n, true);
        put(104, 200, true);
        put(304, 400, false);
        expect(took(server), `${at}+${n} v6=${v6}`).toBe(null);
        expect(A.mib.drops.get('fragment-overlap')).toBe(1);
        // Another datagram is not harmed.
        inject(A, x, v6 ? raw6(whole, 17) : raw4(whole));
        expect(took(server)).toEqual(bytes(392));
      }
    }
  });

  it('refuses pieces that reach beyond 65535 bytes (ping of death), and two different ends', () => {
    const { A, x, server } = host();
    for (let at = 0; at < 65528; at += 1024) {
      inject(A, x, raw4(new Uint8Array(1024), { id: 3, offset: at, more: true }));
    }
    inject(A, x, raw4(new Uint8Array(1480), { id: 3, offset: 65528, more: false }));
    inject(A, x, raw4(new Uint8Array(64), { id: 4, offset: 640, more: false }));
    inject(A, x, raw4(new Uint8Array(64), { id: 4, offset: 320, more: false }));
    inject(A, x, raw4(new Uint8Array(64), { id: 5, offset: 640, more: false }));
    inject(A, x, raw4(new Uint8Array(64), { id: 5, offset: 1280, more: true }));
    expect(took(server)).toBe(null);
    expect(A.mib.drops.get('fragment-length')).toBe(2);
    expect(A.mib.drops.get('fragment-too-big')).toBeGreaterThan(0);
  });

  it('stays under ipfrag_high_thresh whatever comes (FragmentSmack), and a real datagram still gets through', () => {
    for (const v6 of [false, true]) {
      const { A, x, server } = host({ ipfrag_high_thresh: 200000, ip6frag_high_thresh: 200000 });
      const memory = (): number => {
        const { fragments4, fragments6 } = (
          A as unknown as { input: { fragments4: { memory: number }; fragments6: { memory: number } } }
        ).input;
        return v6 ? fragments6.memory : fragments4.memory;
      };
      const piece = new Uint8Array(8);
      for (let i = 0; i < 30000; i++) {
        const offset = 8 + (((i * 16) % 65000) & ~7);
        inject(
          A,
          x,
          v6
            ? fragment6(piece, 17, offset, true, i % 7 === 0 ? i : 5)
            : raw4(piece, { id: i % 7 === 0 ? i & 0xffff : 5, offset, more: true }),
        );
        if (i % 1000 === 0) expect(memory()).toBeLessThanOrEqual(200000);
      }
      expect(memory()).toBeLessThanOrEqual(200000);
      const whole = v6 ? udp6(2000) : udp4(2000);
      for (let at = 0; at < 2008; at += 1000) {
        const p = whole.slice(at, Math.min(at + 1000, 2008));
        inject(
          A,
          x,
          v6 ? fragment6(p, 17, at, at < 2000, -1) : raw4(p, { id: 65000, offset: at, more: at < 2000 }),
        );
      }
      expect(took(server)).toEqual(bytes(2000));
    }
  });

  it('spends little on many pieces of one datagram in the worst order', () => {
    const { A, x } = host();
    for (let at = 65000 & ~7; at >= 8; at -= 8)
      inject(A, x, raw4(new Uint8Array(8), { id: 1, offset: at, more: true }));
    expect(A.mib.IpReasmReqds).toBe(8125);
  });

  it('gives up after ipfrag_time, says so if the first piece came, and frees the memory', () => {
    const { b, A, x } = host();
    const whole = udp4(1000);
    inject(A, x, raw4(whole.slice(0, 504), { id: 1, more: true }));
    inject(A, x, raw4(whole.slice(504, 600), { id: 2, offset: 504, more: true }));
    b.run(29.9e6);
    expect(A.mib.IpReasmTimeout).toBe(0);
    expect(output(A, x)).toEqual([]);
    b.run(0.2e6);
    expect(A.mib.IpReasmTimeout).toBe(2);
    const sent = output(A, x);
    expect(sent.length).toBe(1);
    expect([...sent[0]!.slice(20, 22)]).toEqual([11, 1]);
    expect(A.deadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('tells IPv6 senders after 60 s', () => {
    const { b, A, x } = host();
    inject(A, x, fragment6(udp6(1000).slice(0, 504), 17, 0, true, 5));
    b.run(59.9e6);
    expect(output(A, x)).toEqual([]);
    b.run(0.2e6);
    const sent = output(A, x);
    expect(sent.length).toBe(1);
    expect([...sent[0]!.slice(40, 42)]).toEqual([3, 1]);
  });

  it('takes an atomic fragment alone, whatever else bears its identification (RFC 6946)', () => {
    const { A, x, server } = host();
    inject(A, x, fragment6(udp6(1000).slice(0, 504), 17, 0, true, 5));
    inject(A, x, fragment6(udp6(77), 17, 0, false, 5));
    expect(took(server)).toEqual(bytes(77));
  });

  it('keeps a congestion mark of any piece, and refuses marks beside pieces without ECN', () => {
    const { A, x, server } = host();
    const whole = udp4(1000);
    const put = (id: number, tos: number[]): void => {
      inject(A, x, raw4(whole.slice(0, 504), { id, more: true, tos: tos[0]! }));
      inject(A, x, raw4(whole.slice(504), { id, offset: 504, tos: tos[1]! }));
    };
    put(1, [2, 3]);
    const d = server.receive();
    expect(typeof d === 'object' ? d.tos : d).toBe(3);
    put(2, [0, 3]);
    expect(took(server)).toBe(null);
  });

  it('reassembles a TCP header split over fragments before anybody reads it (RFC 3128)', () => {
    const { A, x } = host();
    const tcp = new Uint8Array(20);
    tcp[12] = 0x50;
    inject(A, x, raw4(tcp.slice(0, 8), { id: 1, protocol: 6, more: true }));
    expect(A.mib.TcpInSegs).toBe(0);
    inject(A, x, raw4(tcp.slice(8), { id: 1, protocol: 6, offset: 8 }));
    expect(A.mib.TcpInSegs).toBe(1);
    expect(A.mib.TcpInCsumErrors).toBe(1);
  });
});
