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
  events: number;
  data: number;
  /** The next that watches the same descriptor. */
  nextWatcher: EpollItem | null = null;

  /** Whether it waits to be collected. */
  isReady = false;

  constructor(epoll: Epoll, descriptor: Descriptor, events: number, data: number) {
    this.epoll = epoll;
    this.descriptor = descriptor;
    this.events = events;
    this.data = data;
  }
}

/**
 * An epoll instance (epoll(7)): level and edge triggering, one-shot, exclusive wake-up, nesting. It keeps no list of
 * its items, which would cost 16 bytes of each: those of a closed instance go when their descriptor is next
 * looked at.
 */
export class Epoll extends Descriptor {
  /** Instances that it watches. */
  private readonly nested = new Set<Epoll>();
  /** close(2) has come: its items count no more. */
  private over = false;
  /**
   * In the order in which they became ready: the first `waiting` entries, of which those that are not `isReady` any
   * more count for nothing. No Set: one that lives long takes new memory in V8's old generation at each second add,
   * and that starts a full collection for every few megabytes of buffers that come and go.
   */
  private readonly ready: (EpollItem | null)[] = [];
  private waiting = 0;
  /** How many of them count for nothing. */
  private dropped = 0;
  private came = 0;
  private readonly again: EpollItem[] = [];

  /** @param data comes back with each event (Linux's `epoll_data`); by default the descriptor's number */
  control(op: number, descriptor: Descriptor, events: number, data = descriptor.fd): number {
    if (descriptor === this) return -EINVAL;
    prune(descriptor);
    const item = this.find(descriptor);
    const wanted = events | EPOLLERR | EPOLLHUP;
    switch (op) {
      case EPOLL_CTL_ADD: {
        if (item !== null) return -EEXIST;
        if (events & EPOLLEXCLUSIVE && (events & ~EXCLUSIVE_OK || descriptor instanceof Epoll))
          return -EINVAL;
        if (descriptor instanceof Epoll) {
          if (descriptor.reaches(this) || descriptor.depth() >= MAX_NESTS) return -ELOOP;
        }
        const fresh = new EpollItem(this, descriptor, wanted, data);
        this.add(fresh);
        descriptor.edges();
        this.offer(fresh, -1, descriptor.level);
        return 0;
      }
      case EPOLL_CTL_DEL:
        if (item === null) return -ENOENT;
        this.forget(item);
        return 0;
      case EPOLL_CTL_MOD:
        if (item === null) return -ENOENT;
        if ((events | item.events) & EPOLLEXCLUSIVE) return -EINVAL;
        item.events = wanted;
        item.data = data;
        this.offer(item, -1, descriptor.poll());
        return 0;
      default:
        return -EINVAL;
    }
  }

  /** The bits `up` of a watched descriptor have come up: it is ready if one of them, and of all that are up, is wanted. */
  offer(item: EpollItem, up: number, level: number): boolean {
    if (this.over) return false;
    const wanted = item.events & ~PRIVATE;
    if ((up & wanted) === 0 || (level & wanted) === 0) return false;
    this.queue(item);
    this.came++;
    this.waker.wake(this);
    return true;
  }

  /**
   * Fills `out` with up to `max` events and returns how many; entries that are there already are written over, so
   * that who passes the same array again allocates nothing. Level-triggered events stay ready.
   */
  collect(out: EpollEvent[], max: number): number {
    if (this.waiting === 0) return 0;
    const { ready, again, waiting } = this;
    let n = 0;
    let at = 0;
    while (at < waiting && n < max) {
      const item = ready[at++]!;
      if (!item.isReady) {
        this.dropped--;
        continue;
      }
      item.isReady = false;
      const events = item.descriptor.poll() & item.events & ~PRIVATE;
      if (events === 0) continue;
      const entry = out[n];
      if (entry === undefined) out[n] = { events, data: item.data };
      else {
        entry.events = events;
        entry.data = item.data;
      }
      n++;
      if (item.events & EPOLLONESHOT) item.events &= PRIVATE;
      else if (!(item.events & EPOLLET)) again.push(item);
    }
    this.waiting = 0;
    while (at < waiting) ready[this.waiting++] = ready[at++]!;
    ready.fill(null, this.waiting, waiting);
    // Behind those that have not had their turn.
    for (let i = 0; i < again.length; i++) this.queue(again[i]!);
    if (again.length > 0) again.length = 0;
    return n;
  }

  /** Takes a ready item out; once half of the list counts for nothing it is made shorter. */
  private drop(item: EpollItem): void {
    item.isReady = false;
    if (2 * ++this.dropped < this.waiting) return;
    const { ready, waiting } = this;
    this.waiting = 0;
    for (let i = 0; i < waiting; i++) if (ready[i]!.isReady) ready[this.waiting++] = ready[i]!;
    ready.fill(null, this.waiting, waiting);
    this.dropped = 0;
  }

  private queue(item: EpollItem): void {
    if (item.isReady) return;
    item.isReady = true;
    this.ready[this.waiting++] = item;
  }

  private find(descriptor: Descriptor): EpollItem | null {
    let item = descriptor.watchers;
    while (item !== null && item.epoll !== this) item = item.nextWatcher;
    return item;
  }

  private add(item: EpollItem): void {
    const d = item.descriptor;
    if (d instanceof Epoll) this.nested.add(d);
    let last = d.watchers;
    if (last === null) {
      d.watchers = item;
      return;
    }
    while (last.nextWatcher !== null) last = last.nextWatcher;
    last.nextWatcher = item;
  }

  private forget(item: EpollItem): void {
    const d = item.descriptor;
    if (d instanceof Epoll) this.nested.delete(d);
    if (d.watchers === item) d.watchers = item.nextWatcher;
    else {
      let before = d.watchers!;
      while (before.nextWatcher !== item) before = before.nextWatcher!;
      before.nextWatcher = item.nextWatcher;
    }
    if (item.isReady) this.drop(item);
  }

  /** A watched descriptor has been closed. */
  static closed(descriptor: Descriptor): void {
    for (let item = descriptor.watchers; item !== null; item = item.nextWatcher) item.epoll.forget(item);
  }

  /** The instance has been closed: the item is to be forgotten. */
  static isStale(item: EpollItem): boolean {
    return item.epoll.over;
  }

  private reaches(other: Epoll): boolean {
    for (const e of this.nested) if (e === other || e.reaches(other)) return true;
    return false;
  }

  private depth(): number {
    let deepest = 0;
    for (const e of this.nested) deepest = Math.max(deepest, e.depth());
    return deepest + 1;
  }

  readiness(): number {
    for (let i = 0; i < this.waiting; i++) {
      const item = this.ready[i]!;
      if (!item.isReady) continue;
      if (item.descriptor.poll() & item.events & ~PRIVATE) return POLLIN;
    }
    return 0;
  }

  progress(): number {
    return this.came;
  }

  release(): void {
    this.over = true;
    this.ready.length = 0;
    this.waiting = 0;
    this.dropped = 0;
    for (const e of this.nested) prune(e);
    this.nested.clear();
  }
}

/** Drops the items by which instances that have been closed watched the descriptor. */
function prune(descriptor: Descriptor): void {
  let before: EpollItem | null = null;
  for (let item = descriptor.watchers; item !== null; item = item.nextWatcher) {
    if (!Epoll.isStale(item)) before = item;
    else if (before === null) descriptor.watchers = item.nextWatcher;
    else before.nextWatcher = item.nextWatcher;
  }
}
