import type { Address } from '../../base/address.ts';
import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';

/** What is known of a question: addresses, or that there are none. */
export interface Known {
  readonly addresses: readonly Address[];
  /** There is no such name at all (NXDOMAIN). */
  readonly nameless: boolean;
}

/** Answers by question, for as long as they hold; bounded: the one used longest ago goes first. */
export class DnsCache {
  private readonly entries = new Map<string, { known: Known; until: Micros }>();
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.entries.size;
  }

  get(name: string, type: number, now: Micros): Known | null {
    const key = `${type} ${name}`;
    const e = this.entries.get(key);
    if (e === undefined) return null;
    this.entries.delete(key);
    if (e.until <= now) return null;
    this.entries.set(key, e);
    return e.known;
  }

  /** @param ttl seconds; with 0 nothing is kept */
  put(name: string, type: number, known: Known, ttl: number, now: Micros): void {
    if (ttl <= 0 || this.limit <= 0) return;
    const key = `${type} ${name}`;
    this.entries.delete(key);
    if (this.entries.size >= this.limit) {
      const [oldest] = this.entries.keys();
      if (oldest !== undefined) this.entries.delete(oldest);
    }
    this.entries.set(key, { known, until: now + ttl * MICROS_PER_SECOND });
  }

  clear(): void {
    this.entries.clear();
  }
}
