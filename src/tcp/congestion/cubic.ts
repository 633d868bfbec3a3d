import { seqGt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { isPaced } from '../pacing.ts';
import type { Tcb } from '../tcb.ts';
import { additiveIncrease, type Congestion, inSlowStart, isCwndLimited, slowStart } from './controller.ts';

/** β = 717/1024 ≈ 0.7 (RFC 9438 §4.6). */
const BETA = 717;
const SCALE = 1024;
/** C = 0.4 in Linux's fixed point: windows × 2^40 per (1/1024 s)³, i.e. 41 × 10 per 2^10. */
const CUBE_RTT_SCALE = 410;
/** Time is counted in 1/1024 s. */
const TICK = 1_000_000 / 1024;
/** 2^40 / CUBE_RTT_SCALE: cwnd difference → (ticks)³. */
const CUBE_FACTOR = Math.floor(2 ** 40 / CUBE_RTT_SCALE);
/** Reno-friendly region: (1 + β)/(1 − β)/3 × 8, in Linux's integers. */
const FRIENDLY = Math.floor((8 * (SCALE + BETA)) / 3 / (SCALE - BETA));
const LOW_WINDOW = 16;
const ACK_SPACING: Micros = 2_000;
const MIN_SAMPLES = 8;
const DELAY_MIN: Micros = 4_000;
const DELAY_MAX: Micros = 16_000;
const NOT_STARTED = -1;
/** Most bytes of one burst (Linux's sk_gso_max_size). */
const BURST = 65536 - 321;

/**
 * CUBIC (RFC 9438) as Linux runs it, with HyStart's two exits from slow start (ACK train and delay).
 * Integer arithmetic throughout: the window is the same on every engine. Its variables are columns of the
 * connection (`cubic…`): one object serves all.
 */
export class Cubic implements Congestion {
  readonly name = 'cubic';
  readonly fixed = 0;

  ssthresh(tcb: Tcb): number {
    tcb.cubicEpoch = NOT_STARTED;
    // Fast convergence (§4.7): leave room for newcomers if the last maximum was not reached.
    if (tcb.cwnd < tcb.cubicLastMax) tcb.cubicLastMax = Math.floor((tcb.cwnd * (SCALE + BETA)) / (2 * SCALE));
    else tcb.cubicLastMax = tcb.cwnd;
    return Math.max(Math.floor((tcb.cwnd * BETA) / SCALE), 2);
  }

  congestionAvoidance(tcb: Tcb, acked: number): void {
    if (!isCwndLimited(tcb)) return;
    let rest = acked;
    if (inSlowStart(tcb)) {
      rest = slowStart(tcb, acked);
      if (rest === 0) return;
    }
    this.update(tcb, tcb.cwnd, rest);
    additiveIncrease(tcb, tcb.cubicCount, rest);
  }

  undo(tcb: Tcb): number {
    return Math.max(tcb.cwnd, tcb.priorCwnd);
  }

  lossState(tcb: Tcb): void {
    tcb.cubicCount = 0;
    tcb.cubicLastMax = 0;
    tcb.cubicLastCwnd = 0;
    tcb.cubicLastAt = Number.NEGATIVE_INFINITY;
    tcb.cubicOrigin = 0;
    tcb.cubicK = 0;
    tcb.cubicDelayMin = 0;
    tcb.cubicEpoch = NOT_STARTED;
    tcb.cubicAckCount = 0;
    tcb.cubicRenoCwnd = 0;
    tcb.cubicFound = false;
    this.startRound(tcb);
  }

  /** Idle time does not count as time since the last reduction (§5.8). */
  transmitStart(tcb: Tcb): void {
    const idle = tcb.ctx.now - tcb.lastDataSentAt;
    if (tcb.cubicEpoch !== NOT_STARTED && idle > 0)
      tcb.cubicEpoch = Math.min(tcb.cubicEpoch + idle, tcb.ctx.now);
  }

  acked(tcb: Tcb, rtt: number): void {
    if (rtt < 0) return;
    // The first second after a reduction has queues of the reduction's own making.
    if (tcb.cubicEpoch !== NOT_STARTED && tcb.ctx.now - tcb.cubicEpoch < 1_000_000) return;
    const delay = Math.floor(rtt) || 1;
    if (tcb.cubicDelayMin === 0 || tcb.cubicDelayMin > delay) tcb.cubicDelayMin = delay;
    if (!tcb.cubicFound && inSlowStart(tcb)) this.hystart(tcb, delay);
  }

  private update(tcb: Tcb, cwnd: number, acked: number): void {
    const now = tcb.ctx.now;
    tcb.cubicAckCount += acked;
    if (tcb.cubicLastCwnd === cwnd && now - tcb.cubicLastAt <= 1_000_000 / 32) return;
    if (tcb.cubicEpoch === NOT_STARTED || now !== tcb.cubicLastAt) this.target(tcb, now, cwnd, acked);
    this.friendly(tcb, cwnd);
    if (tcb.cubicCount < 2) tcb.cubicCount = 2;
  }

  /** §4.2: how fast to grow so as to follow the cubic curve. */
  private target(tcb: Tcb, now: Micros, cwnd: number, acked: number): void {
    tcb.cubicLastCwnd = cwnd;
    tcb.cubicLastAt = now;
    if (tcb.cubicEpoch === NOT_STARTED) {
      tcb.cubicEpoch = now;
      tcb.cubicAckCount = acked;
      tcb.cubicRenoCwnd = cwnd;
      if (tcb.cubicLastMax <= cwnd) {
        tcb.cubicK = 0;
        tcb.cubicOrigin = cwnd;
      } else {
        tcb.cubicK = cubeRoot(CUBE_FACTOR * (tcb.cubicLastMax - cwnd));
        tcb.cubicOrigin = tcb.cubicLastMax;
      }
    }
    const t = Math.floor((now - tcb.cubicEpoch + tcb.cubicDelayMin) / TICK);
    const off = Math.abs(t - tcb.cubicK);
    const delta = Math.floor((CUBE_RTT_SCALE * off * off * off) / 2 ** 40);
    const target = t < tcb.cubicK ? tcb.cubicOrigin - delta : tcb.cubicOrigin + delta;
    tcb.cubicCount = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
    if (tcb.cubicLastMax === 0 && tcb.cubicCount > 20) tcb.cubicCount = 20;
  }

  /** §4.3: never slower than Reno would be. */
  private friendly(tcb: Tcb, cwnd: number): void {
    const step = (cwnd * FRIENDLY) >> 3;
    if (step > 0 && tcb.cubicAckCount > step) {
      const grow = Math.ceil(tcb.cubicAckCount / step) - 1;
      tcb.cubicAckCount -= grow * step;
      tcb.cubicRenoCwnd += grow;
    }
    if (tcb.cubicRenoCwnd > cwnd) {
      const max = Math.floor(cwnd / (tcb.cubicRenoCwnd - cwnd));
      if (tcb.cubicCount > max) tcb.cubicCount = max;
    }
  }

  private startRound(tcb: Tcb): void {
    tcb.cubicRoundStart = tcb.ctx.now;
    tcb.cubicLastAck = tcb.ctx.now;
    tcb.cubicRoundEnd = tcb.sndNxt;
    tcb.cubicRoundRtt = Number.POSITIVE_INFINITY;
    tcb.cubicSamples = 0;
  }

  private hystart(tcb: Tcb, delay: number): void {
    if (tcb.cubicRoundStart === NOT_STARTED || seqGt(tcb.sndUna, tcb.cubicRoundEnd)) this.startRound(tcb);
    if (tcb.cwnd < LOW_WINDOW) return;
    const now = tcb.ctx.now;
    if (now - tcb.cubicLastAck <= ACK_SPACING) {
      tcb.cubicLastAck = now;
      if (now - tcb.cubicRoundStart > trainLimit(tcb)) {
        this.leave(tcb);
        tcb.ctx.mib.TcpExtTCPHystartTrainDetect++;
        tcb.ctx.mib.TcpExtTCPHystartTrainCwnd += tcb.cwnd;
      }
    }
    if (delay < tcb.cubicRoundRtt) tcb.cubicRoundRtt = delay;
    if (tcb.cubicSamples < MIN_SAMPLES) tcb.cubicSamples++;
    else if (tcb.cubicRoundRtt > tcb.cubicDelayMin + clamp(tcb.cubicDelayMin >> 3, DELAY_MIN, DELAY_MAX)) {
      this.leave(tcb);
      tcb.ctx.mib.TcpExtTCPHystartDelayDetect++;
      tcb.ctx.mib.TcpExtTCPHystartDelayCwnd += tcb.cwnd;
    }
  }

  private leave(tcb: Tcb): void {
    tcb.cubicFound = true;
    tcb.ssthresh = tcb.cwnd;
  }
}

/**
 * How long a train of ACKs may last: half a round trip, but a whole one of what was paced; with a cushion for
 * bursts, four of them at the present rate and a millisecond at most (Linux's hystart_ack_delay).
 */
function trainLimit(tcb: Tcb): Micros {
  const rate = tcb.pacingRate;
  const cushion = rate > 0 ? Math.min(1000, Math.floor((BURST * 4 * 1_000_000) / rate)) : 0;
  const limit = tcb.cubicDelayMin + cushion;
  return isPaced(tcb) ? limit : limit >> 1;
}

const clamp = (n: number, low: number, high: number): number => Math.min(Math.max(n, low), high);

/** ⌊∛n⌋ for 0 ≤ n < 2^53, by bisection in integers. */
export function cubeRoot(n: number): number {
  let low = 0;
  let high = 208064; // ∛(2^53)
  while (low < high) {
    const mid = (low + high + 1) >>> 1;
    if (mid * mid * mid <= n) low = mid;
    else high = mid - 1;
  }
  return low;
}
