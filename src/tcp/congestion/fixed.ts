import type { Tcb } from '../tcb.ts';
import type { Congestion } from './controller.ts';

/**
 * No congestion control: the window is what the receiver announces, and what is lost is sent again at once. For
 * measurements against stacks that have none, and for experiments, in simulated worlds (`HostOptions.congestion`);
 * no host on a real network should be given it (RFC 8961 §4, RFC 5681).
 */
export class FixedWindow implements Congestion {
  readonly name = 'fixed';
  readonly fixed: number;

  /** @param segments of the window, more than any receiver announces unless given */
  constructor(segments = 1_000_000) {
    this.fixed = segments;
  }

  ssthresh(): number {
    return this.fixed;
  }

  congestionAvoidance(tcb: Tcb): void {
    tcb.cwnd = this.fixed;
  }

  undo(): number {
    return this.fixed;
  }

  lossState(): void {}
  transmitStart(): void {}
  acked(): void {}
}
