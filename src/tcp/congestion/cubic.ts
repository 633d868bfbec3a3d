import { type Seq, seqGt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
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

/**
 * CUBIC (RFC 9438) as Linux runs it, with HyStart's two exits from slow start (ACK train and delay).
 * Integer arithmetic throughout: the window is the same on every engine.
 */
export class Cubic implements Congestion {
  readonly name = 'cubic';
  /** ACKs per additional segment. */
  private count = 0;
  private lastMax = 0;
  private lastCwnd = 0;
  private lastAt: Micros = Number.NEGATIVE_INFINITY;
  private origin = 0;
  private k = 0;
  private delayMin = 0;
  private epoch: Micros = NOT_STARTED;
  private ackCount = 0;
  private renoCwnd = 0;
  // HyStart
  private found = false;
  private samples = 0;
  private roundStart: Micros = NOT_STARTED;
  private roundEnd = 0 as Seq;
  private lastAck: Micros = NOT_STARTED;
  private roundRtt = Number.POSITIVE_INFINITY;

  ssthresh(tcb: Tcb): number {
    this.epoch = NOT_STARTED;
    // Fast convergence (§4.7): leave room for newcomers if the last maximum was not reached.
    if (tcb.cwnd < this.lastMax) this.lastMax = Math.floor((tcb.cwnd * (SCALE + BETA)) / (2 * SCALE));
    else this.lastMax = tcb.cwnd;
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
    additiveIncrease(tcb, this.count, rest);
  }

  undo(tcb: Tcb): number {
    return Math.max(tcb.cwnd, tcb.priorCwnd);
  }

  lossState(tcb: Tcb): void {
    this.count = 0;
    this.lastMax = 0;
    this.lastCwnd = 0;
    this.lastAt = Number.NEGATIVE_INFINITY;
    this.origin = 0;
    this.k = 0;
    this.delayMin = 0;
    this.epoch = NOT_STARTED;
    this.ackCount = 0;
    this.renoCwnd = 0;
    this.found = false;
    this.startRound(tcb);
  }

  /** Idle time does not count as time since the last reduction (§5.8). */
  transmitStart(tcb: Tcb): void {
    const idle = tcb.ctx.now - tcb.lastDataSentAt;
    if (this.epoch !== NOT_STARTED && idle > 0) this.epoch = Math.min(this.epoch + idle, tcb.ctx.now);
  }

  acked(tcb: Tcb, rtt: number): void {
    if (rtt < 0) return;
    // The first second after a reduction has queues of the reduction's own making.
    if (this.epoch !== NOT_STARTED && tcb.ctx.now - this.epoch < 1_000_000) return;
    const delay = Math.floor(rtt) || 1;
    if (this.delayMin === 0 || this.delayMin > delay) this.delayMin = delay;
    if (!this.found && inSlowStart(tcb)) this.hystart(tcb, delay);
  }

  private update(tcb: Tcb, cwnd: number, acked: number): void {
    const now = tcb.ctx.now;
    this.ackCount += acked;
    if (this.lastCwnd === cwnd && now - this.lastAt <= 1_000_000 / 32) return;
    if (this.epoch === NOT_STARTED || now !== this.lastAt) this.target(now, cwnd, acked);
    this.friendly(cwnd);
    if (this.count < 2) this.count = 2;
  }

  /** §4.2: how fast to grow so as to follow the cubic curve. */
  private target(now: Micros, cwnd: number, acked: number): void {
    this.lastCwnd = cwnd;
    this.lastAt = now;
    if (this.epoch === NOT_STARTED) {
      this.epoch = now;
      this.ackCount = acked;
      this.renoCwnd = cwnd;
      if (this.lastMax <= cwnd) {
        this.k = 0;
        this.origin = cwnd;
      } else {
        this.k = cubeRoot(CUBE_FACTOR * (this.lastMax - cwnd));
        this.origin = this.lastMax;
      }
    }
    const t = Math.floor((now - this.epoch + this.delayMin) / TICK);
    const off = Math.abs(t - this.k);
    const delta = Math.floor((CUBE_RTT_SCALE * off * off * off) / 2 ** 40);
    const target = t < this.k ? this.origin - delta : this.origin + delta;
    this.count = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
    if (this.lastMax === 0 && this.count > 20) this.count = 20;
  }

  /** §4.3: never slower than Reno would be. */
  private friendly(cwnd: number): void {
    const step = (cwnd * FRIENDLY) >> 3;
    if (step > 0 && this.ackCount > step) {
      const grow = Math.ceil(this.ackCount / step) - 1;
      this.ackCount -= grow * step;
      this.renoCwnd += grow;
    }
    if (this.renoCwnd > cwnd) {
      const max = Math.floor(cwnd / (this.renoCwnd - cwnd));
      if (this.count > max) this.count = max;
    }
  }

  private startRound(tcb: Tcb): void {
    this.roundStart = tcb.ctx.now;
    this.lastAck = tcb.ctx.now;
    this.roundEnd = tcb.sndNxt;
    this.roundRtt = Number.POSITIVE_INFINITY;
    this.samples = 0;
  }

  private hystart(tcb: Tcb, delay: number): void {
    if (this.roundStart === NOT_STARTED || seqGt(tcb.sndUna, this.roundEnd)) this.startRound(tcb);
    if (tcb.cwnd < LOW_WINDOW) return;
    const now = tcb.ctx.now;
    if (now - this.lastAck <= ACK_SPACING) {
      this.lastAck = now;
      if (now - this.roundStart > this.delayMin >> 1) {
        this.leave(tcb);
        tcb.ctx.mib.TcpExtTCPHystartTrainDetect++;
        tcb.ctx.mib.TcpExtTCPHystartTrainCwnd += tcb.cwnd;
        return;
      }
    }
    if (delay < this.roundRtt) this.roundRtt = delay;
    if (this.samples < MIN_SAMPLES) this.samples++;
    else if (this.roundRtt > this.delayMin + clamp(this.delayMin >> 3, DELAY_MIN, DELAY_MAX)) {
      this.leave(tcb);
      tcb.ctx.mib.TcpExtTCPHystartDelayDetect++;
      tcb.ctx.mib.TcpExtTCPHystartDelayCwnd += tcb.cwnd;
    }
  }

  private leave(tcb: Tcb): void {
    this.found = true;
    tcb.ssthresh = tcb.cwnd;
  }
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
