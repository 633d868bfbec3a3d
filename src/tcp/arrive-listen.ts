import type { Seq } from '../base/seq.ts';
import { ACK, AE, CWR, ECE, FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { completeRequest } from './arrive-request.ts';
import { TIMESTAMPS_ALIGNED } from './constants.ts';
import { checkCookie, cookieTimestamp, makeCookie, readCookieTimestamp } from './cookie.ts';
import { CookieOption } from './fastopen-cookie.ts';
import { tryFastOpen } from './fastopen-listen.ts';
import type { Listener } from './listener.ts';
import { pathMss, peerMss } from './negotiate.ts';
import type { Path } from './path.ts';
import { replyReset, sendBare } from './reply.ts';
import { Request } from './request.ts';
import { sendSynAck } from './syn-ack.ts';
import { initialWindow, windowOfBuffer } from './window.ts';

/** §3.10.7.2: a segment for a listener that belongs to no request of its SYN queue. */
export function arriveListen(listener: Listener, segment: Segment): void {
  const { flags } = segment;
  if (flags & RST) return;
  if (flags & ACK) {
    if (flags & SYN || !acceptCookie(listener, segment)) replyReset(listener.ctx, segment);
    return;
  }
  if (!(flags & SYN) || flags & FIN) return;
  arriveSyn(listener, segment, null);
}

function dropSyn(listener: Listener): void {
  listener.ctx.mib.TcpExtListenDrops++;
}

/**
 * A SYN: a new entry of the SYN queue, or a cookie when that is full.
 * @param isn initial sequence number if it reopens a TIME_WAIT (RFC 6191), else null
 */
export function arriveSyn(listener: Listener, segment: Segment, isn: Seq | null): void {
  const ctx = listener.ctx;
  const { sysctl, mib } = ctx;
  if (ctx.net.isBroadcast(segment.destination) || ctx.net.isBroadcast(segment.source)) return;
  let cookie = false;
  if (isn === null && (sysctl.tcp_syncookies === 2 || listener.synQueueFull)) {
    if (sysctl.tcp_syncookies === 0) {
      mib.TcpExtTCPReqQFullDrop++;
      dropSyn(listener);
      return;
    }
    mib.TcpExtTCPReqQFullDoCookies++;
    cookie = true;
  }
  if (listener.acceptQueueFull) {
    mib.TcpExtListenOverflows++;
    dropSyn(listener);
    return;
  }
  const path = ctx.net.path(segment.source, segment.destination);
  if (typeof path === 'number') {
    dropSyn(listener);
    return;
  }
  // The path's addresses are kept, the segment's are not.
  const { source: local, destination: remote } = path;
  const request = new Request(listener, local, segment.destinationPort, remote, segment.sourcePort);
  readSyn(request, segment, path, cookie);
  if (!cookie && isn === null && sysctl.tcp_syncookies === 0) {
    // The last quarter of the backlog is for peers that are known; nobody is.
    const left = sysctl.tcp_max_syn_backlog - listener.synQueueLength;
    if (left < sysctl.tcp_max_syn_backlog >> 2) {
      dropSyn(listener);
      return;
    }
  }
  if (cookie) {
    sendCookie(listener, request, segment, path);
    return;
  }
  request.iss = isn ?? ctx.isn(request.local, request.localPort, request.remote, request.remotePort);
  if (listener.options.saveSyn) request.savedSyn = headersOf(segment);
  if (!listener.hold && (segment.cookieLength >= 0 || segment.length > 0)) fastOpen(request, segment, path);
  else enqueue(listener, request, path, null);
}

/** Everything a request remembers of its SYN. */
function readSyn(request: Request, segment: Segment, path: Path, cookie: boolean): void {
  const { listener } = request;
  const { ctx, options } = listener;
  const sysctl = ctx.sysctl;
  request.irs = segment.seq;
  request.rcvNxt = ((segment.seq + 1) | 0) as Seq;
  request.mss = peerMss(segment, request.remote, options);
  const ts = segment.hasTimestamps && sysctl.tcp_timestamps !== 0;
  // A cookie without timestamps remembers the MSS and nothing else.
  if (!cookie || ts) {
    request.sackOk = segment.sackPermitted && sysctl.tcp_sack !== 0;
    request.wscaleOk = segment.windowScale >= 0 && sysctl.tcp_window_scaling !== 0;
    request.sndWscale = request.wscaleOk ? segment.windowScale : 0;
  }
  request.tsOk = ts;
  request.tsRecent = ts ? segment.tsVal : 0;
  // A SYN that is marked ECT is not of RFC 3168; but one that offers accurate ECN (RFC 9768) may be.
  const plain = (segment.tos & 3) === 0 || (segment.flags & AE) !== 0;
  const asked = (segment.flags & (ECE | CWR)) === (ECE | CWR) && plain;
  request.ecnOk = asked && sysctl.tcp_ecn !== 0 && (!cookie || ts);
  if (ts && sysctl.tcp_timestamps === 1)
    request.tsOffset = ctx.timestampOffset(request.local, request.remote);
  setWindow(request, path);
}

/** Our first window and scale (Linux's tcp_openreq_init_rwin). */
function setWindow(request: Request, path: Path): void {
  const { ctx, options } = request.listener;
  const sysctl = ctx.sysctl;
  const buffer = windowOfBuffer(sysctl, options.rcvbuf || sysctl.tcp_rmem[1]);
  const mss = pathMss(path, request.remote, options);
  let clamp = options.windowClamp;
  if (options.rcvbufLocked && (clamp === 0 || clamp > buffer)) clamp = buffer;
  const first = initialWindow(
    buffer,
    mss - (request.tsOk ? TIMESTAMPS_ALIGNED : 0),
    clamp,
    request.wscaleOk,
    Math.max(sysctl.tcp_rmem[2], sysctl.rmem_max),
    sysctl.tcp_workaround_signed_windows !== 0,
  );
  request.rcvWnd = first.window;
  request.windowClamp = first.clamp;
  request.rcvWscale = first.scale;
}

/** A SYN with data or a Fast Open option (RFC 7413 §4.2): a child at once, or an entry as for any other. */
function fastOpen(request: Request, segment: Segment, path: Path): void {
  const { listener } = request;
  const { ctx } = listener;
  const reply = new CookieOption();
  const child = tryFastOpen(listener, request, segment, path, reply);
  if (child === null) {
    enqueue(listener, request, path, reply);
    return;
  }
  sendSynAck(ctx, request, path, undefined, reply);
  listener.acceptQueue.push(child);
  ctx.wakeListener(listener);
}

function enqueue(listener: Listener, request: Request, path: Path, reply: CookieOption | null): void {
  const ctx = listener.ctx;
  request.held = listener.hold;
  if (!request.held) answerIsSent(request);
  // If the embedder never answers, the entry lives no longer than an unanswered SYN-ACK would.
  else request.deadline = ctx.now + 63_000_000;
  ctx.addRequest(request);
  listener.synQueueLength++;
  listener.young++;
  if (request.held) hold(listener, request);
  else sendSynAck(ctx, request, path, undefined, reply);
}

function answerIsSent(request: Request): void {
  const { ctx } = request.listener;
  request.sentAt = ctx.now;
  request.deadline = ctx.now + request.timeout(ctx.sysctl.tcp_rto_max_ms * 1000);
}

/** The embedder decides first: no SYN-ACK until then. */
function hold(listener: Listener, request: Request): void {
  const ctx = listener.ctx;
  listener.heldQueue.push({
    remote: request.remote,
    remotePort: request.remotePort,
    local: request.local,
    localPort: request.localPort,
    accept: () => {
      if (!request.held || request.row < 0) return;
      request.held = false;
      answerIsSent(request);
      ctx.scheduleRequest(request);
      const path = ctx.net.path(request.remote, request.local);
      if (typeof path !== 'number') sendSynAck(ctx, request, path);
    },
    refuse: () => {
      if (!request.held || request.row < 0) return;
      request.held = false;
      refuse(request);
    },
  });
  ctx.wakeListener(listener);
}

function refuse(r: Request): void {
  const ctx = r.listener.ctx;
  ctx.mib.TcpOutRsts++;
  removeFromQueue(r);
  const ack = (r.irs + 1) | 0;
  sendBare(ctx, r.local, r.localPort, r.remote, r.remotePort, 0, ack, RST | ACK, 0, false, 0, 0, 0);
}

/** Takes an entry out of its SYN queue. */
export function removeFromQueue(request: Request): void {
  const { listener } = request;
  listener.synQueueLength--;
  if (request.timeouts === 0) listener.young--;
  listener.ctx.removeRequest(request);
}

function sendCookie(listener: Listener, request: Request, segment: Segment, path: Path): void {
  const ctx = listener.ctx;
  const made = makeCookie(ctx.secret, segment, request.mss, ctx.now);
  request.iss = made.isn as Seq;
  request.mss = made.mss;
  listener.overflowAt = ctx.now;
  ctx.mib.TcpExtSyncookiesSent++;
  const ms = Math.floor(ctx.now / 1000) | 0;
  const ts = request.tsOk
    ? cookieTimestamp(ms, request.wscaleOk ? request.sndWscale : -1, request.sackOk, request.ecnOk)
    : ms;
  sendSynAck(ctx, request, path, ts);
}

/** An ACK that no request knows may answer a cookie; true if it did. */
function acceptCookie(listener: Listener, segment: Segment): boolean {
  const ctx = listener.ctx;
  const { mib, sysctl } = ctx;
  if (sysctl.tcp_syncookies === 0 || !(segment.flags & ACK)) return false;
  // Without a recent overflow no cookie is out, and guessing is pointless.
  if (ctx.now - listener.overflowAt > 120_000_000 && sysctl.tcp_syncookies !== 2) return false;
  const mss = checkCookie(ctx.secret, segment, ctx.now);
  if (mss === 0) {
    mib.TcpExtSyncookiesFailed++;
    return false;
  }
  const path = ctx.net.path(segment.source, segment.destination);
  if (typeof path === 'number') return false;
  const { source: local, destination: remote } = path;
  mib.TcpExtSyncookiesRecv++;
  if (listener.acceptQueueFull) {
    // Nothing remembers this handshake: the client's data will come again, and may find room.
    mib.TcpExtListenOverflows++;
    dropSyn(listener);
    return true;
  }
  const request = new Request(listener, local, segment.destinationPort, remote, segment.sourcePort);
  request.irs = ((segment.seq - 1) | 0) as Seq;
  request.iss = ((segment.ack - 1) | 0) as Seq;
  request.mss = mss;
  if (segment.hasTimestamps && sysctl.tcp_timestamps !== 0) {
    request.tsOk = true;
    request.tsRecent = segment.tsVal;
    if (sysctl.tcp_timestamps === 1) request.tsOffset = ctx.timestampOffset(local, remote);
    const o = readCookieTimestamp((segment.tsEcr - request.tsOffset) | 0);
    request.wscaleOk = o.wscale >= 0 && sysctl.tcp_window_scaling !== 0;
    request.sndWscale = request.wscaleOk ? o.wscale : 0;
    request.sackOk = o.sack && sysctl.tcp_sack !== 0;
    request.ecnOk = o.ecn;
  }
  setWindow(request, path);
  completeRequest(listener, request, segment, path);
  return true;
}

/** TCP_SAVE_SYN: the header of the SYN as it came, without the IP header's options. */
function headersOf(segment: Segment): Uint8Array {
  return segment.bytes.slice(segment.headersAt, segment.at);
}
