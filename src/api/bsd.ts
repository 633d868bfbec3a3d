import { type Address, parseAddress } from '../base/address.ts';
import { errnoName, errnoText } from '../base/errno.ts';
import {
  AF_INET,
  AF_INET6,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_STREAM,
} from '../socket/constants.ts';
import type { EpollEvent } from '../socket/epoll.ts';
import type { Message } from '../socket/message.ts';
import type { OptionInput } from '../socket/option.ts';
import type { Pending } from '../socket/pending.ts';
import type { PollEntry } from '../socket/poll.ts';
import type { Received, SocketName } from '../socket/socket.ts';
import type { Sockets } from '../socket/sockets.ts';
import type { TcpInfo } from '../socket/tcp-info.ts';

/** What a `BsdHost` needs of a driver; `Driver` has this shape. */
export interface BsdDriver {
  /** The sockets, with the present time told to the stack; what the verbs lead to is arranged for. */
  enter(): Sockets;
  /** Resolves with the call's result once it is done. */
  wait(pending: Pending): Promise<number>;
}

/** A call that failed: `code` is the errno's name, as in Node's errors. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
  /** `'ECONNREFUSED'` and so on. */
  readonly code: string;
  /** Positive, Linux's number. */
  readonly errno: number;
  /** The call: `'connect'`. */
  readonly syscall: string;

  constructor(syscall: string, errno: number, about = '') {
    const code = errnoName(errno);
    super(`${syscall}${about === '' ? '' : ` ${about}`}: ${code}, ${errnoText(errno)}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** An address in text or as an object. */
export type AddressInput = string | Address;

/** A datagram as `recvfrom` resolves with it. */
export interface From {
  readonly bytes: Uint8Array;
  readonly address: Address | null;
  readonly port: number;
  /** MSG_TRUNC if the datagram was longer than the buffer. */
  readonly flags: number;
}

/**
 * BSD sockets for a program that can `await`: Linux's calls on descriptors, over a driver. What waits
 * returns a promise; every failure is thrown as a `SocketError`. A call that must not wait says so with
 * O_NONBLOCK or MSG_DONTWAIT and fails with EAGAIN, as in C.
 *
 * As in C, closing a descriptor does not end a `recv` that waits on it: shut it down first.
 */
export class BsdHost {
  private readonly driver: BsdDriver;

  constructor(driver: BsdDriver) {
    this.driver = driver;
  }

  /** socket(2). @param domain AF_INET or AF_INET6 @param type SOCK_STREAM or SOCK_DGRAM */
  socket(domain = AF_INET, type = SOCK_STREAM, protocol = 0): number {
    return check('socket', this.driver.enter().socket(domain, type, protocol));
  }

  /** @param port 0 to choose one */
  bind(fd: number, address: AddressInput, port: number): void {
    check('bind', this.driver.enter().bind(fd, toAddress(address), port), `${address} port ${port}`);
  }

  listen(fd: number, backlog = 4096): void {
    check('listen', this.driver.enter().listen(fd, backlog));
  }

  /** The descriptor of the next connection. @param flags SOCK_NONBLOCK, SOCK_CLOEXEC */
  async accept(fd: number, flags = 0): Promise<number> {
    return check('accept', await this.driver.wait(this.driver.enter().begin.accept(fd, flags)));
  }

  /** @param address null (AF_UNSPEC) dissolves the connection */
  async connect(fd: number, address: AddressInput | null, port = 0): Promise<void> {
    const to = address === null ? null : toAddress(address);
    const p = this.driver.enter().begin.connect(fd, to, port);
    check('connect', await this.driver.wait(p), `${address} port ${port}`);
  }

  /** A socket that is connected. */
  async open(address: AddressInput, port: number): Promise<number> {
    const to = toAddress(address);
    const fd = this.socket(to.is4 ? AF_INET : AF_INET6);
    try {
      await this.connect(fd, to, port);
    } catch (error) {
      this.driver.enter().close(fd);
      throw error;
    }
    return fd;
  }

  /** A socket that listens. */
  serve(address: AddressInput, port: number, backlog?: number): number {
    const at = toAddress(address);
    const fd = this.socket(at.is4 ? AF_INET : AF_INET6);
    try {
      this.bind(fd, at, port);
      this.listen(fd, backlog);
    } catch (error) {
      this.driver.enter().close(fd);
      throw error;
    }
    return fd;
  }

  /** Up to `n` bytes, empty at the end of the stream. */
  async recv(fd: number, n = 65536, flags = 0): Promise<Uint8Array> {
    const call = flags === 0 && n > 0 ? this.driver.enter().begin.recvChunk(fd, n) : null;
    if (call !== null) {
      const got = check('recv', await this.driver.wait(call));
      return call.chunk.subarray(0, got);
    }
    const bytes = new Uint8Array(n);
    return bytes.subarray(0, Math.min(n, await this.recvInto(fd, bytes, flags)));
  }

  /** Reads into a buffer. @returns how many bytes, 0 at the end of the stream */
  async recvInto(fd: number, bytes: Uint8Array, flags = 0): Promise<number> {
    return check('recv', await this.driver.wait(this.driver.enter().begin.recv(fd, bytes, flags)));
  }

  async recvfrom(fd: number, n = 65536, flags = 0): Promise<From> {
    const bytes = new Uint8Array(n);
    const p = this.driver.enter().begin.recv(fd, bytes, flags);
    const got = check('recvfrom', await this.driver.wait(p));
    const { name = null, flags: told = 0 } = p as Pending & Partial<Received>;
    return {
      bytes: bytes.subarray(0, Math.min(n, got)),
      address: name?.address ?? null,
      port: name?.port ?? 0,
      flags: told,
    };
  }

  async recvmsg(fd: number, message: Message, flags = 0): Promise<number> {
    return check('recvmsg', await this.driver.wait(this.driver.enter().begin.recvmsg(fd, message, flags)));
  }

  /** Resolves when all bytes have found room; a shorter count means that the connection broke on the way. */
  async send(fd: number, data: Uint8Array | string, flags = 0): Promise<number> {
    const p = this.driver.enter().begin.send(fd, toBytes(data), flags);
    return check('send', await this.driver.wait(p));
  }

  async sendto(
    fd: number,
    data: Uint8Array | string,
    address: AddressInput,
    port: number,
    flags = 0,
  ): Promise<number> {
    const p = this.driver.enter().begin.sendto(fd, toBytes(data), flags, toAddress(address), port);
    return check('sendto', await this.driver.wait(p), `${address} port ${port}`);
  }

  async sendmsg(fd: number, message: Message, flags = 0): Promise<number> {
    return check('sendmsg', await this.driver.wait(this.driver.enter().begin.sendmsg(fd, message, flags)));
  }

  /** The chunks of a stream until its end: `for await (const chunk of host.stream(fd))`. */
  async *stream(fd: number, n = 65536): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = await this.recv(fd, n);
      if (chunk.length === 0) return;
      yield chunk;
    }
  }

  /** @param how SHUT_RD, SHUT_WR or SHUT_RDWR */
  shutdown(fd: number, how: typeof SHUT_RD | typeof SHUT_WR | typeof SHUT_RDWR): void {
    check('shutdown', this.driver.enter().shutdown(fd, how));
  }

  /** Resolves at once, except with SO_LINGER: then when the FIN is acknowledged or the time is over. */
  async close(fd: number): Promise<void> {
    check('close', await this.driver.wait(this.driver.enter().begin.close(fd)));
  }

  setsockopt(fd: number, level: number, name: number, value: OptionInput): void {
    check(
      'setsockopt',
      this.driver.enter().setsockopt(fd, level, name, value),
      `level ${level} option ${name}`,
    );
  }

  /** An option that is an int, as a signed number. */
  getsockopt(fd: number, level: number, name: number): number {
    const b = this.getsockoptBytes(fd, level, name);
    return b.length < 4 ? (b[0] ?? 0) : new DataView(b.buffer, b.byteOffset, 4).getInt32(0, true);
  }

  getsockoptBytes(fd: number, level: number, name: number): Uint8Array {
    return value(
      'getsockopt',
      this.driver.enter().getsockoptBytes(fd, level, name),
      `level ${level} option ${name}`,
    );
  }

  tcpInfo(fd: number): TcpInfo {
    return value('getsockopt', this.driver.enter().tcpInfo(fd), 'TCP_INFO');
  }

  getsockname(fd: number): SocketName {
    return value('getsockname', this.driver.enter().getsockname(fd));
  }

  getpeername(fd: number): SocketName {
    return value('getpeername', this.driver.enter().getpeername(fd));
  }

  fcntl(fd: number, command: number, argument = 0): number {
    return check('fcntl', this.driver.enter().fcntl(fd, command, argument));
  }

  ioctl(fd: number, request: number, argument = 0): number {
    return check('ioctl', this.driver.enter().ioctl(fd, request, argument));
  }

  /** Fills in `revents` and resolves with how many entries have some. @param timeout milliseconds, −1 none */
  async poll(entries: readonly PollEntry[], timeout = -1): Promise<number> {
    return check('poll', await this.driver.wait(this.driver.enter().begin.poll(entries, timeout)));
  }

  epollCreate(flags = 0): number {
    return check('epoll_create1', this.driver.enter().epollCreate(flags));
  }

  epollCtl(epfd: number, op: number, fd: number, events = 0, data = fd): void {
    check('epoll_ctl', this.driver.enter().epollCtl(epfd, op, fd, events, data));
  }

  async epollWait(epfd: number, max = 64, timeout = -1): Promise<EpollEvent[]> {
    const out: EpollEvent[] = [];
    const p = this.driver.enter().begin.epollWait(epfd, out, max, timeout);
    const n = check('epoll_wait', await this.driver.wait(p));
    return out.slice(0, n);
  }
}

function check(syscall: string, result: number, about = ''): number {
  if (result < 0) throw new SocketError(syscall, -result, about);
  return result;
}

function value<T>(syscall: string, result: T | number, about = ''): T {
  if (typeof result === 'number') throw new SocketError(syscall, -result, about);
  return result;
}

function toAddress(a: AddressInput): Address {
  if (typeof a !== 'string') return a;
  const parsed = parseAddress(a);
  if (parsed === null) throw new TypeError(`'${a}' is no IPv4 or IPv6 address; names must be resolved first`);
  return parsed;
}

const toBytes = (data: Uint8Array | string): Uint8Array =>
  typeof data === 'string' ? new TextEncoder().encode(data) : data;

export { AF_INET, AF_INET6, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_STREAM };
