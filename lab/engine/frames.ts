/** What is kept of each frame, and of how many. */
const BYTES = 192;
const MOST = 100_000;
/** Frames of one block of memory. */
const BLOCK = 512;

/** The first bytes of the frames of a run, by their numbers on the wire. */
export class Frames {
  private readonly blocks: Uint8Array[] = [];
  private readonly lengths = new Uint8Array(MOST);

  put(frame: number, bytes: Uint8Array): void {
    if (frame < 0 || frame >= MOST) return;
    const n = Math.min(bytes.length, BYTES);
    this.blocks[Math.floor(frame / BLOCK)] ??= new Uint8Array(BLOCK * BYTES);
    this.blocks[Math.floor(frame / BLOCK)]!.set(bytes.subarray(0, n), (frame % BLOCK) * BYTES);
    this.lengths[frame] = n;
  }

  /** A copy, null if the frame was not kept. */
  get(frame: number): Uint8Array | null {
    const n = this.lengths[frame] ?? 0;
    if (n === 0) return null;
    const begin = (frame % BLOCK) * BYTES;
    return this.blocks[Math.floor(frame / BLOCK)]?.slice(begin, begin + n) ?? null;
  }
}
