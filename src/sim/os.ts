import type { Address } from '../base/address.ts';
import { NEVER } from '../base/time.ts';
import type { RecvCall } from '../socket/calls.ts';
import { AF_INET, AF_INET6, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from '../socket/constants.ts';
import type { EpollEvent } from '../socket/epoll.ts';
import type { Message } from '../socket/message.ts';
import type { OptionInput } from '../socket/option.ts';
import type { Pending } from '../socket/pending.ts';
import type { PollEntry } from '../socket/poll.ts';
import type { SocketName } from '../socket/socket.ts';
import type { Sockets } from '../socket/sockets.ts';
import type { TcpInfo } from '../socket/tcp-info.ts';
import { toAddress, toBytes } from './build.ts';
import { Call, type Waitable } from './call.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';

/** An address as text or value. */
export type Where = Address | string;
/** Which half `shutdown` closes. */
export type How = 'rd' | 'wr' | 'rdwr' | number;
/** Bytes that were read (none: end of stream), or −errno. */
export type Read = Uint8Array | number;

/** A datagram with its sender. */
export interface From {
  readonly data: Uint8Array;
  readonly address: Address;
  readonly port: number;
}

const BITS = 0x3fff;

/**
 * The system calls of a simulated host, as its programs make them. All act at once; those that may block
 * give a `Call`, to be waited for with `yield*` (or `await`), whose value is a number ≥ 0 or −errno (bytes for
 * reads). Each process has its own `Os`, which knows its descriptors and names it in the log; all processes
 * of a host share one table of descriptors. A process that returns leaves its descriptors open; `exit` and
 * `Process.kill` close them.
 */
export class Os {
  readonly host: Host;
  readonly process: Process | null;
  /** Descriptors that it opened and has not closed. */
  readonly fds = new Set<number>();

  constructor(host: Host, proc: Process | null) {
    this.host = host;
    this.process = proc;
  }

  // Calls that never wait.

  /** socket(2). @param family 'inet6' also takes IPv4 peers, unless IPV6_V6ONLY */
  socket(family: 'inet' | 'inet6' | number = 'inet', type: number = SOCK_STREAM, protocol = 0): number {
    const domain = family === 'inet' ? AF_INET : family === 'inet6' ? AF_INET6 : family;
    const fd = this.enter().socket(domain, type, protocol);
    return this.opened(this.note('socket', [family], fd));
  }

  bind(fd: number, address: Where, port: number): number {
    return this.note('bind', [fd, String(address), port], this.enter().bind(fd, toAddress(address), port));
  }

  listen(fd: number, backlog = 128): number {
    return this.note('listen', [fd, backlog], this.enter().listen(fd, backlog));
  }

  shutdown(fd: number, how: How): number {
    const n = typeof how === 'number' ? how : how === 'rd' ? SHUT_RD : how === 'wr' ? SHUT_WR : SHUT_RDWR;
    return this.note('shutdown', [fd, how], this.enter().shutdown(fd, n));
  }

  setsockopt(fd: number, level: number, name: number, value: OptionInput): number {
    const shown = typeof value === 'number' || typeof value === 'string' ? value : '…';
    return this.note('setsockopt', [fd, level, name, shown], this.enter().setsockopt(fd, level, name, value));
  }

  getsockopt(fd: number, level: number, name: number): number {
    return this.note('getsockopt', [fd, level, name], this.enter().getsockopt(fd, level, name));
  }

  getsockname(fd: number): SocketName | number {
    return this.enter().getsockname(fd);
  }

  getpeername(fd: number): SocketName | number {
    return this.enter().getpeername(fd);
  }

  tcpInfo(fd: number): TcpInfo | number {
    return this.enter().tcpInfo(fd);
  }

  fcntl(fd: number, command: number, argument = 0): number {
    return this.note('fcntl', [fd, command, argument], this.enter().fcntl(fd, command, argument));
  }

  ioctl(fd: number, request: number, argument = 0): number {
    return this.note('ioctl', [fd, request], this.enter().ioctl(fd, request, argument));
  }

  /** The poll(2) bits of one descriptor as they stand. */
  readiness(fd: number, events = BITS): number {
    const entry: PollEntry = { fd, events, revents: 0 };
    this.enter().poll([entry]);
    return this.note('poll', [fd], entry.revents);
  }

  epollCreate(): number {
    return this.opened(this.note('epoll_create1', [], this.enter().epollCreate()));
  }

  epollCtl(epfd: number, op: number, fd: number, events = 0, data = fd): number {
    return this.note('epoll_ctl', [epfd, op, fd, events], this.enter().epollCtl(epfd, op, fd, events, data));
  }

  // Calls that may wait.

  connect(fd: number, address: Where | null, port = 0): Call<number> {
    const call = new Call<number>(this.host, this, 'connect', [fd, String(address), port]);
    return this.start(
      call,
      this.enter().begin.connect(fd, address === null ? null : toAddress(address), port),
    );
  }

  /** The value is the new descriptor. */
  accept(fd: number, flags = 0): Call<number> {
    const call = new Call<number>(this.host, this, 'accept', [fd]);
    return this.start(call, this.enter().begin.accept(fd, flags));
  }

  /** Up to `n` bytes. */
  recv(fd: number, n: number, flags = 0): Call<Read> {
    const call = new Call<Read>(this.host, this, 'recv', flags ? [fd, n, flags] : [fd, n]);
    call.buffer = new Uint8Array(n);
    call.flags = flags;
    return this.start(call, this.enter().begin.recv(fd, call.buffer, flags));
  }

  read(fd: number, n: number): Call<Read> {
    const call = new Call<Read>(this.host, this, 'read', [fd, n]);
    call.buffer = new Uint8Array(n);
    return this.start(call, this.enter().begin.read(fd, call.buffer));
  }

  /** A datagram and where it came from. */
  recvfrom(fd: number, n: number, flags = 0): Call<From | number> {
    const call = new Call<From | number>(this.host, this, 'recvfrom', [fd, n]);
    call.buffer = new Uint8Array(n);
    const pending = this.enter().begin.recv(fd, call.buffer, flags);
    call.convert = result => {
      const { name } = pending as RecvCall;
      if (result < 0 || name === null || name === undefined) return result;
      return { data: call.buffer!.subarray(0, result), address: name.address, port: name.port };
    };
    return this.start(call, pending);
  }

  recvmsg(fd: number, message: Message, flags = 0): Call<number> {
    return this.start(
      new Call<number>(this.host, this, 'recvmsg', [fd]),
      this.enter().begin.recvmsg(fd, message, flags),
    );
  }

  /** The value is how many bytes were taken: on a blocking descriptor all of them, unless it fails. */
  send(fd: number, data: Uint8Array | string, flags = 0): Call<number> {
    const bytes = toBytes(data);
    const call = new Call<number>(
      this.host,
      this,
      'send',
      flags ? [fd, bytes.length, flags] : [fd, bytes.length],
    );
    const sockets = this.enter();
    call.written = this.host.ledger?.offer(fd, bytes, flags) ?? null;
    return this.start(call, sockets.begin.send(fd, bytes, flags));
  }

  write(fd: number, data: Uint8Array | string): Call<number> {
    return this.send(fd, data);
  }

  sendto(fd: number, data: Uint8Array | string, address: Where, port: number, flags = 0): Call<number> {
    const bytes = toBytes(data);
    const call = new Call<number>(this.host, this, 'sendto', [fd, bytes.length, String(address), port]);
    return this.start(call, this.enter().begin.sendto(fd, bytes, flags, toAddress(address), port));
  }

  sendmsg(fd: number, message: Message, flags = 0): Call<number> {
    return this.start(
      new Call<number>(this.host, this, 'sendmsg', [fd]),
      this.enter().begin.sendmsg(fd, message, flags),
    );
  }

  /** Waits only with SO_LINGER; the descriptor is gone at once. */
  close(fd: number): Call<number> {
    const call = new Call<number>(this.host, this, 'close', [fd]);
    const sockets = this.enter();
    this.fds.delete(fd);
    return this.start(call, sockets.begin.close(fd));
  }

  /** poll(2). @param timeout seconds; none: waits as long as it takes */
  poll(entries: readonly PollEntry[], timeout = NEVER): Call<number> {
    const ms = timeout === NEVER ? -1 : timeout * 1000;
    return this.start(
      new Call<number>(this.host, this, 'poll', [entries.length]),
      this.enter().begin.poll(entries, ms),
    );
  }

  /** Waits for poll bits of one descriptor; the value is those that are set, 0 after the timeout in seconds. */
  pollFor(fd: number, events: number, timeout = NEVER): Call<number> {
    const entry: PollEntry = { fd, events, revents: 0 };
    const call = new Call<number>(this.host, this, 'poll', [fd, events]);
    call.convert = result => (result > 0 ? entry.revents : result);
    return this.start(call, this.enter().begin.poll([entry], timeout === NEVER ? -1 : timeout * 1000));
  }

  /** @param timeout seconds */
  epollWait(epfd: number, max = 64, timeout = NEVER): Call<EpollEvent[] | number> {
    const events: EpollEvent[] = [];
    const call = new Call<EpollEvent[] | number>(this.host, this, 'epoll_wait', [epfd, max]);
    call.convert = result => (result >= 0 ? events.slice(0, result) : result);
    const ms = timeout === NEVER ? -1 : timeout * 1000;
    return this.start(call, this.enter().begin.epollWait(epfd, events, max, ms));
  }

  // Beyond system calls.

  /** A socket that listens, or −errno. */
  serve(address: Where, port: number, backlog = 128): number {
    const at = toAddress(address);
    const fd = this.socket(at.is4 ? 'inet' : 'inet6');
    if (fd < 0) return fd;
    const error = this.bind(fd, at, port) || this.listen(fd, backlog);
    if (error === 0) return fd;
    this.close(fd);
    return error;
  }

  /** A socket that is connected, or −errno. */
  *open(address: Where, port: number): Generator<Waitable, number, unknown> {
    const to = toAddress(address);
    const fd = this.socket(to.is4 ? 'inet' : 'inet6');
    if (fd < 0) return fd;
    const error = yield* this.connect(fd, to, port);
    if (error === 0) return fd;
    yield* this.close(fd);
    return error;
  }

  /** Sleeps for a time in seconds. */
  sleep(seconds: number): Call<number> {
    return this.host.world.sleep(seconds);
  }

  /** Waits until `test` holds; 1, or 0 after `timeout` seconds. */
  when(test: () => boolean, timeout = NEVER): Call<number> {
    return this.host.world.when(test, timeout);
  }

  /** Reads to the end of the stream: all bytes, or −errno. */
  *recvAll(fd: number, chunk = 65536): Generator<Waitable, Read, unknown> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const part = yield* this.recv(fd, chunk);
      if (typeof part === 'number') return part;
      if (part.length === 0) break;
      parts.push(part);
      size += part.length;
    }
    const all = new Uint8Array(size);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** What the end of a process does: closes its descriptors, waiting where they linger. */
  *exit(): Generator<Waitable, void, unknown> {
    for (const fd of [...this.fds]) yield* this.close(fd);
  }

  /** What killing a process does: its waiting call is broken off, its descriptors are closed. */
  abandon(waiting: Waitable | null): void {
    if (this.host.down) return;
    const sockets = this.enter();
    if (waiting instanceof Call && waiting.pending !== null) sockets.interrupt(waiting.pending);
    for (const fd of this.fds) sockets.close(fd);
    this.fds.clear();
  }

  private enter(): Sockets {
    this.host.enter();
    return this.host.sockets;
  }

  private start<T>(call: Call<T>, pending: Pending): Call<T> {
    if (pending.done) call.finish(pending.result);
    else {
      pending.token = call;
      call.pending = pending;
    }
    return call;
  }

  /** Keeps a new descriptor. */
  opened(fd: number): number {
    if (fd >= 0) this.fds.add(fd);
    return fd;
  }

  private note(name: string, args: readonly (number | string)[], result: number): number {
    this.host.logCall(this, name, args, result, 0, null);
    return result;
  }
}
