import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../lab/engine/log.ts';
import { LESSONS } from '../../lab/lessons/index.ts';
import { Axis, TOP } from '../../lab/model/axis.ts';
import { runOf } from './run.ts';

interface Laid {
  readonly log: EventLog;
  readonly axis: Axis;
  readonly end: number;
}

/** Logs as a run may make them: times do not descend, what arrives arrives later or not at all. */
const laid: fc.Arbitrary<Laid> = fc
  .tuple(
    fc.array(
      fc.record({
        wait: fc.oneof(fc.constant(0), fc.nat(500), fc.nat(1e6), fc.nat(1e9)),
        kind: fc.nat(5),
        travel: fc.oneof(fc.constant(-1), fc.constant(0), fc.nat(50_000), fc.nat(1e8)),
        grid: fc.constantFrom(1, 1, 1e6, 1e9),
      }),
      { maxLength: 60 },
    ),
    fc.nat(1e9),
  )
  .map(([rows, more]) => {
    const log = new EventLog();
    let time = 0;
    let end = 0;
    rows.forEach((row, step) => {
      time += row.wait;
      const flies = (row.kind === 0 || row.kind === 5) && row.travel >= 0;
      // On a coarse grid several arrive at one moment.
      const arrival = flies ? Math.ceil((time + row.travel) / row.grid) * row.grid : -1;
      log.add({ kind: row.kind, step, time, arrival });
      end = Math.max(end, time, arrival);
    });
    return layOut(log, end + more);
  });

function layOut(log: EventLog, end: number): Laid {
  const axis = new Axis();
  axis.build(log, end);
  return { log, axis, end };
}

const holds = (check: (laid: Laid) => void): void => fc.assert(fc.property(laid, check), { numRuns: 300 });
const every = (n: number, check: (i: number) => void): void => {
  for (let i = 0; i < n; i++) check(i);
};

describe('the axis', () => {
  test('later is never higher', () => {
    fc.assert(
      fc.property(laid, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), ({ axis, end }, shares) => {
        const times = [...shares.map(s => s * end), ...axis.times].sort((a, b) => a - b);
        let last = TOP;
        for (const time of times) {
          expect(axis.yOf(time)).toBeGreaterThanOrEqual(last);
          expect(axis.yAfter(time)).toBeGreaterThanOrEqual(axis.yOf(time));
          last = axis.yOf(time);
        }
        expect(last).toBeLessThanOrEqual(axis.height);
      }),
    );
  });

  test('a height leads back to its time', () => {
    holds(({ axis, end }) => {
      for (const time of axis.times) {
        expect(axis.timeAt(axis.yOf(time))).toBe(time);
        expect(axis.timeAt(axis.yAfter(time))).toBe(time);
      }
      for (let i = 1; i < 8; i++) {
        const time = (end * i) / 8;
        expect(Math.abs(axis.timeAt(axis.yOf(time)) - time)).toBeLessThanOrEqual(1e-6 * Math.max(1, end));
      }
    });
  });

  test('what is above or below all there is, is its beginning or its end', () => {
    holds(({ axis, end }) => {
      expect(axis.timeAt(-100)).toBe(0);
      expect(axis.timeAt(axis.height + 1e6)).toBe(end);
      expect(axis.yOf(-5)).toBe(TOP);
    });
  });

  test('moments are apart, and blocks do not overlap', () => {
    holds(({ axis }) => {
      every(axis.times.length - 1, k => {
        expect(axis.times[k + 1]).toBeGreaterThan(axis.times[k]!);
        expect(axis.bottoms[k]).toBeGreaterThanOrEqual(axis.tops[k]!);
        expect(axis.tops[k + 1]! - axis.bottoms[k]!).toBeGreaterThanOrEqual(5);
      });
    });
  });

  test('rows stand one under the other, each in the block of its time', () => {
    holds(({ axis, log }) => {
      every(log.length, i => {
        const k = axis.blockOf(log.columns.time[i]!);
        expect(axis.times[k]).toBe(log.columns.time[i]);
        expect(axis.rows[i]).toBeGreaterThan(axis.tops[k]!);
        expect(axis.rows[i]).toBeLessThanOrEqual(axis.bottoms[k]!);
        if (i > 0) expect(axis.rows[i]! - axis.rows[i - 1]!).toBeGreaterThanOrEqual(8);
      });
    });
  });

  test('arrows end in the block in which they arrive, and no two at one place', () => {
    holds(({ axis, log }) => {
      const places = new Set<number>();
      every(log.length, i => {
        const { time, arrival } = log.columns;
        expect(axis.ends[i]).toBeGreaterThanOrEqual(axis.rows[i]!);
        if (arrival[i]! <= time[i]!) return;
        const k = axis.blockOf(arrival[i]!);
        expect(axis.times[k]).toBe(arrival[i]);
        expect(axis.ends[i]).toBeGreaterThanOrEqual(axis.tops[k]!);
        expect(axis.ends[i]).toBeLessThanOrEqual(axis.bottoms[k]!);
        expect(places.has(axis.ends[i]!)).toBe(false);
        places.add(axis.ends[i]!);
      });
    });
  });

  test('how far rows reach is a running maximum', () => {
    holds(({ axis, log }) => {
      let most = 0;
      every(log.length, i => {
        most = Math.max(most, axis.ends[i]!);
        expect(axis.reach[i]).toBe(most);
      });
    });
  });

  test('no row that can be seen in a window is missed', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(laid, share, share, ({ axis, log }, from, size) => {
        const top = from * axis.height;
        const bottom = top + size * 800;
        const first = axis.firstReaching(top);
        const end = axis.rowAt(bottom);
        every(log.length, i => {
          if (axis.ends[i]! < top || axis.rows[i]! >= bottom) return;
          expect(i).toBeGreaterThanOrEqual(first);
          expect(i).toBeLessThan(end);
        });
        // And nothing is looked at for nothing: the first does reach it.
        if (first < log.length) expect(axis.ends[first]).toBeGreaterThanOrEqual(top);
        if (first > 0) expect(axis.reach[first - 1]).toBeLessThan(top);
      }),
      { numRuns: 500 },
    );
  });

  test('a minute takes little more room than a millisecond', () => {
    const log = new EventLog();
    for (const [step, time] of [0, 1000, 61e6].entries()) log.add({ kind: 2, step, time });
    const { axis } = layOut(log, 61e6);
    const [first, second] = [axis.tops[1]! - axis.bottoms[0]!, axis.tops[2]! - axis.bottoms[1]!];
    expect(second).toBeGreaterThan(first);
    expect(second).toBeLessThan(first * 5);
  });

  test('lays every lesson out, and twice the same', () => {
    for (const lesson of LESSONS) {
      const { log, horizon } = runOf(lesson.script);
      const one = layOut(log, horizon).axis;
      const two = layOut(log, horizon).axis;
      expect(one.height, lesson.id).toBeGreaterThan(100);
      expect(two.rows).toEqual(one.rows);
      expect(Number.isFinite(one.height)).toBe(true);
    }
  });
});
