import { POLLERR, POLLHUP, POLLNVAL } from './constants.ts';
import type { Descriptor } from './descriptor.ts';
import type { Epoll, EpollEvent } from './epoll.ts';
import { Pending } from './pending.ts';

/** One entry of poll(2). `revents` is filled in. A negative `fd` is passed over. */
export interface PollEntry {
  fd: number;
  events: number;
  revents: number;
}

/** Fills in `revents` from the descriptors of the same places and returns how many entries have some. */
export function pollOnce(entries: readonly PollEntry[], watched: readonly (Descriptor | null)[]): number {
  let n = 0;
  for (let i = 0; i < entries.length; i++) {
    const e = entries[i]!;
    const d = watched[i] ?? null;
    if (e.fd < 0) e.revents = 0;
    else e.revents = d === null ? POLLNVAL : d.poll() & (e.events | POLLERR | POLLHUP);
    if (e.revents !== 0) n++;
  }
  return n;
}

/** poll: waits until one of its entries has something to tell. */
export class PollCall extends Pending {
  readonly entries: readonly PollEntry[];
  private readonly watched: readonly (Descriptor | null)[];
  private readonly list: readonly Descriptor[];

  constructor(entries: readonly PollEntry[], find: (fd: number) => Descriptor | null) {
    super();
    this.entries = entries;
    this.watched = entries.map(e => (e.fd < 0 ? null : find(e.fd)));
    this.list = [...new Set(this.watched.filter(d => d !== null))];
  }

  attempt(): boolean {
    this.result = pollOnce(this.entries, this.watched);
    return this.result > 0;
  }

  timeoutResult(): number {
    return 0;
  }

  on(): readonly Descriptor[] {
    return this.list;
  }
}

/** epoll_wait: fills `events` with up to `max` entries. */
export class EpollCall extends Pending {
  readonly events: EpollEvent[];
  private readonly epoll: Epoll;
  private readonly max: number;

  constructor(epoll: Epoll, events: EpollEvent[], max: number) {
    super();
    this.epoll = epoll;
    this.events = events;
    this.max = max;
  }

  attempt(): boolean {
    this.result = this.epoll.collect(this.events, this.max);
    return this.result > 0;
  }

  timeoutResult(): number {
    return 0;
  }

  on(): readonly Descriptor[] {
    return [this.epoll];
  }
}
