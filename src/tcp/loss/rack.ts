import { type Seq, seqGt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import {
  CA_RECOVERY,
  RACK_RECOVERY_THRESH,
  REXMIT_LOST,
  TIMEOUT_MIN_US,
  XMIT_REO,
  XMIT_RTO,
} from '../constants.ts';
import { reduce } from '../cwnd.ts';
import type { RateSample } from '../rate.ts';
import { LOST, RETRANSMITTED, type SentSegment } from '../sent.ts';
import type { Tcb } from '../tcb.ts';
import { setXmit, toJiffies } from '../timers.ts';
import { enterRecovery, markLost } from './recovery.ts';
import { rearmRto } from './tlp.ts';

/** RACK (RFC 8985 §6): what was sent well before something delivered, and is not delivered, is lost. */

/**
 * Whether a was sent after b; the sequence numbers decide between pieces of one burst. Not by time: where many
 * ACKs are handled at one moment (virtual time, a batch of frames), what each of them sends has the same.
 */
const sentAfter = (a: number, b: number, endA: Seq, endB: Seq): boolean =>
  a === b ? seqGt(endA, endB) : ((a - b) | 0) > 0;

/** A segment was delivered: remember the latest sent of all delivered (§6.2 steps 1 to 3). */
export function rackAdvance(tcb: Tcb, s: SentSegment): void {
  const rtt = tcb.ctx.now - s.sentAt;
  // An ACK too fast for a retransmission answers the original.
  if (tcb.minRtt >= 0 && rtt < tcb.minRtt && s.marks & (RETRANSMITTED | 0x80)) return;
  tcb.rackAdvanced = true;
  tcb.rackRtt = rtt;
  if (sentAfter(s.sentOrder, tcb.rackSentOrder, s.end, tcb.rackEnd)) {
    tcb.rackSentOrder = s.sentOrder;
    tcb.rackEnd = s.end;
  }
}

/** How much reordering to allow for (step 4). */
function reorderingWindow(tcb: Tcb): Micros {
  if (tcb.reordSeen === 0) {
    if (tcb.caState >= CA_RECOVERY) return 0;
    if (tcb.sackedOut >= tcb.reordering && !(tcb.ctx.sysctl.tcp_recovery & 4)) return 0;
  }
  return Math.min((Math.max(tcb.minRtt, 0) >> 2) * tcb.rackSteps, tcb.srtt >> 3);
}

/** Time until the segment counts as lost; not positive if it does now. */
export const rackTimeout = (tcb: Tcb, s: SentSegment, window: Micros): Micros =>
  tcb.rackRtt + window - (tcb.ctx.now - s.sentAt);

/** Marks what is lost (step 5); returns how long until the next may be, 0 if none. */
function detectLoss(tcb: Tcb): Micros {
  const window = reorderingWindow(tcb);
  let timeout = 0;
  let s = tcb.sent.oldest;
  while (s !== null) {
    const next = s.newer;
    if (!(s.marks & LOST) || s.marks & RETRANSMITTED) {
      if (!sentAfter(tcb.rackSentOrder, s.sentOrder, tcb.rackEnd, s.end)) break;
      const left = rackTimeout(tcb, s, window);
      if (left <= 0) {
        markLost(tcb, s);
        tcb.sent.untime(s);
      } else if (left > timeout) timeout = left;
    }
    s = next;
  }
  return timeout;
}

/** After an acknowledgement. Returns true if the reordering timer was armed. */
export function rackMarkLost(tcb: Tcb): boolean {
  if (!tcb.rackAdvanced) return false;
  tcb.rackAdvanced = false;
  const timeout = detectLoss(tcb);
  if (timeout === 0) return false;
  setXmit(tcb, XMIT_REO, Math.min(toJiffies(tcb.ctx, timeout + TIMEOUT_MIN_US), tcb.rto));
  return true;
}

/** The reordering timer went off. */
export function rackReorderingTimeout(tcb: Tcb): void {
  const inFlight = tcb.inFlight;
  const lost = tcb.lost;
  detectLoss(tcb);
  if (tcb.inFlight !== inFlight) {
    if (tcb.caState !== CA_RECOVERY) {
      enterRecovery(tcb, false);
      reduce(tcb, 1, tcb.lost - lost, false);
    }
    tcb.rexmit = REXMIT_LOST;
    tcb.ctx.wantOutput(tcb);
  }
  if (tcb.xmitKind !== XMIT_RTO) rearmRto(tcb);
}

/** Widens the window when D-SACKs show that it was too small; narrows it again after 16 recoveries. */
export function updateReorderingWindow(tcb: Tcb, sample: RateSample): void {
  if (tcb.ctx.sysctl.tcp_recovery & 2 || !sample.has || sample.priorDelivered === 0) return;
  if (sample.priorDelivered < tcb.rackLastDelivered) tcb.rackDsackSeen = false;
  if (tcb.rackDsackSeen) {
    tcb.rackSteps = Math.min(255, tcb.rackSteps + 1);
    tcb.rackDsackSeen = false;
    tcb.rackLastDelivered = tcb.delivered;
    tcb.rackPersist = RACK_RECOVERY_THRESH;
  } else if (tcb.rackPersist === 0) tcb.rackSteps = 1;
}
