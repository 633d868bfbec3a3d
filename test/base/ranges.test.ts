import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ranges } from '../../src/base/ranges.ts';
import { seq } from '../../src/base/seq.ts';

const rows = (r: Ranges): [number, number][] =>
  Array.from({ length: r.count }, (_, i) => [r.left(i) as number, r.right(i) as number]);

describe('Ranges', () => {
  test('touching and overlapping ranges become one', () => {
    const r = new Ranges(10);
    r.add(seq(10), seq(20));
    r.add(seq(30), seq(40));
    expect(r.add(seq(20), seq(25))).toBe(0);
    expect(rows(r)).toEqual([
      [10, 25],
      [30, 40],
    ]);
    expect(r.add(seq(24), seq(31))).toBe(0);
    expect(rows(r)).toEqual([[10, 40]]);
  });

  test('an empty or inverted range is ignored', () => {
    const r = new Ranges(10);
    expect(r.add(seq(5), seq(5))).toBe(-1);
    expect(r.add(seq(6), seq(5))).toBe(-1);
    expect(r.count).toBe(0);
  });

  test('beyond the cap the farthest is forgotten', () => {
    const r = new Ranges(2);
    r.add(seq(10), seq(11));
    r.add(seq(30), seq(31));
    expect(r.add(seq(50), seq(51))).toBe(-1);
    expect(r.add(seq(20), seq(21))).toBe(1);
    expect(rows(r)).toEqual([
      [10, 11],
      [20, 21],
    ]);
  });

  test('works across the wrap of sequence space', () => {
    const r = new Ranges(8);
    r.add(seq(2 ** 31 - 10), seq(2 ** 31 + 10));
    r.add(seq(2 ** 32 - 5), seq(2 ** 32 + 5));
    r.add(seq(5), seq(9));
    expect(r.count).toBe(2);
    expect(r.bytes).toBe(20 + 14);
    expect(r.find(seq(8))).toBe(1);
    expect(r.find(seq(9))).toBe(-1);
    r.dropTo(seq(0));
    expect(rows(r)).toEqual([[0, 9]]);
  });

  test('is the set of the numbers that were added, whatever the order', () => {
    const op = fc.record({
      kind: fc.constantFrom('add', 'add', 'add', 'dropTo', 'dropFrom'),
      at: fc.integer({ min: 0, max: 200 }),
      n: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 40 }), fc.integer(), (ops, origin) => {
        const r = new Ranges(1000);
        const model = new Set<number>();
        const s = (n: number) => seq(origin + n);
        for (const { kind, at, n } of ops) {
          if (kind === 'add') {
            r.add(s(at), s(at + n));
            for (let i = at; i < at + n; i++) model.add(i);
          } else if (kind === 'dropTo') {
            r.dropTo(s(at));
            for (const i of model) if (i < at) model.delete(i);
          } else {
            r.dropFrom(s(at));
            for (const i of model) if (i >= at) model.delete(i);
          }
          expect(r.bytes).toBe(model.size);
        }
        for (let i = 0; i < 225; i++) {
          const k = r.find(s(i));
          expect(k >= 0).toBe(model.has(i));
          expect(r.covers(s(i), s(i + 2))).toBe(model.has(i) && model.has(i + 1));
        }
        // Sorted, disjoint and not touching.
        for (let i = 1; i < r.count; i++) expect((r.left(i) - r.right(i - 1)) | 0).toBeGreaterThan(0);
      }),
    );
  });
});
