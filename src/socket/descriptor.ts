import {
  O_NONBLOCK,
  O_RDWR,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
} from './constants.ts';
import type { EpollItem } from './epoll.ts';
import type { Pending } from './pending.ts';

const NONE: readonly Pending[] = [];

/** Where a descriptor says that whoever waits for it should look again. */
export interface Waker {
  wake(descriptor: Descriptor): void;
}

/** What a file descriptor names: a socket or an epoll instance. */
export abstract class Descriptor {
  /** O_RDWR and O_NONBLOCK, as F_GETFL shows them. */
  flags = O_RDWR;
  closeOnExec = false;
  /** Its number, −1 once closed. */
  fd = -1;
  /** Calls that wait for it, oldest first. A table of its own only while there are some. */
  waiters: readonly Pending[] = NONE;
  /** Epoll instances that watch it: the first of a list through `EpollItem.nextWatcher`, oldest first. */
  watchers: EpollItem | null = null;
  /** Readiness when it was last looked at, and the mark of `progress` then. */
  private level = 0;
  private mark = 0;
  private errorMark = 0;
  /** close() came while calls were waiting: released when the last of them returns, as Linux does. */
  closing = false;
  protected readonly waker: Waker;

  constructor(waker: Waker) {
    this.waker = waker;
  }

  addWaiter(p: Pending): void {
    this.waiters = [...this.waiters, p];
  }

  removeWaiter(p: Pending): void {
    this.waiters =
      this.waiters.length === 1 && this.waiters[0] === p ? NONE : this.waiters.filter(w => w !== p);
  }

  get nonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  /** POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP as they stand now. */
  abstract readiness(): number;

  /** A number that moves whenever something new to read has come, even if there was some before. */
  abstract progress(): number;

  /** The same for entries of the error queue. */
  errorProgress(): number {
    return 0;
  }

  /** The last reference is gone. */
  abstract release(): void;

  /** Readiness with the bits that poll(2) adds to them. */
  poll(): number {
    let r = this.readiness();
    if (r & POLLIN) r |= POLLRDNORM;
    if (r & POLLOUT) r |= POLLWRNORM;
    return r;
  }

  /**
   * The poll bits that have come up since the last look: an edge is a bit that was off, or more to read.
   * Linux wakes at each arrival, which is what an edge-triggered epoll reports.
   */
  edges(): number {
    const now = this.poll();
    const mark = this.progress();
    let up = now & ~this.level;
    if (mark !== this.mark) up |= now & (POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI);
    const errors = this.errorProgress();
    if (errors !== this.errorMark) up |= now & POLLERR;
    this.errorMark = errors;
    this.level = now;
    this.mark = mark;
    // The end of a half, or of the connection, wakes everybody, whatever they asked for.
    return up & (POLLRDHUP | POLLHUP | POLLERR) ? now : up;
  }

  /** A verb of ours may have lowered a bit: note it, so that its return is an edge. */
  lowered(): void {
    this.level &= this.poll();
  }
}
