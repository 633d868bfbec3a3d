import type { Moment } from './view.ts';

/** Events whose moments are all kept, and the rows of sockets that those may have. */
const DENSE = 4000;
const DENSE_ROWS = 40_000;
/** The same for the thinned out ones behind them. */
const SPARSE = 4000;
const SPARSE_ROWS = 40_000;

/**
 * The hosts as they were at events of a run: at each of the first few thousand, then at each n-th, where n
 * doubles whenever the room is full.
 */
export class Moments {
  private readonly dense: Moment[] = [];
  private denseRows = 0;
  /** No more of the first come: there are enough of them. */
  private full = false;
  private sparse: Moment[] = [];
  private sparseRows = 0;
  private every = 2;

  /** Whether the moment of an event is one to keep. Events come in order, each once. */
  wants(step: number): boolean {
    return !this.full || step % this.every === 0;
  }

  put(moment: Moment): void {
    if (!this.full) {
      const rows = newRows(this.dense.at(-1), moment);
      this.dense.push(moment);
      this.denseRows += rows;
      this.full = this.dense.length > DENSE || this.denseRows >= DENSE_ROWS;
      return;
    }
    this.sparseRows += newRows(this.sparse.at(-1), moment);
    this.sparse.push(moment);
    while (this.sparse.length > SPARSE || (this.sparseRows > SPARSE_ROWS && this.sparse.length > 1))
      this.thin();
  }

  /** The last one that was kept of those not after an event. */
  upTo(step: number): Moment | null {
    if (step < this.dense.length) return this.dense[step] ?? null;
    let low = 0;
    let high = this.sparse.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sparse[middle]!.step > step) high = middle;
      else low = middle + 1;
    }
    return this.sparse[low - 1] ?? this.dense.at(-1) ?? null;
  }

  /** How many are kept, and how many rows of sockets they hold. */
  get size(): { readonly moments: number; readonly rows: number } {
    return { moments: this.dense.length + this.sparse.length, rows: this.denseRows + this.sparseRows };
  }

  private thin(): void {
    this.every *= 2;
    this.sparse = this.sparse.filter(m => m.step % this.every === 0);
    this.sparseRows = 0;
    let before: Moment | undefined;
    for (const moment of this.sparse) {
      this.sparseRows += newRows(before, moment);
      before = moment;
    }
  }
}

/** Rows of a moment that it does not share with the one before: a host that nothing happened on is the same. */
function newRows(before: Moment | undefined, moment: Moment): number {
  let rows = 1;
  for (const side of [0, 1] as const)
    if (before?.hosts[side] !== moment.hosts[side]) rows += moment.hosts[side].sockets.length;
  return rows;
}
