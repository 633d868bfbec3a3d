import type { Address } from '../base/address.ts';
import { SipKey } from '../base/siphash.ts';
import type { Segment } from '../wire/segment.ts';

/**
 * Cookies of Fast Open (RFC 7413 §4.1.2) in Linux's form, so that hosts behind one address may share a key:
 * SipHash-2-4 of the SYN's source and destination address under `tcp_fastopen_key`.
 */

export const COOKIE_LENGTH = 8;
const COOKIE_MAX = 16;
const KEY_LENGTH = 16;

/** A Fast Open option as it is sent or was received; `length` −1 for none, 0 for a request. */
export class CookieOption {
  length = -1;
  readonly bytes = new Uint8Array(COOKIE_MAX);
  /** In the form from before the option had a number of its own (kind 254, magic 0xf989). */
  experimental = false;

  /** Takes the option of a SYN or SYN-ACK. */
  read(segment: Segment): void {
    this.length = segment.cookieLength;
    this.experimental = segment.cookieExperimental;
    for (let i = 0; i < this.length; i++) this.bytes[i] = segment.bytes[segment.cookieAt + i]!;
  }

  assign(from: CookieOption): void {
    this.length = from.length;
    this.experimental = from.experimental;
    this.bytes.set(from.bytes);
  }

  equals(other: CookieOption): boolean {
    if (this.length !== other.length) return false;
    let different = 0;
    for (let i = 0; i < this.length; i++) different |= this.bytes[i]! ^ other.bytes[i]!;
    return different === 0;
  }
}

/** The keys of `tcp_fastopen_key`: the primary one, and perhaps a backup that cookies may still be of. */
export function parseKeys(text: string): SipKey[] {
  return text.split(',').map(key => {
    const [a = 0, b = 0, c = 0, d = 0] = key.split('-').map(word => Number.parseInt(word, 16));
    return new SipKey(a, b, c, d);
  });
}

/** The same of TCP_FASTOPEN_KEY, 16 or 32 bytes. */
export function readKeys(bytes: Uint8Array): SipKey[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keys: SipKey[] = [];
  for (let at = 0; at + KEY_LENGTH <= bytes.length; at += KEY_LENGTH) {
    const word = (i: number): number => view.getInt32(at + 4 * i, true);
    keys.push(new SipKey(word(0), word(1), word(2), word(3)));
  }
  return keys;
}

/** Writes the cookie for a client into `out`. */
export function makeFastOpenCookie(key: SipKey, client: Address, server: Address, out: CookieOption): void {
  const message = client.is4
    ? [client.d, server.d]
    : [client.a, client.b, client.c, client.d, server.a, server.b, server.c, server.d];
  const [low, high] = sipHash24(key, message.map(swap));
  const view = new DataView(out.bytes.buffer);
  view.setInt32(0, low, true);
  view.setInt32(4, high, true);
  out.length = COOKIE_LENGTH;
}

/** The little-endian reading of a word in network order. */
const swap = (w: number): number => (w << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24);

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of an even number of little-endian 32-bit words.
 * @returns the 64-bit hash, low half first
 */
export function sipHash24(key: SipKey, words: readonly number[]): [number, number] {
  // Four lanes of 64 bits: low half, high half.
  const v = Int32Array.of(
    key.k0 ^ 0x70736575,
    key.k1 ^ 0x736f6d65,
    key.k2 ^ 0x6e646f6d,
    key.k3 ^ 0x646f7261,
    key.k0 ^ 0x6e657261,
    key.k1 ^ 0x6c796765,
    key.k2 ^ 0x79746573,
    key.k3 ^ 0x74656462,
  );
  for (let i = 0; i < words.length; i += 2) compress(v, words[i]!, words[i + 1]!);
  compress(v, 0, (words.length * 4) << 24);
  v[4]! ^= 0xff;
  for (let i = 0; i < 4; i++) round(v);
  return [v[0]! ^ v[2]! ^ v[4]! ^ v[6]!, v[1]! ^ v[3]! ^ v[5]! ^ v[7]!];
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6]! ^= low;
  v[7]! ^= high;
  round(v);
  round(v);
  v[0]! ^= low;
  v[1]! ^= high;
}

function round(v: Int32Array): void {
  half(v, 0, 2, 13);
  turn(v, 0);
  half(v, 4, 6, 16);
  half(v, 0, 6, 21);
  half(v, 4, 2, 17);
  turn(v, 4);
}

/** a += b; b = rotl(b, n) ^ a, with 0 < n < 32. */
function half(v: Int32Array, a: number, b: number, n: number): void {
  const sum = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = v[a + 1]! + v[b + 1]! + (sum > 0xffffffff ? 1 : 0);
  v[a] = sum;
  const low = v[b]!;
  const high = v[b + 1]!;
  v[b] = ((low << n) | (high >>> (32 - n))) ^ v[a]!;
  v[b + 1] = ((high << n) | (low >>> (32 - n))) ^ v[a + 1]!;
}

/** a = rotl(a, 32). */
function turn(v: Int32Array, a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}
