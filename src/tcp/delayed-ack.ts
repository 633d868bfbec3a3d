import type { Micros } from '../base/time.ts';
import { FIN, PSH, type Segment } from '../wire/segment.ts';
import { ATO_MIN, DELACK_MAX, MAX_QUICKACKS, MSS_DEFAULT_4, PINGPONG_THRESH } from './constants.ts';
import type { Tcb } from './tcb.ts';
import { jiffiesSince, setDelack, toJiffies } from './timers.ts';
import { measureRatio } from './window.ts';

/**
 * When to acknowledge (RFC 9293 §3.8.6.3). A connection begins in quick-ack mode, so that the sender's
 * slow start is not held up; it changes to ping-pong mode when answers follow questions, so that the ACK
 * rides on the answer; in between, ACKs wait 40 to 200 ms or for the second full segment.
 */

/** Acknowledge the next segments at once: as many as fill half the window, at most `max`. */
function increaseQuickAck(tcb: Tcb, max: number): void {
  const segments = Math.floor(tcb.rcvWnd / (2 * Math.max(tcb.rcvMss, 1))) || 2;
  const quick = Math.min(segments, max);
  if (quick > tcb.quick) tcb.quick = quick;
}

export function enterQuickAck(tcb: Tcb, max = MAX_QUICKACKS): void {
  increaseQuickAck(tcb, max);
  tcb.pingpong = 0;
  tcb.ato = ATO_MIN;
}

export const inPingpong = (tcb: Tcb): boolean => tcb.pingpong >= PINGPONG_THRESH;

export const enterPingpong = (tcb: Tcb): void => {
  tcb.pingpong = PINGPONG_THRESH;
};

export const inQuickAck = (tcb: Tcb): boolean => tcb.quick > 0 && !inPingpong(tcb);

/**
 * Estimates the size of the peer's segments, by which "every second full segment" is judged. A
 * super-segment tells it exactly.
 */
export function measureSegment(tcb: Tcb, segment: Segment): void {
  const length = segment.count > 1 ? segment.segmentSize : segment.length;
  const pushed = (segment.flags & PSH) !== 0;
  const last = tcb.lastSegSize;
  tcb.lastSegSize = 0;
  if (length >= tcb.rcvMss) {
    if (length !== tcb.rcvMss) measureRatio(tcb, segment.length);
    tcb.rcvMss = Math.min(length, tcb.advmss);
    if (pushed) tcb.ackPushed |= 1;
    return;
  }
  // A shorter segment counts as the size if it is no tail of a burst and comes twice.
  if (length >= MSS_DEFAULT_4 || (length >= 88 && !(segment.flags & (PSH | FIN)))) {
    tcb.lastSegSize = length;
    if (length === last) {
      tcb.rcvMss = length;
      return;
    }
  }
  if (tcb.ackPushed & 1) tcb.ackPushed |= 2;
  tcb.ackPushed |= 1;
}

/** New data arrived in order: an ACK is owed, and the delay adapts to the pace of arrivals. */
export function dataArrived(tcb: Tcb): void {
  tcb.ackScheduled = true;
  const now = tcb.ctx.now;
  if (tcb.ato === 0) {
    increaseQuickAck(tcb, MAX_QUICKACKS);
    tcb.ato = ATO_MIN;
  } else {
    const { ctx } = tcb;
    const gap = jiffiesSince(ctx, tcb.lastDataReceivedAt);
    const half = Math.floor(tcb.ato / (2 * ctx.jiffy)) * ctx.jiffy;
    if (gap <= ATO_MIN / 2) tcb.ato = half + ATO_MIN / 2;
    else if (gap < tcb.ato) tcb.ato = Math.min(half + gap, tcb.rto, DELACK_MAX);
    else if (gap > tcb.rto) increaseQuickAck(tcb, MAX_QUICKACKS);
  }
  tcb.lastDataReceivedAt = now;
}

/**
 * The path has lost packets. Linux waits all the same; but there a segment that comes alone may be a loss probe, whose
 * sender is at a standstill until it is acknowledged, and an ACK that stands for many may be lost too. So the delay is at
 * most four round trips, in which all has come that would have come, and nothing at all where a round trip is too short
 * for the clock (`isShort`).
 */
export const hasLost = (tcb: Tcb): boolean => tcb.rcvOooPackets > 0;

/** A round trip takes less than a tick of the clock. */
export const isShort = (tcb: Tcb): boolean => tcb.shortPath || roundTrip(tcb) < tcb.ctx.jiffy;

/** As the receiver knows it; infinite as long as it does not. */
function roundTrip(tcb: Tcb): Micros {
  // Both are kept in eighths, 0 as long as there is none.
  let rtt = tcb.rcvRtt;
  if (tcb.srtt > 0 && (rtt === 0 || tcb.srtt < rtt)) rtt = tcb.srtt;
  return rtt === 0 ? Number.POSITIVE_INFINITY : rtt / 8;
}

/** Starts the delayed-ACK timer, or shortens it to what the round trip suggests. */
export function delayAck(tcb: Tcb): void {
  const ctx = tcb.ctx;
  let ato = tcb.ato;
  if (ato > ATO_MIN) {
    let max = 500_000;
    if (inPingpong(tcb) || tcb.ackPushed & 1) max = DELACK_MAX;
    if (tcb.srtt > 0) {
      const rtt = Math.max(tcb.srtt >> 3, ATO_MIN);
      if (rtt < max) max = rtt;
    }
    ato = Math.min(ato, max);
  }
  ato = Math.min(ato, DELACK_MAX);
  if (hasLost(tcb)) ato = Math.min(ato, 4 * roundTrip(tcb));
  // A delay of nothing is still the next tick.
  let at = ctx.now + Math.max(toJiffies(ctx, ato), 1);
  if (tcb.ackTimer) {
    // About to go off, or blocked: now rather than later.
    const soon = Math.floor(toJiffies(ctx, ato) / ctx.jiffy / 4) * ctx.jiffy;
    if (tcb.delackAt <= ctx.now + soon) {
      tcb.ackNow = true;
      ctx.wantOutput(tcb);
      return;
    }
    if (at > tcb.delackAt) at = tcb.delackAt;
  }
  tcb.ackScheduled = true;
  tcb.ackTimer = true;
  setDelack(tcb, at);
}

/** A full segment beyond the last ACK, with room to say so (SHLD-19)? */
export const twoSegmentsOwed = (tcb: Tcb): boolean => ((tcb.rcvNxt - tcb.rcvWup) | 0) > tcb.rcvMss;
