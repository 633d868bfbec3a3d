import { DeadlineHeap } from '../base/deadlines.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { EPOLLEXCLUSIVE } from './constants.ts';
import type { Descriptor } from './descriptor.ts';
import type { SocketHost } from './endpoint.ts';
import type { EpollItem } from './epoll.ts';
import type { Pending } from './pending.ts';
import type { SocketWaker } from './socket.ts';

/** All calls that wait on one host, and who is told when a descriptor changes. */
export class Waits implements SocketWaker {
  readonly host: SocketHost;
  private readonly deadlines = new DeadlineHeap();
  private readonly slots: (Pending | null)[] = [];
  private readonly freeSlots: number[] = [];
  private finished: Pending[] = [];
  /** How many calls wait. */
  count = 0;

  constructor(host: SocketHost) {
    this.host = host;
  }

  /**
   * Tries a call, and keeps it if it has to wait.
   * @param deadline when it gives up; null if it must not wait at all
   */
  start<P extends Pending>(p: P, deadline: Micros | null): P {
    if (p.attempt()) p.done = true;
    else if (deadline === null) {
      p.result = p.timeoutResult();
      p.done = true;
    } else {
      for (const d of p.on()) d.addWaiter(p);
      this.count++;
      p.deadline = deadline;
      if (deadline < NEVER) {
        p.slot = this.freeSlots.pop() ?? this.slots.length;
        this.slots[p.slot] = p;
        this.deadlines.set(p.slot, deadline);
      }
    }
    return p;
  }

  /** A descriptor may have changed: edges go to the epolls that watch it, waiting calls are tried again. */
  wake(d: Descriptor): void {
    if (d.watchers !== null) {
      const up = d.edges();
      if (up !== 0) {
        let taken = false;
        for (let item: EpollItem | null = d.watchers; item !== null; item = item.nextWatcher) {
          const exclusive = (item.events & EPOLLEXCLUSIVE) !== 0;
          if (exclusive && taken) continue;
          const heard = item.epoll.waiters.length > 0;
          if (item.epoll.offer(item, up, d.level) && exclusive && heard) taken = true;
        }
      }
    }
    if (d.waiters.length === 0) return;
    // `waiters` is replaced, not changed, when a call finishes.
    for (const p of d.waiters) {
      if (!p.done && p.attempt()) this.finish(p);
      if (d.waiters.length === 0) break;
    }
    if (d.watchers !== null) d.lowered();
  }

  /** Ends the calls whose deadline has come. */
  expire(now: Micros): void {
    for (let slot = this.deadlines.popDue(now); slot >= 0; slot = this.deadlines.popDue(now)) {
      const p = this.slots[slot]!;
      if (!p.attempt()) p.result = p.timeoutResult();
      this.finish(p);
    }
  }

  /** Ends a waiting call as a signal would: −EINTR, or what was transferred so far. */
  interrupt(p: Pending): void {
    if (p.done) return;
    p.result = p.interruptResult();
    this.finish(p);
  }

  private finish(p: Pending): void {
    if (p.done) return;
    p.done = true;
    this.count--;
    if (p.slot >= 0) {
      this.deadlines.clear(p.slot);
      this.slots[p.slot] = null;
      this.freeSlots.push(p.slot);
      p.slot = -1;
    }
    this.finished.push(p);
    for (const d of p.on()) {
      d.removeWaiter(p);
      if (d.closing && d.waiters.length === 0) d.release();
    }
  }

  /** The calls that finished since the last time, in that order. */
  takeFinished(): readonly Pending[] {
    const list = this.finished;
    if (list.length === 0) return NONE;
    this.finished = [];
    return list;
  }

  get deadline(): Micros {
    return this.finished.length > 0 ? Number.NEGATIVE_INFINITY : this.deadlines.next();
  }
}

const NONE: readonly Pending[] = [];
