import { EPOLL_CTL_ADD, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../socket/constants.ts';
import type { EpollEvent } from '../../socket/epoll.ts';
import type { Sockets } from '../../socket/sockets.ts';
import type { NetHost } from './host.ts';

/** Told that a descriptor may be ready; called inside a turn of the driver, must not run application code. */
export interface Watcher {
  ready(events: number): void;
}

const BATCH = 256;
/** Node's own, whatever a test runner puts in its place later. */
const nodeImmediate = setImmediate;
const clearNode = clearImmediate;
const pollers = new WeakMap<NetHost['driver'], Poller>();

/** One epoll instance for all sockets that `net` opens on a host. */
export class Poller {
  private readonly driver: NetHost['driver'];
  private readonly sockets: Sockets;
  private readonly epoll: number;
  private readonly events: EpollEvent[] = [];
  /** By the number that epoll gives back: a descriptor's number may already be another's. */
  private readonly watchers = new Map<number, Watcher>();
  private serial = 0;
  /** The last immediates of this turn of Node's loop and of the next: see `soon`. */
  private last: NodeJS.Immediate | null = null;
  private lastNext: NodeJS.Immediate | null = null;

  /** The poller of a driver. */
  static of(host: NetHost): Poller {
    let p = pollers.get(host.driver);
    if (p === undefined) {
      p = new Poller(host.driver);
      pollers.set(host.driver, p);
    }
    return p;
  }

  private constructor(driver: NetHost['driver']) {
    this.driver = driver;
    const sockets = driver.enter();
    this.sockets = sockets;
    this.epoll = sockets.epollCreate();
    if (driver.afterTurn === undefined) this.poll();
    else
      driver.afterTurn(() => {
        for (let n = BATCH; n === BATCH; ) {
          n = sockets.epollWait(this.epoll, this.events, BATCH);
          if (n > 0) this.tell(n);
        }
      });
  }

  /** Tells of each edge of a descriptor from now on. @returns what `forget` wants */
  watch(fd: number, watcher: Watcher): number {
    const serial = ++this.serial;
    this.watchers.set(serial, watcher);
    const events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    this.driver.enter().epollCtl(this.epoll, EPOLL_CTL_ADD, fd, events, serial);
    return serial;
  }

  forget(serial: number): void {
    this.watchers.delete(serial);
  }

  /**
   * Runs a step of a watcher in an immediate of its own, so that ticks and promises run before the next. What
   * the steps of one turn of Node's loop write is carried to the peers behind the last of them and in the same
   * turn: else each message costs two turns, of some microseconds each.
   */
  soon(step: () => void): void {
    setImmediate(step);
    this.flushBehind();
  }

  /**
   * The same for a reader of whom more is expected: up to `times` steps in one turn of Node's loop, and what each
   * leads to carried before the next. libuv too reads a socket up to 32 times in a turn.
   * @returns how many steps there will be
   */
  often(step: () => void, times: number): number {
    const n = this.driver.flush === undefined ? 1 : times;
    for (let i = 1; i < n; i++) {
      setImmediate(step);
      nodeImmediate(this.between);
    }
    this.soon(step);
    return n;
  }

  /** Whether there is something to read at once: more bytes, the end, or an error. Costs no turn. */
  mayRead(fd: number): boolean {
    const socket = this.sockets.lookup(fd);
    return typeof socket !== 'number' && (socket.available > 0 || socket.ended);
  }

  /** A step that `soon` was asked for begins. */
  began(): void {
    if (this.last !== null) return;
    this.last = this.lastNext;
    this.lastNext = null;
  }

  private flushBehind(): void {
    if (this.driver.flush === undefined) return;
    if (this.lastNext !== null) clearNode(this.lastNext);
    this.lastNext = nodeImmediate(this.flush);
  }

  private readonly flush = (): void => {
    if (this.last !== null) this.last = null;
    else this.lastNext = null;
    this.driver.flush!();
  };

  private readonly between = (): void => this.driver.flush!();

  /** For drivers that know waiting calls only. */
  private poll(): void {
    for (;;) {
      const p = this.driver.enter().begin.epollWait(this.epoll, this.events, BATCH, -1);
      if (!p.done) {
        this.driver.whenDone(
          p,
          n => {
            if (n < 0) return;
            this.tell(n);
            this.poll();
          },
          false,
        );
        return;
      }
      // The driver was closed.
      if (p.result < 0) return;
      this.tell(p.result);
    }
  }

  private tell(n: number): void {
    for (let i = 0; i < n; i++) {
      const e = this.events[i]!;
      this.watchers.get(e.data)?.ready(e.events);
    }
  }
}
