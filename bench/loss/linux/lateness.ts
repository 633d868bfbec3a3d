const STEP = 10;
const STEPS = 2000;

/** How late packets were: counted in steps of 10 µs up to 20 ms. */
export class Lateness {
  /** Microseconds. */
  largest = 0;
  private total = 0;
  private readonly steps = new Uint32Array(STEPS + 1);

  add(micros: number): void {
    const late = Math.max(0, Math.round(micros));
    if (late > this.largest) this.largest = late;
    this.total++;
    this.steps[Math.min(STEPS, Math.trunc(late / STEP))]!++;
  }

  /** The microseconds within which this share of the packets were; those beyond 20 ms count as the largest. */
  share(share: number): number {
    let left = this.total * share;
    for (const [i, n] of this.steps.entries()) {
      left -= n;
      if (left <= 0) return i === STEPS ? this.largest : Math.min(this.largest, (i + 1) * STEP);
    }
    return this.largest;
  }
}
