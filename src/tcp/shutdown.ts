import { ECONNRESET, ENOTCONN } from '../base/errno.ts';
import type { Seq } from '../base/seq.ts';
import { CHRONO_BUSY, startChrono } from './chrono.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN } from './constants.ts';
import { hasUnsent, NAGLE_OFF } from './decide.ts';
import { abort, done, fail } from './done.ts';
import { output } from './output.ts';
import { readableBytes } from './receive-buffer.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  SYN_RECV,
  SYN_SENT,
  transition,
} from './state.ts';
import type { Tcb } from './tcb.ts';
import { giveRows } from './tcb-extra.ts';
import { finTime } from './timers.ts';
import { sendReset } from './transmit.ts';

/** CLOSE, ABORT and the two halves of shutdown (RFC 9293 §3.10.4, 3.10.5; lifecycle rules, section 2). */

/** Queues our FIN behind what is unsent; it rides on the last data segment if there is one. */
function queueFin(tcb: Tcb): void {
  if (tcb.finQueued) return;
  tcb.finQueued = true;
  tcb.writeSeq = ((tcb.writeSeq + 1) | 0) as Seq;
  tcb.flush |= NAGLE_OFF;
  startChrono(tcb, CHRONO_BUSY);
  tcb.ctx.wantOutput(tcb);
}

/** The state change that closing our half means, at the moment the FIN is queued; true if there is a FIN. */
function closeHalf(tcb: Tcb, why: string): boolean {
  switch (tcb.state) {
    case ESTABLISHED:
    case SYN_RECV:
      transition(tcb, FIN_WAIT_1, why);
      return true;
    case CLOSE_WAIT:
      transition(tcb, LAST_ACK, why);
      return true;
    default:
      return false;
  }
}

/** What was written leaves at once, as far as the windows let it: the FIN comes behind it, a reset does not take it back. */
function sendWritten(tcb: Tcb): void {
  if (hasUnsent(tcb)) output(tcb, Number.POSITIVE_INFINITY);
}

/** Closes our half: the FIN follows what is unsent. */
export function finishShutdown(tcb: Tcb): void {
  if (closeHalf(tcb, 'shutdown()')) queueFin(tcb);
}

/** shutdown(2): 0 SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR. Repeating it is harmless while a connection exists. */
export function shutdown(tcb: Tcb, how: number): number {
  if (tcb.state === CLOSED) return -ENOTCONN;
  if (tcb.state === SYN_SENT) {
    // Linux gives the attempt up, whichever half was named; reading ahead needs no wire.
    if (how === 0) tcb.shut |= RCV_SHUTDOWN;
    else fail(tcb, ECONNRESET, 'shutdown() in SYN_SENT');
    return 0;
  }
  if (how !== 1) tcb.shut |= RCV_SHUTDOWN;
  if (how !== 0) {
    sendWritten(tcb);
    tcb.shut |= SEND_SHUTDOWN;
    // In SYN_RECV the FIN waits for the handshake to end.
    if (tcb.state !== SYN_RECV) finishShutdown(tcb);
  }
  tcb.ctx.wake(tcb);
  return 0;
}

/**
 * close(2): the application will not look at this connection again.
 * @param linger0 SO_LINGER on with time 0: reset instead of FIN
 */
export function close(tcb: Tcb, linger0: boolean): void {
  const ctx = tcb.ctx;
  const mib = ctx.mib;
  tcb.shut = RCV_SHUTDOWN | SEND_SHUTDOWN;
  tcb.owner = null;
  if (tcb.state === CLOSED) {
    forget(tcb);
    giveRows(tcb);
    return;
  }
  sendWritten(tcb);
  tcb.orphan = true;
  ctx.orphaned(1);
  const unread = readableBytes(tcb);
  forget(tcb);
  if (unread > 0) {
    // RFC 1122 §4.2.2.13: data that nobody will read has been lost, and the peer must know.
    mib.TcpExtTCPAbortOnClose++;
    if (tcb.state !== SYN_SENT) sendReset(tcb);
    done(tcb, 'close() with unread data');
    return;
  }
  if (linger0) {
    mib.TcpExtTCPAbortOnData++;
    abort(tcb, 0, 'close() with SO_LINGER 0');
    return;
  }
  if (tcb.state === SYN_SENT) {
    done(tcb, 'close()');
    return;
  }
  if (closeHalf(tcb, 'close()')) queueFin(tcb);
  if (tcb.state === FIN_WAIT_2) orphanedInFinWait2(tcb);
  else if (tooManyOrphans(tcb)) {
    sendReset(tcb);
    mib.TcpExtTCPAbortOnMemory++;
    done(tcb, 'tcp_max_orphans');
  }
}

/** Whether this orphan is one too many; a quiet one counts double. */
export function tooManyOrphans(tcb: Tcb, shift = 0): boolean {
  return tcb.ctx.orphans << shift > tcb.ctx.sysctl.tcp_max_orphans;
}

/** Our FIN was acknowledged before the close: how long to wait for the peer's (section 4). */
function orphanedInFinWait2(tcb: Tcb): void {
  const ctx = tcb.ctx;
  if (tcb.options.linger2 < 0) {
    sendReset(tcb);
    ctx.mib.TcpExtTCPAbortOnLinger++;
    done(tcb, 'TCP_LINGER2 < 0');
    return;
  }
  const limit = finTime(tcb);
  const msl2 = 2 * ctx.sysctl.lastack_msl * 1_000_000;
  if (limit > msl2) {
    tcb.finWait2At = ctx.now + limit - msl2;
    ctx.schedule(tcb);
  } else ctx.timeWait(tcb, FIN_WAIT_2, limit);
}

/** Received data is of no use any more. */
function forget(tcb: Tcb): void {
  if (tcb.recvRing !== null) {
    tcb.ctx.slabs.giveRing(tcb.recvRing);
    tcb.recvRing = null;
  }
  if (tcb.ooo !== null) tcb.ooo.clear();
  tcb.rmem = 0;
}
