/**
 * Bytes that a source fills its buffer with before each write and that a receiver compares with what it got:
 * every byte is checked, and a piece that is lost, doubled or moved shows. Write k holds the pattern from
 * offset k mod SHIFTS on, so that two neighbouring writes differ everywhere.
 */
const SHIFTS = 251;

export class Pattern {
  private readonly chunk: number;
  private readonly bytes: Buffer;

  /** @param chunk bytes of a write */
  constructor(chunk: number) {
    this.chunk = chunk;
    this.bytes = Buffer.alloc(chunk + SHIFTS);
    for (let i = 0, x = 1; i < this.bytes.length; i++) {
      x = (Math.imul(x, 1103515245) + 12345) | 0;
      this.bytes[i] = x >>> 16;
    }
  }

  /** Fills `buffer` with what stands at stream position `at`, the beginning of a write. */
  fill(buffer: Uint8Array, at: number): void {
    const shift = (at / this.chunk) % SHIFTS;
    buffer.set(this.bytes.subarray(shift, shift + buffer.length));
  }

  /** Whether the `n` bytes at the start of `got` are those from stream position `at` on. */
  matches(got: Buffer, n: number, at: number): boolean {
    let from = 0;
    while (from < n) {
      const within = (at + from) % this.chunk;
      const run = Math.min(n - from, this.chunk - within);
      const begin = (Math.floor((at + from) / this.chunk) % SHIFTS) + within;
      if (got.compare(this.bytes, begin, begin + run, from, from + run) !== 0) return false;
      from += run;
    }
    return true;
  }
}
