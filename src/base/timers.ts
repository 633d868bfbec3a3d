/**
 * A hierarchical timing wheel over dense integer ids (Varghese and Lauck, 1987): arm, cancel and expire in
 * constant time, one deadline for all.
 *
 * An id lies at the level of the highest 6-bit digit in which its deadline differs from the current jiffy.
 * So a lower level holds only ids whose block has been entered, the slot above was emptied on entering, and
 * ids of one jiffy keep their arming order through every cascade.
 *
 * An armed id costs three words: its neighbours in the list of its slot, and its deadline. The ends of a list
 * are the slot itself, so that an id leaves without anybody knowing which slot it was in.
 */
const BITS = 6;
const SLOTS = 1 << BITS;
const LEVELS = 5;
const SPAN = 2 ** (BITS * LEVELS);
/** The list of ids beyond the wheel's span, 2^30 jiffies (12 days at 1000 Hz). */
const FAR = SLOTS * LEVELS;
/** The list of a slot that was entered and is being dealt out to the level below. */
const DEALING = FAR + 1;
const NONE = -1;

/** Ids of one chunk of the links: nothing to copy when their number grows, and little room that waits to be used. */
const CHUNK_BITS = 9;
const CHUNK = 1 << CHUNK_BITS;
// Words of an id. A link is an id, or `~slot` at the ends of a list.
const WORDS = 3;
const FOLLOWING = 0;
const PRECEDING = 1;
/** Modulo 2^32: an armed id's deadline is less than 2^31 ahead, or else in `far`. */
const DUE = 2;
/** In FOLLOWING: not armed. */
const IDLE = -(2 ** 31);
const NEAR = 2 ** 31;

/**
 * Ids that one `expire` deals out at most. A million ids in a slot would take 0.1 s at once; dealing goes on in
 * the next call, and nothing fires before it is done.
 */
const DEAL_BUDGET = 1024;

export class TimerWheel {
  /** How many ids are armed. */
  count = 0;
  /** The first jiffy of the wheel's present span, a multiple of SPAN. */
  private origin: number;
  /** Present jiffy − origin: every armed id at or before it is in a level-0 slot. */
  private at: number;
  /** First and last of each list. */
  private readonly head = Int32Array.from({ length: DEALING + 1 }, (_, slot) => ~slot);
  private readonly tail = Int32Array.from(this.head);
  /** No id in the slot is due before this; may be early after a cancel. */
  private readonly earliest = new Float64Array(DEALING + 1).fill(Number.POSITIVE_INFINITY);
  /** Bit s of the pair at 2·level: slot s of the level is in use. */
  private readonly used = new Int32Array(2 * LEVELS);
  /** The level of the slot that is being dealt out, −1 if none is. */
  private dealt = NONE;
  private chunks: (Int32Array | null)[] = [];
  /** Deadlines 2^31 jiffies ahead and more. */
  private readonly far = new Map<number, number>();

  private readonly dealBudget: number;

  /** @param start the jiffy now @param dealBudget ids that one `expire` deals out at most */
  constructor(start = 0, dealBudget = DEAL_BUDGET) {
    this.dealBudget = dealBudget;
    this.origin = Math.floor(start / SPAN) * SPAN;
    this.at = Math.floor(start) - this.origin;
  }

  /**
   * Arms `id`, or moves it if armed; Infinity cancels. A jiffy that has passed counts as the present one, which
   * is the last that `expire` was given, or earlier while a budget holds it back.
   */
  arm(id: number, jiffy: number): void {
    this.cancel(id);
    if (!(jiffy < Number.POSITIVE_INFINITY)) return;
    const now = this.origin + this.at;
    const due = jiffy > now ? Math.ceil(jiffy) : now;
    const chunk = this.chunkForWriting(id);
    chunk[(id & (CHUNK - 1)) * WORDS + DUE] = due;
    if (due - now >= NEAR) this.far.set(id, due);
    this.link(id, due, this.dealt);
    this.count++;
  }

  cancel(id: number): void {
    if (!this.isArmed(id)) return;
    this.unlink(id);
    if (this.far.size > 0) this.far.delete(id);
  }

  isArmed(id: number): boolean {
    const chunk = this.chunks[id >>> CHUNK_BITS] ?? null;
    return chunk !== null && chunk[(id & (CHUNK - 1)) * WORDS + FOLLOWING] !== IDLE;
  }

  /** The jiffy for which `id` is armed, Infinity if it is not. */
  deadlineOf(id: number): number {
    return this.isArmed(id) ? this.due(id) : Number.POSITIVE_INFINITY;
  }

  /**
   * The jiffy at which `expire` must be called next; Infinity if nothing is armed. Never late; early at most after
   * a cancel, and while a crowded slot is being dealt out.
   */
  next(): number {
    if (this.count === 0) return Number.POSITIVE_INFINITY;
    if (this.dealt !== NONE) return this.origin + this.at;
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
    let deals = this.dealBudget;
    while (this.count > 0) {
      if (this.dealt !== NONE) {
        deals = this.deal(deals);
        if (this.dealt !== NONE) return fired;
      }
      const s = this.firstUsed(0);
      if (s >= 0) {
        const t = (this.at & ~(SLOTS - 1)) | s;
        if (this.origin + t > jiffy) break;
        if (fired >= budget) return fired;
        this.at = t;
        while (this.head[s]! >= 0) {
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

  /** Moves to the next block that holds something if it begins by `jiffy`, and begins to deal it out. */
  private enterNextBlock(jiffy: number): boolean {
    for (let level = 1; level < LEVELS; level++) {
      const s = this.firstUsed(level);
      if (s < 0) continue;
      const shift = BITS * level;
      const start = (((this.at >>> shift) & ~(SLOTS - 1)) | s) << shift;
      if (this.origin + start > jiffy) return false;
      this.at = start;
      this.beginDealing(level, level * SLOTS + s);
      return true;
    }
    const span = Math.floor(this.earliest[FAR]! / SPAN) * SPAN;
    if (span > jiffy) return false;
    this.origin = span;
    this.at = 0;
    this.beginDealing(LEVELS, FAR);
    return true;
  }

  /** Nothing is due up to `jiffy` and no block that begins by then holds anything: just move on. */
  private settle(jiffy: number): void {
    this.origin = Math.floor(jiffy / SPAN) * SPAN;
    this.at = jiffy - this.origin;
  }

  /** The slot's list as a whole becomes the one that is dealt out. */
  private beginDealing(level: number, slot: number): void {
    const first = this.head[slot]!;
    const last = this.tail[slot]!;
    this.vacate(slot);
    this.dealt = level;
    this.head[DEALING] = first;
    this.tail[DEALING] = last;
    this.put(first, PRECEDING, ~DEALING);
    this.put(last, FOLLOWING, ~DEALING);
  }

  /** @returns what is left of the budget */
  private deal(budget: number): number {
    let id = this.head[DEALING]!;
    while (id >= 0) {
      if (budget-- <= 0) {
        this.head[DEALING] = id;
        this.put(id, PRECEDING, ~DEALING);
        return 0;
      }
      const following = this.get(id, FOLLOWING);
      this.link(id, this.due(id), NONE);
      id = following;
    }
    this.vacate(DEALING);
    return budget;
  }

  private due(id: number): number {
    const { far } = this;
    const now = this.origin + this.at;
    if (far.size > 0) {
      const due = far.get(id);
      if (due !== undefined) {
        if (due - now < NEAR) far.delete(id);
        return due;
      }
    }
    return now + ((this.get(id, DUE) - now) | 0);
  }

  /** @param dealt the level that is being dealt out: what belongs below it goes to the end of what is dealt */
  private link(id: number, due: number, dealt: number): void {
    const offset = due - this.origin;
    let slot = FAR;
    if (offset < SPAN) {
      const differ = offset ^ this.at;
      const level = differ === 0 ? 0 : ((31 - Math.clz32(differ)) / BITS) | 0;
      if (level < dealt) slot = DEALING;
      else {
        const s = (offset >>> (BITS * level)) & (SLOTS - 1);
        slot = level * SLOTS + s;
        this.used[2 * level + (s >>> 5)]! |= 1 << s;
      }
    } else if (dealt === LEVELS) slot = DEALING;
    const last = this.tail[slot]!;
    const chunk = this.chunks[id >>> CHUNK_BITS]!;
    const at = (id & (CHUNK - 1)) * WORDS;
    chunk[at + PRECEDING] = last;
    chunk[at + FOLLOWING] = ~slot;
    this.put(last, FOLLOWING, id);
    this.tail[slot] = id;
    if (due < this.earliest[slot]!) this.earliest[slot] = due;
  }

  private unlink(id: number): void {
    const chunk = this.chunks[id >>> CHUNK_BITS]!;
    const at = (id & (CHUNK - 1)) * WORDS;
    const following = chunk[at + FOLLOWING]!;
    const preceding = chunk[at + PRECEDING]!;
    chunk[at + FOLLOWING] = IDLE;
    this.put(preceding, FOLLOWING, following);
    this.put(following, PRECEDING, preceding);
    if (following === preceding) this.vacate(~following);
    // An empty wheel gives back what a crowd has left.
    if (--this.count === 0 && this.chunks.length > 1) this.chunks.length = 1;
  }

  /** Empties the list of a slot. */
  private vacate(slot: number): void {
    this.head[slot] = ~slot;
    this.tail[slot] = ~slot;
    this.earliest[slot] = Number.POSITIVE_INFINITY;
    if (slot < FAR) this.used[slot >>> 5]! &= ~(1 << slot);
    else if (slot === DEALING) this.dealt = NONE;
  }

  /** The lowest slot in use at a level, −1 if none. Slots behind the present one are never in use. */
  private firstUsed(level: number): number {
    const low = this.used[2 * level]!;
    if (low !== 0) return 31 - Math.clz32(low & -low);
    const high = this.used[2 * level + 1]!;
    return high !== 0 ? 63 - Math.clz32(high & -high) : NONE;
  }

  private get(id: number, word: number): number {
    return this.chunks[id >>> CHUNK_BITS]![(id & (CHUNK - 1)) * WORDS + word]!;
  }

  /** Sets a link of an id, or of the slot that a list ends at. */
  private put(link: number, word: number, to: number): void {
    if (link >= 0) this.chunks[link >>> CHUNK_BITS]![(link & (CHUNK - 1)) * WORDS + word] = to;
    else if (word === FOLLOWING) this.head[~link] = to;
    else this.tail[~link] = to;
  }

  private chunkForWriting(id: number): Int32Array {
    const i = id >>> CHUNK_BITS;
    const there = this.chunks[i] ?? null;
    if (there !== null) return there;
    while (this.chunks.length < i) this.chunks.push(null);
    const chunk = new Int32Array(CHUNK * WORDS).fill(IDLE);
    this.chunks[i] = chunk;
    return chunk;
  }
}
