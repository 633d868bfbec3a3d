import { seqGt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Tcb } from './tcb.ts';
import { rtoMax, rtoMin, toJiffies } from './timers.ts';

/**
 * Feeds one round-trip sample to the estimator of RFC 6298, with Linux's two changes: the variance term
 * never falls below `tcp_rto_min_us` and decays once a round trip only; a sample below the estimate
 * raises the deviation by an eighth of what it otherwise would.
 */
export function sampleRtt(tcb: Tcb, sample: Micros): void {
  let m = Math.floor(sample);
  if (tcb.srtt !== 0) {
    m -= tcb.srtt >> 3;
    tcb.srtt += m;
    if (m < 0) {
      m = -m - (tcb.mdev >> 2);
      if (m > 0) m >>= 3;
    } else m -= tcb.mdev >> 2;
    tcb.mdev += m;
    if (tcb.mdev > tcb.mdevMax) {
      tcb.mdevMax = tcb.mdev;
      if (tcb.mdevMax > tcb.rttvar) tcb.rttvar = tcb.mdevMax;
    }
    if (seqGt(tcb.sndUna, tcb.rttSeq)) {
      if (tcb.mdevMax < tcb.rttvar) tcb.rttvar -= (tcb.rttvar - tcb.mdevMax) >> 2;
      tcb.rttSeq = tcb.sndNxt;
      tcb.mdevMax = rtoMin(tcb);
    }
  } else {
    tcb.srtt = m * 8;
    tcb.mdev = m * 2;
    tcb.rttvar = Math.max(tcb.mdev, rtoMin(tcb));
    tcb.mdevMax = tcb.rttvar;
    tcb.rttSeq = tcb.sndNxt;
  }
  if (tcb.srtt < 1) tcb.srtt = 1;
}

/** The timeout that the estimate asks for, without back-off. */
export const estimatedRto = (tcb: Tcb): Micros =>
  Math.min(toJiffies(tcb.ctx, (tcb.srtt >> 3) + tcb.rttvar), rtoMax(tcb));

/** Round trip told by the timestamp that the segment under way echoes, at least a millisecond; −1 without one. */
export function echoedRtt(tcb: Tcb): Micros {
  if (!tcb.sawTimestamp || tcb.rcvTsEcr === 0) return -1;
  const ticks = (tcb.tsNow - tcb.rcvTsEcr) | 0;
  return ticks < 0 || ticks > 2_000_000 ? -1 : (ticks || 1) * 1000;
}

/** Keeps the minimum round trip of the last `tcp_min_rtt_wlen` seconds. */
export function sampleMinRtt(tcb: Tcb, sample: Micros): void {
  const now = tcb.ctx.now;
  const stale = now - tcb.minRttAt > tcb.ctx.sysctl.tcp_min_rtt_wlen * 1_000_000;
  const value = Math.floor(sample) || 1;
  if (tcb.minRtt < 0 || value <= tcb.minRtt || stale) {
    tcb.minRtt = value;
    tcb.minRttAt = now;
  }
}
