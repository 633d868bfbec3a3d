import { EMFILE } from '../base/errno.ts';
import type { Descriptor } from './descriptor.ts';

/** 0, 1 and 2 belong to the process that hosts the stack. */
const FIRST = 3;

/** Descriptors by number; a new one gets the lowest that is free (POSIX). */
export class FdTable {
  private readonly rows: (Descriptor | null)[] = [];
  /** One bit a row: taken. */
  private bits = new Int32Array(32);
  /** No word before this one has a free bit. */
  private hint = 0;
  private readonly limit: number;
  count = 0;

  /** @param limit how many descriptors may be open (RLIMIT_NOFILE): beyond it −EMFILE */
  constructor(limit: number) {
    this.limit = limit;
  }

  get full(): boolean {
    return this.count >= this.limit;
  }

  add(d: Descriptor): number {
    if (this.count >= this.limit) return -EMFILE;
    let w = this.hint;
    while (w < this.bits.length && this.bits[w] === -1) w++;
    if (w === this.bits.length) {
      const more = new Int32Array(w * 2);
      more.set(this.bits);
      this.bits = more;
    }
    this.hint = w;
    const bit = 31 - Math.clz32(~this.bits[w]! & -~this.bits[w]!);
    this.bits[w]! |= 1 << bit;
    const row = w * 32 + bit;
    while (this.rows.length <= row) this.rows.push(null);
    this.rows[row] = d;
    this.count++;
    d.fd = row + FIRST;
    return d.fd;
  }

  get(fd: number): Descriptor | null {
    return this.rows[fd - FIRST] ?? null;
  }

  remove(fd: number): Descriptor | null {
    const row = fd - FIRST;
    const d = this.rows[row] ?? null;
    if (d === null) return null;
    this.rows[row] = null;
    const w = row >> 5;
    this.bits[w]! &= ~(1 << (row & 31));
    if (w < this.hint) this.hint = w;
    this.count--;
    d.fd = -1;
    return d;
  }

  /** All open descriptors, by number. */
  *all(): Iterable<Descriptor> {
    for (const d of this.rows) if (d !== null) yield d;
  }
}
