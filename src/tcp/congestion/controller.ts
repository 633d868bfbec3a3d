import type { Tcb } from '../tcb.ts';

/**
 * Congestion control (RFC 5681) of one connection. It owns the growth of the window and the threshold to
 * fall to; when to reduce, and how fast (PRR), is decided by loss recovery. Windows are in segments.
 */
export interface Congestion {
  /** As TCP_CONGESTION names it. */
  readonly name: string;
  /**
   * Segments of a window that nothing reduces, neither loss nor timeout: what is lost is sent again at once. 0: the
   * window is reduced and grows as RFC 5681 says.
   */
  readonly fixed: number;
  /** New ssthresh after a loss. */
  ssthresh(tcb: Tcb): number;
  /** `acked` segments were newly acknowledged while no reduction is under way. */
  congestionAvoidance(tcb: Tcb, acked: number): void;
  /** The window to return to when a reduction proves to have been wrong. */
  undo(tcb: Tcb): number;
  /** Loss recovery enters state CA_LOSS: forget the epoch. */
  lossState(tcb: Tcb): void;
  /** First transmission with nothing in flight. */
  transmitStart(tcb: Tcb): void;
  /** One acknowledgement's round trip, in microseconds, negative if there was no sample. */
  acked(tcb: Tcb, rtt: number): void;
}

/** Grows the window by the acknowledged segments up to ssthresh; returns those left over. */
export function slowStart(tcb: Tcb, acked: number): number {
  const cwnd = Math.min(tcb.cwnd + acked, tcb.ssthresh);
  const used = cwnd - tcb.cwnd;
  tcb.cwnd = cwnd;
  return acked - used;
}

/** One segment more for every `perSegment` acknowledged. */
export function additiveIncrease(tcb: Tcb, perSegment: number, acked: number): void {
  if (tcb.cwndCount >= perSegment) {
    tcb.cwndCount = 0;
    tcb.cwnd++;
  }
  tcb.cwndCount += acked;
  if (tcb.cwndCount >= perSegment) {
    const grow = Math.floor(tcb.cwndCount / perSegment);
    tcb.cwndCount -= grow * perSegment;
    tcb.cwnd += grow;
  }
}

export const inSlowStart = (tcb: Tcb): boolean => tcb.cwnd < tcb.ssthresh;

/** Growth is earned only by a window that was used (RFC 7661 in spirit; Linux's rule). */
export function isCwndLimited(tcb: Tcb): boolean {
  if (tcb.cwndLimited) return true;
  return inSlowStart(tcb) && tcb.cwnd < 2 * tcb.maxPacketsOut;
}
