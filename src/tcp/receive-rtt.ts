import { type Seq, seqDiff, seqLt } from '../base/seq.ts';
import type { Tcb } from './tcb.ts';
import { windowFromSpace } from './window.ts';

/** The receiver's own view of the round trip, and the receive buffer that follows from it. */

function update(tcb: Tcb, sample: number, byWindow: boolean): void {
  const m = sample * 8;
  if (tcb.rcvRtt === 0 || m < tcb.rcvRtt) tcb.rcvRtt = m;
  else if (!byWindow) tcb.rcvRtt = Math.floor(tcb.rcvRtt - tcb.rcvRtt / 8 + sample);
}

/** Samples by echoed timestamps, and by the time that a full window takes to arrive. */
export function measureReceiveRtt(tcb: Tcb, length: number): void {
  const now = tcb.ctx.now;
  if (tcb.sawTimestamp && tcb.rcvTsEcr !== tcb.rcvRttLastEcr) {
    tcb.rcvRttLastEcr = tcb.rcvTsEcr;
    if (length >= tcb.rcvMss) {
      const ticks = (tcb.tsNow - tcb.rcvTsEcr) | 0;
      if (ticks > 0 && ticks < 2_000_000) update(tcb, ticks * 1000, false);
    }
  }
  if (tcb.rcvRttAt === Number.NEGATIVE_INFINITY) startRound(tcb);
  else if (!seqLt(tcb.rcvNxt, tcb.rcvRttSeq)) {
    update(tcb, Math.max(now - tcb.rcvRttAt, 1), true);
    startRound(tcb);
  }
}

function startRound(tcb: Tcb): void {
  tcb.rcvRttSeq = ((tcb.rcvNxt + tcb.rcvWnd) | 0) as Seq;
  tcb.rcvRttAt = tcb.ctx.now;
}

/**
 * Dynamic right-sizing: once a round trip, the buffer grows to twice what the application took out in
 * one, up to `tcp_rmem[2]`.
 */
export function adjustReceiveSpace(tcb: Tcb): void {
  const now = tcb.ctx.now;
  if (tcb.rcvRtt === 0 || now - tcb.rcvSpaceAt < tcb.rcvRtt >> 3) return;
  const copied = seqDiff(tcb.copiedSeq, tcb.rcvSpaceSeq);
  if (copied > tcb.rcvSpace) {
    const sysctl = tcb.ctx.sysctl;
    if (sysctl.tcp_moderate_rcvbuf !== 0 && !tcb.options.rcvbufLocked) {
      let window = 2 * copied + 16 * tcb.advmss;
      window += 2 * Math.floor((window * (copied - tcb.rcvSpace)) / Math.max(tcb.rcvSpace, 1));
      const buffer = Math.min(2 * window, sysctl.tcp_rmem[2]);
      if (buffer > tcb.rcvbuf) {
        tcb.rcvbuf = buffer;
        tcb.windowClamp = windowFromSpace(tcb, buffer);
      }
    }
    tcb.rcvSpace = copied;
  }
  tcb.rcvSpaceSeq = tcb.copiedSeq;
  tcb.rcvSpaceAt = now;
}
