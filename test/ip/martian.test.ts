import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putUdp } from '../../src/wire/udp.ts';
import { address, Bench } from '../stack/net.ts';
import { inject, output, raw4, raw6 } from './raw.ts';

function host(sysctl: Record<string, number> = {}) {
  const b = new Bench();
  const A = b.host('A', sysctl);
  const x = A.addInterface({ name: 'eth0', medium: 'ip', mtu: 1500 });
  x.addAddress('10.9.0.1/24');
  x.addAddress('fd00::1/64');
  A.routes.add({ destination: 'default', via: '10.9.0.2', interface: x });
  return { b, A, x };
}

const udp = new Uint8Array([0, 6, 0, 5, 0, 8, 0, 0]);

describe('martians (attack 69) and other datagrams that are not for us', () => {
  it('from impossible IPv4 sources are dropped, never answered', () => {
    for (const forward of [0, 1]) {
      const { A, x } = host({ ip_forward: forward });
      const sources = [
        '0.0.0.0',
        '0.1.2.3',
        '127.0.0.1',
        '127.9.9.9',
        '10.9.0.1',
        '224.0.0.1',
        '255.255.255.255',
        '10.9.0.255',
      ];
      for (const source of sources) {
        for (const destination of ['10.9.0.1', '10.9.0.255', '192.0.2.1']) {
          inject(A, x, raw4(udp, { source, destination, ttl: 1 }));
        }
      }
      expect(output(A, x)).toEqual([]);
      expect(A.mib.drops.get('ip-martian')).toBe(sources.length * 3);
    }
  });

  it('to 127/8 or 0/8 from the wire are dropped', () => {
    const { A, x } = host();
    const s = A.udp.socket(4);
    s.bind(address('0.0.0.0'), 5);
    inject(A, x, raw4(udp, { destination: '127.0.0.1' }));
    inject(A, x, raw4(udp, { destination: '0.0.0.0' }));
    expect(s.queued).toBe(0);
    expect(output(A, x)).toEqual([]);
  });

  it('a good packet before does not let a martian of the same source pass', () => {
    const { A, x } = host();
    const s = A.udp.socket(4);
    s.bind(address('0.0.0.0'), 5);
    inject(A, x, raw4(udp, { source: '10.9.0.2' }));
    inject(A, x, raw4(udp, { source: '10.9.0.2', destination: '127.0.0.1' }));
    inject(A, x, raw4(udp, { source: '0.0.0.0', destination: '255.255.255.255' }));
    inject(A, x, raw4(udp, { source: '0.0.0.0' }));
    expect(s.queued).toBe(2);
    // An address that becomes ours is a martian from then on.
    x.addAddress('10.9.0.2/24');
    inject(A, x, raw4(udp, { source: '10.9.0.2' }));
    expect(s.queued).toBe(2);
  });

  it('from impossible IPv6 sources are dropped, never answered', () => {
    const { A, x } = host({ ipv6_forwarding: 1 });
    for (const source of ['::', '::1', 'fd00::1', 'ff02::1', '::ffff:1.2.3.4', '::ffff:10.9.0.2']) {
      inject(A, x, raw6(udp, 17, source, 'fd00::1'));
    }
    for (const destination of ['::', '::1', 'ff01::1', '::ffff:10.9.0.1'])
      inject(A, x, raw6(udp, 17, 'fd00::2', destination));
    expect(output(A, x)).toEqual([]);
    expect(A.mib.drops.get('ip-martian')).toBe(10);
  });

  it('TCP to a broadcast or multicast address is dropped in silence (MUST-57)', () => {
    const { A, x } = host();
    const syn = new Uint8Array(20);
    syn.set([0, 6, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2]);
    for (const destination of ['10.9.0.255', '255.255.255.255', '224.0.0.1'])
      inject(A, x, raw4(syn, { protocol: 6, destination }));
    inject(A, x, raw6(syn, 6, 'fd00::2', 'ff02::1'));
    expect(output(A, x)).toEqual([]);
    expect(A.mib.TcpInSegs).toBe(0);
  });

  it('headers that lie are counted and dropped: lengths, version, checksum', () => {
    const { A, x } = host();
    const good = raw4(udp);
    const with_ = (at: number, value: number): Uint8Array => {
      const d = good.slice();
      d[at] = value;
      return d;
    };
    inject(A, x, with_(0, 0x44));
    inject(A, x, with_(0, 0x55));
    inject(A, x, with_(0, 0x4f));
    inject(A, x, with_(3, 19));
    inject(A, x, with_(3, 200));
    inject(A, x, with_(10, good[10]! ^ 1));
    inject(A, x, good.slice(0, 19));
    inject(A, x, new Uint8Array(0));
    expect(A.mib.IpInHdrErrors).toBe(8);
    expect(output(A, x)).toEqual([]);
  });

  it('trailing padding is not payload', () => {
    const { A, x } = host();
    const s = A.udp.socket(4);
    s.bind(address('0.0.0.0'), 5);
    const padded = new Uint8Array(60);
    padded.set(raw4(udp));
    inject(A, x, padded);
    const d = s.receive();
    expect(typeof d === 'object' && d.bytes.length).toBe(0);
  });

  it('IPv6: unknown options ask for problems by their bits, routing type 0 and endless headers die (attack 67)', () => {
    const { A, x } = host();
    const summed = udp.slice();
    putUdp(summed, 0, 8, 6, 5, address('fd00::2'), address('fd00::1'));
    const option = (type: number): Uint8Array => new Uint8Array([17, 0, type, 4, 0, 0, 0, 0, ...summed]);
    for (const type of [0x1e, 0x5e, 0x9e, 0xde]) inject(A, x, raw6(option(type), 60));
    inject(A, x, raw6(option(0x9e), 60, 'fd00::2', 'ff02::1'));
    inject(A, x, raw6(option(0xde), 60, 'fd00::2', 'ff02::1'));
    const codes = output(A, x).map(d => [d[40], d[41], d[47]]);
    // 0x1e is skipped: the port is closed; 0x5e dies in silence.
    expect(codes).toEqual([
      [1, 4, 0],
      [4, 2, 42],
      [4, 2, 42],
      [4, 2, 42],
    ]);
    inject(A, x, raw6(new Uint8Array([17, 2, 0, 1, ...new Array<number>(20).fill(0), ...udp]), 43));
    const chain: number[] = [];
    for (let i = 0; i < 100; i++) chain.push(60, 0, 1, 4, 0, 0, 0, 0);
    inject(A, x, raw6(new Uint8Array(chain), 60));
    inject(A, x, raw6(new Uint8Array([0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, ...udp]), 60));
    expect(A.mib.drops.get('ip6-routing-type-0')).toBe(1);
    expect(A.mib.drops.get('ip6-too-many-headers')).toBe(1);
    expect(A.mib.drops.get('ip6-extension-order')).toBe(1);
  });

  it('any bytes at all neither throw nor leave anything behind', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom('ip', 'ethernet'),
        fc.nat(5),
        (junk, medium, kind) => {
          const b = new Bench();
          const A = b.host('A', { ip_forward: 1, ipv6_forwarding: 1 });
          const x = A.addInterface({
            name: 'eth0',
            medium,
            mtu: 1500,
            ...(medium === 'ethernet' ? { mac: '02:00:00:00:00:01' } : {}),
          });
          x.addAddress('10.9.0.1/24');
          x.addAddress('fd00::1/64');
          let d: Uint8Array = junk;
          if (kind === 1) d = raw4(junk, { protocol: junk[0] ?? 0 });
          else if (kind === 2) d = raw6(junk, junk[0] ?? 0);
          else if (kind === 3) d = raw4(junk, { protocol: 1 });
          else if (kind === 4) d = raw6(junk, 58, 'fd00::2', 'fd00::1', 255);
          else if (kind === 5) d = raw4(junk, { offset: 8 * (junk[0] ?? 0), more: (junk[1] ?? 0) > 99 });
          if (medium === 'ethernet') {
            const type =
              d[0]! >>> 4 === 6 ? [0x86, 0xdd] : kind === 0 && (junk[0] ?? 0) & 1 ? [8, 6] : [8, 0];
            d = new Uint8Array([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...type, ...d]);
          }
          inject(A, x, d);
          output(A, x);
          A.expire(A.now);
          b.now = 120e6;
          A.expire(b.now);
          output(A, x);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
