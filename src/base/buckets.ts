/**
 * The heads of the chains of a hash table of numbered rows that grows and shrinks by one chain at a time (linear
 * hashing, Litwin 1980): no moment at which everything is hashed anew, and never more heads than the rows ask for.
 * The owner keeps the chains themselves, and moves rows where `split` and `merge` say.
 */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** Chains that are always there: few rows come and go without a split or a merge. A power of two. */
const LEAST = 64;
export const NO_ROW = -1;

export class Buckets {
  /** Chains. */
  count = LEAST;
  /** The greatest power of two ≤ count, less one. */
  private mask = LEAST - 1;
  private readonly pages: Int32Array[] = [new Int32Array(LEAST).fill(NO_ROW)];

  /** The chain of a hash. */
  of(hash: number): number {
    const wide = hash & (2 * this.mask + 1);
    return wide < this.count ? wide : hash & this.mask;
  }

  head(chain: number): number {
    return this.pages[chain >>> PAGE_BITS]![chain & (PAGE - 1)]!;
  }

  setHead(chain: number, row: number): void {
    this.pages[chain >>> PAGE_BITS]![chain & (PAGE - 1)] = row;
  }

  /** Adds an empty chain. @returns the chain of which a part now belongs to the new one, `count − 1` */
  split(): number {
    const fresh = this.count++;
    if (this.count > 2 * this.mask + 1) this.mask = 2 * this.mask + 1;
    const page = fresh >>> PAGE_BITS;
    if (page === this.pages.length) this.pages.push(new Int32Array(PAGE).fill(NO_ROW));
    else if (page === 0 && fresh === this.pages[0]!.length) this.widen();
    this.setHead(fresh, NO_ROW);
    return partner(fresh);
  }

  /** The head of the chain that `split` takes apart after `further` others. */
  upcoming(further: number): number {
    return this.head(partner(this.count + further));
  }

  /** Whether there is a chain to spare. */
  get canMerge(): boolean {
    return this.count > LEAST;
  }

  /** Removes the last chain, `count` afterwards. @returns the chain to which its rows belong; its head is not kept */
  merge(): number {
    const last = --this.count;
    if (this.count <= this.mask) this.mask >>>= 1;
    if ((last & (PAGE - 1)) === 0 && this.pages.length > 1) this.pages.pop();
    return partner(last);
  }

  private widen(): void {
    const wider = new Int32Array(2 * this.pages[0]!.length).fill(NO_ROW);
    wider.set(this.pages[0]!);
    this.pages[0] = wider;
  }
}

/** The chain from which `chain` was split: the same number without its highest bit. */
const partner = (chain: number): number => chain & ~(1 << (31 - Math.clz32(chain)));
