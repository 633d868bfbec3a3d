import { ETIMEDOUT } from '../base/errno.ts';
import type { Seq } from '../base/seq.ts';
import { ACK, RST, type Segment, SYN } from '../wire/segment.ts';
import { inWindow, isRateLimited } from './arrive-request.ts';
import { challengeAck } from './challenge.ts';
import type { Connection } from './connection.ts';
import { CA_LOSS, TIMEOUT_INIT, XMIT_RTO } from './constants.ts';
import { fail, resetByPeer } from './done.ts';
import { startTransfer } from './establish.ts';
import { FastOpen, leaveFastOpenQueue, TFO_SERVER, TFO_SERVER_NO_COOKIE } from './fastopen.ts';
import { CookieOption, makeFastOpenCookie, readKeys } from './fastopen-cookie.ts';
import type { Listener } from './listener.ts';
import { endRtoTime, enterLoss } from './loss/recovery.ts';
import { rearmRto } from './loss/tlp.ts';
import { clearRetransStamp, undoRecovery } from './loss/undo.ts';
import type { Path } from './path.ts';
import { replyReset } from './reply.ts';
import type { Request } from './request.ts';
import { sendSynAck } from './syn-ack.ts';
import type { Tcb } from './tcb.ts';
import { receiveSynText } from './text.ts';
import { setXmit } from './timers.ts';
import { sendAck } from './transmit.ts';

/** The server's half of Fast Open (RFC 7413 §4.2.2): a child that is open before its handshake is done. */

/**
 * Looks at the Fast Open option of a SYN.
 * @param reply the option that the SYN-ACK shall carry
 * @returns the child if the SYN's data may be taken, else null: an ordinary handshake
 */
export function tryFastOpen(
  listener: Listener,
  request: Request,
  segment: Segment,
  path: Path,
  reply: CookieOption,
): Connection | null {
  const { mib, sysctl, fastOpen } = listener.ctx;
  const { cookieLength } = segment;
  if (cookieLength === 0) mib.TcpExtTCPFastOpenCookieReqd++;
  if (!(sysctl.tcp_fastopen & TFO_SERVER) || (segment.length === 0 && cookieLength < 0)) return null;
  if (!hasRoom(listener)) return null;
  if (sysctl.tcp_fastopen & TFO_SERVER_NO_COOKIE || listener.options.fastopenNoCookie)
    return openChild(listener, request, segment, path);
  if (cookieLength < 0) return null;
  const own = listener.options.fastopenKey;
  const keys = own.length > 0 ? readKeys(own) : fastOpen.serverKeys();
  const asked = new CookieOption();
  asked.read(segment);
  const made = new CookieOption();
  reply.experimental = asked.experimental;
  for (let i = 0; i < keys.length; i++) {
    makeFastOpenCookie(keys[i]!, request.remote, request.local, made);
    // The reply is of the primary key, whichever the client's was made with.
    if (i === 0) reply.bytes.set(made.bytes);
    if (cookieLength === 0 || !made.equals(asked)) continue;
    if (i > 0) {
      // It is of the backup key, which is on its way out: the client gets a new one.
      reply.length = made.length;
      mib.TcpExtTCPFastOpenPassiveAltKey++;
    }
    return openChild(listener, request, segment, path);
  }
  reply.length = made.length;
  if (cookieLength > 0) mib.TcpExtTCPFastOpenPassiveFail++;
  return null;
}

/** §5.1: how many children may wait for the last ACK of their handshake (TCP_FASTOPEN); resets count for a while. */
function hasRoom(listener: Listener): boolean {
  const most = listener.options.fastopenQueue;
  if (most === 0) return false;
  if (listener.fastOpenPending < most) return true;
  const { now, mib } = listener.ctx;
  const [oldest] = listener.fastOpenResets;
  if (oldest === undefined || oldest > now) {
    mib.TcpExtTCPFastOpenListenOverflow++;
    return false;
  }
  listener.fastOpenResets.shift();
  listener.fastOpenPending--;
  return true;
}

function openChild(listener: Listener, request: Request, segment: Segment, path: Path): Connection {
  const { ctx } = listener;
  request.sentAt = ctx.now;
  const child = ctx.createChild(listener, request, path);
  const f = new FastOpen();
  f.request = request;
  child.fastopen = f;
  listener.fastOpenPending++;
  // The window of a SYN is not scaled (RFC 7323 §2.2).
  child.sndWnd = segment.window;
  child.maxWindow = segment.window;
  setXmit(child, XMIT_RTO, TIMEOUT_INIT);
  startTransfer(child);
  child.segsIn = segment.count;
  if (segment.length > 0) {
    child.dataSegsIn = segment.count;
    receiveSynText(child, segment);
    f.synDataAcked = true;
  }
  request.rcvNxt = child.rcvNxt;
  child.rcvWup = child.rcvNxt;
  ctx.mib.TcpExtTCPFastOpenPassive++;
  return child;
}

/**
 * §3.10.7.4 for a child that waits for the last ACK of its handshake: what an entry of the SYN queue would do
 * with the segment (Linux's tcp_check_req).
 * @returns true if the connection shall process it
 */
export function passesHandshake(tcb: Tcb, segment: Segment): boolean {
  const request = tcb.fastopen?.request ?? null;
  if (request === null) return true;
  const { ctx } = tcb;
  const { seq, flags } = segment;
  const paws =
    request.tsOk && segment.hasTimestamps && !(flags & RST) && ((request.tsRecent - segment.tsVal) | 0) > 0;
  const kind = flags & (RST | SYN | ACK);
  if (seq === request.irs && kind === SYN && !paws) {
    if (isRateLimited(request, segment)) ctx.mib.TcpExtTCPACKSkippedSynRecv++;
    else repeatSynAck(tcb, request);
    return false;
  }
  const next = request.rcvNxt;
  const end = ((seq + segment.segLen) | 0) as Seq;
  if (paws || !inWindow(seq, end, next, ((next + request.rcvWnd) | 0) as Seq)) {
    if (paws) ctx.mib.TcpExtPAWSEstab++;
    if (flags & RST) return false;
    if (isRateLimited(request, segment)) ctx.mib.TcpExtTCPACKSkippedSynRecv++;
    else sendAck(tcb);
    return false;
  }
  const left = seq === request.irs ? kind & ~SYN : kind;
  if (left & RST && seq !== next) {
    // RFC 9293's change to RFC 5961: only the exact RST is believed.
    challengeAck(tcb);
    return false;
  }
  if (left & RST) {
    ctx.mib.TcpAttemptFails++;
    leaveFastOpenQueue(tcb, true);
    resetByPeer(tcb);
    return false;
  }
  if (left & SYN) {
    // A bad SYN does not end a connection that the application may have already.
    ctx.mib.TcpAttemptFails++;
    replyReset(ctx, segment);
    return false;
  }
  return (left & ACK) !== 0;
}

function repeatSynAck(tcb: Tcb, request: Request): void {
  const { mib } = tcb.ctx;
  request.retransmits++;
  tcb.totalRetrans++;
  tcb.synAckSentAt = -1;
  mib.TcpRetransSegs++;
  mib.TcpExtTCPSynRetrans++;
  sendSynAck(request.listener.ctx, request, tcb.path);
}

/** Until the SYN-ACK is acknowledged, nothing else of the child is sent again, data and FIN included. */
export function synAckTimer(tcb: Tcb, request: Request): void {
  const { ctx } = tcb;
  ctx.mib.TcpExtTCPTimeouts++;
  // The application has the child perhaps: one try more than for an entry of the SYN queue.
  const most = tcb.options.syncnt || ctx.sysctl.tcp_synack_retries + 1;
  if (request.timeouts >= most) {
    ctx.mib.TcpExtTCPAbortOnTimeout++;
    fail(tcb, tcb.softError || ETIMEDOUT, 'SYN+ACK is not acknowledged');
    return;
  }
  if (tcb.retransmits === 1) enterLoss(tcb);
  repeatSynAck(tcb, request);
  request.timeouts++;
  if (tcb.retransmits === 0) {
    tcb.totalRtoRecoveries++;
    tcb.rtoStamp = tcb.tsNow || 1;
  }
  tcb.retransmits++;
  tcb.totalRto++;
  if (tcb.retransStamp === 0) tcb.retransStamp = tcb.tsNow || 1;
  setXmit(tcb, XMIT_RTO, TIMEOUT_INIT * 2 ** request.timeouts);
}

/** The last ACK of the handshake has come: from now on the timer is that of what was sent meanwhile. */
export function handshakeDone(tcb: Tcb): void {
  if (tcb.caState === CA_LOSS && tcb.packetsOut === 0) undoRecovery(tcb);
  endRtoTime(tcb);
  tcb.retransmits = 0;
  clearRetransStamp(tcb);
  leaveFastOpenQueue(tcb, false);
  rearmRto(tcb);
}
