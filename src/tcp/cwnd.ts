import { seqLt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { CHRONO_SNDBUF, startChrono } from './chrono.ts';
import { isCwndLimited } from './congestion/controller.ts';
import { CA_CWR, CA_OPEN, CA_RECOVERY, INFINITE_SSTHRESH } from './constants.ts';
import { queueCwr } from './ecn.ts';
import { initialCwnd } from './negotiate.ts';
import { CLOSE_WAIT, ESTABLISHED } from './state.ts';
import type { Tcb } from './tcb.ts';
import { jiffiesSince } from './timers.ts';

/** The congestion window itself: validation, restart after idle, and reduction (PRR, RFC 6937/9937). */

export const inReduction = (tcb: Tcb): boolean => tcb.caState === CA_CWR || tcb.caState === CA_RECOVERY;

export function setCaState(tcb: Tcb, state: number): void {
  if (tcb.caState === state) return;
  tcb.caState = state;
  const trace = tcb.ctx.trace;
  if (trace !== null) trace.congestion(tcb);
}

/** ssthresh to remember: while reducing, that of before; else at least three quarters of the window. */
export const currentSsthresh = (tcb: Tcb): number =>
  inReduction(tcb) ? tcb.ssthresh : Math.max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2));

/** After a burst: was the window the limit? A window that is not used for a while decays. */
export function validateCwnd(tcb: Tcb, limited: boolean): void {
  if (
    !seqLt(tcb.sndUna, tcb.cwndUsageSeq) ||
    limited ||
    (!tcb.cwndLimited && tcb.packetsOut > tcb.maxPacketsOut)
  ) {
    tcb.cwndLimited = limited;
    tcb.maxPacketsOut = tcb.packetsOut;
    tcb.cwndUsageSeq = tcb.sndNxt;
  }
  const now = tcb.ctx.now;
  if (isCwndLimited(tcb)) {
    tcb.cwndUsed = 0;
    tcb.lastCwndAt = now;
    return;
  }
  if (tcb.packetsOut > tcb.cwndUsed) tcb.cwndUsed = tcb.packetsOut;
  if (tcb.ctx.sysctl.tcp_slow_start_after_idle !== 0 && jiffiesSince(tcb.ctx, tcb.lastCwndAt) >= tcb.rto)
    applicationLimited(tcb);
  if (tcb.sndNxt === tcb.writeSeq && tcb.noSpace && (tcb.state === ESTABLISHED || tcb.state === CLOSE_WAIT))
    startChrono(tcb, CHRONO_SNDBUF);
}

/** RFC 2861: the application did not fill the window; halve the unused part. */
function applicationLimited(tcb: Tcb): void {
  if (tcb.caState === CA_OPEN && !tcb.noSpace) {
    const used = Math.max(tcb.cwndUsed, initialCwnd(tcb));
    if (used < tcb.cwnd) {
      tcb.ssthresh = currentSsthresh(tcb);
      tcb.cwnd = (tcb.cwnd + used) >> 1;
    }
    tcb.cwndUsed = 0;
  }
  tcb.lastCwndAt = tcb.ctx.now;
}

/** RFC 5681 §4.1: after an idle RTO begin again from the restart window. */
export function restartAfterIdle(tcb: Tcb): void {
  const ctx = tcb.ctx;
  if (ctx.sysctl.tcp_slow_start_after_idle === 0 || tcb.packetsOut !== 0) return;
  const idle = jiffiesSince(ctx, tcb.lastDataSentAt);
  if (!(idle > tcb.rto) || idle === Number.POSITIVE_INFINITY) return;
  let left: Micros = idle;
  let cwnd = tcb.cwnd;
  const restart = Math.min(initialCwnd(tcb), cwnd);
  tcb.ssthresh = currentSsthresh(tcb);
  while ((left -= tcb.rto) > 0 && cwnd > restart) cwnd >>= 1;
  tcb.cwnd = Math.max(cwnd, restart);
  tcb.lastCwndAt = ctx.now;
  tcb.cwndUsed = 0;
}

export function beginReduction(tcb: Tcb): void {
  tcb.highSeq = tcb.sndNxt;
  tcb.tlpOut = false;
  tcb.cwndCount = 0;
  tcb.priorCwnd = tcb.cwnd;
  tcb.prrDelivered = 0;
  tcb.prrOut = 0;
  tcb.ssthresh = tcb.congestion.ssthresh(tcb);
  queueCwr(tcb);
}

/** Proportional rate reduction: how much may be sent for what this acknowledgement delivered. */
export function reduce(tcb: Tcb, delivered: number, lost: number, advanced: boolean): void {
  if (delivered <= 0 || tcb.priorCwnd === 0 || tcb.congestion.fixed > 0) return;
  const inFlight = tcb.inFlight;
  const delta = tcb.ssthresh - inFlight;
  tcb.prrDelivered += delivered;
  let count: number;
  if (delta < 0) {
    count = Math.ceil((tcb.ssthresh * tcb.prrDelivered) / tcb.priorCwnd) - tcb.prrOut;
  } else {
    count = Math.max(tcb.prrDelivered - tcb.prrOut, delivered);
    if (advanced && lost === 0) count++;
    count = Math.min(delta, count);
  }
  // The first retransmission always goes.
  count = Math.max(count, tcb.prrOut > 0 ? 0 : 1);
  tcb.cwnd = inFlight + count;
}

export function endReduction(tcb: Tcb): void {
  if (tcb.ssthresh < INFINITE_SSTHRESH && (tcb.caState === CA_CWR || tcb.undoArmed)) {
    tcb.cwnd = tcb.ssthresh;
    tcb.lastCwndAt = tcb.ctx.now;
  }
}

/** Reduces for a reason that is no loss: ECN, or a full local queue. */
export function enterCwr(tcb: Tcb): void {
  tcb.priorSsthresh = 0;
  if (tcb.caState < CA_CWR) {
    tcb.undoArmed = false;
    beginReduction(tcb);
    setCaState(tcb, CA_CWR);
  }
}
