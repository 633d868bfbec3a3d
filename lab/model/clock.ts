import { batch, signal } from '@preact/signals';
import { type EventLog, PACKET, SEGMENT, STATE } from '../engine/log.ts';
import { Axis } from './axis.ts';
import type { Feed, Read } from './feed.ts';
import { Lives } from './lives.ts';

/** Virtual seconds in a second; 0: evenly along the ladder. */
export const SPEEDS = [0, 0.001, 0.01, 0.1, 1, 10, 100, 1000] as const;
/** Pixels of the ladder in a second of even play. */
const PACE = 90;

/** The moment that is looked at, how time passes, and where it stands on the ladder. */
export class Clock {
  readonly axis = new Axis();
  readonly lives = new Lives();
  /** Counts rebuildings of the axis. */
  readonly shape = signal(0);
  /** The moment: virtual time, and how many events have happened. */
  readonly time = signal(0);
  readonly step = signal(0);
  readonly playing = signal(false);
  readonly speed = signal<number>(0);
  private readonly feed: Read<Feed>;
  /** How far even play has come from the height of the moment. */
  private within = 0;

  constructor(feed: Read<Feed>) {
    this.feed = feed;
  }

  private get log(): EventLog {
    return this.feed.peek().log;
  }

  /** Everything that is known lies before this. */
  get end(): number {
    return this.feed.peek().known.peek();
  }

  lay(): void {
    this.axis.build(this.log, this.end);
    this.lives.build(this.log);
    this.shape.value = this.shape.peek() + 1;
  }

  goTime(time: number): void {
    const t = Math.max(0, Math.min(time, this.end));
    const row = this.log.lastOfTime(t);
    batch(() => {
      this.time.value = t;
      this.step.value = this.feed.peek().stepAt?.(t) ?? (row < 0 ? 0 : this.log.columns.step[row]!);
    });
  }

  goRow(row: number): void {
    const c = this.log.columns;
    batch(() => {
      this.time.value = c.time[row]!;
      this.step.value = c.step[row]!;
    });
  }

  goY(y: number): void {
    this.goTime(this.axis.timeAt(y));
  }

  /** Where the moment stands on the ladder. */
  get y(): number {
    const row = this.log.lastOfStep(this.step.value);
    const all = this.log.lastOfTime(this.time.value);
    if (row >= 0 && row < all) return (this.axis.rows[row] ?? 0) + 9;
    return this.axis.yAfter(this.time.value);
  }

  /** The last row that has happened, −1 if nothing has. */
  get lastRow(): number {
    return Math.min(this.log.lastOfStep(this.step.value), this.log.lastOfTime(this.time.value));
  }

  stepEvent(): void {
    this.next(() => true);
  }

  stepSegment(): void {
    const { kind } = this.log.columns;
    this.next(i => kind[i] === SEGMENT || kind[i] === PACKET);
  }

  stepState(): void {
    const { kind } = this.log.columns;
    this.next(i => kind[i] === STATE);
  }

  back(): void {
    const { log } = this;
    const row = this.lastRow;
    this.playing.value = false;
    if (row < 0) {
      this.goTime(0);
      return;
    }
    const between = this.time.value > log.columns.time[row]! || this.step.value > log.columns.step[row]!;
    let i = row;
    if (!between) while (i >= 0 && log.columns.step[i] === log.columns.step[row]) i--;
    if (i < 0) this.goTime(0);
    else this.goRow(i);
  }

  toStart(): void {
    this.playing.value = false;
    this.goTime(0);
  }

  toEnd(): void {
    this.playing.value = false;
    this.goTime(this.end);
  }

  toggle(): void {
    if (!this.playing.value && this.time.value >= this.end) this.goTime(0);
    this.within = 0;
    this.playing.value = !this.playing.value;
  }

  faster(by: number): void {
    const at = (SPEEDS as readonly number[]).indexOf(this.speed.value);
    this.speed.value = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at + by))]!;
  }

  /** Lets a share of a real second pass. */
  tick(seconds: number): void {
    const s = Math.min(seconds, 0.25);
    if (this.speed.value === 0) this.passEvenly(s);
    else this.goTime(this.time.value + s * 1e6 * this.speed.value);
    if (this.time.value >= this.end && this.feed.peek().done.peek()) this.playing.value = false;
  }

  private passEvenly(seconds: number): void {
    const { axis, time } = this;
    const y = axis.yOf(time.value);
    const after = axis.yAfter(time.value);
    // Inside a block time stands still: it is passed by its height.
    this.within += seconds * PACE;
    if (this.within < after - y) return;
    const next = axis.timeAt(y + this.within);
    if (next <= time.value) {
      this.within = Math.min(this.within, after - y);
      return;
    }
    this.within = 0;
    // No block is jumped over.
    const stop = axis.times[axis.blockOf(time.value) + 1] ?? next;
    this.goTime(Math.min(stop, next));
  }

  /** To the next event for which `test` holds; to the end if there is none. */
  private next(test: (row: number) => boolean): void {
    const { log } = this;
    this.playing.value = false;
    for (let i = this.lastRow + 1; i < log.length; i++)
      if (test(i) && log.columns.step[i]! >= this.step.value) {
        this.goRow(this.endOfStep(i));
        return;
      }
    this.goTime(this.end);
  }

  private endOfStep(row: number): number {
    const { step } = this.log.columns;
    let i = row;
    while (i + 1 < this.log.length && step[i + 1] === step[row]) i++;
    return i;
  }
}
