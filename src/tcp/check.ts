import { type Seq, seqGt, seqLt } from '../base/seq.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { challengeAck, oowRateLimited } from './challenge.ts';
import { enterQuickAck } from './delayed-ack.ts';
import { pawsDiscards, readTimestamps } from './paws.ts';
import { readableBytes } from './receive-buffer.ts';
import { highestBlock, setDsack } from './sack-blocks.ts';
import { CLOSE_WAIT, CLOSING, LAST_ACK, SYN_RECV } from './state.ts';
import type { Tcb } from './tcb.ts';
import { sendAck } from './transmit.ts';

/**
 * §3.10.7.4, first to fourth: sequence number, RST, security, SYN; with PAWS (RFC 7323 §5) before and
 * RFC 5961's stricter tests throughout. What fails is answered here.
 */

export const PASS = 0;
const DISCARD = 1;
export const RESET = 2;

/** A RST one below RCV.NXT is the peer's answer to our ACK of its FIN, from a socket that is gone. */
const isLateReset = (tcb: Tcb, segment: Segment): boolean =>
  segment.seq === ((tcb.rcvNxt - 1) | 0) &&
  (tcb.state === CLOSE_WAIT || tcb.state === LAST_ACK || tcb.state === CLOSING);

export function check(tcb: Tcb, segment: Segment): number {
  const { flags, seq } = segment;
  const mib = tcb.ctx.mib;
  if (readTimestamps(tcb, segment) && !(flags & RST) && pawsDiscards(tcb, segment)) {
    if (flags & SYN) return synChallenge(tcb);
    mib.TcpExtPAWSEstab++;
    if (isLimited(tcb, segment)) mib.TcpExtTCPACKSkippedPAWS++;
    else duplicateAck(tcb, segment);
    return drop(tcb, 'PAWS');
  }
  // First: acceptability. The left edge is that of the last window announced, so that one step back
  // still gets its ACK processed (RFC 9293 appendix A.2).
  const end = ((seq + segment.segLen) | 0) as typeof seq;
  const old = seqLt(end, tcb.rcvWup);
  if (old || isBeyondWindow(tcb, segment, end)) {
    if (flags & RST) return isLateReset(tcb, segment) ? RESET : drop(tcb, 'RST outside the window');
    if (flags & SYN) return synChallenge(tcb);
    if (!old) mib.TcpExtBeyondWindow++;
    if (isLimited(tcb, segment)) mib.TcpExtTCPACKSkippedSeq++;
    else duplicateAck(tcb, segment);
    return drop(tcb, old ? 'old sequence number' : 'beyond the window');
  }
  // Second: RST, believed only at exactly RCV.NXT (RFC 5961 §3).
  if (flags & RST) {
    if (seq === tcb.rcvNxt || isLateReset(tcb, segment)) return RESET;
    if (tcb.sackOk && seq === highestBlock(tcb)) return RESET;
    challengeAck(tcb);
    return drop(tcb, 'RST in window, not at RCV.NXT');
  }
  // Fourth: SYN (RFC 5961 §4). The one exception is the SYN-ACK of a simultaneous open.
  if (flags & SYN) {
    const crossing =
      tcb.state === SYN_RECV &&
      !tcb.passive &&
      (flags & ACK) !== 0 &&
      segment.length === 0 &&
      ((seq + 1) | 0) === tcb.rcvNxt &&
      segment.ack === tcb.sndNxt;
    return crossing ? PASS : synChallenge(tcb);
  }
  return PASS;
}

/** Also of a segment that only ends beyond the window, unless nothing else fills the buffer. A FIN is let through. */
function isBeyondWindow(tcb: Tcb, segment: Segment, end: Seq): boolean {
  const edge = ((tcb.rcvNxt + tcb.receiveWindow) | 0) as Seq;
  if (!seqGt(end, edge)) return false;
  if (seqGt(segment.seq, edge)) return true;
  const dataEnd = segment.flags & FIN ? (((end - 1) | 0) as Seq) : end;
  return seqGt(dataEnd, edge) && readableBytes(tcb) > 0;
}

function synChallenge(tcb: Tcb): number {
  tcb.ctx.mib.TcpExtTCPSYNChallenge++;
  challengeAck(tcb);
  return drop(tcb, 'SYN on a synchronized connection');
}

function drop(tcb: Tcb, reason: string): number {
  if (tcb.ctx.trace !== null) tcb.ctx.trace.dropped(tcb, reason);
  return DISCARD;
}

/** Segments with data are always answered; bare ones at most every `tcp_invalid_ratelimit`. */
const isLimited = (tcb: Tcb, segment: Segment): boolean =>
  (segment.segLen === 0 || (segment.flags & SYN) !== 0) && oowRateLimited(tcb);

/** An ACK for a segment outside the window; repeated data is reported by D-SACK. */
function duplicateAck(tcb: Tcb, segment: Segment): void {
  if (segment.segLen > 0 && seqLt(segment.seq, tcb.rcvNxt)) {
    tcb.ctx.mib.TcpExtDelayedACKLost++;
    enterQuickAck(tcb);
    const end = ((segment.seq + segment.segLen) | 0) as typeof segment.seq;
    setDsack(tcb, segment.seq, seqGt(end, tcb.rcvNxt) ? tcb.rcvNxt : end);
  }
  sendAck(tcb);
}
