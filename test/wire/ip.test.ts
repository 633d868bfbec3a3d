import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { checksum } from '../../src/wire/checksum.ts';
import { decodeIpv4, IP_DF, IP_MF, Ipv4Header, putIpv4 } from '../../src/wire/ipv4.ts';
import {
  decodeIpv6,
  Ipv6Header,
  NO_PROBLEM,
  PROBLEM_FIELD,
  PROBLEM_NEXT_HEADER,
  PROBLEM_OPTION,
  putFragmentHeader,
  putIpv6,
} from '../../src/wire/ipv6.ts';
import { OK, reasonName } from '../../src/wire/reason.ts';
import { guarded, hinted, surrounded, u8, u16, word } from './guard.ts';

const A = Address.v4(0x0a090001);
const B = Address.v4(0x0a090002);

function v4(options: readonly number[], payload: number, fragment = 0): Uint8Array {
  const header = 20 + options.length;
  const bytes = new Uint8Array(header + payload);
  bytes.set(options, 20);
  putIpv4(bytes, 0, header + payload, 0, 7, fragment, 64, 6, A, B, header);
  return bytes;
}

function reason4(bytes: Uint8Array, end = bytes.length, h = new Ipv4Header()): string {
  return reasonName(decodeIpv4(guarded(bytes, 0, end), 0, end, h));
}

function seal(bytes: Uint8Array): Uint8Array {
  bytes[10] = 0;
  bytes[11] = 0;
  const c = checksum(bytes, 0, Math.min(bytes.length, (bytes[0]! & 15) << 2));
  bytes[10] = c >> 8;
  bytes[11] = c;
  return bytes;
}

describe('decodeIpv4', () => {
  test('gives back what was written, and leaves link padding out', () => {
    fc.assert(
      fc.property(
        fc.tuple(word, word, u8, u16, u8, u8, fc.constantFrom(0, IP_DF)),
        fc.nat(40),
        fc.nat(30),
        ([s, d, tos, id, ttl, protocol, df], payload, padding) => {
          const bytes = new Uint8Array(3 + 20 + payload + padding);
          const [source, destination] = [Address.v4(s), Address.v4(d)];
          putIpv4(bytes, 3, 20 + payload, tos, id, df, ttl, protocol, source, destination);
          const h = new Ipv4Header();
          expect(decodeIpv4(guarded(bytes, 3, bytes.length), 3, bytes.length, h)).toBe(OK);
          expect(h).toMatchObject({ source, destination, tos, id, ttl, protocol, at: 23, end: 23 + payload });
          expect([h.dontFragment, h.isFragment, h.totalLength]).toEqual([df !== 0, false, 20 + payload]);
        },
      ),
    );
  });

  test('row 47: a total length below the header or above the frame is refused', () => {
    for (const [total, expected] of [
      [0, 'ip-total-length'],
      [19, 'ip-total-length'],
      [20, 'ok'],
      [28, 'ok'],
      [29, 'ip-total-length'],
      [65535, 'ip-total-length'],
    ] as const) {
      const bytes = v4([], 8);
      bytes[2] = total >> 8;
      bytes[3] = total;
      expect(reason4(seal(bytes)), `${total}`).toBe(expected);
    }
  });

  test('a short packet, another version, a bad header length and a bad checksum are refused', () => {
    for (let n = 0; n < 20; n++) expect(reason4(v4([], 0), n)).toBe('ip-short');
    const six = v4([], 0);
    six[0] = 0x65;
    expect(reason4(six)).toBe('ip-version');
    for (const ihl of [0, 1, 4, 6, 15]) {
      const bytes = v4([], 0);
      bytes[0] = 0x40 | ihl;
      expect(reason4(bytes)).toBe('ip-header-length');
    }
    const flipped = v4([], 0);
    flipped[8]! ^= 1;
    expect(reason4(flipped)).toBe('ip-checksum');
  });

  test('row 66: options that are truncated, of length 0 or with a bad pointer are refused, with the place', () => {
    for (const [options, at] of [
      [[7, 0, 4, 0], 21],
      [[7, 1, 4, 0], 21],
      [[7, 5, 4, 0], 21],
      [[1, 1, 1, 7], 24],
      [[7, 3, 3, 0], 22],
      [[68, 3, 5, 0], 21],
      [[68, 4, 4, 0], 22],
      [[148, 3, 0, 0], 21],
      [[1, 130, 200, 0], 22],
    ] as const) {
      const h = new Ipv4Header();
      expect(reason4(v4(options, 0), undefined, h), options.join()).toBe('ip-option');
      expect(h.problemAt).toBe(at);
    }
  });

  test('row 66: source routes are reported, other good options are passed over', () => {
    expect(reason4(v4([131, 7, 4, 1, 2, 3, 4, 0], 4))).toBe('ip-source-route');
    expect(reason4(v4([1, 137, 7, 8, 1, 2, 3, 4], 4))).toBe('ip-source-route');
    expect(reason4(v4([7, 7, 4, 0, 0, 0, 0, 0, 131, 0, 0, 0], 4))).toBe('ok');
    expect(reason4(v4([99, 4, 1, 1], 4))).toBe('ok');
    expect(reason4(v4([0, 7, 0, 0], 4))).toBe('ok');
    const h = new Ipv4Header();
    expect(reason4(v4([148, 4, 0, 0], 4), undefined, h)).toBe('ok');
    expect(h.routerAlert).toBe(true);
    expect(reason4(v4([], 4), undefined, h)).toBe('ok');
    expect(h.routerAlert).toBe(false);
  });

  test('row 62, 63: fragments that are empty, not in units of 8, or end beyond 65535 are refused', () => {
    expect(reason4(v4([], 8, IP_MF))).toBe('ok');
    expect(reason4(v4([], 7, IP_MF))).toBe('fragment-length');
    expect(reason4(v4([], 0, IP_MF))).toBe('fragment-length');
    expect(reason4(v4([], 0, 1))).toBe('fragment-length');
    expect(reason4(v4([], 7, 1))).toBe('ok');
    expect(reason4(v4([], 16, 0x1fff))).toBe('fragment-too-big');
    expect(reason4(v4([], 400, 0x1fff - 2))).toBe('fragment-too-big');
    const h = new Ipv4Header();
    expect(reason4(v4([], 8, 100 | IP_MF), undefined, h)).toBe('ok');
    expect([h.fragmentOffset, h.moreFragments, h.isFragment]).toEqual([800, true, true]);
  });

  test('whatever the bytes: no throw, no read outside, payload within', () => {
    const likely = fc
      .tuple(fc.uint8Array({ minLength: 20, maxLength: 100 }), fc.integer({ min: 5, max: 15 }))
      .map(([b, ihl]) => {
        b[0] = 0x40 | ihl;
        b[2] = 0;
        return seal(b);
      });
    fc.assert(
      fc.property(surrounded(hinted([likely, likely])), ({ bytes, at, end }) => {
        const h = new Ipv4Header();
        if (decodeIpv4(guarded(bytes, at, end), at, end, h) !== OK) return;
        expect(h.at).toBeGreaterThanOrEqual(at + 20);
        expect(h.end).toBeGreaterThanOrEqual(h.at);
        expect(h.end).toBeLessThanOrEqual(end);
      }),
      { numRuns: 3000 },
    );
  });
});

const S6 = parseAddress('2001:db8::1')!;
const D6 = parseAddress('2001:db8::2')!;

/** An IPv6 packet whose payload is the given extension headers and bytes. */
function v6(next: number, payload: readonly number[], destination = D6): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length);
  bytes.set(payload, 40);
  putIpv6(bytes, 0, payload.length, 0, 0, next, 64, S6, destination);
  return bytes;
}

function decode6(bytes: Uint8Array, end = bytes.length): { reason: string; h: Ipv6Header } {
  const h = new Ipv6Header();
  return { reason: reasonName(decodeIpv6(guarded(bytes, 0, end), 0, end, h, 3)), h };
}

const hopByHop = (next: number): number[] => [next, 0, 5, 2, 0, 0, 1, 0];
const destination = (next: number, ...options: number[]): number[] => {
  const length = Math.ceil((2 + options.length) / 8) * 8;
  const pad = length - 2 - options.length;
  const filler = pad === 0 ? [] : pad === 1 ? [0] : [1, pad - 2, ...new Array<number>(pad - 2).fill(0)];
  return [next, length / 8 - 1, ...options, ...filler];
};
const fragment = (next: number, offset: number, more: boolean, id = 9): number[] => {
  const bytes = new Uint8Array(8);
  putFragmentHeader(bytes, 0, next, offset, more, id);
  return [...bytes];
};

describe('decodeIpv6', () => {
  test('gives back what was written, and leaves link padding out', () => {
    fc.assert(
      fc.property(
        fc.tuple(word, word, u8, fc.nat(0xfffff), u8),
        fc.nat(40),
        fc.nat(20),
        ([a, b, tc, flow, hops], n, pad) => {
          const source = new Address(0x20010db8, a, b, 1);
          const to = new Address(0x20010db8, b, a, 2);
          const bytes = new Uint8Array(2 + 40 + n + pad);
          putIpv6(bytes, 2, n, tc, flow, 6, hops, source, to);
          const h = new Ipv6Header();
          expect(decodeIpv6(guarded(bytes, 2, bytes.length), 2, bytes.length, h, 3)).toBe(OK);
          expect(h).toMatchObject({
            source,
            destination: to,
            trafficClass: tc,
            flowLabel: flow,
            hopLimit: hops,
          });
          expect([h.protocol, h.at, h.end, h.isFragment]).toEqual([6, 42, 42 + n, false]);
        },
      ),
    );
  });

  test('link-local addresses take the scope they came in by, others none', () => {
    const bytes = new Uint8Array(40);
    putIpv6(bytes, 0, 0, 0, 0, 59, 64, parseAddress('fe80::1')!, D6);
    const { h } = decode6(bytes);
    expect([h.source.scope, h.destination.scope]).toEqual([3, 0]);
  });

  test('a short packet, another version and a payload length beyond the frame are refused', () => {
    for (let n = 0; n < 40; n++) expect(decode6(v6(6, []), n).reason).toBe('ip6-short');
    const four = v6(6, []);
    four[0] = 0x45;
    expect(decode6(four).reason).toBe('ip6-version');
    expect(decode6(v6(6, [1, 2, 3]), 42).reason).toBe('ip6-payload-length');
  });

  test('row 67: extension headers are walked to the protocol', () => {
    const payload = [
      ...hopByHop(60),
      ...destination(43),
      60,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...destination(6),
      1,
      2,
      3,
    ];
    const { reason, h } = decode6(v6(0, payload));
    expect([reason, h.protocol, h.at - 40, h.end - h.at, h.routerAlert]).toEqual(['ok', 6, 32, 3, true]);
  });

  test('row 67: hop-by-hop anywhere but first is a parameter problem', () => {
    const { reason, h } = decode6(v6(60, [...destination(0), ...hopByHop(6)]));
    expect([reason, h.problemCode, h.problemAt]).toEqual(['ip6-extension-order', PROBLEM_NEXT_HEADER, 40]);
  });

  test('row 67: a hundred nested headers are given up early', () => {
    const payload = Array.from({ length: 100 }, () => destination(60)).flat();
    expect(decode6(v6(60, payload)).reason).toBe('ip6-too-many-headers');
  });

  test('row 67: a header longer than the packet is refused', () => {
    expect(decode6(v6(60, [6, 1, 0, 0, 0, 0, 0, 0])).reason).toBe('ip6-extension');
    expect(decode6(v6(60, [6, 0, 0])).reason).toBe('ip6-extension');
    expect(decode6(v6(60, [])).reason).toBe('ip6-extension');
    expect(decode6(v6(44, [6, 0, 0])).reason).toBe('ip6-extension');
  });

  test('row 67: routing type 0 with segments left is refused, a finished one is passed over', () => {
    const { reason, h } = decode6(v6(43, [6, 0, 0, 1, 0, 0, 0, 0]));
    expect([reason, h.problemCode, h.problemAt]).toEqual(['ip6-routing-type-0', PROBLEM_FIELD, 42]);
    expect(decode6(v6(43, [6, 0, 9, 2, 0, 0, 0, 0])).reason).toBe('ip6-extension');
    expect(decode6(v6(43, [6, 0, 0, 0, 0, 0, 0, 0])).reason).toBe('ok');
  });

  test('row 67: an unknown option is skipped, dropped or answered as its high bits say', () => {
    expect(decode6(v6(60, destination(6, 0x1e, 1, 0))).reason).toBe('ok');
    const dropped = decode6(v6(60, destination(6, 0x5e, 1, 0)));
    expect([dropped.reason, dropped.h.problemCode]).toEqual(['ip6-option', NO_PROBLEM]);
    const answered = decode6(v6(60, destination(6, 0x9e, 1, 0)));
    expect([answered.reason, answered.h.problemCode, answered.h.problemAt]).toEqual([
      'ip6-option',
      PROBLEM_OPTION,
      42,
    ]);
    const unicast = decode6(v6(60, destination(6, 0xde, 1, 0)));
    expect(unicast.h.problemCode).toBe(PROBLEM_OPTION);
    const multicast = decode6(v6(60, destination(6, 0xde, 1, 0), parseAddress('ff02::1')!));
    expect([multicast.reason, multicast.h.problemCode]).toEqual(['ip6-option', NO_PROBLEM]);
    const jumbo = decode6(v6(0, [6, 0, 0xc2, 4, 0, 1, 0, 0]));
    expect([jumbo.reason, jumbo.h.problemCode]).toEqual(['ip6-option', PROBLEM_OPTION]);
  });

  test('row 67: options that run past their header, or too many, are refused', () => {
    expect(decode6(v6(60, [6, 0, 1, 5, 0, 0, 0, 0])).reason).toBe('ip6-option');
    expect(decode6(v6(60, [6, 0, 1, 3, 0, 0, 0, 0x1e])).reason).toBe('ip6-option');
    const many = Array.from({ length: 9 }, () => [0x1e, 0]).flat();
    expect(decode6(v6(60, destination(6, ...many))).reason).toBe('ip6-option');
    expect(decode6(v6(60, destination(6, ...many.slice(2)))).reason).toBe('ok');
  });

  test('row 65: a fragment stops the walk; an atomic one (RFC 6946) does not', () => {
    const real = decode6(
      v6(60, [...destination(44), ...fragment(6, 16, true), ...new Array<number>(8).fill(1)]),
    );
    expect(real.reason).toBe('ok');
    expect(real.h).toMatchObject({
      isFragment: true,
      fragmentOffset: 16,
      moreFragments: true,
      fragmentId: 9,
      protocol: 6,
      fragmentNextAt: 40,
      fragmentAt: 48,
      at: 56,
      end: 64,
    });
    const atomic = decode6(v6(44, [...fragment(60, 0, false), ...destination(6), 5]));
    expect([atomic.reason, atomic.h.isFragment, atomic.h.protocol, atomic.h.at]).toEqual([
      'ok',
      false,
      6,
      56,
    ]);
  });

  test('row 62, 63: fragments not in units of 8, empty, or ending beyond 65535 are refused', () => {
    const uneven = decode6(v6(44, [...fragment(6, 0, true), 1, 2, 3]));
    expect([uneven.reason, uneven.h.problemCode, uneven.h.problemAt]).toEqual([
      'fragment-length',
      PROBLEM_FIELD,
      4,
    ]);
    expect(decode6(v6(44, fragment(6, 8, false))).reason).toBe('fragment-length');
    const big = decode6(v6(44, [...fragment(6, 65528, false), ...new Array<number>(8).fill(0)]));
    expect([big.reason, big.h.problemAt]).toEqual(['fragment-too-big', 42]);
  });

  test('whatever the bytes: no throw, no read outside, payload within, and an end', () => {
    const likely = fc
      .tuple(fc.uint8Array({ minLength: 40, maxLength: 140 }), fc.constantFrom(0, 6, 43, 44, 60), fc.nat(30))
      .map(([b, next, cut]) => {
        b[0] = 0x60;
        b[4] = 0;
        b[5] = Math.max(0, b.length - 40 - cut);
        b[6] = next;
        // Next headers that lead on, and short lengths.
        for (let i = 40; i + 1 < b.length; i += 8) {
          b[i] = [0, 43, 44, 60, 6][b[i]! % 5]!;
          b[i + 1]! &= 1;
        }
        return b;
      });
    fc.assert(
      fc.property(surrounded(hinted([likely, likely, likely])), ({ bytes, at, end }) => {
        const h = new Ipv6Header();
        const reason = decodeIpv6(guarded(bytes, at, end), at, end, h, 1);
        if (h.problemCode !== NO_PROBLEM) {
          expect(reason).not.toBe(OK);
          expect(h.problemAt).toBeGreaterThanOrEqual(at);
          expect(h.problemAt).toBeLessThan(end);
        }
        if (reason !== OK) return;
        expect(h.at).toBeGreaterThanOrEqual(at + 40);
        expect(h.end).toBeGreaterThanOrEqual(h.at);
        expect(h.end).toBeLessThanOrEqual(end);
      }),
      { numRuns: 3000 },
    );
  });
});
