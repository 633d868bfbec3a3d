import { CALL, type EventLog, NOTE, PACKET, SEGMENT, STATE, TIMER } from '../engine/log.ts';

/** Heights of rows, of what arrives at one moment one under the other, and of the space between two moments. */
const LANDING = 13;
const HEIGHT: Readonly<Record<number, number>> = {
  [SEGMENT]: 27,
  [PACKET]: 27,
  [STATE]: 17,
  [CALL]: 17,
  [NOTE]: 18,
  [TIMER]: 17,
};
const LEAST = 5;
const MOST = 54;
export const TOP = 14;

/**
 * Where each moment stands on the ladder. Moments at which something happens or arrives are blocks, as high
 * as their rows need; between them time is squeezed by its logarithm, so that a millisecond can be seen
 * beside the minute of a TIME_WAIT.
 */
export class Axis {
  /** Distinct times, ascending, with the top and bottom of each block. */
  times = new Float64Array(0);
  tops = new Float64Array(0);
  bottoms = new Float64Array(0);
  /** The middle of each row, and where its segment arrives (its own height if it does not). */
  rows = new Float64Array(0);
  ends = new Float64Array(0);
  /** The lowest point that any row up to this one comes to: what lies above it can be skipped. */
  reach = new Float64Array(0);
  height = TOP;

  /** @param end time up to which there is something to see */
  build(log: EventLog, end: number): void {
    const { columns: c, length } = log;
    const all = new Float64Array(length * 2 + 2);
    let n = 0;
    for (let i = 0; i < length; i++) {
      all[n++] = c.time[i]!;
      if (c.arrival[i]! >= 0) all[n++] = c.arrival[i]!;
    }
    all[n++] = 0;
    all[n++] = end;
    const sorted = all.subarray(0, n).sort();
    let count = 0;
    for (let i = 0; i < n; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
    this.times = sorted.slice(0, count);
    const landings = this.land(log);
    this.tops = new Float64Array(count);
    this.bottoms = new Float64Array(count);
    this.rows = new Float64Array(length);
    let row = 0;
    let y = TOP;
    for (let k = 0; k < count; k++) {
      const t = this.times[k]!;
      if (k > 0) y += gap(t - this.times[k - 1]!);
      this.tops[k] = y;
      y += Math.max(0, landings[k]! - 1) * LANDING;
      for (; row < length && c.time[row] === t; row++) {
        const h = HEIGHT[c.kind[row]!] ?? 17;
        this.rows[row] = y + (h > 20 ? h * 0.66 : h / 2);
        y += h;
      }
      this.bottoms[k] = y;
    }
    this.height = y + TOP;
    this.findEnds(log);
  }

  /** Counts what arrives at each time, and leaves in `ends` the how-manieth a row is there. */
  private land({ columns: c, length }: EventLog): Uint32Array {
    this.ends = new Float64Array(length);
    const landings = new Uint32Array(this.times.length);
    for (let i = 0; i < length; i++)
      if (c.arrival[i]! > c.time[i]!) this.ends[i] = landings[this.blockOf(c.arrival[i]!)]!++;
    return landings;
  }

  private findEnds({ columns: c, length }: EventLog): void {
    this.reach = new Float64Array(length);
    let reach = 0;
    for (let i = 0; i < length; i++) {
      const y = this.rows[i]!;
      const lands = c.arrival[i]! > c.time[i]!;
      this.ends[i] = Math.max(y, lands ? this.yOf(c.arrival[i]!) + this.ends[i]! * LANDING : y);
      reach = Math.max(reach, this.ends[i]!);
      this.reach[i] = reach;
    }
  }

  /** The first row that is, or whose segment still is, at or below a height. */
  firstReaching(y: number): number {
    return firstAtLeast(this.reach, y);
  }

  /** The top of the block of a time, or where the time lies between two. */
  yOf(time: number): number {
    const k = this.blockOf(time);
    if (k < 0) return TOP;
    const t = this.times[k]!;
    if (t === time || k + 1 >= this.times.length) return t === time ? this.tops[k]! : this.bottoms[k]!;
    const share = (time - t) / (this.times[k + 1]! - t);
    return this.bottoms[k]! + share * (this.tops[k + 1]! - this.bottoms[k]!);
  }

  /** Below the rows of a time. */
  yAfter(time: number): number {
    const k = this.blockOf(time);
    return k >= 0 && this.times[k] === time ? this.bottoms[k]! : this.yOf(time);
  }

  timeAt(y: number): number {
    const k = search(this.tops, y);
    if (k < 0) return this.times[0] ?? 0;
    const t = this.times[k]!;
    if (y <= this.bottoms[k]! || k + 1 >= this.times.length) return t;
    const share = (y - this.bottoms[k]!) / (this.tops[k + 1]! - this.bottoms[k]!);
    return t + share * (this.times[k + 1]! - t);
  }

  /** The last block not after a time, −1 before the first. */
  blockOf(time: number): number {
    return search(this.times, time);
  }

  /** The first row at or below a height. */
  rowAt(y: number): number {
    return firstAtLeast(this.rows, y);
  }
}

const gap = (dt: number): number => Math.min(MOST, LEAST + 9.5 * Math.log10(1 + dt / 150));

/** The last index whose value is not above `value`, −1 if there is none. */
function search(list: Float64Array, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}

/** The first index whose value is at least `value`. */
function firstAtLeast(list: Float64Array, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
