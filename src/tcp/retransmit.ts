import { type Seq, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { ACK, CWR, ECE, SYN } from '../wire/segment.ts';
import { CA_LOSS, XMIT_REO, XMIT_RTO } from './constants.ts';
import { inReduction } from './cwnd.ts';
import { scheduleLossProbe } from './loss/tlp.ts';
import { currentMss } from './negotiate.ts';
import { burstSegments } from './output.ts';
import { burstSent, mustWait } from './pacing.ts';
import { noteSent } from './rate.ts';
import { EVER_RETRANSMITTED, LOST, RETRANSMITTED, SACKED, type SentSegment } from './sent.ts';
import type { Tcb } from './tcb.ts';
import { setXmit } from './timers.ts';
import type { SentKind } from './trace.ts';
import { transmit } from './transmit.ts';

/** Sending again: the head after a timeout, what recovery marked lost, the tail as a probe. */

export function forgetRetransmitHint(tcb: Tcb): void {
  tcb.rtxHintValid = false;
}

/** Segments of a record, recounted for a size that may have changed; the totals follow. */
function recount(tcb: Tcb, s: SentSegment, mss: number): void {
  const n = s.length;
  const pcount = n > mss ? Math.ceil(n / mss) : 1;
  const less = s.pcount - pcount;
  s.mss = mss;
  s.pcount = pcount;
  if (less !== 0) adjustCounts(tcb, s, less);
}

/** `less` segments fewer stand in record `s`. */
function adjustCounts(tcb: Tcb, s: SentSegment, less: number): void {
  tcb.packetsOut -= less;
  if (s.marks & SACKED) tcb.sackedOut -= less;
  if (s.marks & RETRANSMITTED) tcb.retransOut -= less;
  if (s.marks & LOST) tcb.lostOut -= less;
  if (!tcb.sackOk && less > 0) tcb.sackedOut -= Math.min(tcb.sackedOut, less);
}

/** Cuts record i after `length` bytes and recounts both parts. */
export function splitRecord(tcb: Tcb, i: number, length: number, mss: number): void {
  const s = tcb.sent.at(i);
  const before = s.pcount;
  const rest = tcb.sent.split(i, length);
  const a = s.length > mss ? Math.ceil(s.length / mss) : 1;
  const b = rest.length > mss ? Math.ceil(rest.length / mss) : 1;
  s.pcount = a;
  rest.pcount = b;
  s.mss = mss;
  rest.mss = mss;
  if (before !== a + b) adjustCounts(tcb, s, before - a - b);
}

/**
 * Sends record i again, at most `segs` segments of it.
 * @returns false if the window or the path does not allow it
 */
export function retransmitSegment(tcb: Tcb, i: number, segs: number, kind: SentKind): boolean {
  const s = tcb.sent.at(i);
  if (seqLt(s.seq, tcb.sndUna)) trimHead(tcb, s);
  // A probe of a larger size proves nothing any more.
  if (tcb.mtuProbing !== null) tcb.mtuProbing.size = 0;
  const mss = currentMss(tcb);
  if (!(s.flags & SYN)) {
    let room = seqDiff(tcb.wndEnd, s.seq);
    if (room <= 0) {
      // SHLD-16, and the probe of a window that has shrunk to nothing: only the very first may go.
      if (s.seq !== tcb.sndUna) return false;
      room = mss;
    }
    let most = mss * (tcb.urgentMode ? 1 : segs);
    if (most > room) most = room - (room % mss) || room;
    if (s.length > most) splitRecord(tcb, i, most, mss);
    else {
      recount(tcb, s, mss);
      const space = room < mss ? room : mss;
      if (s.length < space) collapse(tcb, i, space);
    }
  }
  tcb.totalRetrans += s.pcount;
  tcb.bytesRetrans += s.length;
  if (s.flags & SYN) {
    tcb.ctx.mib.TcpExtTCPSynRetrans++;
    // RFC 3168 §6.1.1.1: the path may drop what asks for ECN.
    const asks = (s.flags & (ECE | CWR)) === (ECE | CWR);
    if (asks && tcb.ctx.sysctl.tcp_ecn_fallback !== 0) s.flags &= ~(ECE | CWR);
  }
  const ok = transmit(tcb, s.seq, s.length, s.flags | (s.flags & SYN ? 0 : ACK), mss, kind);
  if (ok) {
    noteSent(tcb, s);
    burstSent(tcb, s.length);
  } else tcb.ctx.mib.TcpExtTCPRetransFail++;
  s.marks |= EVER_RETRANSMITTED;
  return ok;
}

/** An ACK came that covers a part of the record. */
export function trimHead(tcb: Tcb, s: SentSegment): void {
  if (s.flags & SYN) s.flags &= ~SYN;
  s.seq = tcb.sndUna;
}

/** Joins the small segments that follow with record i, as far as they fit one segment. */
function collapse(tcb: Tcb, i: number, space: number): void {
  if (tcb.ctx.sysctl.tcp_retrans_collapse === 0) return;
  const s = tcb.sent.at(i);
  if (s.flags & SYN || s.pcount > 1 || s.marks & SACKED) return;
  let left = space - s.length;
  while (i + 1 < tcb.sent.size && !s.eor) {
    const next = tcb.sent.at(i + 1);
    if (next.pcount > 1 || next.marks & SACKED) return;
    left -= next.length;
    if (left < 0 || seqGt(next.end, tcb.wndEnd)) return;
    s.end = next.end;
    s.flags |= next.flags;
    s.marks |= next.marks & EVER_RETRANSMITTED;
    s.eor = next.eor;
    adjustCounts(tcb, next, next.pcount);
    tcb.sent.remove(i + 1);
    forgetRetransmitHint(tcb);
  }
}

/** A retransmission that counts as one in flight. */
export function retransmit(tcb: Tcb, i: number, segs: number): boolean {
  const ok = retransmitSegment(tcb, i, segs, 'retransmit');
  const s = tcb.sent.at(i);
  if (ok) {
    s.marks |= RETRANSMITTED;
    tcb.retransOut += s.pcount;
  }
  if (tcb.retransStamp === 0) tcb.retransStamp = tcb.tsNow || 1;
  if (tcb.undoRetrans < 0) tcb.undoRetrans = 0;
  tcb.undoRetrans += s.pcount;
  return ok;
}

/** Repairs what is marked lost, as far as the congestion window allows. */
export function retransmitLost(tcb: Tcb): void {
  if (tcb.packetsOut === 0) return;
  const mib = tcb.ctx.mib;
  const burst = burstSegments(tcb, currentMss(tcb));
  let rearm = false;
  let hole = false;
  let i = tcb.rtxHintValid ? tcb.sent.find(tcb.rtxHint) : 0;
  for (; i < tcb.sent.size; i++) {
    const s = tcb.sent.at(i);
    if (!hole) setHint(tcb, s.seq);
    if (mustWait(tcb)) break;
    const room = tcb.cwnd - tcb.inFlight;
    if (room <= 0 || tcb.retransOut >= tcb.lostOut) break;
    if (!(s.marks & LOST)) {
      if (!(s.marks & (RETRANSMITTED | SACKED))) hole = true;
      continue;
    }
    if (s.marks & (SACKED | RETRANSMITTED)) continue;
    if (!retransmit(tcb, i, room < burst ? room : burst)) break;
    const n = tcb.sent.at(i).pcount;
    if (tcb.caState === CA_LOSS) mib.TcpExtTCPSlowStartRetrans += n;
    else mib.TcpExtTCPFastRetrans += n;
    if (inReduction(tcb)) tcb.prrOut += n;
    if (i === 0 && tcb.xmitKind !== XMIT_REO) rearm = true;
  }
  if (rearm && !scheduleLossProbe(tcb, true)) setXmit(tcb, XMIT_RTO, tcb.rto);
}

function setHint(tcb: Tcb, at: Seq): void {
  tcb.rtxHintValid = true;
  tcb.rtxHint = at;
}

/** A segment was marked lost: the search must not begin beyond it. */
export function lostAt(tcb: Tcb, at: Seq): void {
  if (tcb.rtxHintValid ? seqLt(at, tcb.rtxHint) : tcb.retransOut >= tcb.lostOut) setHint(tcb, at);
}
