import { type Micros, NEVER } from '../base/time.ts';

/**
 * Things that are due at a time: a binary heap whose equal times leave in the order in which they were
 * pushed, whatever was pushed and taken in between. The order depends on nothing else.
 */
export class TimeQueue<T> {
  private readonly times: number[] = [];
  private readonly orders: number[] = [];
  private readonly items: T[] = [];
  private stamp = 0;

  get size(): number {
    return this.items.length;
  }

  /** The earliest time, NEVER if the queue is empty. */
  get next(): Micros {
    return this.items.length > 0 ? this.times[0]! : NEVER;
  }

  push(time: Micros, item: T): void {
    const { times, orders, items } = this;
    const order = this.stamp++;
    let at = items.length;
    items.push(item);
    times.push(time);
    orders.push(order);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // The new one has the highest order: it passes its parent only if it is earlier.
      if (times[parent]! <= time) break;
      items[at] = items[parent]!;
      times[at] = times[parent]!;
      orders[at] = orders[parent]!;
      at = parent;
    }
    items[at] = item;
    times[at] = time;
    orders[at] = order;
  }

  /** Takes out the first; undefined if there is none. */
  pop(): T | undefined {
    const { times, orders, items } = this;
    if (items.length === 0) return undefined;
    const first = items[0]!;
    const item = items.pop()!;
    const time = times.pop()!;
    const order = orders.pop()!;
    const n = items.length;
    if (n === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= n) break;
      const right = child + 1;
      if (
        right < n &&
        (times[right]! < times[child]! || (times[right] === times[child] && orders[right]! < orders[child]!))
      )
        child = right;
      const t = times[child]!;
      if (time < t || (time === t && order < orders[child]!)) break;
      items[at] = items[child]!;
      times[at] = t;
      orders[at] = orders[child]!;
      at = child;
    }
    items[at] = item;
    times[at] = time;
    orders[at] = order;
    return first;
  }

  clear(): void {
    this.times.length = 0;
    this.orders.length = 0;
    this.items.length = 0;
  }

  /** What is queued, in no particular order. */
  values(): readonly T[] {
    return this.items;
  }
}
