import { EAGAIN, type System } from './system.ts';

/** Reads, and writes, that one batch can carry. */
export const BATCH = 64;

/** A descriptor's reads and writes, many in one call. Reads are entries `0..BATCH`, writes those from BATCH on. */
export interface Batch {
  /** What became of each entry of the last `submit`: bytes, or −errno. */
  readonly results: Int32Array;
  /** Entry `i` shall read into, or write, `bytes[from..from+n)`. The bytes must live until `submit`. */
  set(i: number, bytes: Uint8Array, from: number, n: number): void;
  /** Does entries `from..from+n` in this order. */
  submit(from: number, n: number): void;
  close(): void;
}

/** A system call for each, where the kernel's AIO is not to be had. */
export class OneByOne implements Batch {
  readonly results = new Int32Array(2 * BATCH);
  private readonly system: System;
  private readonly fd: number;
  private readonly places: Uint8Array[] = [];

  constructor(system: System, fd: number) {
    this.system = system;
    this.fd = fd;
  }

  set(i: number, bytes: Uint8Array, from: number, n: number): void {
    this.places[i] = bytes.subarray(from, from + n);
  }

  submit(from: number, n: number): void {
    const { system, fd, places, results } = this;
    for (let i = from; i < from + n; i++) {
      const place = places[i]!;
      const r = i < BATCH ? system.read(fd, place) : system.write(fd, place);
      results[i] = r;
      if (r === -EAGAIN && i < BATCH) {
        results.fill(r, i, from + n);
        return;
      }
    }
  }

  close(): void {}
}
