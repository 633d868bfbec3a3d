import { type Seq, seqDiff, seqGe, seqLt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { type ErrorQueue, errorsOf, ORIGIN_TIMESTAMPING, QueuedError } from './error-queue.ts';
import { optStats } from './opt-stats.ts';
import type { Tcb } from './tcb.ts';

/**
 * SO_TIMESTAMPING: when the last byte of a write was handed to the interface's queue, left it, and was
 * acknowledged; and when what is read had arrived. A connection without the option has no such object.
 */

/** Bits of SO_TIMESTAMPING. */
const TX_SOFTWARE = 1 << 1;
const RX_SOFTWARE = 1 << 3;
const SOFTWARE = 1 << 4;
const OPT_ID = 1 << 7;
const TX_SCHED = 1 << 8;
const TX_ACK = 1 << 9;
const OPT_TSONLY = 1 << 11;
const OPT_STATS = 1 << 12;
const OPT_ID_TCP = 1 << 16;
export const TX_RECORD = (1 << 0) | TX_SOFTWARE | TX_SCHED | TX_ACK;

/** SCM_TSTAMP_*: what a report is about. */
const SENT = 0;
const SCHEDULED = 1;
const ACKNOWLEDGED = 2;

const ENOMSG = 42;
const ENOMEM = 12;
/** Writes that may wait for their reports, and arrivals that may wait to be read. */
const MAX_MARKS = 4096;

interface Mark {
  /** The write's last byte. */
  readonly at: Seq;
  readonly flags: number;
}

interface Arrival {
  end: Seq;
  time: Micros;
}

export class TxStamps {
  flags = 0;
  /** Bytes are numbered from here. */
  base = 0 as Seq;
  private readonly marks: Mark[] = [];
  private readonly arrivals: Arrival[] = [];
  /** When the last byte that was read had arrived; 0 unknown. */
  readAt: Micros = 0;

  /** A write has been taken whole. Of two writes that end in one packet the later is remembered. */
  written(tcb: Tcb, flags: number): void {
    const record = flags & TX_RECORD;
    if (record === 0) return;
    const packet = seqLt(tcb.tailStart, tcb.sndNxt) ? tcb.sndNxt : tcb.tailStart;
    const marks = this.marks;
    let all = record;
    while (marks.length > 0 && seqGe(marks[marks.length - 1]!.at, packet)) all |= marks.pop()!.flags;
    if (marks.length < MAX_MARKS) marks.push({ at: ((tcb.writeSeq - 1) | 0) as Seq, flags: all });
  }

  /** Whether a write with a mark ends within [from, to). */
  marksWithin(from: Seq, to: Seq): boolean {
    return this.marks.some(m => seqGe(m.at, from) && seqLt(m.at, to));
  }

  /** [seq, end) has been handed to the interface, which dropped it or not. */
  sent(tcb: Tcb, seq: Seq, end: Seq, dropped: boolean): void {
    for (const m of this.marks) {
      if (!seqLt(m.at, end)) return;
      if (seqLt(m.at, seq)) continue;
      if (m.flags & TX_SCHED) this.report(tcb, m, SCHEDULED, seq, end, -1);
      if (m.flags & TX_SOFTWARE && !dropped) this.report(tcb, m, SENT, seq, end, -1);
    }
  }

  /** Everything before `una` is acknowledged, by a segment that came with `ttl`. */
  acknowledged(tcb: Tcb, una: Seq, ttl: number): void {
    const marks = this.marks;
    let n = 0;
    for (; n < marks.length && seqLt(marks[n]!.at, una); n++) {
      const m = marks[n]!;
      if (m.flags & TX_ACK) this.report(tcb, m, ACKNOWLEDGED, m.at, ((m.at + 1) | 0) as Seq, ttl);
    }
    if (n > 0) marks.splice(0, n);
  }

  private report(tcb: Tcb, m: Mark, kind: number, seq: Seq, end: Seq, ttl: number): void {
    const e = new QueuedError(ENOMSG, ORIGIN_TIMESTAMPING);
    e.info = kind;
    e.data = this.flags & OPT_ID ? seqDiff(m.at, this.base) >>> 0 : 0;
    e.time = tcb.ctx.now;
    if (!(this.flags & OPT_TSONLY)) {
      e.bytes = new Uint8Array(seqDiff(end, seq));
      tcb.sendRing?.copyOut(seq, e.bytes, 0, e.bytes.length);
    } else if (this.flags & OPT_STATS) {
      e.bytes = optStats(tcb, ttl);
      e.stats = true;
    }
    queueError(tcb, errorsOf(tcb), e);
  }

  // What arrives

  get wantsArrivals(): boolean {
    return (this.flags & RX_SOFTWARE) !== 0;
  }

  get tellsArrivals(): boolean {
    return (this.flags & (RX_SOFTWARE | SOFTWARE)) === (RX_SOFTWARE | SOFTWARE);
  }

  arrived(end: Seq, now: Micros): void {
    const list = this.arrivals;
    const last = list[list.length - 1];
    if (last !== undefined && (last.time === now || list.length >= MAX_MARKS)) {
      last.end = end;
      last.time = now;
    } else list.push({ end, time: now });
  }

  /** Everything before `to` has been read. */
  read(to: Seq): void {
    const list = this.arrivals;
    let n = 0;
    while (n < list.length && seqLt(list[n]!.end, to)) n++;
    const last = list[n];
    if (last === undefined) return;
    this.readAt = last.time;
    list.splice(0, last.end === to ? n + 1 : n);
  }
}

/** Adds an error or report to the connection's queue if the receive buffer's limit allows. */
export function queueError(tcb: Tcb, queue: ErrorQueue, e: QueuedError): number {
  if (tcb.rmem + queue.memory + e.memory >= tcb.rcvbuf) return -ENOMEM;
  queue.push(e);
  if (!tcb.orphan) tcb.ctx.wake(tcb);
  return 0;
}

/** SO_TIMESTAMPING was set to `flags` on a connection. */
export function setTimestamping(tcb: Tcb, flags: number): void {
  if (flags === 0 && tcb.txStamps === null) return;
  tcb.txStamps ??= new TxStamps();
  const t = tcb.txStamps;
  if (flags & OPT_ID && !(t.flags & OPT_ID)) t.base = flags & OPT_ID_TCP ? tcb.writeSeq : tcb.sndUna;
  t.flags = flags;
}
