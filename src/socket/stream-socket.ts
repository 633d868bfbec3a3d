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
import { Socket, type SocketName } from './socket.ts';
import { freshTcpInfo, type TcpInfo } from './tcp-info.ts';

/** Halves that have been shut down. */
export const RCV = 1;
export const SEND = 2;
export const NOTHING = new Uint8Array(0);

/** What a TCP socket holds and what can be seen of it; `TcpSocket` adds the calls. */
export abstract class StreamSocket extends Socket {
  readonly type = SOCK_STREAM;
  readonly protocol = IPPROTO_TCP;
  connection: StreamConnection | null = null;
  listener: StreamListener | null = null;
  bound: BoundPort | null = null;
  /** Pending error while there is no connection to keep it. */
  protected error = 0;
  /** Halves shut down while there was no connection; Linux keeps them for the next one. */
  protected shutdownMask = 0;
  /** What has been read and accepted so far, for `progress`. */
  protected taken = 0;

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
    const l = this.listener;
    if (l !== null) return this.taken + l.queueLength;
    return this.connection === null ? 0 : this.taken + this.connection.readable;
  }

  override errorProgress(): number {
    return this.connection?.errors?.count ?? 0;
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
    this.tune.quickack = value !== 0;
    this.connection?.setQuickack(value);
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
