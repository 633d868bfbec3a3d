import { EEXIST, EINVAL, ELOOP, ENOENT } from '../base/errno.ts';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLWAKEUP,
  POLLIN,
} from './constants.ts';
import { Descriptor } from './descriptor.ts';

/** How deep epoll instances may watch each other (EP_MAX_NESTS). */
const MAX_NESTS = 4;
const EXCLUSIVE_OK = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
const PRIVATE = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

/** One entry of epoll_wait(2): the events that hold, and what epoll_ctl was given to tell them apart. */
export interface EpollEvent {
  events: number;
  data: number;
}

/** One descriptor in one epoll instance. */
export class EpollItem {
  readonly epoll: Epoll;
  readonly descriptor: Descriptor;
  readonly fd: number;
  events: number;
  data: number;

  constructor(epoll: Epoll, descriptor: Descriptor, fd: number, events: number, data: number) {
    this.epoll = epoll;
    this.descriptor = descriptor;
    this.fd = fd;
    this.events = events;
    this.data = data;
  }
}

/** An epoll instance (epoll(7)): level and edge triggering, one-shot, exclusive wake-up, nesting. */
export class Epoll extends Descriptor {
  private readonly items = new Map<number, EpollItem>();
  /** In the order in which they became ready. */
  private readonly ready = new Set<EpollItem>();
  private came = 0;

  /** @param data comes back with each event (Linux's `epoll_data`); by default the descriptor's number */
  control(op: number, descriptor: Descriptor, fd: number, events: number, data = fd): number {
    if (descriptor === this) return -EINVAL;
    const item = this.items.get(fd);
    const wanted = events | EPOLLERR | EPOLLHUP;
    switch (op) {
      case EPOLL_CTL_ADD: {
        if (item !== undefined) return -EEXIST;
        if (events & EPOLLEXCLUSIVE && (events & ~EXCLUSIVE_OK || descriptor instanceof Epoll))
          return -EINVAL;
        if (descriptor instanceof Epoll) {
          if (descriptor.reaches(this) || descriptor.depth() >= MAX_NESTS) return -ELOOP;
        }
        const fresh = new EpollItem(this, descriptor, fd, wanted, data);
        this.items.set(fd, fresh);
        descriptor.watchers.push(fresh);
        descriptor.edges();
        this.offer(fresh, -1);
        return 0;
      }
      case EPOLL_CTL_DEL:
        if (item === undefined) return -ENOENT;
        this.forget(item);
        return 0;
      case EPOLL_CTL_MOD:
        if (item === undefined) return -ENOENT;
        if ((events | item.events) & EPOLLEXCLUSIVE) return -EINVAL;
        item.events = wanted;
        item.data = data;
        this.offer(item, -1);
        return 0;
      default:
        return -EINVAL;
    }
  }

  /** The bits `up` of a watched descriptor have come up: it is ready if one of them is wanted. */
  offer(item: EpollItem, up: number): boolean {
    const wanted = item.events & ~PRIVATE;
    if ((up & wanted) === 0 || (item.descriptor.poll() & wanted) === 0) return false;
    this.ready.add(item);
    this.came++;
    this.waker.wake(this);
    return true;
  }

  /** Fills `out` with up to `max` events and returns how many. Level-triggered ones stay ready. */
  collect(out: EpollEvent[], max: number): number {
    const again: EpollItem[] = [];
    let n = 0;
    for (const item of this.ready) {
      if (n === max) break;
      this.ready.delete(item);
      const events = item.descriptor.poll() & item.events & ~PRIVATE;
      if (events === 0) continue;
      out[n++] = { events, data: item.data };
      if (item.events & EPOLLONESHOT) item.events &= PRIVATE;
      else if (!(item.events & EPOLLET)) again.push(item);
    }
    for (const item of again) this.ready.add(item);
    return n;
  }

  private forget(item: EpollItem): void {
    this.items.delete(item.fd);
    const watchers = item.descriptor.watchers;
    watchers.splice(watchers.indexOf(item), 1);
    this.ready.delete(item);
  }

  /** A watched descriptor has been closed. */
  static closed(descriptor: Descriptor): void {
    for (const item of [...descriptor.watchers]) item.epoll.forget(item);
  }

  private reaches(other: Epoll): boolean {
    for (const { descriptor } of this.items.values()) {
      if (descriptor === other || (descriptor instanceof Epoll && descriptor.reaches(other))) return true;
    }
    return false;
  }

  private depth(): number {
    let deepest = 0;
    for (const { descriptor } of this.items.values()) {
      if (descriptor instanceof Epoll) deepest = Math.max(deepest, descriptor.depth());
    }
    return deepest + 1;
  }

  readiness(): number {
    for (const item of this.ready) {
      if (item.descriptor.poll() & item.events & ~PRIVATE) return POLLIN;
    }
    return 0;
  }

  progress(): number {
    return this.came;
  }

  release(): void {
    for (const item of [...this.items.values()]) this.forget(item);
  }
}
