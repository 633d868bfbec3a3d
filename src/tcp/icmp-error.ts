import { type Seq, seqBetween } from '../base/seq.ts';
import { type IcmpError, icmpErrno } from '../wire/icmp-error.ts';
import { fail } from './done.ts';
import { errorsOf, ORIGIN_ICMP, ORIGIN_ICMP6, QueuedError } from './error-queue.ts';
import { isPassiveOpen } from './fastopen.ts';
import { simpleRetransmit } from './loss/recovery.ts';
import { syncMss } from './negotiate.ts';
import { SYN_RECV, SYN_SENT } from './state.ts';
import type { Tcb } from './tcb.ts';
import { queueError } from './tx-stamps.ts';

/**
 * ICMP errors (RFC 9293 §3.9.2.2, RFC 5927): believed only if they quote a sequence number in flight.
 * They end a connection attempt; an established connection they only inform (MUST-56).
 */
export function tcpIcmpError(tcb: Tcb, e: IcmpError): void {
  const { ctx } = tcb;
  if (!seqBetween(e.seq as Seq, firstInFlight(tcb), tcb.sndNxt)) {
    ctx.mib.TcpExtOutOfWindowIcmps++;
    return;
  }
  if (e.mtu > 0) {
    tooBig(tcb, e.mtu);
    return;
  }
  const errno = icmpErrno(e.family, e.type, e.code);
  if (errno === 0) return;
  if (tcb.options.recverr) remember(tcb, e, errno);
  if (endsOpening(tcb) || tcb.options.recverr) {
    fail(tcb, errno, 'ICMP error');
    return;
  }
  tcb.softError = errno;
  if (!tcb.orphan) ctx.wake(tcb);
}

/** Of a Fast Open child the SYN-ACK is in flight too. */
const firstInFlight = (tcb: Tcb): Seq => tcb.fastopen?.request?.iss ?? tcb.sndUna;

/** A handshake that has begun ends; but a Fast Open child that the application has is a connection like any other. */
function endsOpening(tcb: Tcb): boolean {
  if (isPassiveOpen(tcb)) return !tcb.fastopen!.accepted;
  return (tcb.state === SYN_SENT || tcb.state === SYN_RECV) && tcb.sent.size > 0;
}

/** IP_RECVERR: the whole of it can be read with MSG_ERRQUEUE. */
function remember(tcb: Tcb, e: IcmpError, errno: number): void {
  const q = new QueuedError(errno, e.family === 4 ? ORIGIN_ICMP : ORIGIN_ICMP6);
  q.type = e.type;
  q.code = e.code;
  q.info = e.mtu;
  queueError(tcb, errorsOf(tcb), q);
}

/** RFC 1191, 8201: the path takes less; what was too large is sent again at once. */
function tooBig(tcb: Tcb, mtu: number): void {
  const { ctx } = tcb;
  if (tcb.options.pmtudisc === 0 || mtu >= tcb.path.mtu) return;
  ctx.net.lowerMtu(tcb.path, mtu);
  if (tcb.path.mtu >= tcb.pmtuSeen) return;
  syncMss(tcb, tcb.path.mtu);
  simpleRetransmit(tcb);
}

/** Unreachable networks and hosts, expired TTLs and malformed headers end a SYN queue entry; others don't. */
export function endsRequest(e: IcmpError): boolean {
  if (e.family === 4)
    return (e.type === 3 && e.code <= 1) || (e.type === 11 && e.code === 0) || e.type === 12;
  return (e.type === 1 && (e.code === 0 || e.code === 3)) || e.type === 3 || e.type === 4;
}
