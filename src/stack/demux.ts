import type { Address } from '../base/address.ts';
import { halfSipHash, type SipKey } from '../base/siphash.ts';

/** What the table of flows holds: connections, and entries of SYN queues. */
export interface Flow {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  hash: number;
  hashNext: unknown;
}

/**
 * 4-tuple → flow. A chained hash table under a secret key, so that nobody outside can make chains long.
 */
export class FlowTable<T extends Flow> {
  size = 0;
  private buckets: (T | null)[] = new Array<T | null>(64).fill(null);
  private readonly key: SipKey;

  constructor(key: SipKey) {
    this.key = key;
  }

  /** The hash of a 4-tuple, shared with the TIME_WAIT tables. */
  hash(local: Address, localPort: number, remote: Address, remotePort: number): number {
    const ports = (localPort << 16) | remotePort;
    if (remote.c === 0xffff && remote.a === 0 && remote.b === 0)
      return halfSipHash(this.key, local.d, remote.d, ports, 0, 0, 0);
    const a = halfSipHash(this.key, local.a, local.b, local.c, local.d, remote.a, remote.b);
    return halfSipHash(this.key, a, remote.c, remote.d, ports, remote.scope, 1);
  }

  find(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): T | null {
    let f = this.buckets[hash & (this.buckets.length - 1)] ?? null;
    while (f !== null) {
      if (
        f.hash === hash &&
        f.localPort === localPort &&
        f.remotePort === remotePort &&
        f.remote.equals(remote) &&
        f.local.equals(local)
      )
        return f;
      f = f.hashNext as T | null;
    }
    return null;
  }

  add(f: T): void {
    if (this.size >= this.buckets.length) this.grow();
    f.hash = this.hash(f.local, f.localPort, f.remote, f.remotePort);
    const i = f.hash & (this.buckets.length - 1);
    f.hashNext = this.buckets[i] ?? null;
    this.buckets[i] = f;
    this.size++;
  }

  remove(f: T): boolean {
    const i = f.hash & (this.buckets.length - 1);
    let walk = this.buckets[i] ?? null;
    if (walk === f) this.buckets[i] = f.hashNext as T | null;
    else {
      while (walk !== null && walk.hashNext !== f) walk = walk.hashNext as T | null;
      if (walk === null) return false;
      walk.hashNext = f.hashNext;
    }
    f.hashNext = null;
    this.size--;
    return true;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const head of this.buckets) {
      let f: T | null = head;
      while (f !== null) {
        const next: T | null = f.hashNext as T | null;
        yield f;
        f = next;
      }
    }
  }

  clear(): void {
    this.buckets.fill(null);
    this.size = 0;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array<T | null>(old.length * 2).fill(null);
    for (const head of old) {
      let f = head;
      while (f !== null) {
        const next = f.hashNext as T | null;
        const i = f.hash & (this.buckets.length - 1);
        f.hashNext = this.buckets[i] ?? null;
        this.buckets[i] = f;
        f = next;
      }
    }
  }
}
