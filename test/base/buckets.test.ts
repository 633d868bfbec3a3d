import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Buckets, NO_ROW } from '../../src/base/buckets.ts';

test('a hash belongs to one chain, which changes only where split and merge say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 50 }),
      fc.array(fc.integer({ min: -1200, max: 1500 }), { maxLength: 6 }),
      (hashes, moves) => {
        const b = new Buckets();
        for (const move of moves) {
          for (let i = 0; i < Math.abs(move); i++) {
            const before = hashes.map(h => b.of(h));
            if (move > 0) {
              const from = b.split();
              expect(b.head(b.count - 1)).toBe(NO_ROW);
              for (const [k, h] of hashes.entries()) {
                const now = b.of(h);
                if (now !== before[k]) expect([before[k], now]).toEqual([from, b.count - 1]);
              }
            } else if (b.canMerge) {
              const to = b.merge();
              for (const [k, h] of hashes.entries())
                expect(b.of(h)).toBe(before[k] === b.count ? to : before[k]);
            }
          }
          for (const h of hashes) expect(b.of(h)).toBeLessThan(b.count);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test('each chain has a head of its own', () => {
  const b = new Buckets();
  for (let i = 0; i < 10_000; i++) b.split();
  for (let i = 0; i < b.count; i++) b.setHead(i, i + 7);
  // What is to come can be looked at before.
  const coming = Array.from({ length: 9000 }, (_, i) => b.upcoming(i));
  expect(coming).toEqual(Array.from({ length: 9000 }, (_, i) => ((b.count + i) & 8191) + 7));
  for (let i = 0; i < b.count; i++) expect(b.head(i)).toBe(i + 7);
  while (b.canMerge) {
    expect(b.head(b.count - 1)).toBe(b.count + 6);
    b.merge();
  }
  expect(b.count).toBe(64);
});

test('hashes are spread evenly between two powers of two', () => {
  const b = new Buckets();
  while (b.count < 96) b.split();
  const n = new Array<number>(96).fill(0);
  for (let h = 0; h < 9600; h++) n[b.of(h)]!++;
  // Chains 0 to 31 and their partners 64 to 95 share what others have alone.
  expect(new Set(n)).toEqual(new Set([75, 150]));
});
