import { describe, expect, test } from 'vitest';
import { type Life, lifeName, ORDERS, parseLife, type Setting, settings, WHENS } from './life.ts';
import { again, type Depth, emptyTally, explore, Pairs } from './search.ts';

/**
 * The slice of the exhaustive exploration that every run of the tests includes: all settings; with SACK and
 * timestamps both on or both off every pattern of up to two faults, otherwise of up to one, and everything
 * lost from any segment on. `npm run explore` lives the rest.
 */
const depth = (s: Setting): Depth => ({ faults: s.sack === s.timestamps ? 2 : 1, faultsWithCut: 0 });

describe('every life of a connection, within the slice', () => {
  let lives = 0;
  for (const order of ORDERS) {
    test(`${order}: whatever is lost, doubled or late, it ends as it must`, () => {
      const pairs = new Pairs();
      const tally = emptyTally();
      for (const setting of settings(WHENS)) {
        if (setting.order === order) explore(setting, depth(setting), pairs, tally);
      }
      const [first] = tally.findings;
      expect(
        first === undefined
          ? 'no violation'
          : `${first.what} (and ${tally.findings.length - 1} more)\n  again: npm run explore -- --life '${first.life}@${first.start}'`,
      ).toBe('no violation');
      lives += tally.lives;
      // Work without a pause, half a minute of it where nothing else is done.
    }, 300_000);
  }

  test('the slice has the size that it says', () => {
    console.log(`explored ${lives} lives`);
    expect(lives).toBeGreaterThan(250_000);
  });
});

test('a life is named by a text that makes it again', () => {
  const life: Life = {
    order: 'B-half',
    how: 'shutdown',
    sack: true,
    timestamps: false,
    rtt: 500,
    when: 7,
    faults: [3 * 8 + 1, 7 * 8 + 3, 9 * 8 + 6],
  };
  expect(lifeName(life)).toBe('B-half/shutdown/sack/0.5ms/7/3x.7y.9AB');
  expect(parseLife(lifeName(life))).toEqual(life);
  expect(parseLife('B-half/shutdown/sack/0.5ms/77/3x')).toBeNull();
});

test('a life is the same each time', () => {
  const life = parseLife('both/close/sack+ts/100ms/turn/2x.5d.7y')!;
  const logs = [1, 2].map(() => {
    const lines: string[] = [];
    expect(again(life, 5, line => lines.push(line))).toBeNull();
    return lines.join('\n');
  });
  expect(logs[0]).toBe(logs[1]);
  expect(logs[0]).toContain('LOST');
});
