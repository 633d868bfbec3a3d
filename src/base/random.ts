import { halfSipHash, SipKey, siphash } from './siphash.ts';

export { halfSipHash, SipKey, siphash };

/** A source of randomness. The engine never makes its own: a driver injects one. */
export interface Random {
  /** 0 .. 2^32−1. */
  u32(): number;
  /** 0 .. n−1, without bias; 0 when n ≤ 1. */
  below(n: number): number;
  /** 0 ≤ x < 1 with 32 bits of precision. */
  float(): number;
}

/**
 * xoshiro128** (Blackman and Vigna, 2018): 128 bits of state, all of it visible to `save`. Fit for
 * simulation and for spreading load; where an outsider must not guess, seed it from a real source.
 */
export class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number | string) {
    // Four different hashes of the seed's text fill the state (FNV-1a, then a finalizing mix).
    const text = String(seed);
    this.a = spread(text, 0x811c9dc5);
    this.b = spread(text, 0x243f6a88);
    this.c = spread(text, 0x85a308d3 | 0);
    this.d = spread(text, 0x13198a2e) | 1;
  }

  u32(): number {
    return this.next() >>> 0;
  }

  below(n: number): number {
    if (!(n > 1)) return 0;
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % n);
    let x = this.next() >>> 0;
    while (x >= limit) x = this.next() >>> 0;
    return x % n;
  }

  float(): number {
    return (this.next() >>> 0) / 0x1_0000_0000;
  }

  /** The state, to be given to `restore`. */
  save(): [number, number, number, number] {
    return [this.a, this.b, this.c, this.d];
  }

  restore(state: readonly [number, number, number, number]): void {
    [this.a, this.b, this.c, this.d] = state;
  }

  /** A generator whose sequence depends on this one's state and the label, and which leaves this one untouched. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.a},${this.b},${this.c},${this.d}/${label}`);
  }

  /** A key for `siphash`; draws four numbers. */
  key(): SipKey {
    return new SipKey(this.next(), this.next(), this.next(), this.next());
  }

  private next(): number {
    const m = Math.imul(this.b, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9);
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }
}

/** The same seed gives the same sequence on every machine. */
export function seededRandom(seed: number | string): SeededRandom {
  return new SeededRandom(seed);
}

/** A fresh siphash key from any generator. */
export function randomKey(random: Random): SipKey {
  return new SipKey(random.u32(), random.u32(), random.u32(), random.u32());
}

function spread(text: string, basis: number): number {
  let h = basis | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
