import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { blocksOf, put } from '../../bench/book/book.ts';
import {
  atLeast,
  atMost,
  comparison,
  finder,
  times,
  timesAtMost,
  verdicts,
} from '../../bench/book/compared.ts';
import { GROUPS } from '../../bench/book/in-process.ts';
import { sharing } from '../../bench/book/sharing.ts';
import { figure } from '../../bench/harness.ts';

const place = (name: string, text: string): string =>
  `<!-- figures: ${name} -->\n\n${text}\n\n<!-- end: ${name} -->`;

describe('BENCHMARKS.md', () => {
  const book = ['# Prose', place('a', 'old'), 'more', place('b', 'stays'), 'end\n'].join('\n');

  test('has tables in their places, and nothing else of it is touched', () => {
    const once = put(book, { a: '| new |' });
    expect(once).toBe(book.replace('old', '| new |'));
    expect(put(once, { a: '| new |' })).toBe(once);
  });

  test('without a place for a table, or with two, is left alone', () => {
    expect(() => put(book, { c: 'x' })).toThrow(/no place, or several, of the name 'c'/);
    expect(() => put(book + place('a', ''), { a: 'x' })).toThrow(/'a'/);
    expect(() => put(book.replace('<!-- end: a -->', ''), { a: 'x' })).toThrow(/'a'/);
  });

  test('has a table that names its machine from every bench', () => {
    const real = readFileSync('BENCHMARKS.md', 'utf8');
    const names = [...real.matchAll(/<!-- figures: (\S+) -->/g)].map(m => m[1]!);
    const loss = ['fixed', 'cubic', 'race', 'fairness', 'utilisation'];
    const others = ['tun', 'empty', 'gateway', 'near', 'beside', 'bundle', 'lab'];
    expect(names.sort()).toEqual([...GROUPS, ...loss, ...others].sort());
    for (const name of names) {
      const block = real.split(`<!-- figures: ${name} -->`)[1]!.split(`<!-- end: ${name} -->`)[0]!;
      expect(block, name).toMatch(/^\|---/m);
      expect(block, name).toMatch(/_.* cores, .*Node .*, commit [0-9a-f]{7,}, \d{4}-\d\d-\d\d.*_/);
    }
  });
});

describe('figures beside each other', () => {
  const ours = figure('speed', 'lastack', 'MB/s', [4, 2, 3]);
  const beside = figure('speed', 'net', 'MB/s', [2]);

  test('have medians, their range and ratio, and whether goals are met', () => {
    const goals = [times(1.5), times(1.6), atLeast(3), atMost(2.9), timesAtMost(1.5)];
    const rows = [{ what: 'bulk', ours, beside, goals }];
    const table = comparison('bulk', 'work', 'net', rows);
    expect(table.text.split('\n').at(-1)).toBe(
      '| bulk | 3.00 (2.00 – 4.00) | 2.00 | 1.50 | ✓ at least 1.5 ×, ✗ at least 1.6 ×, ✓ at least 3, ✗ at most 2.9, ✓ at most 1.5 × |',
    );
    expect(verdicts(rows).map(v => v.holds)).toEqual([true, false, true, false, true]);
    expect(blocksOf([table])).toEqual({ bulk: table.text });
  });

  test('need not have anything beside them', () => {
    expect(comparison('x', 'x', 'y', [{ what: 'alone', ours }]).text).toBe(
      '| x | lastack |\n|---|---|\n| alone | 3.00 (2.00 – 4.00) |',
    );
  });

  test('that were not measured are asked for by name', () => {
    expect(finder([ours, beside])('speed', 'net')).toBe(beside);
    expect(() => finder([ours])('speed', 'net')).toThrow("no figure of 'speed' by 'net'");
  });
});

test('shares of one bottleneck: medians by kind, and the worst flow of all', () => {
  const text = sharing([
    {
      flows: 2,
      linux: [
        [0.7, 0.9],
        [0.6, 0.8],
      ],
      lastack: [
        [1.1, 1.3],
        [1.2, 1.4],
      ],
    },
  ]);
  expect(text).toContain('| 2 | 2 | 0.75 (0.70 – 0.80) | 1.25 (1.20 – 1.30) | 0.60 |');
  expect(text).toContain('✗ 2 and 2: Linux gets at least 0.8 of its share (0.75)');
  expect(text).toContain('✓ 2 and 2: lastack gets at least 0.8 of its share (1.25)');
});
