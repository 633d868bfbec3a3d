import { EAGAIN, EINVAL, ENOTCONN } from '../base/errno.ts';
import { type Seq, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { MSG_PEEK, RCV_SHUTDOWN } from './constants.ts';
import { inPingpong, twoSegmentsOwed } from './delayed-ack.ts';
import { adjustReceiveSpace } from './receive-rtt.ts';
import { CLOSED } from './state.ts';
import type { Tcb } from './tcb.ts';
import { sendAck } from './transmit.ts';
import { URGENT_ANNOUNCED, URGENT_HERE, URGENT_NONE, URGENT_READ } from './urgent.ts';
import { discharge, queuedBytes, windowOpened } from './window.ts';

/** RECEIVE (RFC 9293 §3.10.3): what the application takes out, and what that tells the peer. */

/** Bytes in order that wait for the application; the FIN is none. */
export function readableBytes(tcb: Tcb): number {
  const n = seqDiff(tcb.rcvNxt, tcb.copiedSeq);
  return tcb.finReceived && n > 0 ? n - 1 : n;
}

/** The error that a read or write shall report now: stored once, reported once. */
export function takeError(tcb: Tcb): number {
  const error = tcb.error;
  tcb.error = 0;
  return error;
}

/**
 * Copies up to n bytes of the stream to `bytes[at..)`, or throws them away if `bytes` is null.
 * @returns bytes copied, 0 at the end of the stream, −EAGAIN if there is nothing yet, or −error
 */
export function receive(tcb: Tcb, bytes: Uint8Array | null, at: number, n: number, flags: number): number {
  const peek = (flags & MSG_PEEK) !== 0;
  let available = readableBytes(tcb);
  let from = tcb.copiedSeq;
  // An urgent byte out of line is stepped over, and a read stops in front of it.
  if (tcb.urgentState !== URGENT_NONE && !seqLt(tcb.urgentSeq, from)) {
    const before = seqDiff(tcb.urgentSeq, from);
    if (before === 0) {
      if (!tcb.options.oobInline) {
        if (available > 0) {
          from = ((from + 1) | 0) as Seq;
          available--;
          if (!peek) skipUrgent(tcb, from);
        }
      }
    } else if (before < available) available = before;
  }
  if (available <= 0) return nothing(tcb);
  const take = n < available ? n : available;
  if (bytes !== null) tcb.recvRing!.copyOut(from, bytes, at, take);
  if (!peek && take > 0) consumed(tcb, ((from + take) | 0) as Seq);
  return take;
}

/** No byte to read: why? (lifecycle rules, section 11: the end of the stream before the error) */
function nothing(tcb: Tcb): number {
  if (tcb.finReceived) {
    tcb.copiedSeq = tcb.rcvNxt;
    return 0;
  }
  if (tcb.error !== 0) return -takeError(tcb);
  if (tcb.shut & RCV_SHUTDOWN) return 0;
  if (tcb.state === CLOSED) return -ENOTCONN;
  return -EAGAIN;
}

function skipUrgent(tcb: Tcb, to: Seq): void {
  tcb.copiedSeq = to;
  tcb.urgentState = URGENT_NONE;
  dropRead(tcb, to);
}

/** Forgets what was read; an idle connection has no ring. */
function dropRead(tcb: Tcb, to: Seq): void {
  const ring = tcb.recvRing;
  if (ring === null) return;
  ring.dropTo(to);
  if (ring.blocks > 0) return;
  tcb.ctx.slabs.giveRing(ring);
  tcb.recvRing = null;
}

function consumed(tcb: Tcb, to: Seq): void {
  discharge(tcb, seqDiff(to, tcb.copiedSeq), queuedBytes(tcb) - (tcb.finReceived ? 1 : 0));
  const from = tcb.copiedSeq;
  tcb.copiedSeq = to;
  if (tcb.txStamps !== null) tcb.txStamps.read(to);
  dropRead(tcb, to);
  if (tcb.urgentState !== URGENT_NONE && seqGt(to, tcb.urgentSeq)) tcb.urgentState = URGENT_NONE;
  adjustReceiveSpace(tcb, from);
  afterRead(tcb);
}

/** Reading may make an ACK due: the reader has caught up with what was pushed, or the window opened. */
function afterRead(tcb: Tcb): void {
  if (tcb.state === CLOSED) return;
  if (tcb.ackScheduled) {
    const caughtUp = readableBytes(tcb) === 0;
    const pushed = (tcb.ackPushed & 2) !== 0 || ((tcb.ackPushed & 1) !== 0 && !inPingpong(tcb));
    if (twoSegmentsOwed(tcb) || (pushed && caughtUp)) {
      sendAck(tcb);
      return;
    }
  }
  if (windowOpened(tcb)) sendAck(tcb);
}

/** The urgent byte, out of line (recv with MSG_OOB): once. */
export function receiveUrgentByte(tcb: Tcb, bytes: Uint8Array, at: number, n: number, flags: number): number {
  if (tcb.options.oobInline || tcb.urgentState === URGENT_NONE || tcb.urgentState === URGENT_READ)
    return -EINVAL;
  if (tcb.state === CLOSED && !tcb.finReceived) return -ENOTCONN;
  if (tcb.urgentState === URGENT_ANNOUNCED) {
    return tcb.state === CLOSED || tcb.shut & RCV_SHUTDOWN ? 0 : -EAGAIN;
  }
  if (tcb.urgentState === URGENT_HERE && !(flags & MSG_PEEK)) tcb.urgentState = URGENT_READ;
  if (n === 0) return 0;
  bytes[at] = tcb.urgentByte;
  return 1;
}

/** SIOCATMARK: the next byte to be read is the urgent one (or it was just stepped over). */
export const atMark = (tcb: Tcb): boolean =>
  tcb.urgentState !== URGENT_NONE && tcb.urgentSeq === tcb.copiedSeq;
