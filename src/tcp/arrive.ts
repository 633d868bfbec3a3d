import { ECONNRESET } from '../base/errno.ts';
import { type Seq, seqGe, seqGt } from '../base/seq.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { ACK_OK, ACK_OLD, acknowledge } from './ack.ts';
import { arriveSynSent } from './arrive-syn-sent.ts';
import { challengeAck } from './challenge.ts';
import { check, PASS, RESET } from './check.ts';
import { CA_OPEN, RCV_SHUTDOWN, SEND_SHUTDOWN } from './constants.ts';
import { done, fail, resetByPeer } from './done.ts';
import { countMark } from './ecn.ts';
import { becomeEstablished } from './establish.ts';
import { isPassiveOpen } from './fastopen.ts';
import { handshakeDone, passesHandshake } from './fastopen-listen.ts';
import { output } from './output.ts';
import { replyReset } from './reply.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
  transition,
} from './state.ts';
import type { Tcb } from './tcb.ts';
import { receiveText, scheduleAck } from './text.ts';
import { finTime } from './timers.ts';
import { receiveUrgent } from './urgent.ts';

/** Bursts of new data that one ACK lets go at once at most; others want their turn. */
const BURSTS = 16;

/**
 * SEGMENT ARRIVES (RFC 9293 §3.10.7) for a connection: the steps of §3.10.7.4 in the RFC's order, each in
 * the room that its name says. Listeners and TIME_WAIT rows have rooms of their own.
 */
export function arrive(tcb: Tcb, segment: Segment): void {
  const ctx = tcb.ctx;
  tcb.segsIn += segment.count;
  if (segment.length > 0) tcb.dataSegsIn += segment.count;
  if (ctx.trace !== null) ctx.trace.received(tcb, segment);
  if (tcb.state === CLOSED) return;
  if (tcb.state === SYN_SENT) {
    arriveSynSent(tcb, segment);
    return;
  }
  if (tcb.state !== ESTABLISHED && tcb.fastopen !== null && !passesHandshake(tcb, segment)) return;
  if (!(segment.flags & (ACK | RST | SYN))) {
    drop(tcb, 'neither ACK nor RST nor SYN');
    return;
  }
  // First to fourth.
  const verdict = check(tcb, segment);
  if (verdict !== PASS) {
    if (verdict === RESET) resetByPeer(tcb);
    return;
  }
  // Fifth: ACK.
  const established = tcb.state === ESTABLISHED;
  if (established && segment.tos & 3) countMark(tcb, segment);
  const acked = acknowledge(tcb, segment, established, true);
  if (acked !== ACK_OK && !acceptAnyway(tcb, segment, acked)) return;
  if (!advanceState(tcb, segment)) return;
  // Sixth: URG.
  receiveUrgent(tcb, segment);
  // Seventh and eighth: text and FIN.
  if (!takesText(tcb, segment)) return;
  // Announcing what is owed comes last (MUST-58): data, if there is any, carries it.
  if (!isOpen(tcb)) return;
  scheduleAck(tcb);
  // While losses are looked for or repaired, each ACK is answered by itself even if many come in one turn: the new
  // data that the first duplicates allow (RFC 3042) are what tells of the next loss.
  if (tcb.caState !== CA_OPEN && !tcb.path.congested && !output(tcb, BURSTS)) return;
  ctx.wantOutput(tcb);
}

/** The text steps may have ended the connection, which the compiler can't see. */
const isOpen = (tcb: Tcb): boolean => tcb.state !== CLOSED;

function drop(tcb: Tcb, reason: string): void {
  if (tcb.ctx.trace !== null) tcb.ctx.trace.dropped(tcb, reason);
}

/** An ACK that is not new: whether the rest of the segment is processed all the same. */
function acceptAnyway(tcb: Tcb, segment: Segment, acked: number): boolean {
  if (tcb.state === SYN_RECV) {
    // §3.10.7.4: an ACK for something else is answered with a reset, and the connection stays.
    if (acked === ACK_OLD) drop(tcb, 'old ACK in SYN_RECV');
    else {
      replyReset(tcb.ctx, segment);
      drop(tcb, 'unacceptable ACK in SYN_RECV');
    }
    return false;
  }
  if (acked === ACK_OLD) return true;
  // RFC 5961 §5. In ESTABLISHED the too old one was answered already.
  if (tcb.state !== ESTABLISHED || acked === -2) challengeAck(tcb);
  drop(tcb, acked === -2 ? 'ACK of unsent data' : 'ACK too old');
  return false;
}

/** What the ACK means for the state; false if the connection is over or the segment is used up. */
function advanceState(tcb: Tcb, segment: Segment): boolean {
  switch (tcb.state) {
    case SYN_RECV:
      becomeEstablished(tcb, segment);
      return true;
    case FIN_WAIT_1:
      if (isPassiveOpen(tcb)) handshakeDone(tcb);
      return finAcknowledged(tcb) ? enterFinWait2(tcb, segment) : true;
    case CLOSING:
      if (!finAcknowledged(tcb)) return true;
      tcb.ctx.timeWait(tcb, TIME_WAIT, 0);
      return false;
    case LAST_ACK:
      if (!finAcknowledged(tcb)) return true;
      done(tcb, 'FIN acknowledged');
      return false;
    default:
      return true;
  }
}

/** Decided from SND.UNA and the FIN's own number alone, so that no ACK can be overlooked. */
const finAcknowledged = (tcb: Tcb): boolean => tcb.finQueued && tcb.sndUna === tcb.writeSeq;

/** Data or a FIN behind a gap, beyond what has been received. */
const bringsNewText = (tcb: Tcb, segment: Segment): boolean => {
  const fin = segment.flags & FIN ? 1 : 0;
  return segment.length + fin > 0 && seqGt(((segment.seq + segment.length) | 0) as Seq, tcb.rcvNxt);
};

function enterFinWait2(tcb: Tcb, segment: Segment): boolean {
  transition(tcb, FIN_WAIT_2, 'FIN acknowledged');
  tcb.shut |= SEND_SHUTDOWN;
  if (!tcb.orphan) {
    tcb.ctx.wake(tcb);
    return true;
  }
  const mib = tcb.ctx.mib;
  if (tcb.options.linger2 < 0 || bringsNewText(tcb, segment)) {
    // Nobody is left to read it, and the peer must know (RFC 1122 §4.2.2.13).
    mib.TcpExtTCPAbortOnData++;
    replyReset(tcb.ctx, segment);
    done(tcb, tcb.options.linger2 < 0 ? 'TCP_LINGER2 < 0' : 'data for an orphan');
    return false;
  }
  const limit = finTime(tcb);
  const msl2 = 2 * tcb.ctx.sysctl.lastack_msl * 1_000_000;
  if (limit > msl2) {
    // Linux keeps the whole connection for what exceeds a TIME_WAIT's length.
    tcb.finWait2At = tcb.ctx.now + limit - msl2;
    tcb.ctx.schedule(tcb);
    return true;
  }
  if (segment.flags & FIN) {
    tcb.finWait2At = tcb.ctx.now + limit;
    tcb.ctx.schedule(tcb);
    return true;
  }
  tcb.ctx.timeWait(tcb, FIN_WAIT_2, limit);
  return false;
}

/** Delivers text where the state has a reader for it; false if the connection ended. */
function takesText(tcb: Tcb, segment: Segment): boolean {
  switch (tcb.state) {
    case CLOSE_WAIT:
    case CLOSING:
    case LAST_ACK:
      // Beyond the peer's FIN nothing can come: ignored. A repetition is acknowledged.
      if (seqGe(segment.seq, tcb.rcvNxt)) return true;
      break;
    case FIN_WAIT_1:
    case FIN_WAIT_2:
    case ESTABLISHED:
      break;
    default:
      return tcb.state !== CLOSED;
  }
  if (tcb.state !== ESTABLISHED && tcb.shut & RCV_SHUTDOWN && bringsNewText(tcb, segment)) {
    tcb.ctx.mib.TcpExtTCPAbortOnData++;
    replyReset(tcb.ctx, segment);
    if (tcb.orphan) done(tcb, 'data for an orphan');
    else fail(tcb, ECONNRESET, 'data after shutdown');
    return false;
  }
  receiveText(tcb, segment);
  return true;
}
