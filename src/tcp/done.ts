import { ECONNREFUSED, ECONNRESET, EPIPE } from '../base/errno.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN } from './constants.ts';
import { dropRecords } from './decide.ts';
import { endFastOpen, leaveFastOpenQueue } from './fastopen.ts';
import { dropSent } from './sent.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  SYN_RECV,
  SYN_SENT,
  transition,
} from './state.ts';
import type { Tcb } from './tcb.ts';
import { giveRows } from './tcb-extra.ts';
import { clearAllTimers } from './timers.ts';
import { sendReset } from './transmit.ts';

/** The end of a connection, whatever brought it about. */

/** Frees what a connection that is over has no use for: unsent and unacknowledged data, the scoreboard. */
function purge(tcb: Tcb): void {
  dropSent(tcb);
  if (tcb.sendRing !== null) {
    tcb.ctx.slabs.giveRing(tcb.sendRing);
    tcb.sendRing = null;
  }
  tcb.packetsOut = 0;
  tcb.sackedOut = 0;
  tcb.lostOut = 0;
  tcb.retransOut = 0;
  tcb.sndUna = tcb.writeSeq;
  tcb.sndNxt = tcb.writeSeq;
  dropRecords(tcb, tcb.writeSeq);
  if (tcb.ooo !== null) tcb.ooo.clear();
  tcb.ooo = null;
  tcb.oooFin = false;
  tcb.sackCount = 0;
}

/** The connection is CLOSED; data that was received may still be read. */
export function done(tcb: Tcb, why: string): void {
  const mib = tcb.ctx.mib;
  if (tcb.state === SYN_SENT || tcb.state === SYN_RECV) mib.TcpAttemptFails++;
  clearAllTimers(tcb);
  if (tcb.fastopen !== null) {
    leaveFastOpenQueue(tcb, false);
    endFastOpen(tcb);
  }
  transition(tcb, CLOSED, why);
  purge(tcb);
  finish(tcb);
}

/** What `done` and a TIME_WAIT row that takes over have in common. */
export function finish(tcb: Tcb): void {
  clearAllTimers(tcb);
  tcb.shut = RCV_SHUTDOWN | SEND_SHUTDOWN;
  if (tcb.orphan) {
    tcb.ctx.orphaned(-1);
    if (tcb.recvRing !== null) tcb.ctx.slabs.giveRing(tcb.recvRing);
    tcb.recvRing = null;
  }
  tcb.ctx.closed(tcb);
  if (tcb.orphan) giveRows(tcb);
  else tcb.ctx.wake(tcb);
}

/** It ends with an error that the application shall see. */
export function fail(tcb: Tcb, error: number, why: string): void {
  tcb.error = error;
  done(tcb, why);
}

/** A believable RST: which error it means depends on the state (lifecycle rules, section 11). */
export function resetByPeer(tcb: Tcb): void {
  const error = tcb.state === SYN_SENT ? ECONNREFUSED : tcb.state === CLOSE_WAIT ? EPIPE : ECONNRESET;
  fail(tcb, error, 'RST received');
}

/** ABORT (§3.10.5): a RST to the peer if there is one that knows us. */
export function abort(tcb: Tcb, error: number, why: string): void {
  if (needsReset(tcb)) sendReset(tcb);
  if (error !== 0) fail(tcb, error, why);
  else done(tcb, why);
}

/** Whether the peer knows this connection and does not yet know that it ends (§3.10.5). */
export const needsReset = (tcb: Tcb): boolean =>
  tcb.state === SYN_RECV ||
  tcb.state === ESTABLISHED ||
  tcb.state === FIN_WAIT_1 ||
  tcb.state === FIN_WAIT_2 ||
  tcb.state === CLOSE_WAIT;
