import { type Seq, seqDiff, seqLe, seqLt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { parkExtra } from './tcb-extra.ts';

/** Marks on a sent segment (the scoreboard). */
export const SACKED = 0x01;
export const RETRANSMITTED = 0x02;
export const LOST = 0x04;
/** Its retransmission has been given up for want of an answer (see `scheduleLossProbe`). */
export const GIVEN_UP = 0x08;
export const EVER_RETRANSMITTED = 0x80;

/**
 * One transmitted range of the sequence space that is not yet cumulatively acknowledged: a segment, or a
 * burst of equal segments sent as one (Linux's TSO skb). `pcount` says how many segments it stands for.
 * It holds no bytes; those stay in the send buffer until they are acknowledged.
 */
export class SentSegment {
  seq = 0 as Seq;
  end = 0 as Seq;
  /** SYN, FIN, PSH, ACK as sent; ECE and CWR on a SYN. */
  flags = 0;
  marks = 0;
  pcount = 1;
  /** Size of each of its segments but the last. */
  mss = 0;
  /** A record boundary (MSG_EOR) lies at its end. */
  eor = false;
  /** When it was last sent. */
  sentAt: Micros = Number.NEGATIVE_INFINITY;
  /** How many segments the connection had sent by then, modulo 2^32: what was sent later has more. */
  sentOrder = 0;
  /** Delivery-rate sampling: `delivered` and its time when this was sent (tcp_rate.c). */
  delivered = 0;
  deliveredAt: Micros = Number.NEGATIVE_INFINITY;
  firstSentAt: Micros = Number.NEGATIVE_INFINITY;
  appLimited = false;
  /** Neighbours in the order of sending (RACK). */
  older: SentSegment | null = null;
  newer: SentSegment | null = null;
  /** In the time-ordered list at all. */
  timed = false;

  /** Payload bytes, SYN and FIN not counted. */
  get length(): number {
    return seqDiff(this.end, this.seq) - (this.flags & 0x01) - ((this.flags & 0x02) >> 1);
  }
}

/** Free records and queues, so that steady sending allocates nothing. */
export class SentPool {
  private readonly free: SentSegment[] = [];
  private readonly queues: SentQueue[] = [];
  /** The queue of all connections that have nothing in flight: nothing is ever put into it. */
  readonly none = new SentQueue(this);

  take(): SentSegment {
    const s = this.free.pop();
    if (s === undefined) return new SentSegment();
    s.flags = 0;
    s.marks = 0;
    s.pcount = 1;
    s.mss = 0;
    s.eor = false;
    s.appLimited = false;
    s.older = null;
    s.newer = null;
    s.timed = false;
    return s;
  }

  give(s: SentSegment): void {
    if (this.free.length < 4096) this.free.push(s);
  }

  takeQueue(): SentQueue {
    return this.queues.pop() ?? new SentQueue(this);
  }

  giveQueue(q: SentQueue): void {
    q.clear();
    if (this.queues.length < 4096) this.queues.push(q);
  }
}

/** A fresh record at the end of the connection's queue. */
export function pushSent(tcb: Tcb): SentSegment {
  const pool = tcb.ctx.sentPool;
  if (tcb.sent === pool.none) tcb.sent = pool.takeQueue();
  return tcb.sent.push();
}

/** Nothing is in flight any more: an idle connection has no queue. */
export function dropSent(tcb: Tcb): void {
  const pool = tcb.ctx.sentPool;
  if (tcb.sent === pool.none) return;
  pool.giveQueue(tcb.sent);
  tcb.sent = pool.none;
  parkExtra(tcb);
}

/** Places that a queue keeps when it is empty. */
const USUAL = 64;

/** The retransmission queue: what was sent and not yet acknowledged, in sequence order and in time order. */
export class SentQueue {
  /** Records lie at `items[head..tail)`: an array whose length is set to 0 gives its memory away, and each life would take some anew. */
  private readonly items: SentSegment[] = [];
  private head = 0;
  private tail = 0;
  private readonly pool: SentPool;
  /** Ends of the time-ordered list: least and most recently sent. */
  oldest: SentSegment | null = null;
  newest: SentSegment | null = null;

  constructor(pool: SentPool) {
    this.pool = pool;
  }

  get size(): number {
    return this.tail - this.head;
  }

  at(i: number): SentSegment {
    return this.items[this.head + i]!;
  }

  first(): SentSegment | null {
    return this.head < this.tail ? this.items[this.head]! : null;
  }

  last(): SentSegment | null {
    return this.head < this.tail ? this.items[this.tail - 1]! : null;
  }

  /** For `pushSent`. */
  push(): SentSegment {
    const s = this.pool.take();
    this.items[this.tail++] = s;
    return s;
  }

  /** Drops the first record. */
  shift(): void {
    const s = this.items[this.head]!;
    this.untime(s);
    this.items[this.head] = UNUSED;
    this.head++;
    this.pool.give(s);
    if (this.head === this.tail) {
      this.head = 0;
      this.tail = 0;
      if (this.items.length > USUAL) this.items.length = 0;
    } else if (this.head >= 256 && this.head * 2 > this.tail) {
      this.items.splice(0, this.head);
      this.tail -= this.head;
      this.head = 0;
    }
  }

  /** Index of the first record whose end lies beyond `seq`, or `size`. */
  find(seq: Seq): number {
    let low = this.head;
    let high = this.tail;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (seqLe(this.items[mid]!.end, seq)) low = mid + 1;
      else high = mid;
    }
    return low - this.head;
  }

  indexOf(s: SentSegment): number {
    let i = this.find(s.seq);
    // Zero-length records do not exist, so the record that covers its first number is the one.
    while (i < this.size && this.at(i) !== s && !seqLt(s.seq, this.at(i).seq)) i++;
    return i;
  }

  /** Splits record `i` after `length` payload bytes; the second half follows it in both orders. */
  split(i: number, length: number): SentSegment {
    const s = this.at(i);
    const rest = this.pool.take();
    rest.seq = ((s.seq + length) | 0) as Seq;
    rest.end = s.end;
    s.end = rest.seq;
    rest.flags = s.flags;
    s.flags &= ~0x09; // FIN and PSH belong to the end
    rest.marks = s.marks;
    rest.eor = s.eor;
    s.eor = false;
    rest.mss = s.mss;
    rest.sentAt = s.sentAt;
    rest.sentOrder = s.sentOrder;
    rest.delivered = s.delivered;
    rest.deliveredAt = s.deliveredAt;
    rest.firstSentAt = s.firstSentAt;
    rest.appLimited = s.appLimited;
    this.items.splice(this.head + i + 1, 0, rest);
    this.tail++;
    if (s.timed) this.timeAfter(rest, s);
    return rest;
  }

  /** Removes record `i`, whose range another record has taken over. */
  remove(i: number): void {
    if (i === 0) {
      this.shift();
      return;
    }
    const s = this.at(i);
    this.untime(s);
    this.items.splice(this.head + i, 1);
    this.tail--;
    this.pool.give(s);
  }

  /** Moves a record to the recent end of the time-ordered list. */
  touch(s: SentSegment): void {
    this.untime(s);
    s.older = this.newest;
    s.newer = null;
    if (this.newest !== null) this.newest.newer = s;
    else this.oldest = s;
    this.newest = s;
    s.timed = true;
  }

  /** Takes a record out of the time-ordered list (SACKed or marked lost). */
  untime(s: SentSegment): void {
    if (!s.timed) return;
    if (s.older !== null) s.older.newer = s.newer;
    else this.oldest = s.newer;
    if (s.newer !== null) s.newer.older = s.older;
    else this.newest = s.older;
    s.older = null;
    s.newer = null;
    s.timed = false;
  }

  private timeAfter(s: SentSegment, after: SentSegment): void {
    s.older = after;
    s.newer = after.newer;
    if (after.newer !== null) after.newer.older = s;
    else this.newest = s;
    after.newer = s;
    s.timed = true;
  }

  clear(): void {
    while (this.size > 0) this.shift();
  }
}

const UNUSED = new SentSegment();
