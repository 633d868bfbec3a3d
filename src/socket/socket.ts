import type { Address } from '../base/address.ts';
import { EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL } from '../base/errno.ts';
import type { QueuedError } from '../tcp/error-queue.ts';
import { TcpOptions } from '../tcp/options.ts';
import { AF_INET, AF_INET6 } from './constants.ts';
import { Descriptor, FIRST_FREE_BIT, type Waker } from './descriptor.ts';
import type { SocketHost } from './endpoint.ts';
import { SocketSettings } from './settings.ts';

/** What every socket starts with, and most keep: never changed, like anything shared. */
const FRESH_SETTINGS = new SocketSettings();
const FRESH_OPTIONS = new TcpOptions();

/** Sockets reach their host through the one they wake by. */
export interface SocketWaker extends Waker {
  readonly host: SocketHost;
}

// Bits of `Descriptor.bits`.
const INET6 = 1 << FIRST_FREE_BIT;
const OWN_SETTINGS = 2 << FIRST_FREE_BIT;
const OWN_OPTIONS = 4 << FIRST_FREE_BIT;
/** Bits that subclasses may use: 9 of them. */
export const FIRST_SOCKET_BIT = FIRST_FREE_BIT + 3;

/** An address and port, as getsockname(2) gives them. */
export interface SocketName {
  address: Address;
  port: number;
}

/** What recvmsg(2) tells besides the bytes. */
export interface Received {
  /** Where a datagram came from; null on a stream. */
  name: SocketName | null;
  /** MSG_TRUNC, MSG_OOB, MSG_CTRUNC, MSG_ERRQUEUE. */
  flags: number;
  /** What came out of the error queue; null if it was not asked for. */
  error: QueuedError | null;
}

/**
 * A socket of either kind. Its calls never wait; they return ≥ 0 or −errno, checked in Linux's order.
 * Buffers are `bytes[at..at+n)`; `bytes` null stands for a bad pointer (−EFAULT where Linux would touch it).
 */
export abstract class Socket extends Descriptor {
  /** SOCK_STREAM or SOCK_DGRAM; IPPROTO_TCP or IPPROTO_UDP. */
  abstract readonly type: number;
  abstract readonly protocol: number;
  declare protected readonly waker: SocketWaker;
  /** Read these; to change one go through `tune`, for they may be another socket's too. */
  settings: Readonly<SocketSettings>;
  /**
   * What the protocol below reads; UDP uses the buffer sizes and the IP options of it. To change one go
   * through `tuneOptions`.
   */
  options: Readonly<TcpOptions>;

  /**
   * @param from the listener that an accepted socket takes its settings from; null for a fresh one
   * @param options those of the accepted connection
   */
  constructor(
    waker: SocketWaker,
    family: number,
    from: Socket | null = null,
    options: Readonly<TcpOptions> = FRESH_OPTIONS,
  ) {
    super(waker);
    this.setBit(INET6, family !== AF_INET);
    this.options = options;
    if (from !== null) {
      from.setBit(OWN_SETTINGS, false);
      this.settings = from.settings;
      return;
    }
    this.settings = FRESH_SETTINGS;
    if (family !== AF_INET && this.host.sysctl.values.bindv6only !== 0) this.tune.v6only = true;
  }

  get host(): SocketHost {
    return this.waker.host;
  }

  get family(): number {
    return this.bits & INET6 ? AF_INET6 : AF_INET;
  }

  /** Somebody else has these options too: they must not be changed. */
  protected shareOptions(): void {
    this.setBit(OWN_OPTIONS, false);
  }

  /** The settings as this socket's own: an idle connection costs none. */
  get tune(): SocketSettings {
    if (!(this.bits & OWN_SETTINGS)) {
      this.settings = this.settings.clone();
      this.setBit(OWN_SETTINGS, true);
    }
    return this.settings;
  }

  /** The options as this socket's own, likewise. */
  get tuneOptions(): TcpOptions {
    if (!(this.bits & OWN_OPTIONS)) {
      this.options = this.options.clone();
      this.setBit(OWN_OPTIONS, !this.optionsMoved());
    }
    return this.options;
  }

  /** `options` is another object now: tells the protocol below. @returns true if that shares it at once */
  protected optionsMoved(): boolean {
    return false;
  }

  abstract bind(address: Address, port: number): number;
  abstract listen(backlog: number): number;
  abstract accept(): Socket | number;
  abstract connect(address: Address | null, port: number): number;
  abstract send(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    to: Address | null,
    port: number,
  ): number;
  abstract recv(
    bytes: Uint8Array | null,
    at: number,
    n: number,
    flags: number,
    received: Received | null,
  ): number;
  abstract shutdown(how: number): number;
  /** The handshake's outcome; `pending` while it runs. */
  abstract connected(pending: number): number;
  /** SO_ERROR: takes the stored error, a positive errno or 0. */
  abstract takeError(): number;
  abstract name(): SocketName;
  abstract peerName(): SocketName | number;
  /** An option was set: level and name by Linux's numbers. */
  abstract optionChanged(level: number, name: number): void;
  /** SO_SNDBUF and SO_RCVBUF as they stand; bytes written that the network still has to deliver. */
  abstract readonly sndbuf: number;
  abstract readonly rcvbuf: number;
  abstract readonly queuedOut: number;
  abstract ioctl(request: number): number;
  /** Bytes that can be read now. */
  abstract readonly available: number;
  /** Bytes that can be written now (Infinity for datagrams). */
  abstract readonly room: number;
  /** Nothing will come any more: EOF, an error that waits to be told, or closed. */
  abstract readonly ended: boolean;
  /** Nothing can be written any more. */
  abstract readonly broken: boolean;
  /** The next byte is the urgent one: reads stop here. */
  abstract readonly atMark: boolean;
  /** Starts what close(2) with SO_LINGER waits for; true while there is something to wait for. */
  abstract beginLinger(): boolean;
  abstract readonly lingering: boolean;

  /** Its SYN waits for the first write (TCP_FASTOPEN_CONNECT). */
  get deferred(): boolean {
    return false;
  }

  /** SO_REUSEADDR, SO_REUSEPORT. */
  setReuse(address: boolean, port: boolean): void {
    this.tune.reuseAddr = address;
    this.tune.reusePort = port;
  }

  /** IP_TRANSPARENT was set: a socket that listens tells what is below. */
  transparencyChanged(): void {}

  /** Whether bind() may take this address: 0 or −errno. */
  protected bindable(address: Address): number {
    const { freebind, transparent, v6only } = this.settings;
    if (this.family === AF_INET) {
      if (!address.is4) return -EAFNOSUPPORT;
    } else {
      if (address.is4 && v6only) return -EINVAL;
      if (!address.is4 && address.isMulticast) return -EINVAL;
      if (!address.is4 && address.isLinkLocal && address.scope === 0) return -EINVAL;
    }
    if (address.isAny || freebind || transparent || this.host.sysctl.values.ip_nonlocal_bind !== 0) return 0;
    if (this.host.udp.net.isBroadcast(address)) return 0;
    return this.host.udp.net.isLocal(address) ? 0 : -EADDRNOTAVAIL;
  }
}

/** A port number as the calls take it. */
export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65535;

/** How many bytes a buffer holds from `at` on; none for a bad pointer. */
export const rest = (bytes: Uint8Array | null, at: number): number =>
  bytes === null ? 0 : bytes.length - at;

/** Whether `bytes[at..at+n)` is a buffer (a bad pointer is one whose fault shows later). */
export const fits = (bytes: Uint8Array | null, at: number, n: number): boolean =>
  Number.isInteger(at) &&
  Number.isInteger(n) &&
  at >= 0 &&
  n >= 0 &&
  (bytes === null || at + n <= bytes.length);
