import { ANY4, ANY6 } from '../base/address.ts';
import { EINVAL, ENOTCONN, ENOTTY } from '../base/errno.ts';
import { MSS_DEFAULT_4 } from '../tcp/constants.ts';
import { CLOSED, LISTEN, SYN_RECV, SYN_SENT, TIME_WAIT } from '../tcp/state.ts';
import {
  AF_INET,
  IPPROTO_TCP,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  SIOCATMARK,
  SIOCINQ,
  SIOCOUTQ,
  SIOCOUTQNSD,
  SOCK_STREAM,
} from './constants.ts';
import type { BoundPort, StreamConnection, StreamListener } from './endpoint.ts';
import { FIRST_SOCKET_BIT, Socket, type SocketName } from './socket.ts';
import { freshTcpInfo, type TcpInfo } from './tcp-info.ts';

/** Halves that have been shut down. */
export const RCV = 1;
export const SEND = 2;
export const NOTHING = new Uint8Array(0);

// Bits of `Descriptor.bits`.
const PHASE_SHIFT = FIRST_SOCKET_BIT;
const DOWN_SHIFT = FIRST_SOCKET_BIT + 2;
const AUTO_BOUND = 1 << (FIRST_SOCKET_BIT + 4);

/** What a TCP socket holds and what can be seen of it; `TcpSocket` adds the calls. */
export abstract class StreamSocket extends Socket {
  connection: StreamConnection | null = null;
  /** What there is instead of a connection or before it; null without. */
  private apart: Apart | null = null;

  get type(): number {
    return SOCK_STREAM;
  }

  get protocol(): number {
    return IPPROTO_TCP;
  }

  get listener(): StreamListener | null {
    return this.apart?.listener ?? null;
  }
  set listener(l: StreamListener | null) {
    if (l !== null || this.apart !== null) this.own.listener = l;
  }

  get bound(): BoundPort | null {
    return this.apart?.bound ?? null;
  }
  set bound(b: BoundPort | null) {
    if (b !== null || this.apart !== null) this.own.bound = b;
  }

  /** Pending error while there is no connection to keep it. */
  protected get error(): number {
    return this.apart?.error ?? 0;
  }
  protected set error(errno: number) {
    if (errno !== 0 || this.apart !== null) this.own.error = errno;
  }

  private get own(): Apart {
    this.apart ??= new Apart();
    return this.apart;
  }

  /** Linux's state of the socket (SS_*), less SS_UNCONNECTED: two bits. */
  protected get phase(): number {
    return (this.bits >>> PHASE_SHIFT) & 3;
  }
  protected set phase(phase: number) {
    this.bits = (this.bits & ~(3 << PHASE_SHIFT)) | (phase << PHASE_SHIFT);
  }

  /** Halves shut down while there was no connection; Linux keeps them for the next one. */
  protected get shutdownMask(): number {
    return (this.bits >>> DOWN_SHIFT) & 3;
  }
  protected set shutdownMask(halves: number) {
    this.bits = (this.bits & ~(3 << DOWN_SHIFT)) | (halves << DOWN_SHIFT);
  }

  /** The port was chosen by listen() or connect(), not by bind(). */
  protected get autoBound(): boolean {
    return (this.bits & AUTO_BOUND) !== 0;
  }
  protected set autoBound(on: boolean) {
    this.setBit(AUTO_BOUND, on);
  }

  /** The TCP state as Linux would show it: TIME_WAIT belongs to no socket. */
  get state(): number {
    if (this.listener !== null) return LISTEN;
    const c = this.connection;
    return c === null || c.state === TIME_WAIT ? CLOSED : c.state;
  }

  readiness(): number {
    if (this.listener !== null) return this.listener.queueLength > 0 ? POLLIN : 0;
    const down = this.shutdownMask;
    let r = 0;
    if (down & RCV) r |= POLLIN | POLLRDHUP;
    if (this.connection !== null) return r | this.connection.readiness();
    return r | POLLOUT | POLLHUP | (this.error ? POLLERR : 0);
  }

  progress(): number {
    return this.listener?.arrivals ?? this.connection?.arrivals ?? 0;
  }

  protected override newErrors(): boolean {
    return this.connection?.errors?.moved() ?? false;
  }

  /** SO_ERROR: the stored error, or once the last soft one; 0 without. Positive. */
  takeError(): number {
    return this.connection !== null ? this.connection.takeError() : this.takeHardError();
  }

  protected takeHardError(): number {
    const c = this.connection;
    if (c !== null) return c.error !== 0 ? c.takeError() : 0;
    const e = this.error;
    this.error = 0;
    return e;
  }

  get available(): number {
    return this.connection?.readable ?? 0;
  }

  override get deferred(): boolean {
    return this.connection?.deferred ?? false;
  }

  get room(): number {
    return this.connection?.writableSpace ?? 0;
  }

  optionChanged(level: number, name: number): void {
    this.connection?.optionChanged(level, name);
  }

  get queuedOut(): number {
    return this.connection?.unacked ?? 0;
  }

  get sndbuf(): number {
    return this.connection?.sndbuf || this.options.sndbuf || this.host.sysctl.values.tcp_wmem[1];
  }

  get rcvbuf(): number {
    return this.connection?.rcvbuf || this.options.rcvbuf || this.host.sysctl.values.tcp_rmem[1];
  }

  /** TCP_MAXSEG as it is read back. */
  get mss(): number {
    return this.connection?.mss || MSS_DEFAULT_4;
  }

  get windowClamp(): number {
    return this.connection?.windowClamp ?? this.options.windowClamp;
  }

  get quickack(): boolean {
    return this.connection?.quickack ?? this.settings.quickack;
  }

  setQuickack(value: number): void {
    if (this.connection !== null) this.connection.setQuickack(value);
    else this.tune.quickack = value !== 0;
  }

  get timestamp(): number {
    return this.connection?.timestamp ?? Math.floor(this.host.now / 1000) >>> 0;
  }

  takeSavedSyn(): Uint8Array {
    return this.connection?.takeSavedSyn() ?? NOTHING;
  }

  /** TCP_INFO. */
  info(): TcpInfo {
    if (this.connection !== null) return this.connection.info();
    const ms = Math.floor(this.host.now / 1000);
    const info = freshTcpInfo(this.state, this.mss, ms, this.host.sysctl.values.tcp_reordering);
    if (this.listener !== null) {
      info.unacked = this.listener.queueLength;
      info.sacked = this.listener.backlog;
    }
    return info;
  }

  get atMark(): boolean {
    return this.connection?.atMark ?? false;
  }

  get lingering(): boolean {
    return this.connection?.lingering ?? false;
  }

  get broken(): boolean {
    const c = this.connection;
    return c === null || (this.shutdownMask & SEND) !== 0 || (c.readiness() & (POLLERR | POLLHUP)) !== 0;
  }

  get ended(): boolean {
    return (
      (this.shutdownMask & RCV) !== 0 ||
      this.connection === null ||
      (this.connection.readiness() & (POLLRDHUP | POLLERR | POLLHUP)) !== 0
    );
  }

  name(): SocketName {
    const c = this.connection;
    if (c !== null) return { address: c.local, port: c.localPort };
    if (this.bound !== null) return { address: this.bound.address, port: this.bound.port };
    return { address: this.family === AF_INET ? ANY4 : ANY6, port: 0 };
  }

  peerName(): SocketName | number {
    const c = this.connection;
    const state = this.state;
    if (c === null || state === CLOSED || state === SYN_SENT || state === LISTEN) return -ENOTCONN;
    return { address: c.remote, port: c.remotePort };
  }

  ioctl(request: number): number {
    const c = this.connection;
    switch (request) {
      case SIOCINQ:
        return this.listener !== null ? -EINVAL : (c?.readable ?? 0);
      case SIOCATMARK:
        return c?.atMark ? 1 : 0;
      case SIOCOUTQ:
      case SIOCOUTQNSD:
        if (this.listener !== null) return -EINVAL;
        if (c === null || c.state === SYN_SENT || c.state === SYN_RECV) return 0;
        return request === SIOCOUTQ ? c.unacked : c.unsent;
      default:
        return -ENOTTY;
    }
  }
}

/** What few sockets have: a listener, a port of their own, an error without a connection. */
class Apart {
  listener: StreamListener | null = null;
  bound: BoundPort | null = null;
  error = 0;
}
