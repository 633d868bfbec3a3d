import { type Address, ANY4, ANY6, LOOPBACK4, LOOPBACK6 } from '../base/address.ts';
import {
  EAFNOSUPPORT,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from '../base/errno.ts';
import { type SynData, TFO_CLIENT, TFO_SERVER, TFO_SERVER_ALL } from '../tcp/fastopen.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  SYN_RECV,
  SYN_SENT,
} from '../tcp/state.ts';
import {
  AF_INET,
  MSG_EOR,
  MSG_ERRQUEUE,
  MSG_FASTOPEN,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_ZEROCOPY,
} from './constants.ts';
import { isPort, type Received } from './socket.ts';
import { NOTHING, RCV, SEND, StreamSocket } from './stream-socket.ts';

/** Linux's socket states (SS_*, less one): what connect(2) goes by, beside the TCP state. */
const UNCONNECTED = 0;
const CONNECTING = 1;
const CONNECTED = 2;
const DISCONNECTING = 3;

const SERVER_ALL = TFO_SERVER | TFO_SERVER_ALL;

/** Flags of send and recv that the connection itself acts on. */
const SEND_FLAGS = MSG_OOB | MSG_MORE | MSG_EOR;
const RECV_FLAGS = MSG_PEEK | MSG_OOB | MSG_TRUNC;

/**
 * A TCP socket: what there is before, around and after a connection. All calls are non-blocking; they
 * return ≥ 0 or −errno in the order in which Linux looks.
 */
export class TcpSocket extends StreamSocket {
  bind(address: Address, port: number): number {
    const refusal = this.bindable(address);
    if (refusal < 0) return refusal;
    if (!isPort(port)) return -EINVAL;
    if (this.bound !== null || this.state !== CLOSED) return -EINVAL;
    if (port === 0 && this.settings.noPort) {
      const { reuseAddr, reusePort } = this.settings;
      this.bound = { address, port: 0, reuseAddr, reusePort };
      return 0;
    }
    return this.take(address, port, false);
  }

  /** Takes a port; 0 lets the table choose. */
  private take(address: Address, port: number, auto: boolean): number {
    const { reuseAddr, reusePort, v6only } = this.settings;
    const foreign = !address.isAny && !this.host.udp.net.isLocal(address);
    const options = { reuseAddr, reusePort, v6only, owner: this, foreign };
    const b = this.host.tcp.ports.bind(address, port, options);
    if (typeof b === 'number') return b;
    this.bound = b;
    this.autoBound = auto;
    return 0;
  }

  override transparencyChanged(): void {
    if (this.listener !== null) this.listener.transparent = this.settings.transparent;
  }

  protected override optionsMoved(): boolean {
    if (this.connection !== null) this.connection.options = this.options;
    if (this.listener === null) return false;
    // Connections that it opens from now on start with these.
    this.listener.options = this.options;
    return true;
  }

  override setReuse(address: boolean, port: boolean): void {
    super.setReuse(address, port);
    if (this.connection !== null) this.connection.reuseAddr = address;
    if (this.bound === null) return;
    this.bound.reuseAddr = address;
    this.bound.reusePort = port;
  }

  listen(backlog: number): number {
    if (this.phase !== UNCONNECTED) return -EINVAL;
    const limit = this.host.sysctl.values.somaxconn;
    const n = backlog < 0 || backlog > limit ? limit : Math.trunc(backlog);
    if (this.listener !== null) {
      this.listener.setBacklog(n);
      return 0;
    }
    if (this.state !== CLOSED) return -EINVAL;
    const before = this.bound;
    if (before === null || before.port === 0) {
      const r = this.take(before?.address ?? (this.family === AF_INET ? ANY4 : ANY6), 0, true);
      if (r < 0) return r;
    }
    const { tcp_fastopen: fast } = this.host.sysctl.values;
    // Every listener takes Fast Open, without the option.
    if ((fast & SERVER_ALL) === SERVER_ALL && this.options.fastopenQueue === 0)
      this.tuneOptions.fastopenQueue = n;
    const l = this.host.tcp.listen(this.options, this.bound!, n);
    if (typeof l === 'number') {
      this.releaseAutoPort();
      return l;
    }
    l.owner = this;
    l.transparent = this.settings.transparent;
    this.listener = l;
    this.shareOptions();
    this.error = 0;
    return 0;
  }

  /** The next connection that waits to be accepted, as a socket; −EAGAIN, −EINVAL. */
  accept(): TcpSocket | number {
    const l = this.listener;
    if (l === null) return -EINVAL;
    const c = l.accept();
    if (c === null) return -EAGAIN;
    const s = new TcpSocket(this.waker, this.family, this, c.options);
    s.connection = c;
    s.phase = CONNECTED;
    c.owner = s;
    c.reuseAddr = s.settings.reuseAddr;
    return s;
  }

  /**
   * connect(2). `address` null stands for AF_UNSPEC: back to unconnected.
   * @returns 0, −EINPROGRESS while the handshake runs (−EALREADY the second time), or −errno
   */
  connect(address: Address | null, port: number): number {
    return address === null ? this.disconnect() : this.open(address, port, null);
  }

  /**
   * @param address null without one, which a write with MSG_FASTOPEN may do
   * @param data what the SYN may carry (Fast Open)
   */
  private open(address: Address | null, port: number, data: SynData | null): number {
    let r = -EALREADY;
    if (this.phase === CONNECTED) return -EISCONN;
    if (this.phase === DISCONNECTING) return -EINVAL;
    if (this.deferred) return -EISCONN;
    if (this.phase === UNCONNECTED) {
      if (this.state !== CLOSED) return -EISCONN;
      if (address === null) return -EINVAL;
      r = this.start(address, port, data);
      if (r < 0) return r;
      this.phase = CONNECTING;
      if (this.deferred) return 0;
      r = -EINPROGRESS;
    }
    return this.connected(r);
  }

  /** The outcome of a handshake that runs: `pending` while it does. */
  connected(pending: number): number {
    const c = this.connection;
    if (c !== null && (c.state === SYN_SENT || c.state === SYN_RECV)) return pending;
    if (this.state === CLOSED) {
      const error = this.takeHardError();
      this.phase = UNCONNECTED;
      this.shutdownMask = 0;
      this.detach();
      return -(error || ECONNABORTED);
    }
    this.phase = CONNECTED;
    return 0;
  }

  private start(address: Address, port: number, data: SynData | null): number {
    if (this.family === AF_INET && !address.is4) return -EAFNOSUPPORT;
    if (this.family !== AF_INET && address.is4 && this.settings.v6only) return -ENETUNREACH;
    if (!isPort(port)) return -EINVAL;
    const b = this.bound;
    let to = address;
    if (to.isAny) to = b !== null && !b.address.isAny ? b.address : to.is4 ? LOOPBACK4 : LOOPBACK6;
    if (b !== null && !b.address.isAny && b.address.is4 !== to.is4) {
      return this.family === AF_INET ? -EINVAL : -ENETUNREACH;
    }
    const c = this.host.tcp.connect(this.options, b, to, port, data);
    if (typeof c === 'number') return c;
    c.owner = this;
    c.reuseAddr = this.settings.reuseAddr;
    this.connection = c;
    this.error = 0;
    return 0;
  }

  /** connect(AF_UNSPEC), and what shutdown() does to a listener and to a handshake. */
  private disconnect(): number {
    const c = this.connection;
    if (this.listener !== null) this.stopListening();
    else if (c !== null) {
      const was = c.state;
      c.disconnect();
      const reset =
        was === SYN_SENT ||
        was === SYN_RECV ||
        was === ESTABLISHED ||
        was === CLOSE_WAIT ||
        was === FIN_WAIT_1 ||
        was === FIN_WAIT_2;
      this.error = c.error || (reset ? ECONNRESET : 0);
      this.detach();
    }
    this.phase = UNCONNECTED;
    this.shutdownMask = 0;
    return 0;
  }

  private stopListening(): void {
    const l = this.listener!;
    this.listener = null;
    l.owner = null;
    l.close();
    this.releaseAutoPort();
  }

  private detach(): void {
    const c = this.connection;
    // It is CLOSED: nobody will look at it again.
    if (c !== null) c.close(false);
    this.connection = null;
    this.releaseAutoPort();
  }

  private releaseAutoPort(): void {
    if (this.bound === null || !this.autoBound) return;
    this.host.tcp.ports.release(this.bound);
    this.bound = null;
    this.autoBound = false;
  }

  shutdown(how: number): number {
    if (how !== 0 && how !== 1 && how !== 2) return -EINVAL;
    const bits = how + 1;
    const c = this.connection;
    const state = this.state;
    if (this.phase === CONNECTING) {
      this.phase = state === SYN_SENT || state === SYN_RECV || state === CLOSED ? DISCONNECTING : CONNECTED;
    }
    if (state === LISTEN) return bits & RCV ? this.disconnect() : 0;
    if (state === SYN_SENT) return this.disconnect();
    if (c === null || state === CLOSED) {
      this.shutdownMask |= bits;
      return -ENOTCONN;
    }
    return c.shutdown(how);
  }

  /** Writes what fits. */
  send(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    to: Address | null = null,
    port = 0,
  ): number {
    if (flags & MSG_FASTOPEN || this.deferred) {
      const r = this.fastOpen(bytes, at, n, to, port);
      if (r !== 0) return r;
    }
    const c = this.connection;
    if (c === null || this.shutdownMask & SEND) return -(this.takeHardError() || EPIPE);
    if (flags & MSG_ZEROCOPY && this.settings.zerocopy && n > 0) return -EOPNOTSUPP;
    if (bytes === null) {
      const r = c.send(NOTHING, 0, 0, 0);
      return r < 0 ? r : n > 0 ? -EFAULT : 0;
    }
    return c.send(bytes, at, n, flags & SEND_FLAGS);
  }

  /**
   * MSG_FASTOPEN, or the write that a TCP_FASTOPEN_CONNECT waited for (RFC 7413 §4.2.1).
   * @returns how many bytes the SYN carries; −EINPROGRESS if none, for want of a cookie: they go after the handshake
   */
  private fastOpen(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    to: Address | null,
    port: number,
  ): number {
    const { deferred } = this;
    if (!(this.host.sysctl.values.tcp_fastopen & TFO_CLIENT)) return -EOPNOTSUPP;
    const data: SynData = { bytes, at, n, copied: 0 };
    let r = -EINPROGRESS;
    if (deferred) this.connection!.openWith!(data);
    else r = this.open(to, port, data);
    return r === -EINPROGRESS && data.copied > 0 ? data.copied : r;
  }

  /** Reads what there is; MSG_TRUNC throws the bytes away, and then `bytes` may be null. */
  recv(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    received: Received | null = null,
  ): number {
    if (flags & MSG_ERRQUEUE) return this.readError(bytes, at, n, received);
    if (this.listener !== null) return -ENOTCONN;
    const c = this.connection;
    if (c === null) {
      if (flags & MSG_OOB) return -EINVAL;
      const error = this.takeHardError();
      return error ? -error : this.shutdownMask & RCV ? 0 : -ENOTCONN;
    }
    if (!(flags & MSG_OOB) && c.readable > 0) {
      if (n === 0) return 0;
      if (bytes === null && !(flags & MSG_TRUNC)) return -EFAULT;
    }
    const r = c.recv(bytes, at, n, flags & RECV_FLAGS);
    if (r === -EAGAIN && this.shutdownMask & RCV) return 0;
    return r;
  }

  /** The oldest entry of the error queue: what of its packet fits, and the entry itself in `received`. */
  private readError(bytes: Uint8Array | null, at: number, n: number, received: Received | null): number {
    const e = this.connection?.errors?.shift() ?? null;
    if (e === null) return -EAGAIN;
    const copied = Math.min(n, e.bytes.length);
    if (copied > 0 && bytes === null) return -EFAULT;
    if (copied > 0) bytes!.set(e.bytes.subarray(0, copied), at);
    if (received !== null) {
      received.error = e;
      received.flags = MSG_ERRQUEUE | (copied < e.bytes.length ? MSG_TRUNC : 0);
    }
    return copied;
  }

  /**
   * The part of close() that SO_LINGER makes wait: sends the FIN while the socket still has an owner.
   * @returns true if `release` has to wait until the connection no longer lingers
   */
  beginLinger(): boolean {
    const c = this.connection;
    if (c === null || !this.settings.lingerOn || this.settings.lingerSeconds === 0) return false;
    const s = c.state;
    const waits =
      s === ESTABLISHED || s === CLOSE_WAIT || s === FIN_WAIT_1 || s === CLOSING || s === LAST_ACK;
    if (!waits || c.readable > 0) return false;
    c.shutdown(2);
    return c.lingering;
  }

  /** close(2): unread data or SO_LINGER 0 abort, anything else ends in the usual way. */
  release(): void {
    const c = this.connection;
    if (this.listener !== null) this.stopListening();
    if (c !== null) {
      this.connection = null;
      c.owner = null;
      c.close(this.settings.lingerOn && this.settings.lingerSeconds === 0);
    }
    const b = this.bound;
    this.bound = null;
    if (b !== null && b.port !== 0) this.host.tcp.ports.release(b);
  }
}
