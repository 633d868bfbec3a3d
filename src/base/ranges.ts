import { type Seq, seqGe, seqGt, seqLe, seqLt } from './seq.ts';

/**
 * A set of sequence numbers as sorted, disjoint, half-open ranges [left, right), shared by reassembly and
 * SACK. At most `cap` ranges are kept: when an addition would make one more, the farthest is forgotten.
 * All numbers in it must lie within 2^31 of each other, which a window sees to.
 */
export class Ranges {
  count = 0;
  private readonly cap: number;
  private edges: Int32Array;

  constructor(cap: number) {
    this.cap = Math.max(1, cap);
    this.edges = new Int32Array(2 * Math.min(this.cap + 1, 8));
  }

  left(i: number): Seq {
    return this.edges[2 * i]! as Seq;
  }

  right(i: number): Seq {
    return this.edges[2 * i + 1]! as Seq;
  }

  /** How many sequence numbers are in the set. */
  get bytes(): number {
    let n = 0;
    for (let i = 0; i < this.count; i++) n += (this.edges[2 * i + 1]! - this.edges[2 * i]!) | 0;
    return n;
  }

  clear(): void {
    this.count = 0;
  }

  /**
   * Adds [l, r); what overlaps or touches is merged. An empty or inverted range is ignored.
   * @returns the index of the range that now holds it, −1 if ignored or forgotten again
   */
  add(l: Seq, r: Seq): number {
    if (seqGe(l, r)) return -1;
    const i = this.firstEndingAtOrAfter(l);
    let j = i;
    while (j < this.count && seqLe(this.left(j), r)) j++;
    if (i === j) return this.insert(i, l, r);
    if (seqLt(this.left(i), l)) l = this.left(i);
    if (seqGt(this.right(j - 1), r)) r = this.right(j - 1);
    this.edges[2 * i] = l;
    this.edges[2 * i + 1] = r;
    if (j > i + 1) {
      this.edges.copyWithin(2 * (i + 1), 2 * j, 2 * this.count);
      this.count -= j - i - 1;
    }
    return i;
  }

  /** Forgets all below `at`. */
  dropTo(at: Seq): void {
    let n = 0;
    while (n < this.count && seqLe(this.right(n), at)) n++;
    if (n > 0) {
      this.edges.copyWithin(0, 2 * n, 2 * this.count);
      this.count -= n;
    }
    if (this.count > 0 && seqLt(this.left(0), at)) this.edges[0] = at;
  }

  /** Forgets all at or above `at`. */
  dropFrom(at: Seq): void {
    while (this.count > 0 && seqGe(this.left(this.count - 1), at)) this.count--;
    if (this.count > 0 && seqGt(this.right(this.count - 1), at)) this.edges[2 * this.count - 1] = at;
  }

  /** The index of the range that holds `at`, or −1. */
  find(at: Seq): number {
    const i = this.firstEndingAtOrAfter(((at + 1) | 0) as Seq);
    return i < this.count && seqLe(this.left(i), at) ? i : -1;
  }

  /** Whether all of [l, r) is in the set; true for an empty range. */
  covers(l: Seq, r: Seq): boolean {
    if (seqGe(l, r)) return true;
    const i = this.find(l);
    return i >= 0 && seqGe(this.right(i), r);
  }

  /** The first range whose right edge is ≥ at; `count` if none. */
  private firstEndingAtOrAfter(at: Seq): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (seqLt(this.right(mid), at)) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private insert(i: number, l: Seq, r: Seq): number {
    if (this.count === this.cap) {
      if (i === this.count) return -1;
      this.count--;
    }
    if (2 * this.count + 2 > this.edges.length) {
      const wider = new Int32Array(Math.min(2 * this.edges.length, 2 * this.cap));
      wider.set(this.edges);
      this.edges = wider;
    }
    this.edges.copyWithin(2 * i + 2, 2 * i, 2 * this.count);
    this.edges[2 * i] = l;
    this.edges[2 * i + 1] = r;
    this.count++;
    return i;
  }
}
