import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shrinkList, smallerNumbers } from '../../src/sim/shrink.ts';

test('what does not matter is left out, wherever it stands', () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  const shrunk = shrinkList(items, list => list.includes(17) && list.includes(83));
  expect(shrunk.items).toEqual([17, 83]);
  expect(shrunk.minimal).toBe(true);
  expect(shrunk.tries).toBeLessThan(120);
});

test('an input that does not fail is refused', () => {
  expect(() => shrinkList([1], () => false)).toThrow('does not fail');
});

test('an input of which nothing matters shrinks to nothing', () => {
  expect(shrinkList([3, 4, 5], () => true).items).toEqual([]);
});

test('items become simpler', () => {
  const shrunk = shrinkList([900, 40, 7], list => list.some(n => n >= 13), { simpler: smallerNumbers });
  expect(shrunk.items).toEqual([13]);
});

test('the search stops when its tries run out, with the best so far', () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);
  const shrunk = shrinkList(items, list => list.filter(n => n % 10 === 0).length >= 100, { tries: 30 });
  expect(shrunk.minimal).toBe(false);
  expect(shrunk.items.filter(n => n % 10 === 0)).toHaveLength(100);
});

test('no item of a shrunk list can be left out', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 40 }), fc.nat(60), (items, limit) => {
      const fails = (list: readonly number[]): boolean => list.reduce((a, b) => a + b, 0) > limit;
      fc.pre(fails(items));
      const { items: small } = shrinkList(items, fails, { simpler: smallerNumbers });
      expect(fails(small)).toBe(true);
      for (let i = 0; i < small.length; i++) expect(fails(small.filter((_, j) => j !== i))).toBe(false);
    }),
  );
});
