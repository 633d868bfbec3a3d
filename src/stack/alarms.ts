import type { Micros } from '../base/time.ts';
import { TimerWheel } from '../base/timers.ts';

/** Something with one deadline, and its row in the wheel (−1 while it has none). */
export interface Alarmed {
  id: number;
}

/** The deadlines of connections and SYN queue entries, in one wheel of jiffies. */
export class Alarms<T extends Alarmed> {
  private readonly wheel: TimerWheel;
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
      if (owner) fired(owner);
    };
  }

  enroll(owner: T): void {
    owner.id = this.free.pop() ?? this.owners.length;
    this.owners[owner.id] = owner;
  }

  dismiss(owner: T): void {
    if (owner.id < 0) return;
    this.wheel.cancel(owner.id);
    this.owners[owner.id] = null;
    this.free.push(owner.id);
    owner.id = -1;
  }

  /** Sets the owner's deadline, rounded up to a jiffy; NEVER cancels. */
  set(owner: T, at: Micros): void {
    if (owner.id >= 0) this.wheel.arm(owner.id, Math.ceil(at / this.jiffy));
  }

  /** The jiffy at which `expire` is due. */
  next(): number {
    return this.wheel.next();
  }

  expire(jiffy: number, budget: number): number {
    return this.wheel.expire(jiffy, budget, this.fire);
  }

  get armed(): number {
    return this.wheel.count;
  }

  clear(): void {
    for (const owner of this.owners) if (owner) this.dismiss(owner);
    this.owners.length = 0;
    this.free.length = 0;
  }
}
