import { type Seq, seqGt, seqLt } from '../base/seq.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { removeFromQueue } from './arrive-listen.ts';
import type { Listener } from './listener.ts';
import type { Path } from './path.ts';
import { replyReset, sendBare } from './reply.ts';
import type { Request } from './request.ts';
import { sendSynAck } from './syn-ack.ts';

/** §3.10.7.4 for SYN_RECV while it is only an entry of a listener's SYN queue. */

/** seq lies in the window, or the segment overlaps it; a bare one may stand at its right edge. */
export function inWindow(seq: Seq, end: Seq, left: Seq, right: Seq): boolean {
  if (seq === left) return true;
  if (seqGt(end, left) && seqLt(seq, right)) return true;
  return seq === right && seq === end;
}

/** Whether an entry has answered a bare segment too lately to answer this one (`tcp_invalid_ratelimit`). */
export function isRateLimited(request: Request, segment: Segment): boolean {
  if (segment.length > 0 || segment.flags & FIN) return false;
  const { now, sysctl } = request.listener.ctx;
  const since = now - request.lastOowAckAt;
  if (since >= 0 && since < sysctl.tcp_invalid_ratelimit * 1000) return true;
  request.lastOowAckAt = now;
  return false;
}

export function arriveRequest(request: Request, segment: Segment): void {
  const { listener } = request;
  const { ctx } = listener;
  const { mib, sysctl } = ctx;
  const { seq, flags } = segment;
  const ts = request.tsOk && segment.hasTimestamps;
  const paws = ts && !(flags & RST) && ((request.tsRecent - segment.tsVal) | 0) > 0;
  const kind = flags & (RST | SYN | ACK);
  if (seq === request.irs && kind === SYN && !paws) {
    repeatedSyn(request, segment);
    return;
  }
  if (request.held) return;
  if (kind & ACK && !(kind & RST) && segment.ack !== ((request.iss + 1) | 0)) {
    // An ACK of something else: reset to the sender, the entry stays.
    replyReset(ctx, segment);
    return;
  }
  const next = ((request.irs + 1) | 0) as Seq;
  const end = ((seq + segment.segLen) | 0) as Seq;
  if (paws || !inWindow(seq, end, next, ((next + request.rcvWnd) | 0) as Seq)) {
    if (!(flags & RST)) {
      if (isRateLimited(request, segment)) mib.TcpExtTCPACKSkippedSynRecv++;
      else answer(request);
    }
    if (paws) mib.TcpExtPAWSEstab++;
    return;
  }
  let left = kind;
  if (seq === request.irs) {
    // Only its SYN is old; but a connection would refuse the whole segment for it, and never be completed.
    if (kind & SYN && kind & ACK) {
      challenge(request, segment);
      return;
    }
    left &= ~SYN;
  }
  if (left & RST && seq !== next) {
    // RFC 9293's change to RFC 5961: only the exact RST is believed.
    challenge(request, segment);
    return;
  }
  if (left & (RST | SYN)) {
    mib.TcpAttemptFails++;
    discard(request, segment);
    return;
  }
  if (!(left & ACK)) return;
  if (request.timeouts < listener.options.deferAccept && end === next) {
    // TCP_DEFER_ACCEPT: wait for data.
    request.acked = true;
    mib.TcpExtTCPDeferAcceptDrop++;
    return;
  }
  if (listener.acceptQueueFull) {
    mib.TcpExtListenOverflows++;
    mib.TcpExtListenDrops++;
    if (sysctl.tcp_abort_on_overflow === 0) request.acked = true;
    else discard(request, segment);
    return;
  }
  const path = ctx.net.path(request.remote, request.local);
  if (typeof path === 'number') return;
  removeFromQueue(request);
  if (ts && !seqGt(seq, next)) request.tsRecent = segment.tsVal;
  completeRequest(listener, request, segment, path);
}

/** The SYN again: our SYN-ACK was lost, or theirs is a copy. */
function repeatedSyn(request: Request, segment: Segment): void {
  const { ctx } = request.listener;
  if (request.held) return;
  if (isRateLimited(request, segment)) {
    ctx.mib.TcpExtTCPACKSkippedSynRecv++;
    return;
  }
  repeatSynAck(request);
  request.deadline = ctx.now + request.timeout(ctx.sysctl.tcp_rto_max_ms * 1000);
  ctx.scheduleRequest(request);
}

function repeatSynAck(request: Request): void {
  const { ctx } = request.listener;
  const path = ctx.net.path(request.remote, request.local);
  if (typeof path === 'number') return;
  request.retransmits++;
  request.sentAt = -1;
  ctx.mib.TcpRetransSegs++;
  ctx.mib.TcpExtTCPSynRetrans++;
  sendSynAck(ctx, request, path);
}

function challenge(request: Request, segment: Segment): void {
  const { mib } = request.listener.ctx;
  if (isRateLimited(request, segment)) mib.TcpExtTCPACKSkippedChallenge++;
  else {
    mib.TcpExtTCPChallengeACK++;
    answer(request);
  }
}

/** An ACK in the entry's name. */
function answer(r: Request): void {
  const ctx = r.listener.ctx;
  const seq = (r.iss + 1) | 0;
  const ack = (r.irs + 1) | 0;
  const ts = ((Math.floor(ctx.now / 1000) | 0) + r.tsOffset) | 0;
  const window = r.rcvWnd >> r.rcvWscale;
  sendBare(
    ctx,
    r.local,
    r.localPort,
    r.remote,
    r.remotePort,
    seq,
    ack,
    ACK,
    Math.min(window, 65535),
    r.tsOk,
    ts,
    r.tsRecent,
    0,
  );
}

function discard(request: Request, segment: Segment): void {
  const { ctx } = request.listener;
  if (!(segment.flags & RST)) replyReset(ctx, segment);
  removeFromQueue(request);
  ctx.mib.TcpExtEmbryonicRsts++;
}

/** The handshake is complete: a connection is made, queued, and given the segment that completed it. */
export function completeRequest(listener: Listener, request: Request, segment: Segment, path: Path): void {
  const { ctx } = listener;
  const child = ctx.createChild(listener, request, path);
  listener.acceptQueue.push(child);
  child.receiveSegment(segment);
  ctx.wakeListener(listener);
}

/** The SYN-ACK timer of an entry. */
export function expireRequest(request: Request): void {
  const { listener } = request;
  const { ctx, options } = listener;
  const { sysctl } = ctx;
  if (request.held || listener.closed) {
    removeFromQueue(request);
    return;
  }
  let most = options.syncnt || sysctl.tcp_synack_retries;
  // A crowded queue loses patience with those that never answered.
  if (listener.synQueueLength << 1 > Math.max(8, listener.backlog)) {
    let young = listener.young << 1;
    while (most > 2 && listener.synQueueLength >= young) {
      most--;
      young <<= 1;
    }
  }
  const defer = options.deferAccept;
  const spent = request.timeouts >= most;
  const gone = defer === 0 ? spent : spent && (!request.acked || request.timeouts >= defer);
  const resend = defer === 0 || !request.acked || request.timeouts >= defer - 1;
  ctx.mib.TcpExtTCPTimeouts++;
  if (gone) {
    removeFromQueue(request);
    return;
  }
  if (resend) repeatSynAck(request);
  if (request.timeouts++ === 0) listener.young--;
  request.deadline = ctx.now + request.timeout(sysctl.tcp_rto_max_ms * 1000);
  ctx.scheduleRequest(request);
}
