import { type Seq, seqBetween, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { type Segment, SYN } from '../wire/segment.ts';
import { challengeAck } from './challenge.ts';
import { CHRONO_BUSY, stopChrono } from './chrono.ts';
import { CA_OPEN } from './constants.ts';
import { inReduction, reduce, restartAfterIdle } from './cwnd.ts';
import { acceptCwr, echoes } from './ecn.ts';
import { removeDuplicates } from './loss/newreno.ts';
import { rackAdvance, updateReorderingWindow } from './loss/rack.ts';
import {
  ACKED,
  ADVANCED,
  alert,
  DATA,
  DATA_ACKED,
  DSACK_OF_PROBE,
  DSACKING,
  ECE_SEEN,
  MAYBE_DELAYED,
  NOT_DUPLICATE,
  ORIGINAL_SACKED,
  RENEGED,
  RETRANS_ACKED,
  SACKED_NEW,
  SET_TIMER,
  SYN_ACKED,
  WINDOW,
} from './loss/recovery.ts';
import { applySack, checkReordering, SackResult } from './loss/sack.ts';
import { processProbeAck, rearmRto, scheduleLossProbe } from './loss/tlp.ts';
import { isSpurious } from './loss/undo.ts';
import { mtuProbeAcked } from './mtu-probe.ts';
import { syncMss } from './negotiate.ts';
import { storeTimestamp } from './paws.ts';
import { windowProbed } from './persist.ts';
import { generateRate, noteDelivered, RateSample, updatePacingRate } from './rate.ts';
import { trimHead } from './retransmit.ts';
import { echoedRtt, estimatedRto, sampleMinRtt, sampleRtt } from './rtt.ts';
import { spaceFreed } from './send-memory.ts';
import { dropSent, EVER_RETRANSMITTED, LOST, RETRANSMITTED, SACKED, type SentSegment } from './sent.ts';
import type { Tcb } from './tcb.ts';

/**
 * §3.10.7.4, fifth: the ACK field. SND.UNA, the send window, the scoreboard, the round trip and the
 * congestion window, in this order.
 */

/** The acknowledgement is in order; it is old (a duplicate from before SND.UNA); it is not acceptable. */
export const ACK_OK = 1;
export const ACK_OLD = 0;
export const ACK_TOO_OLD = -1;
export const ACK_UNSENT = -2;

const sack = new SackResult();
const rate = new RateSample();
/** TTL of the segment being processed. */
let ttl = 0;

/**
 * Processes the ACK of a segment that has passed the checks.
 * @param challenge answer an unacceptable one here; otherwise the caller does
 * @param updateTimestamp TS.Recent may be taken from this segment
 */
export function acknowledge(
  tcb: Tcb,
  segment: Segment,
  challenge: boolean,
  updateTimestamp: boolean,
): number {
  const { ack, seq } = segment;
  const ctx = tcb.ctx;
  const priorUna = tcb.sndUna;
  if (seqLt(ack, priorUna)) {
    // RFC 5961 §5, narrowed to what was really acknowledged (ghost ACKs).
    const range = Math.min(tcb.maxWindow, tcb.bytesAcked);
    if (seqDiff(priorUna, ack) > range) {
      if (challenge) challengeAck(tcb);
      return ACK_TOO_OLD;
    }
    return oldAck(tcb, segment, priorUna, updateTimestamp);
  }
  if (seqGt(ack, tcb.sndNxt)) return ACK_UNSENT;
  ttl = segment.ttl;

  let flags = 0;
  if (seqGt(ack, priorUna)) {
    flags |= ADVANCED;
    tcb.retransmits = 0;
  }
  const priorFack = tcb.sackOk && tcb.sackedOut > 0 ? tcb.highestSack : priorUna;
  const priorPackets = tcb.packetsOut;
  const priorDelivered = tcb.delivered;
  const priorLost = tcb.lost;
  if (updateTimestamp) storeTimestamp(tcb, seq);

  if (segment.segLen > 0) flags |= DATA;
  else ctx.mib.TcpExtTCPPureAcks++;
  const closed = tcb.sndWnd === 0;
  if (updateWindow(tcb, segment)) flags |= WINDOW;
  const delta = seqDiff(ack, priorUna);
  tcb.bytesAcked += delta;
  tcb.sndUna = ack;
  sack.reset(tcb);
  rate.reset();
  if (segment.sackBlocks > 0 && tcb.sackOk) {
    if (tcb.sackedOut === 0) tcb.highestSack = priorUna;
    applySack(tcb, segment, priorUna, sack, rate);
    flags |= sack.flags;
  }
  const ece = echoes(tcb, segment);
  if (ece) flags |= ECE_SEEN;
  tcb.delivered += sack.delivered;
  acceptCwr(tcb, segment);

  tcb.softError = 0;
  tcb.probesOut = 0;
  tcb.lastAckReceivedAt = ctx.now;
  if (priorPackets === 0) {
    nothingOutstanding(tcb, ack, priorUna, flags);
    return ACK_OK;
  }
  flags |= clean(tcb, priorFack, priorUna, flags);
  updateReorderingWindow(tcb, rate);
  if (tcb.tlpOut) processProbeAck(tcb, ack, (flags & DSACK_OF_PROBE) !== 0, isPlainDuplicate(flags));
  if (isDubious(tcb, flags)) {
    let duplicates = 0;
    if (!(flags & (ADVANCED | NOT_DUPLICATE | DSACKING)))
      duplicates = flags & DATA ? 1 : Math.max(1, segment.count);
    flags = alert(tcb, priorUna, duplicates, flags);
  }
  if (flags & SET_TIMER && !scheduleLossProbe(tcb, true)) rearmRto(tcb);
  // What was in flight when the window closed has met a full buffer, and the probe had no room: it has some now.
  if (!(flags & SET_TIMER) && closed && tcb.sndWnd > 0) scheduleLossProbe(tcb, false);
  const delivered = tcb.delivered - priorDelivered;
  ctx.mib.TcpExtTCPDelivered += delivered;
  if (ece) {
    tcb.deliveredCe += delivered;
    ctx.mib.TcpExtTCPDeliveredCE += delivered;
  }
  generateRate(tcb, rate, delivered);
  control(tcb, delivered, tcb.lost - priorLost, flags);
  if (flags & ADVANCED) {
    ctx.net.confirm(tcb.path);
    afterAdvance(tcb, ack);
  }
  ctx.wantOutput(tcb);
  return ACK_OK;
}

/** Bytes below SND.UNA leave the send buffer; a writer may have room again. */
function afterAdvance(tcb: Tcb, ack: Seq): void {
  const ring = tcb.sendRing;
  if (ring !== null) {
    ring.dropTo(ack);
    if (ring.blocks === 0) {
      tcb.ctx.slabs.giveRing(ring);
      tcb.sendRing = null;
    }
  }
  spaceFreed(tcb);
  if (!tcb.orphan) tcb.ctx.wake(tcb);
}

function oldAck(tcb: Tcb, segment: Segment, priorUna: Seq, updateTimestamp: boolean): number {
  if (updateTimestamp) storeTimestamp(tcb, segment.seq);
  if (segment.sackBlocks > 0 && tcb.sackOk && tcb.packetsOut > 0) {
    const delivered = tcb.delivered;
    sack.reset(tcb);
    rate.reset();
    applySack(tcb, segment, priorUna, sack, rate);
    tcb.delivered += sack.delivered;
    alert(tcb, priorUna, 0, sack.flags);
    tcb.ctx.mib.TcpExtTCPDelivered += tcb.delivered - delivered;
    tcb.ctx.wantOutput(tcb);
  }
  return ACK_OLD;
}

/** Nothing was in flight: the segment can only open the window, or report a duplicate. */
function nothingOutstanding(tcb: Tcb, ack: Seq, priorUna: Seq, flags: number): void {
  if (flags & DSACKING) alert(tcb, priorUna, 0, flags);
  windowProbed(tcb);
  if (tcb.tlpOut) processProbeAck(tcb, ack, (flags & DSACK_OF_PROBE) !== 0, isPlainDuplicate(flags));
  if (flags & ADVANCED) afterAdvance(tcb, ack);
  tcb.ctx.wantOutput(tcb);
}

const isPlainDuplicate = (flags: number): boolean => !(flags & (ADVANCED | NOT_DUPLICATE | SACKED_NEW));

const isDubious = (tcb: Tcb, flags: number): boolean =>
  !(flags & NOT_DUPLICATE) || (flags & (SACKED_NEW | ECE_SEEN | DSACKING)) !== 0 || tcb.caState !== CA_OPEN;

/** §3.10.7.4: the send window, taken only from segments that are not older than the last (SND.WL1, WL2). */
function updateWindow(tcb: Tcb, segment: Segment): boolean {
  const window = segment.flags & SYN ? segment.window : segment.window << tcb.sndWscale;
  if (!newerWindow(tcb, segment.ack, segment.seq, window)) return false;
  tcb.sndWl1 = segment.seq;
  if (tcb.sndWnd !== window) {
    const grew = window > tcb.sndWnd;
    tcb.sndWnd = window;
    if (tcb.sndNxt !== tcb.writeSeq) {
      restartAfterIdle(tcb);
      if (grew) tcb.ctx.wantOutput(tcb);
    }
    if (window > tcb.maxWindow) {
      tcb.maxWindow = window;
      if (tcb.pmtuSeen > 0) syncMss(tcb, tcb.path.mtu);
    }
  }
  return true;
}

export function newerWindow(tcb: Tcb, ack: Seq, seq: Seq, window: number): boolean {
  return (
    seqGt(ack, tcb.sndUna) ||
    seqGt(seq, tcb.sndWl1) ||
    (seq === tcb.sndWl1 && (window > tcb.sndWnd || window === 0))
  );
}

/** Removes what is cumulatively acknowledged, and takes the round-trip sample (Karn's rule: MUST-18). */
function clean(tcb: Tcb, priorFack: Seq, priorUna: Seq, before: number): number {
  const ctx = tcb.ctx;
  const queue = tcb.sent;
  const priorSacked = tcb.sackedOut;
  let flags = 0;
  let reordered = tcb.sndNxt;
  let first = Number.NEGATIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  let acked = 0;
  let whole = true;
  let s: SentSegment | null;
  while ((s = queue.first()) !== null) {
    let n = s.pcount;
    const start = s.seq;
    if (seqGt(s.end, tcb.sndUna)) {
      if (s.pcount === 1 || !seqGt(tcb.sndUna, s.seq)) break;
      n = partAcked(tcb, s);
      if (n === 0) break;
      whole = false;
    }
    if (s.marks & (RETRANSMITTED | EVER_RETRANSMITTED)) {
      if (s.marks & RETRANSMITTED) tcb.retransOut -= n;
      flags |= RETRANS_ACKED;
    } else if (!(s.marks & SACKED)) {
      last = s.sentAt;
      if (first === Number.NEGATIVE_INFINITY) first = last;
      if (seqLt(start, reordered)) reordered = start;
      if (!seqGt(s.end, tcb.highSeq)) flags |= ORIGINAL_SACKED;
    }
    if (s.marks & SACKED) tcb.sackedOut -= n;
    else if (tcb.sackOk) {
      tcb.delivered += n;
      if (!isSpurious(tcb, s)) rackAdvance(tcb, s);
    }
    if (s.marks & LOST) tcb.lostOut -= n;
    tcb.packetsOut -= n;
    acked += n;
    noteDelivered(tcb, s, rate);
    if (s.flags & SYN) {
      flags |= SYN_ACKED;
      tcb.retransStamp = 0;
    } else flags |= DATA_ACKED;
    if (tcb.txStamps !== null) tcb.txStamps.acknowledged(tcb, whole ? s.end : tcb.sndUna, ttl);
    if (!whole) break;
    queue.shift();
  }
  if (s === null) {
    dropSent(tcb);
    stopChrono(tcb, CHRONO_BUSY);
  } else if (s.marks & SACKED) flags |= RENEGED;
  if (seqBetween(tcb.sndUp, priorUna, tcb.sndUna)) tcb.sndUp = tcb.sndUna;

  let seqRtt = -1;
  let sackRtt = -1;
  let caRtt = -1;
  if (first !== Number.NEGATIVE_INFINITY && !(flags & RETRANS_ACKED)) {
    seqRtt = ctx.now - first;
    caRtt = ctx.now - last;
    const lone = acked === 1 && whole && priorSacked === 0 && seqDiff(tcb.sndUna, priorUna) < tcb.mssCache;
    if (
      lone &&
      rate.priorDelivered + 1 === tcb.delivered &&
      !((flags | before) & (SACKED_NEW | ECE_SEEN | DSACKING | SYN_ACKED))
    )
      flags |= MAYBE_DELAYED;
  }
  if (sack.firstSentAt !== Number.NEGATIVE_INFINITY) {
    sackRtt = ctx.now - sack.firstSentAt;
    caRtt = ctx.now - sack.lastSentAt;
  }
  const sampled = sample(tcb, flags, seqRtt, sackRtt, caRtt);
  if (flags & ACKED) {
    flags |= SET_TIMER;
    if (tcb.mtuProbing !== null) mtuProbeAcked(tcb, tcb.mtuProbing);
    if (!tcb.sackOk) {
      removeDuplicates(tcb, acked);
      if (flags & RETRANS_ACKED) flags &= ~ORIGINAL_SACKED;
    } else if (seqLt(reordered, priorFack)) checkReordering(tcb, reordered, false);
  } else if (s !== null && sampled && sackRtt >= 0 && ((s.sentOrder - sack.firstSentOrder) | 0) > 0) {
    // What has been SACKed was sent before the head: the head's timeout begins anew.
    flags |= SET_TIMER;
  }
  tcb.congestion.acked(tcb, caRtt);
  return flags;
}

/** Part of a burst is acknowledged: returns how many of its segments, and keeps the rest. */
function partAcked(tcb: Tcb, s: SentSegment): number {
  const before = s.pcount;
  trimHead(tcb, s);
  const n = s.length;
  s.pcount = n > s.mss ? Math.ceil(n / s.mss) : 1;
  return before - s.pcount;
}

/** RFC 6298 with the samples in order of worth: sequence, SACK, timestamps. */
function sample(tcb: Tcb, flags: number, seqRtt: number, sackRtt: number, caRtt: number): boolean {
  let rtt = seqRtt >= 0 ? seqRtt : sackRtt;
  let ca = caRtt;
  if (rtt < 0 && flags & ACKED) {
    rtt = echoedRtt(tcb);
    ca = rtt;
  }
  if (rtt < 0) return false;
  if (!(flags & MAYBE_DELAYED && tcb.minRtt >= 0 && ca > tcb.minRtt)) sampleMinRtt(tcb, ca);
  sampleRtt(tcb, rtt);
  tcb.rto = estimatedRto(tcb);
  tcb.backoff = 0;
  return true;
}

/** Congestion control: reduction while one is under way, growth otherwise. */
function control(tcb: Tcb, delivered: number, lost: number, flags: number): void {
  const before = tcb.cwnd;
  if (inReduction(tcb)) reduce(tcb, delivered, lost, (flags & ADVANCED) !== 0);
  else {
    // With much reordering a SACK is progress too.
    const progress = tcb.reordering > tcb.ctx.sysctl.tcp_reordering ? ACKED | SACKED_NEW : DATA_ACKED;
    if (flags & progress) {
      tcb.congestion.congestionAvoidance(tcb, delivered);
      tcb.lastCwndAt = tcb.ctx.now;
    }
  }
  updatePacingRate(tcb);
  if (tcb.cwnd !== before && tcb.ctx.trace !== null) tcb.ctx.trace.congestion(tcb);
}
