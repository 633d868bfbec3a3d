import type { Address } from '../base/address.ts';
import {
  EAFNOSUPPORT,
  EBADF,
  EFAULT,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENOTSOCK,
  ENOTTY,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../base/errno.ts';
import { Begin } from './begin.ts';
import {
  AF_INET,
  AF_INET6,
  FIONBIO,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_OOB,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from './constants.ts';
import { Descriptors, type SocketsOptions } from './descriptors.ts';
import type { SocketHost } from './endpoint.ts';
import { checkControl, fillControl, gather, type IoVec, type Message, scatter } from './message.ts';
import type { OptionInput } from './option.ts';
import { getOption, getOptionBytes, setOption } from './options.ts';
import { fits, type Received, rest, Socket, type SocketName } from './socket.ts';

export type { SocketsOptions };

import type { TcpInfo } from './tcp-info.ts';
import { TcpSocket } from './tcp-socket.ts';
import { UdpSocket } from './udp-socket.ts';

/**
 * The sockets of one host: a table of descriptors and Linux's calls on them.
 *
 * Every call returns at once: a number ≥ 0 or −errno (values that are not numbers instead of ≥ 0 where
 * noted). Time is the stack's `now`. There are no signals: a write on a broken connection gives −EPIPE and
 * nothing else, with or without MSG_NOSIGNAL. MSG_ZEROCOPY on a socket with SO_ZEROCOPY gives −EOPNOTSUPP:
 * this stack copies. The forms that wait are in `begin`.
 */
export class Sockets extends Descriptors {
  readonly begin: Begin;

  constructor(host: SocketHost, options: SocketsOptions = {}) {
    super(host, options);
    this.begin = new Begin(this);
  }

  // Making and ending

  /**
   * socket(2): AF_INET or AF_INET6; SOCK_STREAM or SOCK_DGRAM, with SOCK_NONBLOCK and SOCK_CLOEXEC.
   * @returns the descriptor, −EAFNOSUPPORT, −EINVAL, −ESOCKTNOSUPPORT, −EPROTONOSUPPORT, −EMFILE
   */
  socket(domain = AF_INET, type = SOCK_STREAM, protocol = 0): number {
    if (domain !== AF_INET && domain !== AF_INET6) return -EAFNOSUPPORT;
    const kind = type & 15;
    if (type & ~(15 | SOCK_NONBLOCK | SOCK_CLOEXEC) || kind < 1 || kind > 10) return -EINVAL;
    if (kind === 3) return protocol === 0 ? -EPROTONOSUPPORT : -EPERM;
    if (kind !== SOCK_STREAM && kind !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    if (protocol !== 0 && protocol !== (kind === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
      return -EPROTONOSUPPORT;
    const s = kind === SOCK_STREAM ? new TcpSocket(this.waits, domain) : new UdpSocket(this.waits, domain);
    return this.install(s, type);
  }

  /** The socket behind a descriptor, or −EBADF, −ENOTSOCK. */
  lookup(fd: number): Socket | number {
    const d = this.table.get(fd);
    return d === null ? -EBADF : d instanceof Socket ? d : -ENOTSOCK;
  }

  // Names and connections

  bind(fd: number, address: Address, port: number): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : s.bind(address, port);
  }

  listen(fd: number, backlog: number): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : this.changed(s, s.listen(backlog));
  }

  /** accept4(2). @param flags SOCK_NONBLOCK, SOCK_CLOEXEC; O_NONBLOCK is not inherited */
  accept(fd: number, flags = 0): number {
    const s = this.lookup(fd);
    if (typeof s === 'number') return s;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) return -EINVAL;
    return this.acceptOn(s, flags);
  }

  /** For `begin.accept`. */
  acceptOn(s: Socket, flags: number): number {
    if (this.table.full) return -EMFILE;
    const child = s.accept();
    if (typeof child === 'number') return child;
    this.touched(s);
    return this.install(child, flags);
  }

  /** connect(2). @param address null for AF_UNSPEC. @returns 0, −EINPROGRESS, −EALREADY, −EISCONN, … */
  connect(fd: number, address: Address | null, port = 0): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : this.changed(s, s.connect(address, port));
  }

  shutdown(fd: number, how: number): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : this.changed(s, s.shutdown(how));
  }

  getsockname(fd: number): SocketName | number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : s.name();
  }

  getpeername(fd: number): SocketName | number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : s.peerName();
  }

  // Bytes. Buffers are `bytes[at..at+n)`; null is a bad pointer of `n` bytes.

  read(fd: number, bytes: Uint8Array | null, at = 0, n = rest(bytes, at)): number {
    if (n === 0) return this.knows(fd);
    return this.recv(fd, bytes, 0, at, n);
  }

  write(fd: number, bytes: Uint8Array | null, at = 0, n = rest(bytes, at)): number {
    return this.send(fd, bytes, 0, at, n);
  }

  recv(fd: number, bytes: Uint8Array | null, flags = 0, at = 0, n = rest(bytes, at)): number {
    return this.recvfrom(fd, bytes, flags, null, at, n);
  }

  /** @param received filled in with where a datagram came from */
  recvfrom(
    fd: number,
    bytes: Uint8Array | null,
    flags: number,
    received: Received | null,
    at = 0,
    n = rest(bytes, at),
  ): number {
    const s = this.lookup(fd);
    if (typeof s === 'number') return s;
    if (!fits(bytes, at, n)) return -EFAULT;
    const r = s.recv(bytes, at, n, flags, received);
    this.touched(s);
    return r;
  }

  send(fd: number, bytes: Uint8Array | null, flags = 0, at = 0, n = rest(bytes, at)): number {
    return this.sendto(fd, bytes, flags, null, 0, at, n);
  }

  /** @param to null without an address; a stream reads it with MSG_FASTOPEN only */
  sendto(
    fd: number,
    bytes: Uint8Array | null,
    flags: number,
    to: Address | null,
    port: number,
    at = 0,
    n = rest(bytes, at),
  ): number {
    const s = this.lookup(fd);
    if (typeof s === 'number') return s;
    if (!fits(bytes, at, n)) return -EFAULT;
    const r = s.send(bytes, at, n, flags, to, port);
    this.touched(s);
    return r;
  }

  readv(fd: number, iov: readonly IoVec[]): number {
    const r = this.recvmsg(fd, { iov }, 0);
    return r === -EMSGSIZE && iov.length > 1024 ? -EINVAL : r;
  }

  writev(fd: number, iov: readonly IoVec[]): number {
    const r = this.sendmsg(fd, { iov }, 0);
    return r === -EMSGSIZE && iov.length > 1024 ? -EINVAL : r;
  }

  sendmsg(fd: number, message: Message, flags = 0): number {
    const s = this.lookup(fd);
    if (typeof s === 'number') return s;
    const span = gather(message.iov, true);
    if (typeof span === 'number') return span;
    const bad = checkControl(message.control);
    if (bad < 0) return bad;
    const r = s.send(
      span.bytes,
      span.at,
      span.n,
      flags,
      message.name?.address ?? null,
      message.name?.port ?? 0,
    );
    this.touched(s);
    return r;
  }

  recvmsg(fd: number, message: Message, flags = 0): number {
    const s = this.lookup(fd);
    if (typeof s === 'number') return s;
    const span = gather(message.iov, false);
    if (typeof span === 'number') return span;
    const received: Received = { name: null, flags: 0, error: null };
    const r = s.recv(span.bytes, span.at, span.n, flags, received);
    this.touched(s);
    if (r >= 0) this.finishMessage(s, message, received, flags);
    if (r > 0 && span.gathered) scatter(span.bytes!, r, message.iov);
    return r;
  }

  /** For `begin.recvmsg`. */
  finishMessage(s: Socket, message: Message, received: Received, flags: number): void {
    message.name = received.name;
    message.flags = received.flags | (s.type === SOCK_STREAM ? flags & MSG_OOB : 0);
    fillControl(s, message, received.error, flags);
  }

  // Options and controls

  /** setsockopt(2): ints as numbers, structs as objects or bytes, names as strings. */
  setsockopt(fd: number, level: number, name: number, value: OptionInput): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : this.changed(s, setOption(s, level, name, value));
  }

  /** getsockopt(2) of an int: its value, or −errno (see `getsockoptBytes` for values below 0). */
  getsockopt(fd: number, level: number, name: number): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : getOption(s, level, name);
  }

  /** getsockopt(2): the bytes, cut to `length`; their number is what Linux writes to `optlen`. −errno on failure. */
  getsockoptBytes(fd: number, level: number, name: number, length?: number): Uint8Array | number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : getOptionBytes(s, level, name, length);
  }

  /** TCP_INFO as an object, or −errno. */
  tcpInfo(fd: number): TcpInfo | number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : s instanceof TcpSocket ? s.info() : -EINVAL;
  }

  /** ioctl(2): SIOCINQ (FIONREAD), SIOCOUTQ, SIOCOUTQNSD and SIOCATMARK return the int; FIONBIO takes one. */
  ioctl(fd: number, request: number, argument = 0): number {
    const d = this.table.get(fd);
    if (d === null) return -EBADF;
    if (request === FIONBIO) {
      d.nonblocking = argument !== 0;
      return 0;
    }
    return d instanceof Socket ? d.ioctl(request) : -ENOTTY;
  }

  /** A call of ours may have changed what others wait for. */
  private changed(s: Socket, result: number): number {
    if (s.waiters.length > 0 || s.watchers !== null) this.waits.wake(s);
    return result;
  }

  /** A call of ours has read or written: what is no longer ready may become so again. */
  private touched(s: Socket): void {
    if (s.watchers !== null) s.lowered();
  }

  private knows(fd: number): number {
    const s = this.lookup(fd);
    return typeof s === 'number' ? s : 0;
  }
}
