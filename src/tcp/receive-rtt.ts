import { type Seq, seqDiff, seqLt } from '../base/seq.ts';
import type { Tcb } from './tcb.ts';
import { spaceFromWindow, windowFromSpace } from './window.ts';

/** The receiver's own view of the round trip, and the receive buffer that follows from it. */

/** @param smooth a larger sample counts too: not that of a window, nor one taken while a reader lags behind */
function update(tcb: Tcb, sample: number, smooth: boolean): void {
  const m = sample * 8;
  if (tcb.rcvRtt === 0 || m < tcb.rcvRtt) tcb.rcvRtt = m;
  else if (smooth) tcb.rcvRtt = Math.floor(tcb.rcvRtt - tcb.rcvRtt / 8 + sample);
}

/** Samples by echoed timestamps, and by the time that a full window takes to arrive. */
export function measureReceiveRtt(tcb: Tcb, length: number): void {
  const now = tcb.ctx.now;
  if (tcb.sawTimestamp && tcb.rcvTsEcr !== tcb.rcvRttLastEcr) {
    tcb.rcvRttLastEcr = tcb.rcvTsEcr;
    if (length >= tcb.rcvMss) {
      const ticks = (tcb.tsNow - tcb.rcvTsEcr) | 0;
      const caughtUp = seqDiff(tcb.rcvNxt, tcb.copiedSeq) <= length;
      if (ticks > 0 && ticks < 2_000_000) update(tcb, ticks * 1000, caughtUp);
      else if (ticks === 0) tcb.shortPath = true;
    }
  }
  if (tcb.rcvRttAt === Number.NEGATIVE_INFINITY) startRound(tcb);
  else if (!seqLt(tcb.rcvNxt, tcb.rcvRttSeq)) {
    update(tcb, Math.max(now - tcb.rcvRttAt, 1), false);
    startRound(tcb);
  }
}

function startRound(tcb: Tcb): void {
  tcb.rcvRttSeq = ((tcb.rcvNxt + tcb.rcvWnd) | 0) as Seq;
  tcb.rcvRttAt = tcb.ctx.now;
}

/**
 * Dynamic right-sizing, once a round trip: what the application took out in one, less what it leaves lying, is
 * what the next may bring, and twice that if the sender is in slow start.
 * @param from where this read began
 */
export function adjustReceiveSpace(tcb: Tcb, from: Seq): void {
  const now = tcb.ctx.now;
  if (tcb.rcvRtt === 0 || now - tcb.rcvSpaceAt < tcb.rcvRtt >> 3) return;
  // Linux looks after the first packet of a read: the rest of it belongs to the next round.
  const taken = seqDiff(tcb.copiedSeq, from);
  const first = ((from + (taken < tcb.rcvMss ? taken : tcb.rcvMss)) | 0) as Seq;
  const copied = seqDiff(first, tcb.rcvSpaceSeq) - seqDiff(tcb.rcvNxt, first);
  if (copied > tcb.rcvSpace) growReceiveBuffer(tcb, copied);
  tcb.rcvSpaceSeq = first;
  tcb.rcvSpaceAt = now;
}

/**
 * The buffer that a round of `space` bytes asks for, up to `tcp_rmem[2]` (Linux's tcp_rcvbuf_grow): a round trip
 * late as this is, twice as much; growth is continued; what waits behind a gap is held besides.
 */
export function growReceiveBuffer(tcb: Tcb, space: number): void {
  const before = tcb.rcvSpace;
  tcb.rcvSpace = space;
  const sysctl = tcb.ctx.sysctl;
  if (sysctl.tcp_moderate_rcvbuf === 0 || tcb.options.rcvbufLocked) return;
  let window = 2 * space;
  window += 2 * Math.floor((window * (space - before)) / Math.max(before, 1));
  const { ooo } = tcb;
  if (ooo !== null && ooo.count > 0) window += seqDiff(ooo.right(ooo.count - 1) as Seq, tcb.rcvNxt);
  const buffer = Math.min(spaceFromWindow(tcb, window), sysctl.tcp_rmem[2]);
  if (buffer <= tcb.rcvbuf) return;
  tcb.rcvbuf = buffer;
  tcb.windowClamp = windowFromSpace(tcb, buffer);
}
