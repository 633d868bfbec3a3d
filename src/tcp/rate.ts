import { type Micros, NEVER } from '../base/time.ts';
import { hasUnsent } from './decide.ts';
import type { SentSegment } from './sent.ts';
import type { Tcb } from './tcb.ts';

/** Delivery rate (as tcp_rate.c estimates it): how fast the path takes what we send. */

/** What one acknowledgement says about the rate; a host has one, refilled each time. */
export class RateSample {
  priorDelivered = 0;
  priorAt: Micros = NEVER;
  sentAt: Micros = NEVER;
  appLimited = false;
  interval = 0;
  has = false;

  reset(): void {
    this.priorDelivered = 0;
    this.has = false;
    this.interval = 0;
  }
}

/** Stamps a segment that has just been sent, or sent again. */
export function noteSent(tcb: Tcb, s: SentSegment): void {
  const now = tcb.ctx.now;
  if (tcb.packetsOut === 0) {
    tcb.firstSentAt = now;
    tcb.deliveredAt = now;
  }
  s.sentAt = now;
  s.sentOrder = tcb.segsOut;
  s.firstSentAt = tcb.firstSentAt;
  s.deliveredAt = tcb.deliveredAt;
  s.delivered = tcb.delivered;
  s.appLimited = tcb.appLimited > 0;
  tcb.sent.touch(s);
}

/** A segment has been delivered: the most recently sent one of this acknowledgement is the sample. */
export function noteDelivered(tcb: Tcb, s: SentSegment, sample: RateSample): void {
  if (s.deliveredAt === Number.NEGATIVE_INFINITY) return;
  if (!sample.has || s.delivered > sample.priorDelivered || s.sentAt > sample.sentAt) {
    sample.has = true;
    sample.priorDelivered = s.delivered;
    sample.priorAt = s.deliveredAt;
    sample.sentAt = s.sentAt;
    sample.appLimited = s.appLimited;
    tcb.firstSentAt = s.sentAt;
    sample.interval = s.sentAt - s.firstSentAt;
  }
  if (s.marks & 1) s.deliveredAt = Number.NEGATIVE_INFINITY;
}

/** Concludes the sample of one acknowledgement. */
export function generateRate(tcb: Tcb, sample: RateSample, delivered: number): void {
  const now = tcb.ctx.now;
  if (tcb.appLimited > 0 && tcb.delivered > tcb.appLimited) tcb.appLimited = 0;
  if (delivered > 0) tcb.deliveredAt = now;
  if (!sample.has) return;
  const count = tcb.delivered - sample.priorDelivered;
  const interval = Math.max(sample.interval, now - sample.priorAt);
  if (interval < tcb.minRtt || tcb.minRtt < 0) return;
  if (!sample.appLimited || count * tcb.rateInterval >= tcb.rateDelivered * interval) {
    tcb.rateDelivered = count;
    tcb.rateInterval = interval;
    tcb.rateAppLimited = sample.appLimited;
  }
}

/** The application, not the network, limits us: samples of this flight say nothing about the path. */
export function checkAppLimited(tcb: Tcb): void {
  if (!hasUnsent(tcb) && tcb.inFlight < tcb.cwnd && tcb.lostOut <= tcb.retransOut)
    tcb.appLimited = tcb.delivered + tcb.inFlight || 1;
}

/** The rate that a burst is sized by: twice the window a round trip in slow start, 1.2 times after. */
export function updatePacingRate(tcb: Tcb): void {
  const sysctl = tcb.ctx.sysctl;
  const ratio = tcb.cwnd < tcb.ssthresh >> 1 ? sysctl.tcp_pacing_ss_ratio : sysctl.tcp_pacing_ca_ratio;
  if (tcb.srtt === 0) return;
  const perRtt = (tcb.mssCache * Math.max(tcb.cwnd, tcb.packetsOut) * ratio) / 100;
  tcb.pacingRate = Math.min((perRtt * 8_000_000) / tcb.srtt, tcb.options.maxPacingRate);
}
