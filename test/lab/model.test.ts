import { signal } from '@preact/signals';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog, NOTE, SEGMENT, STATE } from '../../lab/engine/log.ts';
import type { Run } from '../../lab/engine/run.ts';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { Axis } from '../../lab/model/axis.ts';
import { Clock, SPEEDS } from '../../lab/model/clock.ts';
import type { Feed } from '../../lab/model/feed.ts';
import { Lives } from '../../lab/model/lives.ts';
import { freshName } from '../../lab/model/names.ts';
import { seriesOf, sidesWith } from '../../lab/model/series.ts';
import { CLOSED, ESTABLISHED, LISTEN, SYN_RECV, SYN_SENT, TIME_WAIT } from '../../src/tcp/state.ts';
import { firstConnection, pathOf, runOf } from './run.ts';

function feedOf(run: Run, done = true): Feed {
  return {
    log: run.log,
    version: signal(0),
    known: signal(run.horizon),
    done: signal(done),
    connections: run.recorder.connections.labels,
    samples: [run.samples.from(0)],
    sides: ['A', 'B'],
    stepAt: time => run.times.stepAt(time),
  };
}

function clockOf(id: string, done = true): Clock {
  const clock = new Clock(signal(feedOf(runOf(lessonOf(id)!.script), done)));
  clock.lay();
  return clock;
}

const at = (clock: Clock): string => `${clock.time.value} ${clock.step.value}`;

/** Every moment up to the end, forward by one kind of step. */
function walk(clock: Clock, step: () => void): string[] {
  const out = [at(clock)];
  while (clock.time.value < clock.end) {
    step();
    expect(at(clock)).not.toBe(out.at(-1));
    out.push(at(clock));
  }
  return out;
}

const SOME = ['close-four', 'wave2-once', 'self-connect', 'flood', 'zero-window', 'reboot'];

describe('the clock', () => {
  test.for(SOME)('%s: steps forward and back visit the same moments', id => {
    const clock = clockOf(id);
    clock.toStart();
    const forward = walk(clock, () => clock.stepEvent());
    expect(forward.length).toBeGreaterThan(5);
    const back = [at(clock)];
    while (clock.time.value > 0) {
      clock.back();
      back.push(at(clock));
    }
    // Where it began all events of time 0 had happened; going back comes to the last that left a row.
    expect(back.reverse().slice(1)).toEqual(forward.slice(1));
  });

  test('back comes first to what left a row at this moment, where more has happened since', () => {
    const log = new EventLog();
    for (const step of [1, 2, 4]) log.add({ kind: SEGMENT, step, time: step * 100 });
    const feed = {
      ...feedOf(runOf('end 1s')),
      log,
      known: signal(1000),
      stepAt: (t: number) => (t < 200 ? 1 : 3),
    };
    const clock = new Clock(signal<Feed>(feed));
    clock.lay();
    clock.goTime(200);
    expect(at(clock)).toBe('200 3');
    clock.back();
    expect(at(clock)).toBe('200 2');
    clock.back();
    expect(at(clock)).toBe('100 1');
  });

  test('time and event grow together', () => {
    for (const id of SOME) {
      const clock = clockOf(id);
      clock.toStart();
      const moments = walk(clock, () => clock.stepEvent()).map(m => m.split(' ').map(Number));
      for (const [i, [time, step]] of moments.entries()) {
        if (i === 0) continue;
        expect(time).toBeGreaterThanOrEqual(moments[i - 1]![0]!);
        expect(step).toBeGreaterThanOrEqual(moments[i - 1]![1]!);
      }
    }
  });

  test('steps to segments and to states stop at these', () => {
    const clock = clockOf('close-four');
    const { kind, step } = runOf(lessonOf('close-four')!.script).log.columns;
    const kinds = (wanted: number): number[] =>
      [...new Set([...step].filter((_, i) => i > 0 && step[i]! > 0 && kind[i] === wanted))].sort(
        (a, b) => a - b,
      );
    for (const [wanted, go] of [
      [SEGMENT, () => clock.stepSegment()],
      [STATE, () => clock.stepState()],
    ] as const) {
      clock.toStart();
      const seen: number[] = [];
      for (go(); clock.time.value < clock.end; go()) seen.push(clock.step.value);
      expect(seen).toEqual(kinds(wanted));
    }
  });

  test('a moment of time has all that has happened by then, and nothing of what comes', () => {
    const run = runOf(lessonOf('slow-start')!.script);
    const clock = new Clock(signal(feedOf(run)));
    clock.lay();
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), share => {
        clock.goTime(share * run.horizon);
        const { time, step } = run.moment(clock.step.value);
        expect(step).toBe(clock.step.value);
        expect(time).toBeLessThanOrEqual(clock.time.value);
        if (step < run.steps) expect(run.moment(step + 1).time).toBeGreaterThan(clock.time.value);
      }),
      { numRuns: 40 },
    );
    clock.toEnd();
    expect(clock.step.value).toBe(run.steps);
  });

  test('playing never passes the end, stops there, and begins anew', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SPEEDS),
        fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { minLength: 1, maxLength: 60 }),
        (speed, spans) => {
          const clock = clockOf('handshake');
          clock.speed.value = speed;
          clock.toStart();
          clock.toggle();
          let before = 0;
          for (const seconds of spans) {
            clock.tick(seconds);
            expect(clock.time.value).toBeGreaterThanOrEqual(before);
            expect(clock.time.value).toBeLessThanOrEqual(clock.end);
            before = clock.time.value;
          }
          expect(clock.playing.value).toBe(clock.time.value < clock.end);
        },
      ),
    );
    const clock = clockOf('handshake');
    clock.toEnd();
    clock.toggle();
    expect([clock.time.value, clock.playing.value]).toEqual([0, true]);
  });

  test('at the end of what is known, but not of all, it waits', () => {
    const clock = clockOf('handshake', false);
    clock.speed.value = 1000;
    clock.toggle();
    for (let i = 0; i < 20; i++) clock.tick(0.2);
    expect([clock.time.value, clock.playing.value]).toEqual([clock.end, true]);
  });

  test.for(SOME)('%s: steady play jumps over no moment', id => {
    for (const frame of [1 / 60, 0.25]) {
      const clock = clockOf(id);
      clock.toggle();
      const seen = new Set([clock.time.value]);
      for (let i = 0; i < 1e6 && clock.playing.value; i++) {
        clock.tick(frame);
        seen.add(clock.time.value);
      }
      expect(clock.time.value).toBe(clock.end);
      expect([...clock.axis.times].filter(t => !seen.has(t))).toEqual([]);
    }
  });

  test('the moment stands where it is: heights lead back to it', () => {
    const clock = clockOf('wave2-once');
    for (const time of clock.axis.times) {
      clock.goTime(time);
      expect(clock.y).toBe(clock.axis.yAfter(time));
      clock.goY(clock.y);
      expect(clock.time.value).toBe(time);
    }
  });

  test('speeds are tried one after the other, and no further', () => {
    const clock = clockOf('handshake');
    for (let i = 0; i < 20; i++) clock.faster(1);
    expect(clock.speed.value).toBe(1000);
    for (let i = 0; i < 20; i++) clock.faster(-1);
    expect(clock.speed.value).toBe(0);
  });

  test('an empty log is no trouble', () => {
    const log = new EventLog();
    const feed = { ...feedOf(runOf('end 1s')), log, known: signal(0), stepAt: () => 0 };
    const clock = new Clock(signal<Feed>(feed));
    clock.lay();
    for (const go of ['stepEvent', 'back', 'stepState', 'toEnd', 'toStart', 'stepSegment'] as const)
      clock[go]();
    clock.toggle();
    clock.tick(1);
    expect([clock.time.value, clock.step.value, clock.lastRow, clock.playing.value]).toEqual([
      0,
      0,
      -1,
      false,
    ]);
  });
});

describe('lives', () => {
  const states = (
    log: EventLog,
    rows: readonly (readonly [side: number, from: number, to: number])[],
  ): void => {
    for (const [side, from, to] of rows)
      log.add({ kind: STATE, step: log.length, time: log.length, side, conn: 0, from, to });
  };

  test('paths are those of the log', () => {
    for (const lesson of LESSONS) {
      const run = runOf(lesson.script);
      const conn = firstConnection(run);
      const lives = new Lives();
      lives.build(run.log);
      for (const side of [0, 1] as const) {
        const rows = lives.changes(side, conn);
        expect(rows.map(r => run.log.columns.to[r])).toHaveLength(
          pathOf(run, side, conn).split(' ').filter(Boolean).length,
        );
        for (const [i, span] of lives.spans(side, conn).entries()) {
          expect(span.row).toBe(rows[i]);
          expect(span.next === -1 || span.next > span.row).toBe(true);
        }
      }
    }
  });

  test('a new life of the same ends begins a new path', () => {
    const log = new EventLog();
    states(log, [
      [0, CLOSED, SYN_SENT],
      [0, SYN_SENT, ESTABLISHED],
      [1, LISTEN, SYN_RECV],
      [0, ESTABLISHED, CLOSED],
      [0, CLOSED, SYN_SENT],
    ]);
    const lives = new Lives();
    lives.build(log);
    expect(lives.path(0, 0, 2)).toEqual([CLOSED, SYN_SENT, ESTABLISHED]);
    expect(lives.path(0, 0, 3)).toEqual([CLOSED, SYN_SENT, ESTABLISHED, CLOSED]);
    expect(lives.path(0, 0, 4)).toEqual([CLOSED, SYN_SENT]);
    expect(lives.path(1, 0, 4)).toEqual([LISTEN, SYN_RECV]);
    expect(lives.path(0, 7, 4)).toEqual([]);
    expect(lives.lastChange(0, 0, 3)).toBe(3);
    expect(lives.lastChange(1, 0, 1)).toBe(-1);
  });

  test('TIME_WAIT that is taken over begins a path of its own', () => {
    const log = new EventLog();
    states(log, [
      [0, ESTABLISHED, TIME_WAIT],
      [0, CLOSED, SYN_SENT],
    ]);
    const lives = new Lives();
    lives.build(log);
    expect(lives.path(0, 0, 1)).toEqual([CLOSED, SYN_SENT]);
  });

  test('a host without power has no states, and its life lines end', () => {
    const log = new EventLog();
    states(log, [
      [0, CLOSED, SYN_SENT],
      [1, LISTEN, SYN_RECV],
    ]);
    const crash = log.add({ kind: NOTE, step: 9, time: 9, side: 2, text: 'B crashes' });
    const lives = new Lives();
    lives.build(log);
    expect(lives.path(1, 0, crash - 1)).toEqual([LISTEN, SYN_RECV]);
    expect(lives.path(1, 0, crash)).toEqual([]);
    expect(lives.path(0, 0, crash)).toEqual([CLOSED, SYN_SENT]);
    expect(lives.spans(1, 0)).toEqual([{ state: SYN_RECV, row: 1, next: crash }]);
    expect(lives.spans(0, 0)).toEqual([{ state: SYN_SENT, row: 0, next: -1 }]);
    // After the restart it is another life.
    states(log, [[1, LISTEN, SYN_RECV]]);
    lives.build(log);
    expect(lives.path(1, 0, log.length - 1)).toEqual([LISTEN, SYN_RECV]);
    expect(lives.spans(1, 0).map(s => s.next)).toEqual([crash, -1]);
  });
});

describe('series', () => {
  /** A log with an event at each time, laid out. */
  const axis = new Axis();
  const log = new EventLog();
  for (const time of [0, 1000, 2000, 3000]) log.add({ kind: SEGMENT, step: time, time });
  axis.build(log, 3000);
  const sample = (
    time: number,
    side: number,
    conn: number,
    cwnd: number,
    ssthresh = -1,
    srtt = 0,
  ): number[] => [1, time, side, conn, cwnd, ssthresh, cwnd - 1, srtt];

  test('are those of one sender, the last of each moment, in any pieces', () => {
    const samples = [
      Float64Array.from([...sample(0, 0, 0, 10), ...sample(1000, 1, 0, 99), ...sample(1000, 0, 0, 11)]),
      Float64Array.from([...sample(1000, 0, 0, 12, 7, 20_000), ...sample(2000, 0, 1, 50)]),
    ];
    expect(seriesOf(samples, 0, 0, axis)).toEqual({
      x: [axis.yAfter(0), axis.yAfter(1000)],
      cwnd: [10, 12],
      inFlight: [9, 11],
      ssthresh: [null, 7],
      srtt: [null, 20],
    });
    expect(sidesWith(samples, 0)).toEqual([0, 1]);
    expect(sidesWith(samples, 1)).toEqual([0]);
    expect(sidesWith(samples, 5)).toEqual([]);
  });

  test('of a run go from left to right, with a value for each place', () => {
    const run = runOf(lessonOf('fast-retransmit')!.script);
    const clock = new Clock(signal(feedOf(run)));
    clock.lay();
    const s = seriesOf([run.samples.from(0)], firstConnection(run), 0, clock.axis);
    expect(s.x.length).toBeGreaterThan(20);
    for (const line of [s.cwnd, s.inFlight, s.ssthresh, s.srtt]) expect(line).toHaveLength(s.x.length);
    expect(s.x.every((x, i) => i === 0 || x > s.x[i - 1]!)).toBe(true);
    expect(s.cwnd[0]).toBe(10);
    expect(s.ssthresh.at(-1)).toBeLessThan(10);
  });
});

test('a fresh name is one that nobody uses', () => {
  const run = runOf('end 1s\n0 A listen a2 80');
  const { sockets } = run.moment(run.steps).hosts[0];
  expect(freshName('', 'A', [])).toBe('a1');
  expect(freshName('0 A connect a1 B:80', 'A', sockets)).toBe('a3');
  expect(freshName('0 A connect a1 B:80', 'B', sockets)).toBe('b1');
});
