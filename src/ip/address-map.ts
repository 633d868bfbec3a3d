import type { Address } from '../base/address.ts';
import { halfSipHash, type SipKey } from '../base/siphash.ts';

class Entry<V> {
  readonly key: Address;
  readonly value: V;
  readonly hash: number;
  next: Entry<V> | null;

  constructor(key: Address, value: V, hash: number, next: Entry<V> | null) {
    this.key = key;
    this.value = value;
    this.hash = hash;
    this.next = next;
  }
}

/** A keyed hash of an address, for tables that strangers fill. */
export function hashAddress(key: SipKey, x: Address, extra: number): number {
  return halfSipHash(key, x.a, x.b, x.c, x.d, x.scope, extra);
}

/**
 * A map by address whose lookups allocate nothing. Its hash is keyed, so that no stranger can choose
 * addresses that collide. Who adds to it bounds it.
 */
export class AddressMap<V> {
  size = 0;
  private readonly key: SipKey;
  private buckets: (Entry<V> | null)[] = new Array<Entry<V> | null>(16).fill(null);

  constructor(key: SipKey) {
    this.key = key;
  }

  get(address: Address): V | null {
    const hash = hashAddress(this.key, address, 0);
    let e: Entry<V> | null = this.buckets[hash & (this.buckets.length - 1)]!;
    while (e !== null) {
      if (e.hash === hash && e.key.equals(address)) return e.value;
      e = e.next;
    }
    return null;
  }

  /** Sets the value; the address is kept and must not change. */
  set(address: Address, value: V): void {
    this.delete(address);
    if (this.size >= this.buckets.length) this.grow();
    const hash = hashAddress(this.key, address, 0);
    const at = hash & (this.buckets.length - 1);
    this.buckets[at] = new Entry(address, value, hash, this.buckets[at]!);
    this.size++;
  }

  delete(address: Address): boolean {
    const hash = hashAddress(this.key, address, 0);
    const at = hash & (this.buckets.length - 1);
    let before: Entry<V> | null = null;
    for (let e: Entry<V> | null = this.buckets[at]!; e !== null; e = e.next) {
      if (e.hash === hash && e.key.equals(address)) {
        if (before === null) this.buckets[at] = e.next;
        else before.next = e.next;
        this.size--;
        return true;
      }
      before = e;
    }
    return false;
  }

  clear(): void {
    this.buckets = new Array<Entry<V> | null>(16).fill(null);
    this.size = 0;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array<Entry<V> | null>(old.length * 2).fill(null);
    for (const head of old) {
      for (let e: Entry<V> | null = head; e !== null; ) {
        const next = e.next;
        const at = e.hash & (this.buckets.length - 1);
        e.next = this.buckets[at]!;
        this.buckets[at] = e;
        e = next;
      }
    }
  }
}
