const NONE = -1;

/** Ids with microsecond deadlines (pacing, RACK): an indexed binary heap; equal deadlines leave in the order in which they were set. */
export class DeadlineHeap {
  count = 0;
  private heap: Int32Array;
  /** Position of an id in the heap, −1 if not in it. */
  private place: Int32Array;
  private deadline: Float64Array;
  private order: Float64Array;
  private stamp = 0;

  constructor(capacity = 16) {
    this.heap = new Int32Array(capacity);
    this.place = new Int32Array(capacity).fill(NONE);
    this.deadline = new Float64Array(capacity);
    this.order = new Float64Array(capacity);
  }

  /** Sets or moves the deadline of `id`; Infinity clears it. */
  set(id: number, micros: number): void {
    if (!(micros < Number.POSITIVE_INFINITY)) {
      this.clear(id);
      return;
    }
    if (id >= this.place.length) this.grow(id);
    this.deadline[id] = micros;
    this.order[id] = this.stamp++;
    let p = this.place[id]!;
    if (p === NONE) {
      p = this.count++;
      this.heap[p] = id;
      this.place[id] = p;
    }
    this.down(this.up(p));
  }

  clear(id: number): void {
    const p = id < this.place.length ? this.place[id]! : NONE;
    if (p === NONE) return;
    this.place[id] = NONE;
    const last = this.heap[--this.count]!;
    if (p === this.count) return;
    this.heap[p] = last;
    this.place[last] = p;
    this.down(this.up(p));
  }

  isSet(id: number): boolean {
    return id < this.place.length && this.place[id] !== NONE;
  }

  /** The earliest deadline, Infinity if there is none. */
  next(): number {
    return this.count > 0 ? this.deadline[this.heap[0]!]! : Number.POSITIVE_INFINITY;
  }

  /** Takes out the first id whose deadline is ≤ now; −1 if there is none. */
  popDue(now: number): number {
    if (this.count === 0) return NONE;
    const id = this.heap[0]!;
    if (this.deadline[id]! > now) return NONE;
    this.clear(id);
    return id;
  }

  private before(a: number, b: number): boolean {
    const x = this.deadline[a]!;
    const y = this.deadline[b]!;
    return x < y || (x === y && this.order[a]! < this.order[b]!);
  }

  private up(p: number): number {
    while (p > 0) {
      const parent = (p - 1) >> 1;
      if (!this.before(this.heap[p]!, this.heap[parent]!)) break;
      this.swap(p, parent);
      p = parent;
    }
    return p;
  }

  private down(p: number): void {
    for (;;) {
      let child = 2 * p + 1;
      if (child >= this.count) return;
      if (child + 1 < this.count && this.before(this.heap[child + 1]!, this.heap[child]!)) child++;
      if (!this.before(this.heap[child]!, this.heap[p]!)) return;
      this.swap(p, child);
      p = child;
    }
  }

  private swap(p: number, q: number): void {
    const a = this.heap[p]!;
    const b = this.heap[q]!;
    this.heap[p] = b;
    this.heap[q] = a;
    this.place[a] = q;
    this.place[b] = p;
  }

  private grow(id: number): void {
    let size = this.place.length;
    while (size <= id) size *= 2;
    const heap = new Int32Array(size);
    heap.set(this.heap);
    this.heap = heap;
    const place = new Int32Array(size).fill(NONE);
    place.set(this.place);
    this.place = place;
    const deadline = new Float64Array(size);
    deadline.set(this.deadline);
    this.deadline = deadline;
    const order = new Float64Array(size);
    order.set(this.order);
    this.order = order;
  }
}
