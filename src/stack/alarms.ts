import { DeadlineHeap } from '../base/deadlines.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { TimerWheel } from '../base/timers.ts';

/** Something with one deadline, and its number here (−1 while it has none). */
export interface Alarmed {
  id: number;
}

/**
 * The deadlines of connections: what Linux counts in jiffies in a wheel, what must
 * be exact to the microsecond (pacing, compressed ACKs) in a heap. Only owners that wait for something have a
 * number, and so a place in the tables: those of 100,000 idle connections would be 40 bytes for each.
 */
export class Alarms<T extends Alarmed> {
  private readonly wheel: TimerWheel;
  private readonly exact = new DeadlineHeap();
  private readonly jiffy: Micros;
  private readonly owners: (T | null)[] = [];
  private readonly free: number[] = [];
  private readonly fire: (id: number) => void;

  /** @param fired is called for each owner whose deadline has come */
  constructor(jiffy: Micros, fired: (owner: T) => void) {
    this.jiffy = jiffy;
    this.wheel = new TimerWheel(0);
    this.fire = id => {
      const owner = this.owners[id];
      if (!owner) return;
      fired(owner);
      if (owner.id === id) this.release(owner);
    };
  }

  /** Forgets the owner's deadlines. */
  dismiss(owner: T): void {
    const { id } = owner;
    if (id < 0) return;
    this.wheel.cancel(id);
    this.exact.clear(id);
    this.owners[id] = null;
    this.free.push(id);
    owner.id = -1;
  }

  /** Sets the owner's deadline, rounded up to a jiffy; NEVER cancels. */
  set(owner: T, at: Micros): void {
    if (at !== NEVER) this.wheel.arm(this.idOf(owner), Math.ceil(at / this.jiffy));
    else if (owner.id >= 0) {
      this.wheel.cancel(owner.id);
      this.release(owner);
    }
  }

  /** Sets the owner's exact deadline; NEVER cancels. */
  setExact(owner: T, at: Micros): void {
    if (at !== NEVER) this.exact.set(this.idOf(owner), at);
    else if (owner.id >= 0) {
      this.exact.clear(owner.id);
      this.release(owner);
    }
  }

  private idOf(owner: T): number {
    if (owner.id < 0) {
      owner.id = this.free.pop() ?? this.owners.length;
      this.owners[owner.id] = owner;
    }
    return owner.id;
  }

  /** Without any deadline it has no number. */
  private release(owner: T): void {
    if (!this.wheel.isArmed(owner.id) && !this.exact.isSet(owner.id)) this.dismiss(owner);
  }

  /** When `expire` is due. */
  next(): Micros {
    const wheel = this.wheel.next() * this.jiffy;
    const exact = this.exact.next();
    return exact < wheel ? exact : wheel;
  }

  expire(now: Micros, budget: number): number {
    let n = 0;
    while (n < budget) {
      const id = this.exact.popDue(now);
      if (id < 0) break;
      n++;
      this.fire(id);
    }
    return n + this.wheel.expire(Math.floor(now / this.jiffy), budget, this.fire);
  }

  get armed(): number {
    return this.wheel.count + this.exact.count;
  }

  clear(): void {
    for (const owner of this.owners) if (owner) this.dismiss(owner);
    this.owners.length = 0;
    this.free.length = 0;
  }
}
