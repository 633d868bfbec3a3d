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

// `Descriptor.bits`: the low 16 are the readiness when it was last looked at.
const LEVEL = 0xffff;
const CLOSE_ON_EXEC = 1 << 16;
const NONBLOCK = 1 << 17;
const CLOSING = 1 << 18;
/** Bits that subclasses may use: 12 of them. */
export const FIRST_FREE_BIT = 19;

/**
 * What a file descriptor names: a socket or an epoll instance. There are as many as connections, and each field
 * costs 8 bytes: what is small shares one word.
 */
export abstract class Descriptor {
  /** Its number, −1 once closed. */
  fd = -1;
  /** Calls that wait for it, oldest first. A table of its own only while there are some. */
  waiters: readonly Pending[] = NONE;
  /** Epoll instances that watch it: the first of a list through `EpollItem.nextWatcher`, oldest first. */
  watchers: EpollItem | null = null;
  protected bits = 0;
  /** The mark of `progress` when it was last looked at. */
  private mark = 0;
  protected readonly waker: Waker;

  constructor(waker: Waker) {
    this.waker = waker;
  }

  /** O_RDWR and O_NONBLOCK, as F_GETFL shows them. */
  get flags(): number {
    return this.bits & NONBLOCK ? O_RDWR | O_NONBLOCK : O_RDWR;
  }

  get nonblocking(): boolean {
    return (this.bits & NONBLOCK) !== 0;
  }
  set nonblocking(on: boolean) {
    this.setBit(NONBLOCK, on);
  }

  get closeOnExec(): boolean {
    return (this.bits & CLOSE_ON_EXEC) !== 0;
  }
  set closeOnExec(on: boolean) {
    this.setBit(CLOSE_ON_EXEC, on);
  }

  /** close() came while calls were waiting: released when the last of them returns, as Linux does. */
  get closing(): boolean {
    return (this.bits & CLOSING) !== 0;
  }
  set closing(on: boolean) {
    this.setBit(CLOSING, on);
  }

  protected setBit(bit: number, on: boolean): void {
    this.bits = on ? this.bits | bit : this.bits & ~bit;
  }

  addWaiter(p: Pending): void {
    this.waiters = [...this.waiters, p];
  }

  removeWaiter(p: Pending): void {
    this.waiters =
      this.waiters.length === 1 && this.waiters[0] === p ? NONE : this.waiters.filter(w => w !== p);
  }

  /** POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP as they stand now. */
  abstract readiness(): number;

  /** A 32-bit number that moves whenever something new to read has come, even if there was some before. */
  abstract progress(): number;

  /** Whether entries have come to the error queue since the last time that this was asked. */
  protected newErrors(): boolean {
    return false;
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

  /** The poll bits as they were at the last look. */
  get level(): number {
    return this.bits & LEVEL;
  }

  /**
   * The poll bits that have come up since the last look: an edge is a bit that was off, or more to read.
   * Linux wakes at each arrival, which is what an edge-triggered epoll reports.
   */
  edges(): number {
    const now = this.poll();
    const mark = this.progress() | 0;
    let up = now & ~this.bits & LEVEL;
    if (mark !== this.mark) up |= now & (POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI);
    if (this.newErrors()) up |= now & POLLERR;
    this.bits = (this.bits & ~LEVEL) | now;
    this.mark = mark;
    // The end of a half, or of the connection, wakes everybody, whatever they asked for.
    return up & (POLLRDHUP | POLLHUP | POLLERR) ? now : up;
  }

  /** A verb of ours may have lowered a bit: note it, so that its return is an edge. */
  lowered(): void {
    this.bits &= ~LEVEL | this.poll();
  }
}
