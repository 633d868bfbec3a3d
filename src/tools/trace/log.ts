import type { Conversation, Endpoint, TraceEvent } from './event.ts';

const HEAD = 600;
const TAIL = 300;

/**
 * The events of one connection, bounded: the first 600 and the last 300 are kept, what lies between is
 * only counted, so that a download of any size costs the same.
 */
export class ConversationLog implements Conversation {
  readonly id: number;
  readonly left: Endpoint;
  readonly right: Endpoint;
  /** Both ends are known to have finished. */
  ended = false;
  skipped = 0;
  private readonly head: TraceEvent[] = [];
  private tail: TraceEvent[] = [];
  private order = 0;

  constructor(id: number, left: Endpoint, right: Endpoint) {
    this.id = id;
    this.left = left;
    this.right = right;
  }

  get events(): readonly TraceEvent[] {
    return this.tail.length === 0 ? this.head : [...this.head, ...this.tail];
  }

  get gapAt(): number {
    return this.head.length;
  }

  /** Number of events ever added; changes whenever the log does. */
  get version(): number {
    return this.order;
  }

  /** The next number in the order of observation. */
  next(): number {
    return this.order++;
  }

  add(event: TraceEvent): void {
    if (this.head.length < HEAD) this.head.push(event);
    else {
      this.tail.push(event);
      if (this.tail.length > 2 * TAIL) {
        this.skipped += this.tail.length - TAIL;
        this.tail = this.tail.slice(-TAIL);
      }
    }
  }

  /** The kept events from the end backwards, until `visit` says true. */
  findLast(test: (event: TraceEvent) => boolean): TraceEvent | undefined {
    return this.tail.findLast(test) ?? this.head.findLast(test);
  }
}
