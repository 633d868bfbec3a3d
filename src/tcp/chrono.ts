import type { Tcb } from './tcb.ts';

/** Where a connection's time goes, for tcpi_busy_time, tcpi_rwnd_limited and tcpi_sndbuf_limited. */
const CHRONO_NONE = 0;
export const CHRONO_BUSY = 1;
export const CHRONO_RWND = 2;
export const CHRONO_SNDBUF = 3;

/** The time in whole jiffies, by which Linux keeps this account. */
const ticks = (tcb: Tcb): number => tcb.ctx.now - (tcb.ctx.now % tcb.ctx.jiffy);

function change(tcb: Tcb, kind: number): void {
  const now = ticks(tcb);
  const spent = now - tcb.chronoStart;
  if (tcb.chronoKind === CHRONO_BUSY) tcb.chronoBusy += spent;
  else if (tcb.chronoKind === CHRONO_RWND) tcb.chronoRwnd += spent;
  else if (tcb.chronoKind === CHRONO_SNDBUF) tcb.chronoSndbuf += spent;
  tcb.chronoStart = now;
  tcb.chronoKind = kind;
}

/** The more specific reason prevails: send buffer over receive window over busy. */
export function startChrono(tcb: Tcb, kind: number): void {
  if (kind > tcb.chronoKind) change(tcb, kind);
}

export function stopChrono(tcb: Tcb, kind: number): void {
  if (tcb.sent.size === 0 && tcb.sndNxt === tcb.writeSeq) {
    if (tcb.chronoKind !== CHRONO_NONE) change(tcb, CHRONO_NONE);
  } else if (kind === tcb.chronoKind) change(tcb, CHRONO_BUSY);
}

/** Time spent so in microseconds, in whole jiffies, up to now. Busy includes the limited kinds, as Linux reports it. */
export function chronoTime(tcb: Tcb, kind: number): number {
  const running = ticks(tcb) - tcb.chronoStart;
  const of = (k: number, sum: number): number => sum + (tcb.chronoKind === k ? running : 0);
  const rwnd = of(CHRONO_RWND, tcb.chronoRwnd);
  const sndbuf = of(CHRONO_SNDBUF, tcb.chronoSndbuf);
  if (kind === CHRONO_RWND) return rwnd;
  if (kind === CHRONO_SNDBUF) return sndbuf;
  return of(CHRONO_BUSY, tcb.chronoBusy) + rwnd + sndbuf;
}
