import type { Tcb } from './tcb.ts';

/**
 * Pacing: bursts are spread at the pacing rate where the first hop asks for it (Linux's fq) or the user
 * does (SO_MAX_PACING_RATE). The first ten segments go at once.
 */
export const isPaced = (tcb: Tcb): boolean =>
  tcb.path.paced || tcb.pacingAsked || tcb.options.maxPacingRate !== Number.POSITIVE_INFINITY;

/** Whether the next burst must wait; its timer then runs. */
export function mustWait(tcb: Tcb): boolean {
  if (tcb.nextSendAt <= tcb.ctx.now || !isPaced(tcb)) return false;
  if (tcb.pacingAt !== tcb.nextSendAt) {
    tcb.pacingAt = tcb.nextSendAt;
    tcb.ctx.scheduleExact(tcb);
  }
  return true;
}

/** A burst of `length` bytes has left: when may the next? A sender that was late is given half of it back. */
export function burstSent(tcb: Tcb, length: number): void {
  const { now } = tcb.ctx;
  const before = tcb.nextSendAt;
  const at = before > now ? before : now;
  tcb.nextSendAt = at;
  const rate = tcb.pacingRate;
  if (!isPaced(tcb) || rate === Number.POSITIVE_INFINITY || rate <= 0 || tcb.dataSegsOut < 10) return;
  const spacing = (length * 1_000_000) / rate;
  const credit = at - before;
  tcb.nextSendAt = at + spacing - Math.min(spacing / 2, credit);
}
