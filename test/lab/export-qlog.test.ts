import { describe, expect, test } from 'vitest';
import {
  CALL,
  MARK_COPY,
  MARK_INJECTED,
  MARK_LOOP,
  NOTE,
  SEGMENT,
  STATE,
  TIMER,
} from '../../lab/engine/log.ts';
import { qlogOf } from '../../lab/export/qlog.ts';
import { LESSONS, lessonOf } from '../../lab/lessons/index.ts';
import { runOf } from './run.ts';

interface Event {
  time: number;
  name: string;
  group_id?: string;
  data: Record<string, unknown>;
}
interface File {
  qlog_version: string;
  traces: {
    vantage_point: { name: string; type: string };
    common_fields: Record<string, unknown>;
    events: Event[];
  }[];
}

function fileOf(text: string, step?: number): { file: File; run: ReturnType<typeof runOf> } {
  const run = runOf(text);
  return { file: JSON.parse(qlogOf(run.script, step ?? run.steps)) as File, run };
}

const named = (events: readonly Event[], name: string): Event[] =>
  events.filter(e => e.name === `tcp:${name}`);

function noteTime({ log }: ReturnType<typeof runOf>, text: string): number | undefined {
  for (let i = 0; i < log.length; i++)
    if (log.columns.kind[i] === NOTE && log.textOf(i) === text) return log.columns.time[i];
  return undefined;
}

describe.each(LESSONS.map(l => [l.id, l.script] as const))('the qlog of lesson %s', (_, text) => {
  const { file, run } = fileOf(text);

  test('holds as many events of each kind as the log', () => {
    const { columns: c, length } = run.log;
    const rows = (side: number, kind: number, test: (row: number) => boolean = () => true): number => {
      let n = 0;
      for (let i = 0; i < length; i++) if (c.side[i] === side && c.kind[i] === kind && test(i)) n++;
      return n;
    };
    file.traces.forEach(({ events }, side) => {
      const other = 1 - side;
      const loop = (i: number): boolean => (c.marks[i]! & MARK_LOOP) !== 0;
      const copy = (i: number): boolean => (c.marks[i]! & MARK_COPY) !== 0;
      const injected = (i: number): boolean => (c.marks[i]! & MARK_INJECTED) !== 0;
      expect(named(events, 'segment_sent')).toHaveLength(rows(side, SEGMENT, i => !injected(i) && !copy(i)));
      expect(named(events, 'segment_dropped')).toHaveLength(rows(side, SEGMENT, i => c.fate[i] === 1));
      expect(named(events, 'connection_state_updated')).toHaveLength(rows(side, STATE));
      expect(named(events, 'timer_expired')).toHaveLength(rows(side, TIMER));
      expect(named(events, 'call_returned')).toHaveLength(rows(side, CALL));
      // A host meets what is not lost; without power it meets nothing.
      const [down = Number.POSITIVE_INFINITY, up = Number.POSITIVE_INFINITY] = [
        ' crashes',
        ' starts again',
      ].map(note => noteTime(run, `${'AB'[side]}${note}`));
      const on = (time: number): boolean => time <= run.now && (time < down || time > up);
      const met = rows(other, SEGMENT, i => !loop(i) && c.arrival[i]! >= 0 && on(c.arrival[i]!));
      const self = rows(side, SEGMENT, loop);
      expect(named(events, 'segment_received')).toHaveLength(met + self);
    });
  });

  test('goes forward in time, from 0 on', () => {
    for (const { events } of file.traces) {
      const times = events.map(e => e.time);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.every(t => t >= 0)).toBe(true);
    }
  });
});

test('it says what it is, who is who, and how time is counted', () => {
  const { file } = fileOf(lessonOf('close-four')!.script);
  expect(file.qlog_version).toBe('0.3');
  expect(file.traces.map(t => t.vantage_point)).toEqual([
    { name: 'A', type: 'client' },
    { name: 'B', type: 'server' },
  ]);
  for (const t of file.traces)
    expect(t.common_fields).toMatchObject({
      time_format: 'relative',
      reference_time: 0,
      protocol_type: ['TCP'],
    });
});

test('a segment has its header, a retransmission its trigger, a loss its cause', () => {
  const { file } = fileOf(lessonOf('wave1-once')!.script);
  const { events } = file.traces[0]!;
  const [syn] = named(events, 'segment_sent');
  expect(syn).toMatchObject({ time: 10, group_id: '0' });
  expect(syn!.data).toMatchObject({ flags: ['SYN'], seq: 0, ack: null, window: 64240, length: 0 });
  expect(syn!.data['options']).toContainEqual({ name: 'mss', value: 1460 });
  expect(named(events, 'segment_dropped')[0]!.data).toMatchObject({ flags: ['FIN', 'ACK'], seq: 1, ack: 1 });
  expect(named(events, 'segment_sent').find(e => e.data['retransmission'])!.data['trigger']).not.toBe('');
  expect(named(events, 'connection_state_updated').map(e => e.data['new'])).toEqual([
    'SYN_SENT',
    'ESTABLISHED',
    'FIN_WAIT_1',
    'FIN_WAIT_2',
    'TIME_WAIT',
    'CLOSED',
  ]);
});

test('metrics are told when they change, in bytes and milliseconds', () => {
  const { file } = fileOf(lessonOf('slow-start')!.script);
  const updates = named(file.traces[0]!.events, 'metrics_updated');
  expect(updates.length).toBeGreaterThan(50);
  const windows = updates.flatMap(e =>
    'congestion_window' in e.data ? [Number(e.data['congestion_window'])] : [],
  );
  expect(windows).toContain(14480);
  expect(Math.max(...windows)).toBeGreaterThan(50_000);
  const srtt = updates.flatMap(e => (e.data['smoothed_rtt'] ? [Number(e.data['smoothed_rtt'])] : []));
  expect(Math.min(...srtt)).toBeGreaterThan(79);
});

test('it ends where it is asked to', () => {
  const { script } = lessonOf('close-four')!;
  const { file } = fileOf(script, 6);
  expect(named(file.traces[0]!.events, 'connection_state_updated').map(e => e.data['new'])).not.toContain(
    'FIN_WAIT_1',
  );
  expect(named(file.traces[1]!.events, 'call_pending').length).toBeGreaterThanOrEqual(0);
});
