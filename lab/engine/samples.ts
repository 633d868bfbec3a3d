import { INFINITE_SSTHRESH } from '../../src/tcp/constants.ts';
import type { Tcb } from '../../src/tcp/tcb.ts';

/** Numbers of one sample: step, time, side, conn, cwnd, ssthresh, inFlight, srtt. */
export const SAMPLE = 8;
/** Samples kept of one run. */
const MOST = 60_000;

/** What a connection of a host was like when it was last looked at. */
interface Last {
  cwnd: number;
  ssthresh: number;
  inFlight: number;
  srtt: number;
  /** Changes since one was last kept. */
  passed: number;
  /** The last change, if it was not kept. */
  skipped: readonly number[] | null;
}

/**
 * The course of windows and round trips, for charts: a sample for each change. When there are too many,
 * every other one is dropped and of what follows only each second (fourth …) change is kept, so that
 * what is left is even over the whole run. Those of one connection are in order of time.
 */
export class Samples {
  private readonly last = new Map<number, Last>();
  private numbers = new Float64Array(1024 * SAMPLE);
  private used = 0;
  private every = 1;
  /** Counts how often what is here was thinned out: what was read before is not the beginning of it any more. */
  version = 0;

  /** In numbers, not in samples. */
  get length(): number {
    return this.used;
  }

  /** Keeps what has changed of a connection. */
  note(step: number, time: number, side: number, conn: number, tcb: Tcb): void {
    const ssthresh = tcb.ssthresh >= INFINITE_SSTHRESH ? -1 : tcb.ssthresh;
    const { cwnd, inFlight } = tcb;
    const srtt = tcb.srtt >> 3;
    const key = conn * 2 + side;
    let last = this.last.get(key);
    if (last === undefined) {
      last = { cwnd: -1, ssthresh: 0, inFlight: 0, srtt: 0, passed: this.every, skipped: null };
      this.last.set(key, last);
    } else if (
      last.cwnd === cwnd &&
      last.ssthresh === ssthresh &&
      last.inFlight === inFlight &&
      last.srtt === srtt
    )
      return;
    last.cwnd = cwnd;
    last.ssthresh = ssthresh;
    last.inFlight = inFlight;
    last.srtt = srtt;
    const sample = [step, time, side, conn, cwnd, ssthresh, inFlight, srtt];
    if (++last.passed < this.every) last.skipped = sample;
    else {
      last.passed = 0;
      last.skipped = null;
      this.add(sample);
    }
  }

  /** Adds the last change of each connection that was passed over: nothing more will come. */
  finish(): void {
    const left = [...this.last.values()].flatMap(l => (l.skipped === null ? [] : [l.skipped]));
    for (const sample of left.sort((x, y) => x[0]! - y[0]!)) this.add(sample);
    for (const last of this.last.values()) last.skipped = null;
  }

  /** A copy of the numbers from `from` on. */
  from(from: number): Float64Array {
    return this.numbers.slice(from, this.used);
  }

  private add(sample: readonly number[]): void {
    if (this.used === MOST * SAMPLE) this.thin();
    if (this.used === this.numbers.length) {
      const larger = new Float64Array(this.used * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers.set(sample, this.used);
    this.used += SAMPLE;
  }

  /** Every other sample of each connection goes. */
  private thin(): void {
    const seen = new Map<number, number>();
    let used = 0;
    for (let at = 0; at < this.used; at += SAMPLE) {
      const key = this.numbers[at + 3]! * 2 + this.numbers[at + 2]!;
      const n = seen.get(key) ?? 0;
      seen.set(key, n + 1);
      if (n % 2 === 1) continue;
      this.numbers.copyWithin(used, at, at + SAMPLE);
      used += SAMPLE;
    }
    // Thousands of connections with a sample each can't be thinned out that way.
    this.used = Math.min(used, (MOST / 2) * SAMPLE + seen.size * SAMPLE, MOST * SAMPLE - SAMPLE);
    this.every *= 2;
    this.version++;
  }
}
