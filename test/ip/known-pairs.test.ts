import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { KnownPairs } from '../../src/ip/known-pairs.ts';

const address = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(400))
  .map(([a, b, c, d]) => new Address(a, b, c, d));
const pair = fc.record({
  from: address,
  to: address,
  device: fc.nat(2),
  generation: fc.integer({ min: 1, max: 3 }),
});
const key = (p: { from: Address; to: Address; device: number; generation: number }): string =>
  `${p.from} ${p.to} ${p.device} ${p.generation}`;

describe('pairs of addresses that are known to be in order', () => {
  test('whatever comes in whatever order, only what was added is known, and the last added is', () => {
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 300 }), pairs => {
        const known = new KnownPairs();
        const added = new Set<string>();
        for (const p of pairs) {
          if (known.has(p.from, p.to, p.device, p.generation)) expect(added).toContain(key(p));
          known.add(p.from, p.to, p.device, p.generation);
          added.add(key(p));
          expect(known.has(p.from, p.to, p.device, p.generation)).toBe(true);
          expect(known.has(p.from, p.to, p.device, 4)).toBe(false);
        }
      }),
    );
  });

  test('nothing is known at first, not even the pair of unspecified addresses', () => {
    const zero = new Address(0, 0, 0, 0);
    expect(new KnownPairs().has(zero, zero, 0, 1)).toBe(false);
  });

  test('a server with 256 addresses keeps nearly all of a client’s pairs', () => {
    const known = new KnownPairs();
    const client = new Address(0, 0, 0xffff, 0x0a000001);
    const servers = Array.from({ length: 256 }, (_, i) => new Address(0, 0, 0xffff, 0x0a010001 + i));
    for (let round = 0; round < 8; round++) for (const s of servers) known.add(client, s, 2, 1);
    const missed = servers.filter(s => !known.has(client, s, 2, 1));
    expect(missed.length).toBeLessThan(64);
  });
});
