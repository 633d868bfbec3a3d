import { expect, test } from 'vitest';
import { MARK_AGAIN, SEGMENT, STATE } from '../../lab/engine/log.ts';
import type { Run } from '../../lab/engine/run.ts';
import { SAMPLE } from '../../lab/engine/samples.ts';
import { lessonOf } from '../../lab/lessons/index.ts';
import { CLOSED, ESTABLISHED, SYN_RECV, TIME_WAIT } from '../../src/tcp/state.ts';
import { runOf, segmentsOf } from './run.ts';

/** Numbers that texts of lessons name, measured in their runs. */
const lesson = (id: string): Run => runOf(lessonOf(id)!.script);

/** Seconds at which a host's end of a connection came to a state. */
function when(run: Run, side: number, state: number): number[] {
  const { columns: c } = run.log;
  const out: number[] = [];
  for (let i = 0; i < run.log.length; i++)
    if (c.kind[i] === STATE && c.side[i] === side && c.to[i] === state) out.push(c.time[i]! / 1e6);
  return out;
}

const again = (run: Run): number[] =>
  segmentsOf(run).filter(i => (run.log.columns.marks[i]! & MARK_AGAIN) !== 0);

test('pool: 28 segments against 100, one TIME_WAIT against ten', () => {
  const run = lesson('pool');
  const { columns: c } = run.log;
  const rows = segmentsOf(run);
  expect(rows.filter(i => c.conn[i] === 0).length).toBe(28);
  expect(rows.filter(i => c.conn[i]! > 0).length).toBe(100);
  expect(run.moment(run.steps).hosts[0].counts[TIME_WAIT]).toBe(11);
});

test.each([
  ['wave1-forever', 0, 113, 0.3],
  ['wave3-forever', 1, 113, 0.6],
  ['wave4-forever', 1, 113, 0.6],
  ['orphan-retries', 0, 1.8, 0.4],
])('%s: side %i gives up %f s after its close', (id, side, seconds, closed) => {
  const [end] = when(lesson(id), side, CLOSED);
  expect(Math.abs(end! - closed - seconds)).toBeLessThan(seconds < 10 ? 0.05 : 0.6);
});

test('wave1-forever: the FIN is sent ten times', () => {
  expect(again(lesson('wave1-forever')).length).toBe(9);
});

test('rfc1337: TIME_WAIT ends 55 s early, with the knob at 65 s', () => {
  expect(when(lesson('rfc1337'), 0, CLOSED)[0]).toBeCloseTo(5.13, 1);
  expect(when(lesson('rfc1337-on'), 0, CLOSED)[0]).toBeCloseTo(65.1, 1);
});

test('flood: nine entries, five of them gone after 7 s, A in at 7.5 s', () => {
  const run = lesson('flood');
  expect(when(run, 1, SYN_RECV).filter(t => t < 0.5).length).toBe(9);
  expect(when(run, 1, CLOSED).length).toBe(5);
  expect(when(run, 0, ESTABLISHED)[0]).toBeCloseTo(7.5, 1);
  expect(when(lesson('flood-cookies'), 0, ESTABLISHED)[0]).toBeCloseTo(0.52, 2);
});

test('keepalive: the end comes at 9 s', () => {
  expect(when(lesson('keepalive'), 0, CLOSED)[0]).toBeCloseTo(9.1, 1);
});

test('slow-start: 10, 20, 40, 79 segments, then down to 0.7 of that', () => {
  const numbers = lesson('slow-start').samples.from(0);
  const windows = [];
  for (let i = 0; i < numbers.length; i += SAMPLE) if (numbers[i + 2] === 0) windows.push(numbers[i + 4]!);
  expect(Math.max(...windows)).toBe(79);
  for (const n of [10, 20, 40]) expect(windows).toContain(n);
  const thresholds = [];
  for (let i = 0; i < numbers.length; i += SAMPLE) if (numbers[i + 2] === 0) thresholds.push(numbers[i + 5]!);
  expect(thresholds.find(t => t > 0)).toBe(Math.floor(79 * 0.7));
});

test('fast-retransmit: one retransmission by SACKs, one by the reordering timer', () => {
  const run = lesson('fast-retransmit');
  expect(again(run).map(i => run.log.whyOf(i))).toEqual(['fast', 'reorder']);
  expect(run.log.columns.kind[again(run)[0]!]).toBe(SEGMENT);
});

test('third-lost: without A’s data B repeats its SYN+ACK after a second', () => {
  const script = lessonOf('third-lost')!.script.replace(/.*A write.*\n/, '');
  const [row] = again(runOf(script));
  expect(runOf(script).log.columns.time[row!]! / 1e6).toBeCloseTo(1.02, 1);
});

test('what answers promise about changed scripts is so', () => {
  const changed = (id: string, line: string): Run => runOf(`${lessonOf(id)!.script}\n${line}`);
  const resets = (run: Run): number => segmentsOf(run).filter(i => run.log.columns.flags[i]! & 4).length;
  expect(resets(changed('wave1-forever', '230s B write b 1'))).toBe(1);
  expect(resets(changed('fw2-close', '30s B write b 10'))).toBe(1);
  expect(
    resets(runOf(lessonOf('half-close')!.script.replace('A shutdown a wr', 'A close a'))),
  ).toBeGreaterThan(0);
  expect(resets(runOf(lessonOf('tw-last-ack')!.script.replace(/.*tw_buckets.*\n/, '')))).toBe(0);
  const dropped = changed('refused', '0 wire rule drop A SYN\nend 200s');
  expect(when(dropped, 0, CLOSED)[0]).toBeCloseTo(131, -1);
});
