import { type Address, ANY4, ANY6, LOOPBACK4, LOOPBACK6 } from '../base/address.ts';
import {
  EACCES,
  EAFNOSUPPORT,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EPIPE,
} from '../base/errno.ts';
import type { Micros } from '../base/time.ts';
import type { UdpHost } from './udp.ts';

/** What a queued datagram is charged beside its bytes (about what Linux's truesize adds). */
const DATAGRAM_COST = 512;
const POLLIN = 0x001;
const POLLOUT = 0x004;
const POLLERR = 0x008;
const POLLHUP = 0x010;
const POLLRDHUP = 0x2000;

/** A datagram that has arrived; its bytes are its own. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly interfaceIndex: number;
  readonly tos: number;
  readonly ttl: number;
  readonly at: Micros;
}

/** What setsockopt(2) may set on a UDP socket; plain data. */
export class UdpOptions {
  reuseAddr = false;
  reusePort = false;
  /** SO_BROADCAST: without it, sending to a broadcast address is refused with EACCES. */
  broadcast = false;
  v6only = false;
  tos = 0;
  /** 0: the host's default. */
  ttl = 0;
  multicastTtl = 1;
  /** IP_MTU_DISCOVER: 0 don't, 1 want, 2 do, 3 probe. */
  pmtudisc = 1;
  /** IP_RECVERR: report all ICMP errors, on unconnected sockets too. */
  recverr = false;
  /** Bytes, overhead included, that may wait to be read. */
  rcvbuf = 0;
  sndbuf = 0;
}

/** One UDP socket (RFC 768, udp(7)). Calls return a number ≥ 0 or −errno. */
export class UdpEndpoint {
  readonly options = new UdpOptions();
  /** 4 or 6. A socket of family 6 without `v6only` talks to IPv4 hosts too. */
  readonly family: number;
  /** Whoever opened it may leave its own object here. */
  owner: unknown = null;
  local: Address;
  localPort = 0;
  remote: Address | null = null;
  remotePort = 0;
  /** Positive errno of the last ICMP error, 0 if none or already told. */
  error = 0;
  /** On the list of those whose readiness may have changed. */
  listed = false;
  closed = false;
  private readonly host: UdpHost;
  private queue: (Datagram | null)[] = [];
  private head = 0;
  private charged = 0;
  private shutdownRead = false;
  private shutdownWrite = false;

  constructor(host: UdpHost, family: number, rcvbuf: number, sndbuf: number) {
    this.host = host;
    this.family = family;
    this.local = family === 4 ? ANY4 : ANY6;
    this.options.rcvbuf = rcvbuf;
    this.options.sndbuf = sndbuf;
  }

  /** Datagrams that wait. */
  get queued(): number {
    return this.queue.length - this.head;
  }

  /** Bytes of the first datagram that waits, 0 if none (FIONREAD). */
  get nextLength(): number {
    return this.queue[this.head]?.bytes.length ?? 0;
  }

  /**
   * @param port 0 to choose one
   * @returns 0, −EINVAL if bound already, −EADDRNOTAVAIL, −EADDRINUSE, −EACCES
   */
  bind(address: Address, port: number): number {
    if (this.closed || this.localPort !== 0 || !isPort(port)) return -EINVAL;
    return this.host.bind(this, address, port);
  }

  /** Sets the peer, or clears it if `address` is null. Only its datagrams are received from now on. */
  connect(address: Address | null, port: number): number {
    if (this.closed) return -EINVAL;
    if (address === null) {
      this.remote = null;
      this.remotePort = 0;
      return 0;
    }
    if (!isPort(port)) return -EINVAL;
    if (!this.mayTalkTo(address)) return -EAFNOSUPPORT;
    address = this.actual(address);
    const path = this.host.net.path(address, this.local.isAny ? null : this.local);
    if (typeof path === 'number') return path;
    if (this.host.net.isBroadcast(address) && !address.isMulticast && !this.options.broadcast) return -EACCES;
    if (this.localPort === 0) {
      const r = this.host.bind(this, this.local, 0);
      if (r < 0) return r;
    }
    if (this.local.isAny) this.local = path.source;
    this.remote = address.clone();
    this.remotePort = port;
    return 0;
  }

  /**
   * Sends one datagram.
   * @param to null for the connected peer
   * @returns n, or −EDESTADDRREQ, −EMSGSIZE, −EACCES, −EINVAL, −EPIPE, a path's error, or an error that ICMP reported
   */
  send(bytes: Uint8Array, at: number, n: number, to: Address | null, port: number): number {
    if (this.closed || this.shutdownWrite) return -EPIPE;
    const destination = to ?? this.remote;
    if (destination === null) return -EDESTADDRREQ;
    if (to === null) port = this.remotePort;
    if (!isPort(port) || port === 0) return -EINVAL;
    if (!this.mayTalkTo(destination)) return -EAFNOSUPPORT;
    if (this.error !== 0) return -this.takeError();
    if (n > (destination.is4 ? 65507 : 65527)) return -EMSGSIZE;
    if (this.localPort === 0) {
      const r = this.host.bind(this, this.local, 0);
      if (r < 0) return r;
    }
    return this.host.send(this, bytes, at, n, this.actual(destination), port);
  }

  /**
   * Takes the first datagram (leaves it there if `peek`).
   * @returns −EAGAIN if none waits, else the stored error if there is one
   */
  receive(peek = false): Datagram | number {
    if (this.error !== 0) return -this.takeError();
    const d = this.queue[this.head];
    if (d === undefined || d === null) return -EAGAIN;
    if (!peek) {
      this.queue[this.head++] = null;
      this.charged -= d.bytes.length + DATAGRAM_COST;
      if (this.head === this.queue.length) {
        this.queue.length = 0;
        this.head = 0;
      } else if (this.head >= 64 && this.head * 2 >= this.queue.length) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
    }
    return d;
  }

  /** Poll bits. */
  readiness(): number {
    let bits = POLLOUT;
    if (this.queued > 0) bits |= POLLIN;
    if (this.error !== 0) bits |= POLLERR;
    if (this.shutdownRead) bits |= POLLIN | POLLRDHUP;
    if (this.shutdownRead && this.shutdownWrite) bits |= POLLHUP;
    return bits;
  }

  /** @param how 0 read, 1 write, 2 both. @returns 0, −EINVAL, or −ENOTCONN without a peer */
  shutdown(how: number): number {
    if (how !== 0 && how !== 1 && how !== 2) return -EINVAL;
    if (this.remote === null) return -ENOTCONN;
    if (how !== 1) this.shutdownRead = true;
    if (how !== 0) this.shutdownWrite = true;
    this.host.changed(this);
    return 0;
  }

  /** The receiving half has been shut down: a read that finds nothing is at the end. */
  get isReadShut(): boolean {
    return this.shutdownRead;
  }

  /** SO_ERROR: the stored error, which is then forgotten. */
  takeError(): number {
    const e = this.error;
    this.error = 0;
    return e;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.host.release(this);
    this.queue.length = 0;
    this.head = 0;
    this.charged = 0;
  }

  /** Called by the host: queues a datagram. @returns false if the buffer is full */
  push(d: Datagram): boolean {
    if (this.shutdownRead) return true;
    // Linux: one datagram always fits, however small the buffer.
    if (this.charged > 0 && this.charged + d.bytes.length + DATAGRAM_COST > this.options.rcvbuf) return false;
    this.queue.push(d);
    this.charged += d.bytes.length + DATAGRAM_COST;
    this.host.changed(this);
    return true;
  }

  /** Linux: the wildcard address as a destination is this host. */
  private actual(to: Address): Address {
    if (!to.isAny) return to;
    if (!this.local.isAny && this.local.is4 === to.is4) return this.local;
    return to.is4 || this.family === 4 ? LOOPBACK4 : LOOPBACK6;
  }

  /** Whether the family of the socket allows the address. */
  mayTalkTo(address: Address): boolean {
    if (address.is4) return this.family === 4 || !this.options.v6only;
    return this.family === 6;
  }

  /** How well a datagram fits: −1 not at all; more is better. */
  score(source: Address, sourcePort: number, destination: Address): number {
    if (!this.mayTalkTo(destination)) return -1;
    let score = 0;
    if (!this.local.isAny) {
      if (!this.local.equals(destination)) return -1;
      score += 2;
    }
    if (this.remote !== null) {
      if (this.remotePort !== sourcePort || !this.remote.equals(source)) return -1;
      score += 4;
    }
    return score + (this.family === 4 ? 1 : 0);
  }
}

const isPort = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= 65535;
