import { EPOLL_CTL_ADD, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../socket/constants.ts';
import type { EpollEvent } from '../../socket/epoll.ts';
import type { NetHost } from './host.ts';

/** Told that a descriptor may be ready; called inside a turn of the driver, must not run application code. */
export interface Watcher {
  ready(events: number): void;
}

const BATCH = 256;
const pollers = new WeakMap<NetHost['driver'], Poller>();

/** One epoll instance for all sockets that `net` opens on a host. */
export class Poller {
  private readonly driver: NetHost['driver'];
  private readonly epoll: number;
  private readonly events: EpollEvent[] = [];
  /** By the number that epoll gives back: a descriptor's number may already be another's. */
  private readonly watchers = new Map<number, Watcher>();
  private serial = 0;

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
    this.epoll = driver.enter().epollCreate();
    this.poll();
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
