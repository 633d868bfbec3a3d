import { EAGAIN, ECONNRESET, EINVAL, EPIPE } from '../base/errno.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { Segment } from '../wire/segment.ts';
import { arrive } from './arrive.ts';
import {
  MSG_OOB,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDHUP,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
} from './constants.ts';
import { NAGLE_OFF, PUSH_ALL } from './decide.ts';
import { enterPingpong, inPingpong } from './delayed-ack.ts';
import { abort, fail, needsReset } from './done.ts';
import { isPassiveOpen, type SynData } from './fastopen.ts';
import { type TcpInfo, tcpInfo } from './info.ts';
import { sendSyn } from './open.ts';
import { atMark, readableBytes, receive, receiveUrgentByte, takeError } from './receive-buffer.ts';
import { enqueue } from './send-buffer.ts';
import { isWritable, sendMemoryUsed, sendQueued, sendSpace } from './send-memory.ts';
import { close, shutdown } from './shutdown.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  LAST_ACK,
  SYN_RECV,
  SYN_SENT,
} from './state.ts';
import { Tcb } from './tcb.ts';
import { keepaliveIdle, setKeepalive } from './timers.ts';
import { sendAck } from './transmit.ts';
import { setTimestamping } from './tx-stamps.ts';
import { URGENT_ANNOUNCED, URGENT_HERE } from './urgent.ts';

/** Levels and names of setsockopt(2), of which the socket layer tells the changes. */
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_RCVLOWAT = 18;
const SO_TIMESTAMPING = 37;
const SO_MAX_PACING_RATE = 47;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_CORK = 3;
const TCP_KEEPIDLE = 4;
const TCP_WINDOW_CLAMP = 10;
const TCP_NOTSENT_LOWAT = 25;

/**
 * One connection as the socket layer sees it: the user calls of RFC 9293 §3.10.1 to 3.10.6 over a `Tcb`.
 * Results are counts ≥ 0 or −errno; nothing waits. Time is the host's `now`.
 */
export class Connection extends Tcb {
  /** Next in its chain of the host's table. */
  hashNext: unknown = null;

  /** A segment for this connection has arrived. */
  receiveSegment(segment: Segment): void {
    arrive(this, segment);
  }

  /** Bytes that can be read at once. */
  get readable(): number {
    return readableBytes(this);
  }

  /** Moves, modulo 2^32, whenever more has come that can be read. */
  get arrivals(): number {
    return this.finReceived ? (this.rcvNxt - 1) | 0 : this.rcvNxt;
  }

  /** Bytes that a write would take now. */
  get writableSpace(): number {
    return sendSpace(this);
  }

  /** Bytes written and not yet acknowledged (SIOCOUTQ), and those not even sent (SIOCOUTQNSD). */
  get unacked(): number {
    return this.state === CLOSED ? 0 : sendQueued(this);
  }
  get unsent(): number {
    return this.state === CLOSED ? 0 : (this.writeSeq - this.sndNxt) | 0;
  }

  /** When the last byte that was read had arrived; 0 unless SO_TIMESTAMPING asks for it. */
  get arrivedAt(): Micros {
    return this.txStamps?.tellsArrivals ? this.txStamps.readAt : 0;
  }

  /** Buffer memory in use, overhead included (SO_MEMINFO). */
  get receiveMemory(): number {
    return (this.state === CLOSED ? 0 : this.rmem) + (this.errors?.memory ?? 0);
  }
  get sendMemory(): number {
    return this.state === CLOSED ? 0 : sendMemoryUsed(this);
  }

  /** TCP_FASTOPEN_CONNECT: connect() is done, but the first write sends the SYN. */
  get deferred(): boolean {
    return this.fastopen?.deferred ?? false;
  }

  /** Sends the SYN that waited; `data.copied` says how much rides on it. */
  openWith(data: SynData): void {
    sendSyn(this, this.iss, data);
  }

  /** SIOCATMARK. */
  get atMark(): boolean {
    return atMark(this);
  }

  /**
   * SEND. Takes what fits of `bytes[at..at+n)`.
   * @returns bytes taken; −EAGAIN without room or before the handshake is done; the pending error; −EPIPE
   */
  send(bytes: Uint8Array, at: number, n: number, flags: number): number {
    if (this.error !== 0) return -takeError(this);
    if (this.shut & SEND_SHUTDOWN) return -EPIPE;
    if (this.state === SYN_SENT || this.state === SYN_RECV) {
      // A write before the handshake is done waits for it, unless Fast Open has let data through.
      if (!isPassiveOpen(this)) return -EAGAIN;
    } else if (this.state !== ESTABLISHED && this.state !== CLOSE_WAIT) return -EPIPE;
    if (n === 0) return 0;
    const taken = enqueue(this, bytes, at, n, flags);
    if (taken > 0) return taken;
    this.noSpace = true;
    return -EAGAIN;
  }

  /**
   * RECEIVE. `bytes` null throws the data away (MSG_TRUNC).
   * @returns bytes read, 0 at the end of the stream, −EAGAIN, or −error
   */
  recv(bytes: Uint8Array | null, at: number, n: number, flags: number): number {
    if (flags & MSG_OOB) return bytes === null ? -EINVAL : receiveUrgentByte(this, bytes, at, n, flags);
    if (this.state === SYN_SENT || (this.state === SYN_RECV && !this.passive)) {
      return this.error !== 0 ? -takeError(this) : this.shut & RCV_SHUTDOWN ? 0 : -EAGAIN;
    }
    return receive(this, bytes, at, n, flags);
  }

  /** shutdown(2): 0 read half, 1 write half, 2 both. */
  shutdown(how: number): number {
    return shutdown(this, how);
  }

  /** close(2); with SO_LINGER 0 a reset. The socket layer forgets the connection with this call. */
  close(linger0 = false): void {
    close(this, linger0);
  }

  /** ABORT: RST, all queues dropped. */
  abort(): void {
    if (this.state !== CLOSED) abort(this, 0, 'abort');
  }

  /** connect(AF_UNSPEC): as abort, but the socket lives on and learns ECONNRESET. */
  disconnect(): void {
    if (this.state === CLOSED) return;
    if (needsReset(this)) abort(this, ECONNRESET, 'disconnected by the user');
    else fail(this, ECONNRESET, 'disconnected by the user');
  }

  /** Whether a lingering close() must still wait: our FIN is not acknowledged. */
  get lingering(): boolean {
    return this.state === FIN_WAIT_1 || this.state === CLOSING || this.state === LAST_ACK;
  }

  /** The pending error or, failing that, the last soft one; either is reported once (SO_ERROR). */
  takeError(): number {
    const error = takeError(this);
    if (error !== 0) return error;
    const soft = this.softError;
    this.softError = 0;
    return soft;
  }

  /** poll(2) bits. */
  readiness(): number {
    let bits = 0;
    if (this.shut === (RCV_SHUTDOWN | SEND_SHUTDOWN) || this.state === CLOSED) bits |= POLLHUP;
    if (this.shut & RCV_SHUTDOWN) bits |= POLLIN | POLLRDHUP;
    if (this.state !== SYN_SENT && (this.state !== SYN_RECV || this.passive)) {
      const target = this.options.rcvlowat;
      if (readableBytes(this) >= Math.max(target, 1)) bits |= POLLIN;
      if (this.urgentState === URGENT_HERE) bits |= POLLPRI;
      if (this.urgentState === URGENT_ANNOUNCED) bits |= POLLPRI;
      if (!(this.shut & SEND_SHUTDOWN)) {
        if (isWritable(this)) bits |= POLLOUT;
        else this.noSpace = true;
      } else bits |= POLLOUT;
    } else if (this.deferred) bits |= POLLOUT;
    if (this.error !== 0 || (this.errors !== null && this.errors.size > 0)) bits |= POLLERR;
    return bits;
  }

  /** An option of `options` was changed by setsockopt: level and name by Linux's numbers. */
  optionChanged(level: number, name: number): void {
    if (level === IPPROTO_TCP) this.tcpOptionChanged(name);
    else if (level === SOL_SOCKET) {
      if (name === SO_KEEPALIVE) this.restartKeepalive();
      else if (name === SO_SNDBUF) {
        this.sndbuf = this.options.sndbuf;
        this.ctx.wake(this);
      } else if (name === SO_RCVBUF) this.rcvbuf = this.options.rcvbuf;
      else if (name === SO_RCVLOWAT) this.ctx.wake(this);
      else if (name === SO_MAX_PACING_RATE) {
        const { maxPacingRate } = this.options;
        if (maxPacingRate !== Number.POSITIVE_INFINITY) this.pacingAsked = true;
        this.pacingRate = Math.min(this.pacingRate, maxPacingRate);
      } else if (name === SO_TIMESTAMPING) setTimestamping(this, this.options.timestamping);
    }
  }

  private tcpOptionChanged(name: number): void {
    switch (name) {
      case TCP_NODELAY:
        if (this.options.nodelay) this.flushNow(NAGLE_OFF | PUSH_ALL);
        break;
      case TCP_CORK:
        if (!this.options.cork) this.flushNow(this.options.nodelay ? NAGLE_OFF | PUSH_ALL : 0);
        break;
      case TCP_KEEPIDLE:
        if (this.options.keepalive) this.restartKeepalive();
        break;
      case TCP_NOTSENT_LOWAT:
        this.ctx.wake(this);
        break;
      case TCP_WINDOW_CLAMP:
        if (this.options.windowClamp === 0) break;
        this.windowClamp = this.options.windowClamp;
        this.rcvSsthresh = Math.min(this.rcvSsthresh, this.windowClamp);
        break;
      default:
        break;
    }
  }

  private restartKeepalive(): void {
    if (this.state === CLOSED || this.state === SYN_SENT) return;
    if (!this.options.keepalive) {
      this.keepaliveAt = NEVER;
      return;
    }
    const heard = Math.max(this.lastDataReceivedAt, this.lastAckReceivedAt);
    const elapsed = Math.max(this.ctx.now - heard, 0);
    setKeepalive(this, Math.max(keepaliveIdle(this) - elapsed, 0));
  }

  /** MSS of what is sent now (TCP_MAXSEG as getsockopt reports it). */
  get mss(): number {
    return this.mssCache;
  }

  /** TCP_QUICKACK: not in interactive (ping-pong) mode. */
  get quickack(): boolean {
    return !inPingpong(this);
  }

  /** Sets TCP_QUICKACK: acknowledge what is owed now, or go back to delaying. Even values last one ACK. */
  setQuickack(value: number): void {
    if (value === 0) {
      enterPingpong(this);
      return;
    }
    this.pingpong = 0;
    if ((this.state === ESTABLISHED || this.state === CLOSE_WAIT) && this.ackScheduled) {
      sendAck(this);
      if (!(value & 1)) enterPingpong(this);
    }
  }

  /** The timestamp clock with this connection's offset (TCP_TIMESTAMP). */
  get timestamp(): number {
    return (this.tsNow + this.tsOffset) >>> 0;
  }

  /** TCP_SAVED_SYN: the SYN's headers, once; null if nothing was saved. */
  takeSavedSyn(): Uint8Array | null {
    const saved = this.savedSyn;
    this.savedSyn = null;
    return saved;
  }

  private flushNow(nagle: number): void {
    this.flush |= nagle;
    if (this.sndNxt !== this.writeSeq) this.pushedSeq = this.writeSeq;
    this.ctx.wantOutput(this);
  }

  /** A snapshot for TCP_INFO and `ss -i`. */
  info(): TcpInfo {
    return tcpInfo(this);
  }
}
