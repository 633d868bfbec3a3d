import type { Address } from '../base/address.ts';
import { halfSipHash, type SipKey } from '../base/siphash.ts';

/** What the table of flows holds: connections. */
export interface Flow {
  readonly local: Address;
  readonly remote: Address;
  /** Local port << 16 | remote port. */
  readonly ports: number;
  hash: number;
  hashNext: unknown;
}

/** Chains that are always there; a power of two. */
const LEAST = 64;

/**
 * 4-tuple → flow. A chained hash table under a secret key, so that nobody outside can make chains long. It grows
 * by one chain at a time (linear hashing): there is no moment at which all flows are hashed anew.
 */
export class FlowTable<T extends Flow> {
  size = 0;
  private chains: (T | null)[] = new Array<T | null>(LEAST).fill(null);
  /** The greatest power of two ≤ the number of chains, less one. */
  private mask = LEAST - 1;
  private readonly key: SipKey;

  constructor(key: SipKey) {
    this.key = key;
  }

  /** The hash of a 4-tuple, shared with the tables of rows. */
  hash(local: Address, localPort: number, remote: Address, remotePort: number): number {
    // The ports that connect() chooses are of one parity and rise: so their chains lie side by side, and their heads
    // share lines of the cache.
    const among = ((localPort & 1) << 15) | (localPort >> 1);
    if (remote.c === 0xffff && remote.a === 0 && remote.b === 0)
      return (halfSipHash(this.key, local.d, remote.d, remotePort, 0, 0, 0) + among) | 0;
    const a = halfSipHash(this.key, local.a, local.b, local.c, local.d, remote.a, remote.b);
    return (halfSipHash(this.key, a, remote.c, remote.d, remotePort, remote.scope, 1) + among) | 0;
  }

  find(hash: number, local: Address, localPort: number, remote: Address, remotePort: number): T | null {
    const ports = (localPort << 16) | remotePort;
    let f = this.chains[this.chainOf(hash)] ?? null;
    while (f !== null) {
      if (f.ports === ports && f.remote.equals(remote) && f.local.equals(local)) return f;
      f = f.hashNext as T | null;
    }
    return null;
  }

  add(f: T): void {
    if (++this.size > this.chains.length) this.split();
    f.hash = this.hash(f.local, f.ports >>> 16, f.remote, f.ports & 0xffff);
    this.link(f);
  }

  remove(f: T): boolean {
    const i = this.chainOf(f.hash);
    let walk = this.chains[i] ?? null;
    if (walk === f) this.chains[i] = f.hashNext as T | null;
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
    for (const head of this.chains) {
      let f: T | null = head;
      while (f !== null) {
        const next: T | null = f.hashNext as T | null;
        yield f;
        f = next;
      }
    }
  }

  clear(): void {
    this.chains = new Array<T | null>(LEAST).fill(null);
    this.mask = LEAST - 1;
    this.size = 0;
  }

  private chainOf(hash: number): number {
    const wide = hash & (2 * this.mask + 1);
    return wide < this.chains.length ? wide : hash & this.mask;
  }

  private link(f: T): void {
    const i = this.chainOf(f.hash);
    f.hashNext = this.chains[i] ?? null;
    this.chains[i] = f;
  }

  /** One chain more: it takes its part of the chain that its hashes were in so far. */
  private split(): void {
    const chain = this.chains.length & this.mask;
    this.chains.push(null);
    if (this.chains.length > 2 * this.mask + 1) this.mask = 2 * this.mask + 1;
    let f = this.chains[chain] ?? null;
    this.chains[chain] = null;
    while (f !== null) {
      const next = f.hashNext as T | null;
      this.link(f);
      f = next;
    }
  }
}
