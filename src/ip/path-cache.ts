import type { Address } from '../base/address.ts';
import { halfSipHash, type SipKey } from '../base/siphash.ts';
import type { IpPath } from './path.ts';

/** The most paths kept; beyond it a bucket at a time is thrown out, and its holders ask again. */
export const MAX_PATHS = 8192;

/** Paths by destination, and within it by source if one was given. Lookups allocate nothing. */
export class PathCache {
  size = 0;
  private readonly key: SipKey;
  private buckets: (IpPath | null)[] = new Array<IpPath | null>(64).fill(null);
  private hand = 0;

  constructor(key: SipKey) {
    this.key = key;
  }

  /** A server with many addresses has as many paths to one client. */
  private hashOf(d: Address, source: Address | null): number {
    const s = source === null ? 0 : source.c ^ source.d;
    return halfSipHash(this.key, d.a, d.b, d.c, d.d, d.scope, s);
  }

  /** @param source the source that was asked for, null if any will do */
  get(destination: Address, source: Address | null): IpPath | null {
    const hash = this.hashOf(destination, source);
    for (let p: IpPath | null = this.buckets[hash & (this.buckets.length - 1)]!; p !== null; p = p.next) {
      if (p.hash !== hash || !p.destination.equals(destination)) continue;
      if (source === null ? !p.sourceGiven : p.sourceGiven && p.source.equals(source)) return p;
    }
    return null;
  }

  add(path: IpPath): void {
    if (this.size >= MAX_PATHS) this.evict();
    else if (this.size >= this.buckets.length) this.grow();
    path.hash = this.hashOf(path.destination, path.sourceGiven ? path.source : null);
    const at = path.hash & (this.buckets.length - 1);
    path.next = this.buckets[at]!;
    this.buckets[at] = path;
    this.size++;
  }

  /** Calls `each` for all cached paths to a destination. Looks at all of them: paths seldom change. */
  forDestination(destination: Address, each: (path: IpPath) => void): void {
    for (const head of this.buckets) {
      for (let p: IpPath | null = head; p !== null; p = p.next) {
        if (p.destination.equals(destination)) each(p);
      }
    }
  }

  /** Throws one path out: whoever holds it asks again. */
  remove(path: IpPath): void {
    if (path.evicted) return;
    const at = path.hash & (this.buckets.length - 1);
    let p: IpPath | null = this.buckets[at]!;
    if (p === path) this.buckets[at] = path.next;
    else {
      while (p !== null && p.next !== path) p = p.next;
      if (p === null) return;
      p.next = path.next;
    }
    path.next = null;
    path.evicted = true;
    this.size--;
  }

  clear(): void {
    this.buckets = new Array<IpPath | null>(64).fill(null);
    this.size = 0;
    this.hand = 0;
  }

  private evict(): void {
    for (let n = 0; n < this.buckets.length; n++) {
      this.hand = (this.hand + 1) & (this.buckets.length - 1);
      let p: IpPath | null = this.buckets[this.hand]!;
      if (p === null) continue;
      this.buckets[this.hand] = null;
      for (; p !== null; p = p.next) {
        p.evicted = true;
        this.size--;
      }
      return;
    }
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array<IpPath | null>(old.length * 2).fill(null);
    for (const head of old) {
      for (let p: IpPath | null = head; p !== null; ) {
        const next = p.next;
        const at = p.hash & (this.buckets.length - 1);
        p.next = this.buckets[at]!;
        this.buckets[at] = p;
        p = next;
      }
    }
  }
}
