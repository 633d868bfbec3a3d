import type { Micros } from '../../base/time.ts';
import type { EchoItem } from './echo.ts';

/** What ping(8) says at the end. Times are milliseconds. */
export interface PingSummary {
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  /** 0..100. */
  readonly loss: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  /** Standard deviation, as ping's mdev. */
  readonly mdev: number;
}

/** Adds up what came of echoes. */
export class PingStatistics {
  received = 0;
  private answered = 0;
  private duplicates = 0;
  private errors = 0;
  private least = Number.POSITIVE_INFINITY;
  private most = 0;
  private sum = 0;
  private squares = 0;

  /** Sent so far and heard of: answered, refused or given up. */
  get transmitted(): number {
    return this.answered;
  }

  add(item: EchoItem): void {
    if (item.kind === 'reply' && item.duplicate) {
      this.duplicates++;
      return;
    }
    this.answered++;
    if (item.kind === 'error') this.errors++;
    if (item.kind !== 'reply') return;
    this.received++;
    this.time(item.time);
  }

  summary(): PingSummary {
    const { received: n, transmitted } = this;
    const avg = n === 0 ? 0 : this.sum / n;
    const mdev = n === 0 ? 0 : Math.sqrt(Math.max(0, this.squares / n - avg * avg));
    const ms = (t: number): number => Math.round(t) / 1000;
    return {
      transmitted,
      received: n,
      duplicates: this.duplicates,
      errors: this.errors,
      loss: transmitted === 0 ? 0 : Math.round((1000 * (transmitted - n)) / transmitted) / 10,
      min: n === 0 ? 0 : ms(this.least),
      avg: ms(avg),
      max: ms(this.most),
      mdev: ms(mdev),
    };
  }

  private time(t: Micros): void {
    this.least = Math.min(this.least, t);
    this.most = Math.max(this.most, t);
    this.sum += t;
    this.squares += t * t;
  }
}
