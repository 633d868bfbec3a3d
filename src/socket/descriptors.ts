import { EBADF, EINVAL } from '../base/errno.ts';
import type { Micros } from '../base/time.ts';
import {
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_NONBLOCK,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from './constants.ts';
import { Descriptor } from './descriptor.ts';
import type { SocketHost } from './endpoint.ts';
import { Epoll, type EpollEvent } from './epoll.ts';
import { FdTable } from './fd-table.ts';
import type { Pending } from './pending.ts';
import { type PollEntry, pollOnce } from './poll.ts';
import { Waits } from './waits.ts';

export interface SocketsOptions {
  /** How many descriptors may be open at once (RLIMIT_NOFILE): beyond it EMFILE. Default 1,048,576. */
  maxDescriptors?: number;
}

const MAX_DESCRIPTORS = 1 << 20;
/** Rounds of changes that one `settle` follows before it leaves the rest to the next. */
const MAX_ROUNDS = 16;

/** The descriptors of one host: what can be done with any of them, and the calls that wait for them. */
export class Descriptors {
  readonly host: SocketHost;
  /** For `begin`. */
  readonly waits: Waits;
  protected readonly table: FdTable;

  constructor(host: SocketHost, options: SocketsOptions) {
    this.host = host;
    this.waits = new Waits(host);
    this.table = new FdTable(options.maxDescriptors ?? MAX_DESCRIPTORS);
  }

  protected install(d: Descriptor, flags: number): number {
    if (flags & SOCK_NONBLOCK) d.nonblocking = true;
    d.closeOnExec = (flags & SOCK_CLOEXEC) !== 0;
    const fd = this.table.add(d);
    if (fd < 0) d.release();
    return fd;
  }

  /**
   * close(2). SO_LINGER with a time does not wait here (`begin.close` does): the connection ends as if the
   * time were over. While another call waits on the descriptor the socket stays open until it returns, as
   * on Linux: shut it down first.
   */
  close(fd: number): number {
    const d = this.forget(fd);
    if (d === null) return -EBADF;
    if (d.waiters.length === 0) d.release();
    else d.closing = true;
    return 0;
  }

  /** For `begin.close`: takes the descriptor out of the table and out of every epoll. */
  forget(fd: number): Descriptor | null {
    const d = this.table.remove(fd);
    if (d !== null && d.watchers !== null) Epoll.closed(d);
    return d;
  }

  /** The end of the process: waiting calls are interrupted, every descriptor is closed without lingering. */
  closeAll(): void {
    for (const d of [...this.table.all()]) {
      for (const p of [...d.waiters]) this.waits.interrupt(p);
      this.close(d.fd);
    }
  }

  /** The descriptor's object, or null. */
  find(fd: number): Descriptor | null {
    return this.table.get(fd);
  }

  /** How many descriptors are open. */
  get count(): number {
    return this.table.count;
  }

  /** fcntl(2): F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD. */
  fcntl(fd: number, command: number, argument = 0): number {
    const d = this.table.get(fd);
    if (d === null) return -EBADF;
    switch (command) {
      case F_GETFL:
        return d.flags;
      case F_SETFL:
        d.nonblocking = (argument & O_NONBLOCK) !== 0;
        return 0;
      case F_GETFD:
        return d.closeOnExec ? FD_CLOEXEC : 0;
      case F_SETFD:
        d.closeOnExec = (argument & FD_CLOEXEC) !== 0;
        return 0;
      default:
        return -EINVAL;
    }
  }

  // Readiness

  /** poll(2) without waiting: fills in `revents`, returns how many entries have some. */
  poll(entries: readonly PollEntry[]): number {
    return pollOnce(
      entries,
      entries.map(e => (e.fd < 0 ? null : this.table.get(e.fd))),
    );
  }

  /** epoll_create1(2). @param flags EPOLL_CLOEXEC */
  epollCreate(flags = 0): number {
    return flags & ~SOCK_CLOEXEC ? -EINVAL : this.install(new Epoll(this.waits), flags);
  }

  /** epoll_ctl(2). @param data comes back with each event; the descriptor's number by default */
  epollCtl(epfd: number, op: number, fd: number, events = 0, data = fd): number {
    const e = this.table.get(epfd);
    const d = this.table.get(fd);
    if (e === null || d === null) return -EBADF;
    return e instanceof Epoll ? e.control(op, d, events, data) : -EINVAL;
  }

  /** epoll_wait(2) without waiting: fills `out` from its start with up to `max` events. */
  epollWait(epfd: number, out: EpollEvent[], max = 64): number {
    const e = this.epollOf(epfd);
    if (typeof e === 'number') return e;
    return max > 0 ? e.collect(out, max) : -EINVAL;
  }

  /** For `begin.epollWait`. */
  epollOf(epfd: number): Epoll | number {
    const d = this.table.get(epfd);
    return d === null ? -EBADF : d instanceof Epoll ? d : -EINVAL;
  }

  // Waiting

  /**
   * To be called after each step of the stack and after each batch of calls: tries again the waiting calls
   * whose socket has changed or whose time has come, and returns those that are done, in that order.
   */
  settle(): readonly Pending[] {
    const { tcp, udp, now } = this.host;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const streams = tcp.takeChanged();
      const datagrams = udp.takeChanged();
      for (const c of streams) this.notice(c.owner);
      for (const e of datagrams) this.notice(e.owner);
      if (streams.length === 0 && datagrams.length === 0) break;
    }
    this.waits.expire(now);
    return this.waits.takeFinished();
  }

  private notice(owner: unknown): void {
    if (owner instanceof Descriptor) this.waits.wake(owner);
  }

  /** When `settle` has to be called at the latest; NEVER without a waiting call that has a time limit. */
  deadline(): Micros {
    return this.waits.deadline;
  }

  /** Ends a waiting call as a signal would. It is among those that the next `settle` returns. */
  interrupt(p: Pending): void {
    this.waits.interrupt(p);
  }
}
