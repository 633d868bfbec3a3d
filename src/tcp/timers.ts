import { type Micros, NEVER } from '../base/time.ts';
import { XMIT_NONE } from './constants.ts';
import type { TcpContext } from './context.ts';
import type { Tcb } from './tcb.ts';

/** Rounds a duration up to whole jiffies, as the kernel's timers count. */
export const toJiffies = (ctx: TcpContext, micros: Micros): Micros =>
  Math.ceil(micros / ctx.jiffy) * ctx.jiffy;

/** How long ago `at` was, in whole jiffies by which both moments are known. Infinite if it never was. */
export const jiffiesSince = (ctx: TcpContext, at: Micros): Micros =>
  (Math.floor(ctx.now / ctx.jiffy) - Math.floor(at / ctx.jiffy)) * ctx.jiffy;

/** Cap of the retransmission timeout (TCP_RTO_MAX_MS, `tcp_rto_max_ms`). */
export const rtoMax = (tcb: Tcb): Micros => (tcb.options.rtoMaxMs || tcb.ctx.sysctl.tcp_rto_max_ms) * 1000;

/** Floor of the variance term of the timeout (`tcp_rto_min_us`). */
export const rtoMin = (tcb: Tcb): Micros => tcb.options.rtoMinUs || tcb.ctx.sysctl.tcp_rto_min_us;

/**
 * Arms the transmit timer; its kinds (retransmission, zero-window probe, tail loss probe, reordering)
 * exclude one another, for each of them says what the sender waits for.
 */
export function setXmit(tcb: Tcb, kind: number, after: Micros): void {
  const max = rtoMax(tcb);
  tcb.xmitKind = kind;
  tcb.xmitAt = tcb.ctx.now + (after < max ? after : max);
  tcb.ctx.schedule(tcb);
}

export function clearXmit(tcb: Tcb): void {
  tcb.xmitKind = XMIT_NONE;
  tcb.xmitAt = NEVER;
}

export function setDelack(tcb: Tcb, at: Micros): void {
  tcb.delackAt = at;
  tcb.ctx.schedule(tcb);
}

export function setKeepalive(tcb: Tcb, after: Micros): void {
  tcb.keepaliveAt = tcb.ctx.now + after;
  tcb.ctx.schedule(tcb);
}

/** Idle time before the first keepalive probe, and between probes; how many go unanswered. */
export const keepaliveIdle = (tcb: Tcb): Micros =>
  (tcb.options.keepidle || tcb.ctx.sysctl.tcp_keepalive_time) * 1_000_000;
export const keepaliveInterval = (tcb: Tcb): Micros =>
  (tcb.options.keepintvl || tcb.ctx.sysctl.tcp_keepalive_intvl) * 1_000_000;
export const keepaliveProbes = (tcb: Tcb): number =>
  tcb.options.keepcnt || tcb.ctx.sysctl.tcp_keepalive_probes;

/** How long an orphan stays in FIN_WAIT_2: tcp_fin_timeout or TCP_LINGER2, at least 3.5 RTO. */
export function finTime(tcb: Tcb): Micros {
  const asked = (tcb.options.linger2 || tcb.ctx.sysctl.tcp_fin_timeout) * 1_000_000;
  return Math.max(asked, tcb.rto * 3.5);
}

/** Nothing of this connection shall go off any more. */
export function clearAllTimers(tcb: Tcb): void {
  clearXmit(tcb);
  tcb.delackAt = NEVER;
  tcb.keepaliveAt = NEVER;
  tcb.finWait2At = NEVER;
  tcb.compressedAckAt = NEVER;
  tcb.pacingAt = NEVER;
}
