import { type Seq, seqDiff, seqGt, seqLe, seqLt } from '../base/seq.ts';
import { CA_RECOVERY } from './constants.ts';
import type { Tcb } from './tcb.ts';

/**
 * "What may be sent now, and if nothing, what are we waiting for?" One ladder: output sends what it
 * answers, and arms the timer that goes with the reason. A caller that needs no answer in full asks
 * nothing else, so that sending and waking can't disagree.
 */

/** Reasons for sending nothing now. */
export const NOTHING = 0;
export const WAIT_CWND = -1;
export const WAIT_WINDOW = -2;
export const WAIT_NAGLE = -3;
export const WAIT_MORE = -4;

/** How eagerly partial segments are sent. */
export const NAGLE = 0;
export const NAGLE_OFF = 1;
export const CORK = 2;
/** Everything goes: the user flushed. */
export const PUSH_ALL = 4;

/** The next piece of the send queue, filled by `decide`; a host works on one connection at a time. */
export class Decision {
  /** Payload bytes; a bare FIN has none. */
  length = 0;
  fin = false;
  /** It ends a record (MSG_EOR). */
  record = false;
  cwndLimited = false;
  windowLimited = false;
}

/** Unsent payload bytes: the FIN does not count. */
export const unsent = (tcb: Tcb): number =>
  seqDiff(tcb.writeSeq, tcb.sndNxt) - (tcb.finQueued && seqLt(tcb.sndNxt, tcb.writeSeq) ? 1 : 0);

export const hasUnsent = (tcb: Tcb): boolean => tcb.sndNxt !== tcb.writeSeq;

/**
 * @param mss payload of one segment now
 * @param maxSegs most segments in one burst
 * @param nagle NAGLE, or a combination of NAGLE_OFF, CORK, PUSH_ALL
 * @param probe a loss probe: one segment whatever the congestion window says
 * @returns 1 and the piece in `out`, or a reason
 */
export function decide(
  tcb: Tcb,
  mss: number,
  maxSegs: number,
  nagle: number,
  probe: boolean,
  out: Decision,
): number {
  if (!hasUnsent(tcb)) return NOTHING;
  let quota = cwndQuota(tcb);
  if (quota === 0) {
    if (!probe) return WAIT_CWND;
    quota = 1;
  }
  if (quota > maxSegs) quota = maxSegs;
  if (tcb.pushMarks !== null) mergePushMarks(tcb, tcb.pushMarks, quota * mss);

  // The stretch up to the next record boundary is one unit for Nagle and for deferral.
  let length = unsent(tcb);
  let tail = true;
  out.record = false;
  const records = tcb.records;
  if (records !== null && records.length > 0) {
    const boundary = seqDiff(records[0]!, tcb.sndNxt);
    if (boundary <= length) {
      tail = boundary === length;
      length = boundary;
      out.record = true;
    }
  }
  const fin = tail && tcb.finQueued;
  const segs = length > mss ? Math.ceil(length / mss) : 1;

  // RFC 9293 §3.8.6: the first segment of it must fit the window.
  const window = seqDiff(tcb.wndEnd, tcb.sndNxt);
  const first = length > mss ? mss : length + (fin ? 1 : 0);
  if (first > window) {
    out.windowLimited = true;
    return WAIT_WINDOW;
  }
  if (segs === 1) {
    const hold = tail && !fin && length < mss && !tcb.urgentMode && nagleHolds(tcb, nagle);
    if (hold && !(nagle & PUSH_ALL)) return WAIT_NAGLE;
  } else if (!probe && defer(tcb, length, fin || out.record, window, maxSegs, out)) return WAIT_MORE;

  let take = length;
  if (segs > 1) {
    const limit = tcb.urgentMode ? mss : splitPoint(tcb, length, mss, quota, window, tail, nagle);
    if (limit < take) take = limit;
  }
  out.length = take;
  out.fin = fin && take === length;
  out.record = out.record && take === length;
  return 1;
}

/** How many segments the congestion window admits; a burst takes half of a large window at most. */
function cwndQuota(tcb: Tcb): number {
  const room = tcb.cwnd - tcb.inFlight;
  if (room <= 0) return 0;
  const half = tcb.cwnd >> 1 || 1;
  return room < half ? room : half;
}

/** Nagle's rule in Minshall's form (SHLD-7): hold a partial segment while an earlier partial one is out. */
function nagleHolds(tcb: Tcb, nagle: number): boolean {
  if (nagle & CORK) return true;
  if (nagle & NAGLE_OFF || tcb.packetsOut === 0) return false;
  return seqGt(tcb.sndSml, tcb.sndUna) && seqLe(tcb.sndSml, tcb.sndNxt);
}

/** Where to cut a stretch of several segments: at the quota, the window, or before a partial tail. */
function splitPoint(
  tcb: Tcb,
  length: number,
  mss: number,
  quota: number,
  window: number,
  tail: boolean,
  nagle: number,
): number {
  const most = mss * quota;
  if (most <= window && !tail) return most;
  const needed = length < window ? length : window;
  if (most <= needed) return most;
  const partial = needed % mss;
  return partial !== 0 && nagleHolds(tcb, nagle) ? needed - partial : needed;
}

/**
 * Waits for a larger burst when an ACK that will allow one is about to come (`tcp_tso_win_divisor`).
 * Only while the last transmission is less than a millisecond old, so that it never adds delay.
 */
function defer(
  tcb: Tcb,
  length: number,
  ends: boolean,
  window: number,
  maxSegs: number,
  out: Decision,
): boolean {
  const now = tcb.ctx.now;
  if (tcb.caState >= CA_RECOVERY) return false;
  if (now - tcb.lastDataSentAt > 1000) return false;
  const cong = (tcb.cwnd - tcb.inFlight) * tcb.mssCache;
  const limit = cong < window ? cong : window;
  if (limit >= maxSegs * tcb.mssCache) return false;
  const divisor = tcb.ctx.sysctl.tcp_tso_win_divisor;
  if (divisor > 0) {
    const chunk = Math.floor(Math.min(tcb.sndWnd, tcb.cwnd * tcb.mssCache) / divisor);
    if (limit >= chunk) return false;
  } else if (limit > 3 * tcb.mssCache) return false;
  const head = tcb.sent.first();
  if (head === null) return false;
  const srtt = tcb.srtt >> 3;
  const ackIn = head.sentAt + srtt - now;
  if (ackIn > Math.min(srtt >> 1, 1000)) return false;
  if (cong < window) {
    if (cong <= length) {
      out.cwndLimited = true;
      return true;
    }
  } else if (window <= length) {
    out.windowLimited = true;
    return true;
  }
  return !ends;
}

/** The next record boundary has been passed. */
export function dropRecords(tcb: Tcb, to: Seq): void {
  const records = tcb.records;
  if (records === null) return;
  while (records.length > 0 && seqLe(records[0]!, to)) records.shift();
}

/** The first burst grows over the packets that follow while it waits; their push marks move to its end (tcp_grow_skb). */
function mergePushMarks(tcb: Tcb, marks: Seq[], burst: number): void {
  const length = unsent(tcb);
  const edge = ((tcb.sndNxt + (burst < length ? burst : length)) | 0) as Seq;
  let inside = 0;
  while (inside < marks.length && seqLt(marks[inside]!, edge)) inside++;
  if (inside > 0) marks.splice(0, inside, edge);
}

/** What lies before `to` is sent: does a push mark stand just there? */
export function passPushMarks(tcb: Tcb, to: Seq): boolean {
  const marks = tcb.pushMarks;
  if (marks === null) return to === tcb.pushedSeq;
  let last = tcb.pushedSeq;
  while (marks.length > 0 && seqLe(marks[0]!, to)) last = marks.shift()!;
  if (marks.length === 0) tcb.pushMarks = null;
  return to === last || to === tcb.pushedSeq;
}
