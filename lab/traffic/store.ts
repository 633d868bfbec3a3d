import type { Conversation, Endpoint, TraceEvent } from '../../src/tools/trace/event.ts';
import { isOver } from '../../src/tools/trace/over.ts';

/** Of a connection that is cut, so many events stay at its beginning: they tell where its numbers begin. */
const HEAD = 100;

/** A connection of the gateway as far as it has been told. */
export class Kept implements Conversation {
  readonly id: number;
  readonly left: Endpoint;
  readonly right: Endpoint;
  /** Its number in the log. */
  readonly conn: number;
  events: TraceEvent[] = [];
  skipped = 0;
  readonly gapAt = HEAD;
  /** The numbers of events that will not be taken again. */
  private known: ReadonlySet<number> | null = null;

  constructor(id: number, left: Endpoint, right: Endpoint, conn: number) {
    this.id = id;
    this.left = left;
    this.right = right;
    this.conn = conn;
  }

  add(event: TraceEvent): boolean {
    if (this.known?.has(event.n)) return false;
    this.events.push(event);
    return true;
  }

  /** The past will be told again: after a broken line. */
  again(): void {
    this.known = new Set(this.events.map(e => e.n));
  }

  /** Lets events behind the head go. @returns how many went */
  cut(n: number): number {
    const gone = this.events.splice(HEAD, Math.min(n, Math.max(0, this.events.length - HEAD)));
    this.skipped += gone.length;
    return gone.length;
  }

  findLast(test: (event: TraceEvent) => boolean): TraceEvent | undefined {
    return this.events.findLast(test);
  }
}

/**
 * The connections that are remembered, and at most so many events of all of them: the oldest that are over
 * go first, then the middles of the long ones.
 */
export class Store {
  private readonly kept = new Map<number, Kept>();
  private readonly free: number[] = [];
  private readonly most: number;
  private numbers = 0;
  private size = 0;
  /** Events that were let go. */
  forgotten = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Oldest first. */
  get conversations(): readonly Kept[] {
    return [...this.kept.values()];
  }

  begin(id: number, left: Endpoint, right: Endpoint): void {
    const known = this.kept.get(id);
    if (known !== undefined) {
      known.again();
      return;
    }
    this.kept.set(id, new Kept(id, left, right, this.free.pop() ?? this.numbers++));
    // A connection costs something even without events.
    if (this.kept.size > this.most / 10) this.forgetOne();
  }

  /** False if there is no such connection, or it has been told before. */
  add(id: number, event: TraceEvent): boolean {
    if (!this.kept.get(id)?.add(event)) return false;
    this.size++;
    if (this.size > this.most) this.makeRoom();
    return true;
  }

  clear(): void {
    this.kept.clear();
    this.free.length = 0;
    this.numbers = 0;
    this.size = 0;
    this.forgotten = 0;
  }

  private makeRoom(): void {
    const wanted = this.most * 0.9;
    while (this.size > wanted && this.kept.size > 1 && this.forgetOne(isOver));
    for (const c of this.kept.values()) {
      if (this.size <= wanted) return;
      const gone = c.cut(Math.ceil(this.size - wanted));
      this.size -= gone;
      this.forgotten += gone;
    }
    while (this.size > wanted && this.forgetOne());
  }

  /** Forgets the oldest of which something is true. */
  private forgetOne(test: (c: Kept) => boolean = () => true): boolean {
    for (const c of this.kept.values()) {
      if (!test(c)) continue;
      this.kept.delete(c.id);
      this.free.push(c.conn);
      this.size -= c.events.length;
      this.forgotten += c.events.length;
      return true;
    }
    return false;
  }
}
