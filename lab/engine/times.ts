/** When each event of a run happened, by its number. */
export class Times {
  length = 0;
  private times = new Float64Array(1024);

  /** The time of the next event; times do not descend. */
  put(time: number): void {
    if (this.length === this.times.length) this.grow(this.length * 2);
    this.times[this.length++] = time;
  }

  /** A copy of the times of the events from `from` on. */
  from(from: number): Float64Array {
    return this.times.slice(from, this.length);
  }

  /** Takes times in; what stood at their place and behind it is forgotten. */
  take(from: number, times: Float64Array): void {
    const end = from + times.length;
    if (end > this.times.length) this.grow(Math.max(end, this.times.length * 2));
    this.times.set(times, from);
    this.length = end;
  }

  /** The last event not after a time, 0 if there is none. */
  stepAt(time: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! > time) high = middle;
      else low = middle + 1;
    }
    return Math.max(0, low - 1);
  }

  private grow(size: number): void {
    const old = this.times;
    this.times = new Float64Array(size);
    this.times.set(old.subarray(0, this.length));
  }
}
