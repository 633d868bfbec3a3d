import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventLog, MARK_AGAIN, MARK_INJECTED, MARK_LOOP, SEGMENT, STATE } from '../../lab/engine/log.ts';
import type { Run } from '../../lab/engine/run.ts';
import { SAMPLE } from '../../lab/engine/samples.ts';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { type CaptureTraffic, readTraffic } from '../../lab/traffic/capture.ts';
import { type State, stateName, TIME_WAIT } from '../../src/tcp/state.ts';
import { runOf } from './run.ts';

const scriptOf = (id: string): string => lessonOf(id)!.script;
const LOSSY = `end 90s
0 wire delay 10ms
0 wire rule drop A DATA 1
0 wire rule drop B FIN 1
0 B listen s 80
0 B accept s b
10ms A connect a B:80
100ms A write a 3000
2s A close a
3s B close b`;

/** What host A sees of a run, as its capture has it: its own when it sends, the others when they arrive. */
function seenByA({ log }: Run): string[] {
  const { columns: c } = log;
  const rows: { at: number; out: number; i: number }[] = [];
  for (let i = 0; i < log.length; i++) {
    if (c.kind[i] !== SEGMENT || c.marks[i]! & (MARK_LOOP | MARK_INJECTED)) continue;
    const at = c.side[i] === 0 ? c.time[i]! : c.arrival[i]!;
    if (at >= 0) rows.push({ at, out: c.side[i] === 0 ? 1 : 0, i });
  }
  rows.sort((x, y) => x.at - y.at || x.out - y.out || x.i - y.i);
  return rows.map(({ i }) => segmentText(log, i));
}

function segmentText(log: EventLog, i: number): string {
  const c = log.columns;
  const lost = c.side[i] === 0 && c.fate[i] === 1 ? ' lost' : '';
  return `${c.side[i]} ${c.flags[i]} ${c.seq[i]} ${c.ack[i]} ${c.length[i]} ${c.window[i]} ${c.tsVal[i]}${lost}`;
}

function rowsOfKind({ log }: { log: EventLog }, kind: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < log.length; i++) if (log.columns.kind[i] === kind) out.push(i);
  return out;
}

/** The states of one end, without what no segment tells: the end of a TIME_WAIT. */
function pathOf({ log }: { log: EventLog }, side: number): string {
  const { columns: c } = log;
  const states = rowsOfKind({ log }, STATE)
    .filter(i => c.side[i] === side && c.conn[i] === 0)
    .map(i => c.to[i]!);
  if (states.at(-2) === TIME_WAIT) states.pop();
  return states.map(s => stateName(s as State)).join(' ');
}

const readA = (run: Run): CaptureTraffic => readTraffic(run.captures(run.steps)[0]);

describe('a capture of a run', () => {
  test.each(['close-four', 'close-three', 'simultaneous-close', 'handshake'])(
    '%s: has the segments that the host has seen, and leads to the same states',
    id => {
      const run = runOf(scriptOf(id));
      const traffic = readA(run);
      expect(traffic.errors).toEqual([]);
      expect(rowsOfKind(traffic, SEGMENT).map(i => segmentText(traffic.log, i))).toEqual(seenByA(run));
      expect(pathOf(traffic, 0)).toBe(pathOf(run, 0));
      expect(traffic.connections[0]).toMatch(/^10\.9\.0\.1:\d+ – 10\.9\.0\.2:80$/);
    },
  );

  test('has every segment of every lesson, in order, each a step of its own', () => {
    for (const { id, script } of LESSONS) {
      const run = runOf(script);
      const { marks, fate } = run.log.columns;
      // What a host sends to itself is on no wire, and a copy made by the wire is seen twice.
      if (rowsOfKind(run, SEGMENT).some(i => marks[i]! & (MARK_LOOP | MARK_INJECTED) || fate[i] === 3))
        continue;
      const traffic = readA(run);
      expect(rowsOfKind(traffic, SEGMENT).length, id).toBe(seenByA(run).length);
      const c = traffic.log.columns;
      for (let i = 1; i < traffic.log.length; i++) {
        expect(c.time[i]).toBeGreaterThanOrEqual(c.time[i - 1]!);
        expect(c.step[i]).toBe(c.step[i - 1]! + 1);
      }
    }
  });

  test('knows what was lost and why, and what is sent again', () => {
    const run = runOf(LOSSY);
    const traffic = readA(run);
    const { columns: c } = traffic.log;
    const again = (log: EventLog): number[] =>
      rowsOfKind({ log }, SEGMENT).filter(i => log.columns.marks[i]! & MARK_AGAIN);
    const lost = rowsOfKind(traffic, SEGMENT).filter(i => c.fate[i] === 1);
    expect(lost.map(i => c.arrival[i])).toEqual([-1]);
    expect(traffic.log.textOf(lost[0]!)).toMatch(/\|drop A DATA 1$/);
    expect(again(traffic.log).map(i => c.seq[i])).toContain(c.seq[lost[0]!]);
    expect(again(traffic.log).every(i => traffic.log.whyOf(i) !== '')).toBe(true);
    expect(traffic.samples[0]!.length % SAMPLE).toBe(0);
    expect(traffic.samples[0]!.length).toBeGreaterThan(0);
  });

  test('gives the bytes of each segment', () => {
    const traffic = readA(runOf(scriptOf('close-four')));
    for (const i of rowsOfKind(traffic, SEGMENT)) {
      const bytes = traffic.bytesOf(i)!;
      expect(bytes[0]).toBe(0x45);
      expect(bytes[33]).toBe(traffic.log.columns.flags[i]);
    }
    for (const i of rowsOfKind(traffic, STATE)) expect(traffic.bytesOf(i)).toBeNull();
    expect(traffic.bytesOf(1e9)).toBeNull();
  });

  test('is read as far as there is room for it, and what is left out is said', () => {
    const file = runOf(scriptOf('close-four')).captures(1e6)[0];
    const all = readTraffic(file);
    const few = readTraffic(file, { segments: 4 });
    expect(rowsOfKind(few, SEGMENT)).toHaveLength(4);
    expect(few.leftOut).toEqual([
      `${rowsOfKind(all, SEGMENT).length - 4} segments are left out: they are too many.`,
    ]);
    const short = readTraffic(file, { bytes: Math.floor(file.length / 2) });
    expect([short.errors, short.leftOut.length]).toEqual([[], 1]);
    expect(short.packets).toBeLessThan(all.packets);
    expect(readTraffic(file, { packets: 5 }).packets).toBeLessThanOrEqual(5);
  });

  test('that is damaged gives what can be read, never an exception', () => {
    const files = [runOf(LOSSY).captures(1e6)[0], classic()];
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 40 }),
        fc.nat(),
        (file, changes, length) => {
          const bytes = file.slice(0, length % (file.length + 1));
          for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
          const traffic = readTraffic(bytes);
          expect(traffic.log.length).toBeLessThan(1000);
          for (let i = 0; i < traffic.log.length; i++) traffic.bytesOf(i);
        },
      ),
      { numRuns: 400 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void readTraffic(bytes)));
    expect(readTraffic(new Uint8Array(0)).errors).toHaveLength(1);
  });
});

/** The same as a classic pcap file of raw IP. */
function classic(): Uint8Array {
  const traffic = readA(runOf(LOSSY));
  const packets = rowsOfKind(traffic, SEGMENT).map(i => ({
    bytes: traffic.bytesOf(i)!,
    time: traffic.log.columns.time[i]!,
  }));
  const out = new Uint8Array(24 + packets.reduce((n, p) => n + 16 + p.bytes.length, 0));
  const view = new DataView(out.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint32(16, 65_535, true);
  view.setUint32(20, 101, true);
  let at = 24;
  for (const { bytes, time } of packets) {
    view.setUint32(at, Math.floor(time / 1e6), true);
    view.setUint32(at + 4, time % 1e6, true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, bytes.length, true);
    out.set(bytes, at + 16);
    at += 16 + bytes.length;
  }
  return out;
}

describe('a classic capture', () => {
  test('gives the same rows as one in pcapng, without comments', () => {
    const file = classic();
    const traffic = readTraffic(file);
    expect([traffic.format, traffic.errors]).toEqual(['pcap', []]);
    const want = readA(runOf(LOSSY));
    expect(rowsOfKind(traffic, SEGMENT)).toHaveLength(rowsOfKind(want, SEGMENT).length);
    expect(readTraffic(file, { packets: 3 }).packets).toBe(3);
    expect(readTraffic(file.subarray(0, file.length - 3)).errors).toHaveLength(1);
  });

  test('with two lives of one pair of ends tells them apart', () => {
    const traffic = readA(runOf(scriptOf('tw-reuse-on')));
    expect(new Set(traffic.connections).size).toBe(traffic.connections.length);
  });
});
