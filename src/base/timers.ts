/**
 * A hierarchical timing wheel over dense integer ids (Varghese and Lauck, 1987): arm, cancel and expire in
 * constant time, one deadline for all.
 *
 * An id lies at the level of the highest 6-bit digit in which its deadline differs from the current jiffy.
 * So a lower level holds only ids whose block has been entered, the slot above was emptied on entering, and
 * ids of one jiffy keep their arming order through every cascade.
 */
const BITS = 6;
const SLOTS = 1 << BITS;
const LEVELS = 5;
const SPAN = 2 ** (BITS * LEVELS);
/** The list of ids beyond the wheel's span, 2^30 jiffies (12 days at 1000 Hz). */
const FAR = SLOTS * LEVELS;
const NONE = -1;

export class TimerWheel {
  /** How many ids are armed. */
  count = 0;
  /** The first jiffy of the wheel's present span, a multiple of SPAN. */
  private origin: number;
  /** Present jiffy − origin: every armed id at or before it is in a level-0 slot. */
  private at: number;
  private readonly head = new Int32Array(FAR + 1).fill(NONE);
  private readonly tail = new Int32Array(FAR + 1).fill(NONE);
  /** No id in the slot is due before this; may be early after a cancel. */
  private readonly earliest = new Float64Array(FAR + 1).fill(Number.POSITIVE_INFINITY);
  /** Bit s of the pair at 2·level: slot s of the level is in use. */
  private readonly used = new Int32Array(2 * LEVELS);
  private following: Int32Array;
  private preceding: Int32Array;
  private slot: Int16Array;
  private deadline: Float64Array;

  /** @param start the jiffy now; `capacity` ids fit before the tables grow */
  constructor(start = 0, capacity = 64) {
    this.origin = Math.floor(start / SPAN) * SPAN;
    this.at = Math.floor(start) - this.origin;
    this.following = new Int32Array(capacity).fill(NONE);
    this.preceding = new Int32Array(capacity).fill(NONE);
    this.slot = new Int16Array(capacity).fill(NONE);
    this.deadline = new Float64Array(capacity);
  }

  /**
   * Arms `id`, or moves it if armed; Infinity cancels. A jiffy that has passed counts as the present one, which
   * is the last that `expire` was given, or earlier while a budget holds it back.
   */
  arm(id: number, jiffy: number): void {
    if (id >= this.slot.length) this.grow(id);
    if (this.slot[id] !== NONE) this.unlink(id);
    if (!(jiffy < Number.POSITIVE_INFINITY)) return;
    const now = this.origin + this.at;
    this.deadline[id] = jiffy > now ? Math.ceil(jiffy) : now;
    this.link(id);
    this.count++;
  }

  cancel(id: number): void {
    if (id < this.slot.length && this.slot[id] !== NONE) this.unlink(id);
  }

  isArmed(id: number): boolean {
    return id < this.slot.length && this.slot[id] !== NONE;
  }

  /** The jiffy for which `id` is armed, Infinity if it is not. */
  deadlineOf(id: number): number {
    return this.isArmed(id) ? this.deadline[id]! : Number.POSITIVE_INFINITY;
  }

  /** The jiffy at which `expire` must be called next; Infinity if nothing is armed. Never late; early at most after a cancel. */
  next(): number {
    if (this.count === 0) return Number.POSITIVE_INFINITY;
    for (let level = 0; level < LEVELS; level++) {
      const s = this.firstUsed(level);
      if (s >= 0) return this.earliest[level * SLOTS + s]!;
    }
    return this.earliest[FAR]!;
  }

  /**
   * Fires ids whose deadline is ≤ `jiffy` in order of deadline, within a jiffy in order of arming. `fire` may
   * arm and cancel any id; what it arms at or before `jiffy` fires in the same call.
   * @param budget stop after so many; what is left is due at once
   * @returns how many fired
   */
  expire(jiffy: number, budget: number, fire: (id: number) => void): number {
    let fired = 0;
    while (this.count > 0) {
      const s = this.firstUsed(0);
      if (s >= 0) {
        const t = (this.at & ~(SLOTS - 1)) | s;
        if (this.origin + t > jiffy) break;
        if (fired >= budget) return fired;
        this.at = t;
        while (this.head[s] !== NONE) {
          if (fired >= budget) return fired;
          const id = this.head[s]!;
          this.unlink(id);
          fired++;
          fire(id);
        }
      } else if (!this.enterNextBlock(jiffy)) break;
    }
    if (jiffy > this.origin + this.at) this.settle(Math.floor(jiffy));
    return fired;
  }

  /** Moves to the next block that holds something if it begins by `jiffy`, and deals it out one level down. */
  private enterNextBlock(jiffy: number): boolean {
    for (let level = 1; level < LEVELS; level++) {
      const s = this.firstUsed(level);
      if (s < 0) continue;
      const shift = BITS * level;
      const start = (((this.at >>> shift) & ~(SLOTS - 1)) | s) << shift;
      if (this.origin + start > jiffy) return false;
      this.at = start;
      this.deal(level * SLOTS + s);
      return true;
    }
    const span = Math.floor(this.earliest[FAR]! / SPAN) * SPAN;
    if (span > jiffy) return false;
    this.origin = span;
    this.at = 0;
    this.deal(FAR);
    return true;
  }

  /** Nothing is due up to `jiffy` and no block that begins by then holds anything: just move on. */
  private settle(jiffy: number): void {
    this.origin = Math.floor(jiffy / SPAN) * SPAN;
    this.at = jiffy - this.origin;
  }

  private deal(slot: number): void {
    let id = this.head[slot]!;
    this.head[slot] = NONE;
    this.tail[slot] = NONE;
    this.vacate(slot);
    while (id !== NONE) {
      const following = this.following[id]!;
      this.link(id);
      id = following;
    }
  }

  private link(id: number): void {
    const due = this.deadline[id]!;
    const offset = due - this.origin;
    let slot = FAR;
    if (offset < SPAN) {
      const differ = offset ^ this.at;
      const level = differ === 0 ? 0 : ((31 - Math.clz32(differ)) / BITS) | 0;
      const s = (offset >>> (BITS * level)) & (SLOTS - 1);
      slot = level * SLOTS + s;
      this.used[2 * level + (s >>> 5)]! |= 1 << s;
    }
    const last = this.tail[slot]!;
    this.preceding[id] = last;
    this.following[id] = NONE;
    if (last === NONE) this.head[slot] = id;
    else this.following[last] = id;
    this.tail[slot] = id;
    this.slot[id] = slot;
    if (due < this.earliest[slot]!) this.earliest[slot] = due;
  }

  private unlink(id: number): void {
    const slot = this.slot[id]!;
    const following = this.following[id]!;
    const preceding = this.preceding[id]!;
    if (preceding === NONE) this.head[slot] = following;
    else this.following[preceding] = following;
    if (following === NONE) this.tail[slot] = preceding;
    else this.preceding[following] = preceding;
    this.slot[id] = NONE;
    if (this.head[slot] === NONE) this.vacate(slot);
    this.count--;
  }

  private vacate(slot: number): void {
    this.earliest[slot] = Number.POSITIVE_INFINITY;
    if (slot !== FAR) this.used[slot >>> 5]! &= ~(1 << slot);
  }

  /** The lowest slot in use at a level, −1 if none. Slots behind the present one are never in use. */
  private firstUsed(level: number): number {
    const low = this.used[2 * level]!;
    if (low !== 0) return 31 - Math.clz32(low & -low);
    const high = this.used[2 * level + 1]!;
    return high !== 0 ? 63 - Math.clz32(high & -high) : NONE;
  }

  private grow(id: number): void {
    // By a quarter: a host with 100,000 TIME_WAIT rows would pay for 31,000 more if it doubled.
    const size = Math.max(id + 1, this.slot.length + (this.slot.length >> 2) + 16);
    const wider = (old: Int32Array): Int32Array => {
      const table = new Int32Array(size).fill(NONE);
      table.set(old);
      return table;
    };
    this.following = wider(this.following);
    this.preceding = wider(this.preceding);
    const slot = new Int16Array(size).fill(NONE);
    slot.set(this.slot);
    this.slot = slot;
    const deadline = new Float64Array(size);
    deadline.set(this.deadline);
    this.deadline = deadline;
  }
}

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
