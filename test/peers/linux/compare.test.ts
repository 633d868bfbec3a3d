/** What counts as a difference between two runs in real time, and what their pollers may miss. */
import { expect, test } from 'vitest';
import type { Timeline } from '../../lifecycle/golden/timeline.ts';
import { compareReal } from './compare.ts';

const END = 1;

/** A's states of one connection. */
const run = (...states: [t: number, state: string][]): Timeline => ({
  events: states.map(([t, state]) => ({
    kind: 'state',
    t,
    conn: 0,
    host: 'A',
    port: 40000,
    state,
    timer: null,
  })),
  timers: [],
  tail: [],
  end: END,
});

const differences = (linux: Timeline, lastack: Timeline): string[] =>
  compareReal(linux, lastack, { least: 0.06, share: 0.14, glance: 0.1 }).map(f => f.what);

const short = run([0, 'ESTAB'], [0.05, 'gone']);

test('a state that lasts is to be seen on both sides', () => {
  const long = run([0, 'ESTAB'], [0.2, 'gone']);
  expect(differences(long, long)).toEqual([]);
  expect(differences(long, run())).toEqual(['A connection 0: ESTAB gone beside Linux, no state here']);
  expect(differences(run([0, 'ESTAB']), short)).toHaveLength(1);
});

test('a connection that ends soon may be missed altogether, on either side', () => {
  expect(differences(short, run())).toEqual([]);
  expect(differences(run(), short)).toEqual([]);
});

test('but one that was seen is to be gone', () => {
  expect(differences(short, run([0, 'ESTAB'], [0.05, 'TIME-WAIT']))).toHaveLength(1);
});
