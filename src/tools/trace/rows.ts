import type { Micros } from '../../base/time.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  FIN_WAIT_1,
  LAST_ACK,
  LISTEN,
  type State,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
} from '../../tcp/state.ts';
import { ACK, FIN, RST, SYN } from '../../wire/segment.ts';
import { type Analysis, Analyst } from './analyse.ts';
import type { Conversation, SegmentEvent, StateEvent, TraceEvent } from './event.ts';

/** One line of a ladder before it is drawn. */
export interface LadderRow {
  readonly kind: 'arrow' | 'depart' | 'arrive' | 'event' | 'fold' | 'heading';
  readonly at: Micros;
  /** Direction of an arrow; the side of an event. */
  readonly toRight: boolean;
  /** New states to write at either side. */
  left: State | null;
  right: State | null;
  readonly segment: SegmentEvent | null;
  readonly analysis: Analysis | null;
  /** Text of an event, a fold or a heading. */
  readonly text: string;
  /** May be folded away in a long run. */
  plain: boolean;
}

export interface RowOptions {
  /** Show timers, loss marks, congestion events and dropped segments too. */
  readonly verbose?: boolean;
}

interface Mark {
  readonly n: number;
  readonly at: Micros;
  readonly event: TraceEvent;
  readonly arrival: boolean;
}

/** Lays the events of a connection out as rows, in order, one for each segment unless it crosses another. */
export function ladderRows(c: Conversation, options: RowOptions = {}): LadderRow[] {
  const rows: LadderRow[] = [];
  const parts = c.skipped > 0 ? [c.events.slice(0, c.gapAt), c.events.slice(c.gapAt)] : [c.events];
  const builder = new Builder(c, options, rows);
  parts.forEach((events, i) => {
    if (i > 0) {
      builder.flush();
      rows.push({ ...blank(events[0]?.at ?? 0), kind: 'fold', text: `${c.skipped} events not kept` });
    }
    builder.add(events);
  });
  builder.flush();
  return rows;
}

/** A state that changes so soon after a segment has come was changed by it, in microseconds. */
const AT_ONCE = 10_000;

/** Whether a segment that came at that time brought the change; SYN_RECV has no other cause, however late. */
const broughtBy = (e: StateEvent, arrivedAt: Micros): boolean =>
  e.state === SYN_RECV || e.at - arrivedAt <= AT_ONCE;

const blank = (at: Micros): LadderRow => ({
  kind: 'event',
  at,
  toRight: true,
  left: null,
  right: null,
  segment: null,
  analysis: null,
  text: '',
  plain: false,
});

/** The state changes that a call of the application makes: they come before the segment that tells of them. */
const isCall = (e: StateEvent): boolean =>
  (e.from === CLOSED && e.state === SYN_SENT) ||
  ((e.from === ESTABLISHED || e.from === SYN_RECV) && e.state === FIN_WAIT_1) ||
  (e.from === CLOSE_WAIT && e.state === LAST_ACK);

class Builder {
  private readonly left: string;
  private readonly rows: LadderRow[];
  private readonly verbose: boolean;
  private readonly analyst: Analyst;
  /** State changes waiting for the segment that announces them. */
  private readonly waiting: { left: StateEvent | null; right: StateEvent | null } = {
    left: null,
    right: null,
  };

  constructor(c: Conversation, options: RowOptions, rows: LadderRow[]) {
    this.left = c.left.host;
    this.rows = rows;
    this.verbose = options.verbose ?? false;
    this.analyst = new Analyst(c);
  }

  add(events: readonly TraceEvent[]): void {
    const marks = marksOf(events);
    const split = this.crossings(marks);
    for (const m of marks) {
      const e = m.event;
      if (e.kind === 'segment') {
        if (m.arrival) {
          if (split.has(e)) this.push(e, 'arrive', m.at, null);
        } else this.depart(e, split.has(e));
      } else if (e.kind === 'state') this.state(e);
      else if (this.verbose) this.note(e);
    }
  }

  /** Writes the state changes that no segment announced. */
  flush(): void {
    for (const side of ['left', 'right'] as const) {
      const e = this.waiting[side];
      if (e !== null) this.stateRow(e);
      this.waiting[side] = null;
    }
  }

  /** Segments that need two lines: they change a state on arrival or carry a control bit, and cross another. */
  private crossings(marks: readonly Mark[]): Set<SegmentEvent> {
    const split = new Set<SegmentEvent>();
    /** Segments on their way, each with whether it has met one of the other direction. */
    const open = new Map<SegmentEvent, boolean>();
    marks.forEach((m, i) => {
      const e = m.event;
      if (e.kind === 'state') {
        for (const s of open.keys()) if (s.to === e.host && isCall(e)) open.set(s, true);
      }
      if (e.kind !== 'segment' || e.fate !== 'arrived' || e.arrivedAt === e.at) return;
      if (m.arrival) {
        const next = marks[i + 1]?.event;
        const changes =
          next?.kind === 'state' && next.host === e.to && broughtBy(next, m.at) && !isCall(next);
        const control = (e.segment.flags & (SYN | FIN | RST)) !== 0;
        if (open.get(e) && (changes || control)) split.add(e);
        open.delete(e);
        return;
      }
      let met = false;
      for (const s of open.keys()) {
        if (s.host === e.host) continue;
        met = true;
        open.set(s, true);
      }
      open.set(e, met);
      // Far more than a window; a trace with holes must not make this slow.
      if (open.size > 1000) open.clear();
    });
    return split;
  }

  private depart(e: SegmentEvent, split: boolean): void {
    this.push(e, split ? 'depart' : 'arrow', e.at, this.analyst.judge(e));
  }

  private push(e: SegmentEvent, kind: LadderRow['kind'], at: Micros, analysis: Analysis | null): void {
    const side = e.host === this.left ? 'left' : 'right';
    const control = (e.segment.flags & (SYN | FIN | RST)) !== 0;
    const row: LadderRow = {
      ...blank(at),
      kind,
      toRight: side === 'left',
      segment: e,
      analysis,
      plain:
        kind === 'arrow' &&
        !control &&
        e.fate !== 'lost' &&
        e.fate !== 'corrupted' &&
        !analysis?.retransmission,
    };
    if (kind !== 'arrive' && this.waiting[side] !== null) {
      row[side] = this.waiting[side].state;
      row.plain = false;
      this.waiting[side] = null;
    }
    this.rows.push(row);
  }

  /** A change caused by what arrived is written at the arrow's head, any other waits or gets its own line. */
  private state(e: StateEvent): void {
    const side = e.host === this.left ? 'left' : 'right';
    if (isCall(e)) {
      if (this.waiting[side] !== null) this.stateRow(this.waiting[side]);
      this.waiting[side] = e;
      return;
    }
    if (e.from === CLOSED && e.state === LISTEN) return;
    for (let i = this.rows.length - 1; i >= 0 && i >= this.rows.length - 12; i--) {
      const row = this.rows[i]!;
      const s = row.segment;
      if (s === null || row.kind === 'depart') continue;
      if (s.host === e.host) {
        // An RST that this end sent ended it. A request and a TIME_WAIT row may be told of behind their answer;
        // anything else came before what this end has sent.
        if (e.state === SYN_RECV || e.state === TIME_WAIT) continue;
        if ((s.segment.flags & RST) === 0 || e.state !== CLOSED || row[side] !== null) break;
        row[side] = e.state;
        return;
      }
      if (s.arrivedAt === null || s.arrivedN > e.n) continue;
      if (!broughtBy(e, s.arrivedAt)) break;
      if (row[side] !== null) {
        // One segment, two changes (the ACK of our FIN and the peer's FIN in one).
        this.stateRow(e, '');
        return;
      }
      row[side] = e.state;
      row.plain = false;
      return;
    }
    this.stateRow(e);
  }

  private stateRow(e: StateEvent, why = e.why): void {
    const left = e.host === this.left;
    this.rows.push({ ...blank(e.at), toRight: left, [left ? 'left' : 'right']: e.state, text: why });
  }

  private note(e: Exclude<TraceEvent, SegmentEvent | StateEvent>): void {
    const text =
      e.kind === 'timer'
        ? `timer: ${e.timer}`
        : e.kind === 'loss'
          ? `${(e.end - e.seq) >>> 0} bytes believed lost`
          : e.kind === 'congestion'
            ? `cwnd ${e.cwnd} (${e.state})`
            : `thrown away: ${e.reason}`;
    this.rows.push({ ...blank(e.at), toRight: e.host === this.left, text });
  }
}

function marksOf(events: readonly TraceEvent[]): Mark[] {
  const marks: Mark[] = [];
  for (const event of events) {
    marks.push({ n: event.n, at: event.at, event, arrival: false });
    if (event.kind === 'segment' && event.arrivedAt !== null) {
      marks.push({ n: event.arrivedN, at: event.arrivedAt, event, arrival: true });
    }
  }
  return marks.sort((a, b) => a.n - b.n);
}

/**
 * Folds long runs of ordinary data and ACK rows: `head` rows of each run stay at its beginning and `tail`
 * at its end, one line stands for the rest.
 */
export function foldRows(rows: readonly LadderRow[], head = 4, tail = 2): LadderRow[] {
  const out: LadderRow[] = [];
  for (let i = 0; i < rows.length; ) {
    let j = i;
    while (j < rows.length && rows[j]!.plain) j++;
    if (j - i <= head + tail + 1) {
      out.push(...rows.slice(i, Math.max(j, i + 1)));
      i = Math.max(j, i + 1);
      continue;
    }
    const hidden = rows.slice(i + head, j - tail);
    out.push(...rows.slice(i, i + head), { ...blank(hidden[0]!.at), kind: 'fold', text: foldText(hidden) });
    out.push(...rows.slice(j - tail, j));
    i = j;
  }
  return out;
}

function foldText(rows: readonly LadderRow[]): string {
  const count = { right: 0, left: 0, rightBytes: 0, leftBytes: 0 };
  for (const r of rows) {
    const bytes = r.segment?.segment.length ?? 0;
    if (r.toRight) {
      count.right++;
      count.rightBytes += bytes;
    } else {
      count.left++;
      count.leftBytes += bytes;
    }
  }
  const say = (n: number, bytes: number): string =>
    n === 0 ? '' : bytes === 0 ? `${n} ACK${n > 1 ? 's' : ''}` : `${n} segments with ${bytes} bytes`;
  const right = say(count.right, count.rightBytes);
  const left = say(count.left, count.leftBytes);
  return [right && `${right} →`, left && `← ${left}`].filter(Boolean).join(',  ');
}

/** Whether the row's segment is an ACK that carries nothing else. */
export const isPureAck = (e: SegmentEvent): boolean =>
  e.segment.length === 0 && (e.segment.flags & (SYN | FIN | RST | ACK)) === ACK;
