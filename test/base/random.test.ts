import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { halfSipHash, randomKey, SipKey, seededRandom, siphash } from '../../src/base/random.ts';

const MASK = (1n << 64n) - 1n;
const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & MASK;

/** SipHash-c-d as the paper states it, over BigInt: the reference for the fast one. */
function reference(c: number, d: number, key: Uint8Array, message: Uint8Array): bigint {
  const word = (b: Uint8Array, at: number): bigint => {
    let w = 0n;
    for (let i = 7; i >= 0; i--) w = (w << 8n) | BigInt(b[at + i] ?? 0);
    return w;
  };
  const k0 = word(key, 0);
  const k1 = word(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v2 = (v2 + v3) & MASK;
    v1 = rotl(v1, 13n) ^ v0;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v1) & MASK;
    v0 = (v0 + v3) & MASK;
    v1 = rotl(v1, 17n) ^ v2;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = rotl(v2, 32n);
  };
  const compress = (m: bigint): void => {
    v3 ^= m;
    for (let i = 0; i < c; i++) round();
    v0 ^= m;
  };
  const whole = message.length & ~7;
  for (let i = 0; i < whole; i += 8) compress(word(message, i));
  compress(word(message.subarray(whole), 0) | (BigInt(message.length & 255) << 56n));
  v2 ^= 0xffn;
  for (let i = 0; i < d; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

/** HalfSipHash-c-d likewise. */
function halfReference(c: number, d: number, key: Uint8Array, message: Uint8Array): number {
  const word = (b: Uint8Array, at: number): number =>
    (b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24);
  const rot = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
  let v0 = word(key, 0);
  let v1 = word(key, 4);
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const round = (): void => {
    v0 = (v0 + v1) | 0;
    v1 = rot(v1, 5) ^ v0;
    v0 = rot(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rot(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rot(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rot(v1, 13) ^ v2;
    v2 = rot(v2, 16);
  };
  const compress = (m: number): void => {
    v3 ^= m;
    for (let i = 0; i < c; i++) round();
    v0 ^= m;
  };
  const whole = message.length & ~3;
  for (let i = 0; i < whole; i += 4) compress(word(message, i));
  compress(word(message.subarray(whole), 0) | (message.length << 24));
  v2 ^= 0xff;
  for (let i = 0; i < d; i++) round();
  return v1 ^ v3;
}

const upTo = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i);

describe('SipHash', () => {
  test("the references give the authors' SipHash-2-4 and HalfSipHash-2-4 vectors", () => {
    expect(reference(2, 4, upTo(16), upTo(0))).toBe(0x726fdb47dd0e0e31n);
    expect(reference(2, 4, upTo(16), upTo(1))).toBe(0x74f839c593dc67fdn);
    expect(reference(2, 4, upTo(16), upTo(2))).toBe(0x0d6c8009d9a94f5an);
    expect(reference(2, 4, upTo(16), upTo(15))).toBe(0xa129ca6149be45e5n);
    expect(halfReference(2, 4, upTo(8), upTo(0)) >>> 0).toBe(0x5b9f35a9);
    expect(halfReference(2, 4, upTo(8), upTo(1)) >>> 0).toBe(0xb85a4727);
    expect(halfReference(2, 4, upTo(8), upTo(2)) >>> 0).toBe(0x03a662fa);
  });

  const words = fc.tuple(
    ...Array.from({ length: 10 }, () => fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  );

  test('six words hash as the 24 bytes they are under SipHash-1-3 and HalfSipHash-1-3', () => {
    fc.assert(
      fc.property(words, w => {
        const key = new SipKey(w[0]!, w[1]!, w[2]!, w[3]!);
        const raw = new Uint8Array(new Int32Array(w).buffer);
        const keyBytes = raw.subarray(0, 16);
        const message = raw.subarray(16);
        const [a, b, c, d, e, f] = w.slice(4) as [number, number, number, number, number, number];
        expect(siphash(key, a, b, c, d, e, f)).toBe(
          Number(BigInt.asIntN(32, reference(1, 3, keyBytes, message))),
        );
        expect(halfSipHash(key, a, b, c, d, e, f)).toBe(halfReference(1, 3, keyBytes, message));
      }),
    );
  });

  test('unsigned words hash like the same bits signed', () => {
    const key = new SipKey(1, 2, 3, 4);
    expect(siphash(key, 0xffffffff, 0, 0x80000000, 0, 0, 1)).toBe(siphash(key, -1, 0, -(2 ** 31), 0, 0, 1));
  });
});

describe('the seeded generator', () => {
  test('gives xoshiro128**: the state 1, 2, 3, 4 yields the published sequence', () => {
    const r = seededRandom(0);
    r.restore([1, 2, 3, 4]);
    expect([r.u32(), r.u32(), r.u32(), r.u32()]).toEqual([11520, 0, 5927040, 70819200]);
  });

  test('repeats itself from the same seed, and from a saved state', () => {
    const a = seededRandom('world 1');
    const b = seededRandom('world 1');
    const first = Array.from({ length: 20 }, () => a.u32());
    expect(Array.from({ length: 20 }, () => b.u32())).toEqual(first);
    const state = a.save();
    const next = a.u32();
    a.restore(state);
    expect(a.u32()).toBe(next);
  });

  test('differs between seeds, and between labels of a fork, which leaves it untouched', () => {
    const a = seededRandom(1);
    const b = seededRandom(2);
    expect(a.u32()).not.toBe(b.u32());
    const before = a.save();
    expect(a.fork('A').u32()).not.toBe(a.fork('B').u32());
    expect(a.save()).toEqual(before);
  });

  test('stays in range', () => {
    const r = seededRandom('range');
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 0xffffffff }), n => {
        const x = r.below(n);
        expect(Number.isInteger(x)).toBe(true);
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThan(Math.max(1, n));
        const f = r.float();
        expect(f >= 0 && f < 1).toBe(true);
        const u = r.u32();
        expect(u >= 0 && u <= 0xffffffff).toBe(true);
      }),
    );
    expect(r.below(Number.NaN)).toBe(0);
  });

  test('spreads evenly', () => {
    const r = seededRandom(7);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[r.below(10)]!++;
    for (const n of counts) expect(Math.abs(n - 10_000)).toBeLessThan(500);
  });

  test('makes keys that differ', () => {
    const r = seededRandom(3);
    expect(randomKey(r)).not.toEqual(randomKey(r));
    expect(r.key()).not.toEqual(r.key());
  });
});
