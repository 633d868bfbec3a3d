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

/** Blocks shared by all rings of a host; at most `keep` free ones stay for reuse. */
export class SlabPool {
  /** Blocks handed out and not yet given back. */
  inUse = 0;
  private readonly free: Uint8Array[] = [];
  private readonly rings: ByteRing[] = [];
  private readonly keep: number;

  constructor(keep = 2048) {
    this.keep = keep;
  }

  take(): Uint8Array {
    this.inUse++;
    return this.free.pop() ?? new Uint8Array(BLOCK);
  }

  give(block: Uint8Array): void {
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
  /** Offset of `base` in its block. */
  private offset = 0;
  /** A circular table of blocks; its length is a power of two, the block of `base` is at `first`. */
  private table: (Uint8Array | null)[] = EMPTY;
  private first = 0;

  constructor(pool: SlabPool) {
    this.pool = pool;
  }

  /** Gives all back and starts anew at `at`. */
  reset(at: Seq): void {
    this.free();
    this.base = at;
    this.top = at;
    this.offset = 0;
  }

  /** Gives all blocks back; the base stays. */
  free(): void {
    if (this.blocks > 0) {
      for (let i = 0; i < this.table.length; i++) {
        const block = this.table[i];
        if (block) this.pool.give(block);
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
    const end = (this.base + distance + n) | 0;
    if (((end - this.top) | 0) > 0) this.top = end;
    let position = this.offset + distance;
    while (n > 0) {
      const block = this.blockForWriting(position >>> SHIFT);
      const within = position & MASK;
      const run = n < BLOCK - within ? n : BLOCK - within;
      copy(block, within, src, from, run);
      position += run;
      from += run;
      n -= run;
    }
  }

  /** Copies n bytes from sequence number `at` to `dst[to..to+n)`. Bytes never written are whatever was there. */
  copyOut(at: Seq, dst: Uint8Array, to: number, n: number): void {
    let position = this.offset + ((at - this.base) | 0);
    while (n > 0) {
      const within = position & MASK;
      const run = n < BLOCK - within ? n : BLOCK - within;
      const block = this.block(position >>> SHIFT);
      if (block !== null) copy(dst, to, block, within, run);
      position += run;
      to += run;
      n -= run;
    }
  }

  /** Moves the base up to `at` and gives back the blocks below it. */
  dropTo(at: Seq): void {
    const distance = (at - this.base) | 0;
    if (distance <= 0) return;
    this.base = at;
    if (((at - this.top) | 0) >= 0) {
      this.top = at;
      this.offset = 0;
      if (this.blocks > 0) this.free();
      return;
    }
    const position = this.offset + distance;
    const passed = position >>> SHIFT;
    for (let i = 0; i < passed; i++) {
      const slot = (this.first + i) & (this.table.length - 1);
      const block = this.table[slot];
      if (block) {
        this.pool.give(block);
        this.table[slot] = null;
        this.blocks--;
      }
    }
    this.first = (this.first + passed) & (this.table.length - 1);
    this.offset = position & MASK;
  }

  /** Blocks that its table has room for. */
  get width(): number {
    return this.table.length;
  }

  private block(index: number): Uint8Array | null {
    if (index >= this.table.length) return null;
    return this.table[(this.first + index) & (this.table.length - 1)] ?? null;
  }

  private blockForWriting(index: number): Uint8Array {
    if (index >= this.table.length) this.widen(index);
    const slot = (this.first + index) & (this.table.length - 1);
    let block = this.table[slot] ?? null;
    if (block === null) {
      block = this.pool.take();
      this.table[slot] = block;
      this.blocks++;
    }
    return block;
  }

  private widen(index: number): void {
    let size = Math.max(1, this.table.length);
    while (size <= index) size *= 2;
    const wider = new Array<Uint8Array | null>(size).fill(null);
    for (let i = 0; i < this.table.length; i++)
      wider[i] = this.table[(this.first + i) & (this.table.length - 1)] ?? null;
    this.table = wider;
    this.first = 0;
  }
}

const EMPTY: (Uint8Array | null)[] = [];

function copy(dst: Uint8Array, to: number, src: Uint8Array, from: number, n: number): void {
  if (n >= BULK) dst.set(src.subarray(from, from + n), to);
  else for (let i = 0; i < n; i++) dst[to + i] = src[from + i]!;
}
