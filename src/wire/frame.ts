import { BLOCK, type Block } from '../base/ring.ts';
import type { Seq } from '../base/seq.ts';
import { sumView, swap } from './checksum.ts';

/**
 * Frames: the pooled, reference-counted packets that links carry.
 *
 * The bytes in use are `bytes[start..end)`. A sender fills a frame back to front: payload, transport
 * header, IP header, link header, each moving `start` down into the headroom. Once handed to a link a
 * frame is never changed; whoever wants to alter one (a link that corrupts) copies first. Whoever takes
 * a frame releases it; nothing keeps a view into `bytes` after releasing.
 *
 * A frame may also have payload attached by reference: blocks of the sender's buffer, behind the headers in
 * `bytes`. Only links that say so (`scatter`) are given such frames; anybody else calls `gather` first.
 */

/** Bytes kept free in front of a transport segment: Ethernet 14, IPv6 40 (IPv4 up to 60), rounded up. */
export const HEADROOM = 80;

/** What is known of a frame's transport checksum, in both directions. */
export const CSUM_UNKNOWN = 0;
/** Receive: verified by whoever delivered it. Transmit: complete in the bytes. */
export const CSUM_GOOD = 1;
/** The pseudo-header is summed; the link completes it (checksum offload). */
export const CSUM_PARTIAL = 2;

export class Frame {
  readonly bytes: Uint8Array;
  /** The same memory for word-wise reading: sums over it take a third of the time (see `sumView`). */
  readonly view: DataView;
  start = 0;
  end = 0;
  csum = CSUM_UNKNOWN;
  /** Segment size if this is a super-segment for offload, else 0. */
  gsoSize = 0;
  refs = 1;
  /** Bytes of payload attached behind `end`: in `blocks`, of which the first holds sequence number `attachedAt`. */
  attached = 0;
  attachedAt = 0 as Seq;
  readonly blocks: Block[] = [];
  private readonly pool: FramePool | null;

  constructor(capacity: number, pool: FramePool | null = null) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.pool = pool;
  }

  get length(): number {
    return this.end - this.start + this.attached;
  }

  retain(): this {
    this.refs++;
    return this;
  }

  release(): void {
    if (--this.refs > 0) return;
    if (this.attached > 0) this.detach();
    if (this.pool !== null) this.pool.put(this);
  }

  /**
   * This frame with all of its payload in `bytes`: itself if nothing is attached, else a copy that takes its place
   * (this one is released).
   */
  gather(): Frame {
    if (this.attached === 0) return this;
    const capacity = this.end + this.attached;
    const f = this.pool !== null ? this.pool.take(capacity) : new Frame(capacity);
    f.bytes.set(this.bytes.subarray(this.start, this.end), this.start);
    f.start = this.start;
    f.end = this.end;
    f.csum = this.csum;
    f.gsoSize = this.gsoSize;
    let within = this.attachedAt & (BLOCK - 1);
    let left = this.attached;
    for (const { bytes } of this.blocks) {
      const run = Math.min(left, BLOCK - within);
      f.bytes.set(bytes.subarray(within, within + run), f.end);
      f.end += run;
      left -= run;
      within = 0;
    }
    this.release();
    return f;
  }

  /** The sum of the attached payload (see checksum.ts), which begins at an even offset of its message. */
  attachedSum(): number {
    let total = 0;
    let odd = false;
    let within = this.attachedAt & (BLOCK - 1);
    let left = this.attached;
    for (let i = 0; left > 0; i++) {
      const run = Math.min(left, BLOCK - within);
      const part = sumView(this.blocks[i]!.view, within, within + run);
      total += odd ? swap(part) : part;
      if (run & 1) odd = !odd;
      left -= run;
      within = 0;
    }
    return total;
  }

  private detach(): void {
    const { blocks } = this;
    // Taken out one by one: an array whose length is set to 0 gives its memory away, 150 bytes for each segment.
    while (blocks.length > 0) blocks.pop()!.release();
    this.attached = 0;
  }

  /** A fresh copy with the same headroom, for a link that must change what it carries. */
  copy(): Frame {
    if (this.attached > 0) return this.retain().gather();
    const f = this.pool !== null ? this.pool.take(this.bytes.length) : new Frame(this.bytes.length);
    f.bytes.set(this.bytes.subarray(this.start, this.end), this.start);
    f.start = this.start;
    f.end = this.end;
    f.csum = this.csum;
    f.gsoSize = this.gsoSize;
    return f;
  }
}

/** Two size classes cover an Ethernet-sized frame and a 64 KiB super-segment. */
const SMALL = 2048;
const LARGE = 65536 + 256;
const KEEP_SMALL = 4096;
const KEEP_LARGE = 64;

export class FramePool {
  private readonly small: Frame[] = [];
  private readonly large: Frame[] = [];

  /** A frame of at least `capacity` bytes with `start` and `end` at HEADROOM. */
  take(capacity: number): Frame {
    const small = capacity <= SMALL;
    const f =
      (small ? this.small : this.large).pop() ?? new Frame(small ? SMALL : Math.max(LARGE, capacity), this);
    f.start = HEADROOM;
    f.end = HEADROOM;
    f.csum = CSUM_UNKNOWN;
    f.gsoSize = 0;
    f.refs = 1;
    return f;
  }

  /** A frame that holds a copy of `bytes`, with headroom in front. */
  from(bytes: Uint8Array): Frame {
    const f = this.take(bytes.length + HEADROOM);
    f.bytes.set(bytes, HEADROOM);
    f.end = HEADROOM + bytes.length;
    return f;
  }

  /** Called by `Frame.release`. */
  put(f: Frame): void {
    if (f.bytes.length === SMALL) {
      if (this.small.length < KEEP_SMALL) this.small.push(f);
    } else if (f.bytes.length === LARGE && this.large.length < KEEP_LARGE) this.large.push(f);
  }
}
