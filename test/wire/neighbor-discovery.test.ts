import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, ANY6, parseAddress } from '../../src/base/address.ts';
import { Mac } from '../../src/wire/ethernet.ts';
import { decodeIcmp6, Icmp6Message, putIcmp6 } from '../../src/wire/icmp6.ts';
import {
  decodeNd,
  MAX_PREFIXES,
  NdMessage,
  putNeighborAdvert,
  putNeighborSolicit,
  putRouterAdvert,
  putRouterSolicit,
  solicitedNode,
} from '../../src/wire/neighbor-discovery.ts';
import { reasonName } from '../../src/wire/reason.ts';
import { guarded, surrounded } from './guard.ts';

const LL = parseAddress('fe80::1')!;
const X = parseAddress('2001:db8::2:3')!;
const ALL = parseAddress('ff02::1')!;
const MAC = new Mac(0x0200, 0x01020304);

function decode(
  bytes: Uint8Array,
  end: number,
  source: Address,
  destination: Address,
  hops = 255,
): { reason: string; nd: NdMessage } {
  const m = new Icmp6Message();
  const nd = new NdMessage();
  const g = guarded(bytes, 0, end);
  expect(reasonName(decodeIcmp6(g, 0, end, source, destination, m))).toBe('ok');
  return { reason: reasonName(decodeNd(g, m, source, destination, hops, nd)), nd };
}

describe('neighbour discovery', () => {
  test('a solicitation comes back as written', () => {
    const bytes = new Uint8Array(100);
    const group = solicitedNode(X);
    expect(group.toString()).toBe('ff02::1:ff02:3');
    const end = putNeighborSolicit(bytes, 0, LL, group, X, MAC);
    const { reason, nd } = decode(bytes, end, LL, group);
    expect(reason).toBe('ok');
    expect(nd).toMatchObject({
      type: 135,
      target: X,
      hasSourceLink: true,
      sourceLink: MAC,
      hasTargetLink: false,
    });
  });

  test('an advertisement comes back as written', () => {
    const bytes = new Uint8Array(100);
    const end = putNeighborAdvert(bytes, 0, X, LL, X, MAC, true, true, false);
    const { reason, nd } = decode(bytes, end, X, LL);
    expect(reason).toBe('ok');
    expect(nd).toMatchObject({
      type: 136,
      target: X,
      router: true,
      solicited: true,
      override: false,
      targetLink: MAC,
    });
  });

  test('a router solicitation and an advertisement with prefixes come back as written', () => {
    const bytes = new Uint8Array(300);
    expect(decode(bytes, putRouterSolicit(bytes, 0, LL, ALL, MAC), LL, ALL)).toMatchObject({
      reason: 'ok',
      nd: { type: 133, sourceLink: MAC },
    });
    const prefix = {
      prefix: parseAddress('2001:db8::')!,
      length: 64,
      onLink: true,
      autonomous: false,
      validLifetime: 0xffffffff,
      preferredLifetime: 7,
    };
    const end = putRouterAdvert(bytes, 0, LL, ALL, {
      hopLimit: 200,
      managed: true,
      other: false,
      routerLifetime: 1800,
      reachableTime: 3,
      retransTime: 0x90000000,
      mtu: 1400,
      link: MAC,
      prefixes: [prefix, prefix],
    });
    const { reason, nd } = decode(bytes, end, LL, ALL);
    expect(reason).toBe('ok');
    expect(nd).toMatchObject({
      type: 134,
      hopLimit: 200,
      managed: true,
      other: false,
      routerLifetime: 1800,
      reachableTime: 3,
      retransTime: 0x90000000,
      mtu: 1400,
      sourceLink: MAC,
      prefixes: 2,
    });
    expect(nd.prefix[1]).toMatchObject(prefix);
  });

  test('a hop limit other than 255 is refused: the sender was not on the link', () => {
    const bytes = new Uint8Array(100);
    const end = putNeighborSolicit(bytes, 0, LL, X, X, MAC);
    expect(decode(bytes, end, LL, X, 254).reason).toBe('nd-hop-limit');
  });

  test('an option of length 0 or past the end is refused', () => {
    for (const length of [0, 2]) {
      const bytes = new Uint8Array(100);
      const end = putNeighborSolicit(bytes, 0, LL, X, X, MAC);
      bytes[25] = length;
      putIcmp6(bytes, 0, end, 135, 0, 0, LL, X);
      expect(decode(bytes, end, LL, X).reason).toBe('nd-option');
    }
    const cut = new Uint8Array(100);
    putNeighborSolicit(cut, 0, LL, X, X, MAC);
    putIcmp6(cut, 0, 28, 135, 0, 0, LL, X);
    expect(decode(cut, 28, LL, X).reason).toBe('nd-option');
  });

  test('RFC 4861 §7.1: multicast targets, DAD with a link option or to a unicast address, solicited adverts to all are refused', () => {
    const bytes = new Uint8Array(100);
    expect(decode(bytes, putNeighborSolicit(bytes, 0, LL, X, ALL, null), LL, X).reason).toBe('nd-format');
    const group = solicitedNode(X);
    expect(decode(bytes, putNeighborSolicit(bytes, 0, ANY6, group, X, null), ANY6, group).reason).toBe('ok');
    expect(decode(bytes, putNeighborSolicit(bytes, 0, ANY6, group, X, MAC), ANY6, group).reason).toBe(
      'nd-format',
    );
    expect(decode(bytes, putNeighborSolicit(bytes, 0, ANY6, X, X, null), ANY6, X).reason).toBe('nd-format');
    expect(decode(bytes, putNeighborAdvert(bytes, 0, X, ALL, X, MAC, false, true, true), X, ALL).reason).toBe(
      'nd-format',
    );
    expect(decode(bytes, putRouterSolicit(bytes, 0, ANY6, ALL, MAC), ANY6, ALL).reason).toBe('nd-format');
  });

  test('a router advertisement from elsewhere than the link is refused', () => {
    const bytes = new Uint8Array(100);
    bytes.fill(0);
    putIcmp6(bytes, 0, 16, 134, 0, 0, X, ALL);
    expect(decode(bytes, 16, X, ALL).reason).toBe('nd-format');
  });

  test('more prefixes than are kept are ignored', () => {
    const bytes = new Uint8Array(2000);
    const one = {
      prefix: X,
      length: 64,
      onLink: true,
      autonomous: true,
      validLifetime: 1,
      preferredLifetime: 1,
    };
    const end = putRouterAdvert(bytes, 0, LL, ALL, {
      hopLimit: 0,
      managed: false,
      other: false,
      routerLifetime: 0,
      reachableTime: 0,
      retransTime: 0,
      mtu: 0,
      link: null,
      prefixes: new Array(50).fill(one),
    });
    const { reason, nd } = decode(bytes, end, LL, ALL);
    expect([reason, nd.prefixes]).toEqual(['ok', MAX_PREFIXES]);
  });

  test('whatever the bytes: no throw and no read outside', () => {
    const message = fc
      .tuple(fc.integer({ min: 133, max: 137 }), fc.uint8Array({ minLength: 8, maxLength: 150 }))
      .map(([type, b]) => {
        b[0] = type;
        b[1] = 0;
        for (let i = 8; i + 1 < b.length; i += 8) b[i + 1]! %= 5;
        return b;
      });
    fc.assert(
      fc.property(surrounded(message), ({ bytes, at, end }) => {
        const m = new Icmp6Message();
        m.type = bytes[at]!;
        m.at = at + 8;
        m.end = end;
        const nd = new NdMessage();
        decodeNd(guarded(bytes, at, end), m, LL, X, 255, nd);
        expect(nd.prefixes).toBeLessThanOrEqual(MAX_PREFIXES);
      }),
      { numRuns: 2000 },
    );
  });
});
