import type { Tcb } from '../tcb.ts';
import { additiveIncrease, type Congestion, inSlowStart, isCwndLimited, slowStart } from './controller.ts';

/** Reno (RFC 5681): slow start, one segment per round trip, half on loss. Stateless: one serves all. */
export class Reno implements Congestion {
  readonly name = 'reno';
  readonly fixed = 0;

  ssthresh(tcb: Tcb): number {
    return Math.max(tcb.cwnd >> 1, 2);
  }

  congestionAvoidance(tcb: Tcb, acked: number): void {
    if (!isCwndLimited(tcb)) return;
    let rest = acked;
    if (inSlowStart(tcb)) {
      rest = slowStart(tcb, acked);
      if (rest === 0) return;
    }
    additiveIncrease(tcb, tcb.cwnd, rest);
  }

  undo(tcb: Tcb): number {
    return Math.max(tcb.cwnd, tcb.priorCwnd);
  }

  lossState(): void {}
  transmitStart(): void {}
  acked(): void {}
}
