import {
  type Conversation,
  hostAndPort,
  type SegmentEvent,
  type SegmentRecord,
  type TraceEvent,
} from '../../src/tools/trace/event.ts';
import { ACK } from '../../src/wire/segment.ts';
import { EventLog, FATES, MARK_AGAIN, NOTE, SEGMENT, SIDE_NONE, STATE, TIMER } from '../engine/log.ts';
import { SAMPLE } from '../engine/samples.ts';
import { Chapter } from './chapter.ts';

/** What conversations look like in the page's own terms. */
export interface Rows {
  readonly log: EventLog;
  /** `a:port – b:port`, by number; the end on the left opened it. */
  readonly connections: string[];
  /** Runs of step, time, side, conn, cwnd, ssthresh, inFlight, srtt; −1 for what is not known. */
  readonly samples: Float64Array;
  /** The last moment of which something is known. */
  readonly end: number;
}

export interface RowsOptions {
  /** The moment that is shown as 0; the first event's if it is left out. */
  readonly origin?: number;
  /** The number of a conversation; its place in the list if it is left out. */
  readonly connOf?: (conversation: Conversation) => number;
}

/** Connections that the log's column has numbers for, and samples at most. */
const MOST_CONNECTIONS = 32_767;
const MOST_SAMPLES = 60_000;
const MOST_REASON = 200;

/**
 * Rows in the order in which things happened, each a step of its own. `why` of a segment says what caused
 * it or what it is: `rto`, `fast`, `syn_ack`, `tlp`, `persist`, `keepalive` … as in the engine's log, and
 * `again` (repeated, nobody knows why), `dup_ack`, `window_update`, `gap` (the one before it is missing here).
 */
export function rowsOf(conversations: readonly Conversation[], options: RowsOptions = {}): Rows {
  const told: Told[] = [];
  const connections: string[] = [];
  const lives = new Map<string, number>();
  conversations.slice(0, MOST_CONNECTIONS).forEach((c, place) => {
    const chapter = new Chapter(c, options.connOf?.(c) ?? place);
    connections[chapter.conn] = labelOf(c, lives);
    c.events.forEach((event, i) => {
      told.push({ chapter, place, event, gap: c.skipped > 0 && i === c.gapAt ? c.skipped : 0 });
    });
  });
  told.sort((x, y) => x.event.at - y.event.at || x.place - y.place || x.event.n - y.event.n);
  const writer = new Writer(options.origin ?? told[0]?.event.at ?? 0);
  for (const t of told) writer.add(t);
  return {
    log: writer.log,
    connections: Array.from(connections, label => label ?? ''),
    samples: Float64Array.from(writer.samples),
    end: writer.end,
  };
}

interface Told {
  readonly chapter: Chapter;
  readonly place: number;
  readonly event: TraceEvent;
  /** Events that are missing before this one. */
  readonly gap: number;
}

/** The ends, and which life of these two ends it is if there are several. */
function labelOf(c: Conversation, lives: Map<string, number>): string {
  const ends = `${hostAndPort(c.left.address, c.left.port)} – ${hostAndPort(c.right.address, c.right.port)}`;
  const life = (lives.get(ends) ?? 0) + 1;
  lives.set(ends, life);
  return life === 1 ? ends : `${ends} (${life})`;
}

class Writer {
  readonly log = new EventLog();
  readonly samples: number[] = [];
  end = 0;
  private readonly origin: number;
  private step = 0;

  constructor(origin: number) {
    this.origin = origin;
  }

  add({ chapter, event, gap }: Told): void {
    const time = this.timeOf(event.at);
    this.end = Math.max(this.end, time);
    if (gap > 0) this.note(chapter, SIDE_NONE, time, `${gap} events in between were not kept`);
    const side = chapter.sideOf(event);
    const { conn } = chapter;
    if (event.kind === 'segment') this.segment(chapter, side, event, time);
    else if (event.kind === 'state') {
      const { from, state: to, why } = event;
      const { port } = side === 0 ? chapter.conversation.left : chapter.conversation.right;
      this.log.add({ kind: STATE, step: ++this.step, time, side, conn, from, to, why, text: String(port) });
    } else if (event.kind === 'timer') {
      if (event.timer === 'pacing') return;
      chapter.timer(side, event.timer, event.at);
      this.log.add({ kind: TIMER, step: ++this.step, time, side, conn, text: event.timer });
    } else if (event.kind === 'congestion') {
      chapter.congestion(side, event);
      this.sample(chapter, side, event.at);
    } else if (event.kind === 'loss') {
      const [from, to] = [chapter.relative(side, event.seq), chapter.relative(side, event.end)];
      this.note(chapter, side, time, `${event.host} takes ${from}–${to} for lost`);
    } else
      this.note(chapter, side, time, `${event.host} throws away what has arrived: ${reasonOf(event.reason)}`);
  }

  private segment(chapter: Chapter, side: 0 | 1, event: SegmentEvent, time: number): void {
    const { segment: s } = event;
    const { analysis, why } = chapter.segment(side, event);
    const arrival = event.arrivedAt === null ? -1 : Math.max(time, this.timeOf(event.arrivedAt));
    this.end = Math.max(this.end, arrival);
    const [fate, reason] = fateOf(event);
    this.log.add({
      kind: SEGMENT,
      step: ++this.step,
      time,
      arrival,
      side,
      conn: chapter.conn,
      flags: s.flags,
      seq: analysis.seq,
      ack: s.flags & ACK ? analysis.ack : 0,
      length: s.length,
      window: s.window,
      fate,
      marks: analysis.retransmission ? MARK_AGAIN : 0,
      frame: event.frame ?? -1,
      tsVal: s.tsVal ?? 0,
      tsEcr: s.tsEcr ?? 0,
      text: `${optionsOf(s, analysis.sack)}|${reasonOf(reason)}`,
      why,
    });
    this.sample(chapter, 0, event.at);
    this.sample(chapter, 1, event.at);
  }

  private note(chapter: Chapter, side: number, time: number, text: string): void {
    this.log.add({ kind: NOTE, step: ++this.step, time, side, conn: chapter.conn, text });
  }

  private sample(chapter: Chapter, side: 0 | 1, at: number): void {
    if (this.samples.length >= MOST_SAMPLES * SAMPLE) return;
    const values = chapter.sample(side, at);
    if (values === null) return;
    this.samples.push(this.step, this.timeOf(at), side, chapter.conn, ...values, -1);
  }

  /** Whole microseconds, so that what a capture tells in nanoseconds is not a moment of its own each. */
  private timeOf(at: number): number {
    return Math.max(0, Math.round(at - this.origin));
  }
}

/** What befell it, by number, and why. A capture may tell in a comment. */
function fateOf(event: SegmentEvent): readonly [fate: number, reason: string] {
  if (event.fate === 'lost') return [FATES.indexOf('dropped'), event.reason ?? ''];
  if (event.fate === 'corrupted') return [FATES.indexOf('corrupted'), event.reason ?? ''];
  if (event.duplicate) return [FATES.indexOf('duplicated'), 'a copy made by the wire'];
  const comment = event.comment ?? '';
  const told = FATES.findIndex((f, i) => i > 0 && comment.startsWith(f));
  return [Math.max(0, told), told < 0 ? comment : comment.replace(/^\w+:?\s*/, '')];
}

/** On one line, of bounded length, without the mark that ends a row's options. */
const reasonOf = (text: string): string => text.slice(0, MOST_REASON).replace(/[|\s]+/g, ' ');

/** As the engine's log has them: `mss=1460 sackok=1 ws=7`, `sack 5-9,12-14`. */
function optionsOf(s: SegmentRecord, sack: readonly (readonly [number, number])[]): string {
  const parts: string[] = [];
  if (s.mss !== undefined) parts.push(`mss=${s.mss}`);
  if (s.sackPermitted) parts.push('sackok=1');
  if (s.windowScale !== undefined) parts.push(`ws=${s.windowScale}`);
  if (sack.length > 0) parts.push(`sack ${sack.map(([l, r]) => `${l}-${r}`).join(',')}`);
  return parts.join(' ');
}
