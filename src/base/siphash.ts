/**
 * Keyed hashes for what an outsider must not predict (initial sequence numbers, ports, cookies, IP ids)
 * or collide on purpose (hash tables): SipHash-1-3 and HalfSipHash-1-3 (Aumasson and Bernstein, 2012) of
 * six 32-bit words, without BigInt and without allocation.
 */
export class SipKey {
  /** The 128-bit key as little-endian words, first to last, signed. */
  readonly k0: number;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;

  constructor(k0: number, k1: number, k2: number, k3: number) {
    this.k0 = k0 | 0;
    this.k1 = k1 | 0;
    this.k2 = k2 | 0;
    this.k3 = k3 | 0;
  }
}

/**
 * SipHash-1-3 of the 24 bytes that the six words are in little-endian order.
 * @returns the low 32 bits of the 64-bit hash, signed
 */
export function siphash(
  key: SipKey,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): number {
  // A lane is a pair: h its high half, l its low half.
  let h0 = key.k1 ^ 0x736f6d65;
  let l0 = key.k0 ^ 0x70736575;
  let h1 = key.k3 ^ 0x646f7261;
  let l1 = key.k2 ^ 0x6e646f6d;
  let h2 = key.k1 ^ 0x6c796765;
  let l2 = key.k0 ^ 0x6e657261;
  let h3 = key.k3 ^ 0x74656462;
  let l3 = key.k2 ^ 0x79746573;
  // Three message lanes, one lane with the length (24) in its top byte, three finishing rounds. The message moves up
  // by a lane each round.
  let ml = a | 0;
  let mh = b | 0;
  let ml1 = c | 0;
  let mh1 = d | 0;
  let ml2 = e | 0;
  let mh2 = f | 0;
  let mh3 = 24 << 24;
  // The carry of a sum is taken from the topmost bits of what was added: to compare the sum as a number without sign
  // takes three times as long.
  for (let left = 7; left > 0; left--) {
    if (left === 3) l2 ^= 0xff;
    h3 ^= mh;
    l3 ^= ml;

    let t = 0;
    let s = 0;
    // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
    s = (l0 + l1) | 0;
    h0 = (h0 + h1 + (((l0 & l1) | ((l0 | l1) & ~s)) >>> 31)) | 0;
    l0 = s;
    t = (h1 << 13) | (l1 >>> 19);
    l1 = ((l1 << 13) | (h1 >>> 19)) ^ l0;
    h1 = t ^ h0;
    t = h0;
    h0 = l0;
    l0 = t;
    // v2 += v3; v3 = rotl(v3, 16) ^ v2
    s = (l2 + l3) | 0;
    h2 = (h2 + h3 + (((l2 & l3) | ((l2 | l3) & ~s)) >>> 31)) | 0;
    l2 = s;
    t = (h3 << 16) | (l3 >>> 16);
    l3 = ((l3 << 16) | (h3 >>> 16)) ^ l2;
    h3 = t ^ h2;
    // v0 += v3; v3 = rotl(v3, 21) ^ v0
    s = (l0 + l3) | 0;
    h0 = (h0 + h3 + (((l0 & l3) | ((l0 | l3) & ~s)) >>> 31)) | 0;
    l0 = s;
    t = (h3 << 21) | (l3 >>> 11);
    l3 = ((l3 << 21) | (h3 >>> 11)) ^ l0;
    h3 = t ^ h0;
    // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
    s = (l2 + l1) | 0;
    h2 = (h2 + h1 + (((l2 & l1) | ((l2 | l1) & ~s)) >>> 31)) | 0;
    l2 = s;
    t = (h1 << 17) | (l1 >>> 15);
    l1 = ((l1 << 17) | (h1 >>> 15)) ^ l2;
    h1 = t ^ h2;
    t = h2;
    h2 = l2;
    l2 = t;

    h0 ^= mh;
    l0 ^= ml;
    ml = ml1;
    mh = mh1;
    ml1 = ml2;
    mh1 = mh2;
    ml2 = 0;
    mh2 = mh3;
    mh3 = 0;
  }
  return l0 ^ l1 ^ l2 ^ l3;
}

/**
 * HalfSipHash-1-3 of the same 24 bytes under the first 64 bits of the key: about three times as fast,
 * for hash tables only.
 * @returns a signed 32-bit hash
 */
export function halfSipHash(
  key: SipKey,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
): number {
  // Whole numbers from the start, for V8 too: without it each round takes three times as long.
  let v0 = key.k0 | 0;
  let v1 = key.k1 | 0;
  let v2 = key.k0 ^ 0x6c796765;
  let v3 = key.k1 ^ 0x74656462;
  let m = a | 0;
  let m1 = b | 0;
  let m2 = c | 0;
  let m3 = d | 0;
  let m4 = e | 0;
  let m5 = f | 0;
  let m6 = 24 << 24;
  for (let left = 10; left > 0; left--) {
    if (left === 3) v2 ^= 0xff;
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= m;
    m = m1;
    m1 = m2;
    m2 = m3;
    m3 = m4;
    m4 = m5;
    m5 = m6;
    m6 = 0;
  }
  return v1 ^ v3;
}
