import type { Seq } from './seq.ts';

/**
 * Bytes in one block. Small, since most connections hold a kilobyte or two: with 16 KiB, 20,000 lives cost a
 * third more time (allocation and cache misses), and bulk gained nothing.
 */
export const BLOCK = 4096;
const SHIFT = 12;
const MASK = BLOCK - 1;
/** Runs at least this long are copied by the engine's memmove, shorter ones by a loop: setting up a bulk copy costs about 40 ns. */
const BULK = 32;

/** A ring whose table has grown beyond this many blocks is not kept for another connection. */
const USUAL = 64;

/**
 * A block of a stream's bytes. Blocks lie on multiples of BLOCK of the sequence numbers, in every ring, so that
 * both ends of a connection in one process may hold the same block: what was written once travels by reference.
 */
export class Block {
  readonly bytes = new Uint8Array(BLOCK);
  /** Rings and frames that hold it. */
  refs = 0;
  /** The ring that may add to it though others hold it: they read nothing beyond what has been sent to them. */
  owner: ByteRing | null = null;
  private readonly pool: SlabPool;
  private words: DataView | null = null;

  constructor(pool: SlabPool) {
    this.pool = pool;
  }

  /** The same memory for word-wise reading, made when first asked for. */
  get view(): DataView {
    this.words ??= new DataView(this.bytes.buffer);
    return this.words;
  }

  release(): void {
    if (--this.refs === 0) this.pool.give(this);
  }
}

/** Blocks shared by all rings of a host; at most `keep` free ones stay for reuse. */
export class SlabPool {
  /** Blocks handed out and not yet given back. */
  inUse = 0;
  private readonly free: Block[] = [];
  private readonly rings: ByteRing[] = [];
  private readonly keep: number;

  constructor(keep = 2048) {
    this.keep = keep;
  }

  /** A block that `owner` holds. */
  take(owner: ByteRing): Block {
    this.inUse++;
    const block = this.free.pop() ?? new Block(this);
    block.refs = 1;
    block.owner = owner;
    return block;
  }

  /** Called by `Block.release`. */
  give(block: Block): void {
    this.inUse--;
    if (this.free.length < this.keep) this.free.push(block);
  }

  /** An empty ring that begins at `at`. */
  takeRing(at: Seq): ByteRing {
    const ring = this.rings.pop() ?? new ByteRing(this);
    ring.reset(at);
    return ring;
  }

  /** Takes a ring back, with what it still holds. */
  giveRing(ring: ByteRing): void {
    ring.free();
    if (this.rings.length < this.keep && ring.width <= USUAL) this.rings.push(ring);
  }

  /** Free blocks held. */
  get idle(): number {
    return this.free.length;
  }
}

/**
 * Bytes addressed by sequence number, from `base` upward, in blocks taken from a pool when written and
 * given back when `base` moves past them. There may be holes; who reads knows what was written. Holds no
 * block when nothing at or above `base` has been written.
 */
export class ByteRing {
  /** The lowest sequence number held. */
  base = 0 as Seq;
  /** Blocks held now. */
  blocks = 0;
  private readonly pool: SlabPool;
  /** One past the highest sequence number written. */
  private top = 0;
  /** A circular table of blocks; its length is a power of two, the block of `base` is at `first`. */
  private table: (Block | null)[] = EMPTY;
  private first = 0;

  constructor(pool: SlabPool) {
    this.pool = pool;
  }

  /** Gives all back and starts anew at `at`. */
  reset(at: Seq): void {
    this.free();
    this.base = at;
    this.top = at;
  }

  /** Gives all blocks back; the base stays. */
  free(): void {
    if (this.blocks > 0) {
      for (let i = 0; i < this.table.length; i++) {
        const block = this.table[i];
        if (block) this.leave(block);
        this.table[i] = null;
      }
    }
    this.blocks = 0;
    this.first = 0;
    this.top = this.base;
  }

  /** Copies `src[from..from+n)` to sequence number `at` ≥ base; what lies below the base is left out. */
  write(at: Seq, src: Uint8Array, from: number, n: number): void {
    let distance = (at - this.base) | 0;
    if (distance < 0) {
      from -= distance;
      n += distance;
      distance = 0;
    }
    if (n <= 0) return;
    this.reach(distance + n);
    let position = (this.base & MASK) + distance;
    while (n > 0) {
      const block = this.blockForWriting(position >>> SHIFT);
      const within = position & MASK;
      const run = n < BLOCK - within ? n : BLOCK - within;
      copy(block.bytes, within, src, from, run);
      position += run;
      from += run;
      n -= run;
    }
  }

  /** Copies n bytes from sequence number `at` to `dst[to..to+n)`. Bytes never written are whatever was there. */
  copyOut(at: Seq, dst: Uint8Array, to: number, n: number): void {
    let position = (this.base & MASK) + ((at - this.base) | 0);
    while (n > 0) {
      const within = position & MASK;
      const run = n < BLOCK - within ? n : BLOCK - within;
      const block = this.block(position >>> SHIFT);
      if (block !== null) copy(dst, to, block.bytes, within, run);
      position += run;
      to += run;
      n -= run;
    }
  }

  /** Appends the blocks that hold the n bytes from sequence number `at` on to `list`, each held once more. */
  lend(at: Seq, n: number, list: Block[]): void {
    const position = (this.base & MASK) + ((at - this.base) | 0);
    const last = (position + n - 1) >>> SHIFT;
    for (let i = position >>> SHIFT; i <= last; i++) {
      const block = this.blockForWriting(i);
      block.refs++;
      list.push(block);
    }
  }

  /**
   * Takes n bytes from sequence number `at` ≥ base on out of blocks that another ring has lent: by reference where
   * this ring has no block of its own yet.
   * @param list the lent blocks, of which the first holds sequence number `from` ≤ at
   */
  borrow(at: Seq, n: number, list: readonly Block[], from: Seq): void {
    if (n <= 0) return;
    const distance = (at - this.base) | 0;
    this.reach(distance + n);
    let position = (this.base & MASK) + distance;
    let k = ((from & MASK) + ((at - from) | 0)) >>> SHIFT;
    while (n > 0) {
      const within = position & MASK;
      const run = n < BLOCK - within ? n : BLOCK - within;
      const lent = list[k++]!;
      const index = position >>> SHIFT;
      const held = this.block(index);
      if (held === null) {
        lent.refs++;
        this.put(index, lent);
      } else if (held !== lent) copy(this.blockForWriting(index).bytes, within, lent.bytes, within, run);
      position += run;
      n -= run;
    }
  }

  /** Moves the base up to `at` and gives back the blocks below it. */
  dropTo(at: Seq): void {
    const distance = (at - this.base) | 0;
    if (distance <= 0) return;
    const passed = ((this.base & MASK) + distance) >>> SHIFT;
    this.base = at;
    if (((at - this.top) | 0) >= 0) {
      this.top = at;
      if (this.blocks > 0) this.free();
      return;
    }
    for (let i = 0; i < passed; i++) {
      const slot = (this.first + i) & (this.table.length - 1);
      const block = this.table[slot];
      if (block) {
        this.leave(block);
        this.table[slot] = null;
        this.blocks--;
      }
    }
    this.first = (this.first + passed) & (this.table.length - 1);
  }

  /** Blocks that its table has room for. */
  get width(): number {
    return this.table.length;
  }

  /** Bytes up to `distance` from the base are about to be written. */
  private reach(distance: number): void {
    const end = (this.base + distance) | 0;
    if (((end - this.top) | 0) > 0) this.top = end;
  }

  private block(index: number): Block | null {
    if (index >= this.table.length) return null;
    return this.table[(this.first + index) & (this.table.length - 1)] ?? null;
  }

  private leave(block: Block): void {
    if (block.owner === this) block.owner = null;
    block.release();
  }

  private put(index: number, block: Block): void {
    if (index >= this.table.length) this.widen(index);
    this.table[(this.first + index) & (this.table.length - 1)] = block;
    this.blocks++;
  }

  private blockForWriting(index: number): Block {
    const held = this.block(index);
    if (held !== null) return held.owner === this || held.refs === 1 ? held : this.unshare(index, held);
    const block = this.pool.take(this);
    this.put(index, block);
    return block;
  }

  /** Others hold the block: this ring goes on with a copy. */
  private unshare(index: number, held: Block): Block {
    const block = this.pool.take(this);
    block.bytes.set(held.bytes);
    this.leave(held);
    this.blocks--;
    this.put(index, block);
    return block;
  }

  private widen(index: number): void {
    let size = Math.max(1, this.table.length);
    while (size <= index) size *= 2;
    const wider = new Array<Block | null>(size).fill(null);
    for (let i = 0; i < this.table.length; i++)
      wider[i] = this.table[(this.first + i) & (this.table.length - 1)] ?? null;
    this.table = wider;
    this.first = 0;
  }
}

const EMPTY: (Block | null)[] = [];

function copy(dst: Uint8Array, to: number, src: Uint8Array, from: number, n: number): void {
  if (n === src.length) dst.set(src, to);
  // Not `subarray`: of a Node Buffer that makes another Buffer, half as large again.
  else if (n >= BULK) dst.set(new Uint8Array(src.buffer, src.byteOffset + from, n), to);
  else for (let i = 0; i < n; i++) dst[to + i] = src[from + i]!;
}
