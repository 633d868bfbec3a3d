import type { Address } from '../base/address.ts';

/**
 * The Internet checksum (RFC 1071): ones'-complement sums of 16-bit big-endian words.
 *
 * A "sum" is a number below 2^32 that has not been folded or inverted; sums of pieces that begin at even
 * offsets of the message may be added up (each below 2^25 here, so over a hundred fit), then finished once.
 */

/**
 * The sum of `bytes[at..end)`, a lone last byte counting as the high half of a word.
 * @returns below 2^25 for up to 64 KiB
 */
export function sum(bytes: Uint8Array, at: number, end: number): number {
  let high = 0;
  let low = 0;
  const whole = end - 15;
  let i = at;
  for (; i < whole; i += 16) {
    high += bytes[i]! + bytes[i + 2]! + bytes[i + 4]! + bytes[i + 6]!;
    low += bytes[i + 1]! + bytes[i + 3]! + bytes[i + 5]! + bytes[i + 7]!;
    high += bytes[i + 8]! + bytes[i + 10]! + bytes[i + 12]! + bytes[i + 14]!;
    low += bytes[i + 9]! + bytes[i + 11]! + bytes[i + 13]! + bytes[i + 15]!;
  }
  for (; i + 1 < end; i += 2) {
    high += bytes[i]!;
    low += bytes[i + 1]!;
  }
  if (i < end) high += bytes[i]!;
  // high < 2^23 for 64 KiB, so one partial fold keeps the result in 32 bits.
  return ((high & 0xff) << 8) + (high >>> 8) + low;
}

/**
 * The same sum over a DataView (a frame has one ready): 32 bits at a time, about 2.5 times as fast.
 * @returns at most 0xffff, up to 64 KiB
 */
export function sumView(view: DataView, at: number, end: number): number {
  // Summed as little-endian words, which saves a byte swap each, and swapped once at the end (RFC 1071 §2B). The high
  // halves are summed, and the words modulo 2^32: the low halves are what is left, exactly, for 64 KiB of them.
  let high = 0;
  let words = 0;
  const whole = end - 15;
  for (; at < whole; at += 16) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
    words = (words + a + b + c + d) | 0;
  }
  let low = (words - (high << 16)) | 0;
  for (; at + 1 < end; at += 2) low += view.getUint16(at, true);
  if (at < end) low += view.getUint8(at);
  return swap((high & 0xffff) + (high >>> 16) + (low & 0xffff) + (low >>> 16));
}

/** The sum of a piece that begins at an odd offset of its message, from what it would be at an even one (RFC 1071 §2B). */
export function swap(total: number): number {
  const folded = fold(total);
  return ((folded & 0xff) << 8) | (folded >>> 8);
}

/** Folds a sum to 16 bits with end-around carry. */
export function fold(total: number): number {
  total = (total & 0xffff) + (total >>> 16);
  return (total & 0xffff) + (total >>> 16);
}

/** The checksum field for a sum: folded and inverted. */
export function finish(total: number): number {
  return ~fold(total) & 0xffff;
}

/** The checksum of `bytes[at..end)` alone (IPv4 headers, ICMP for IPv4). */
export function checksum(bytes: Uint8Array, at: number, end: number): number {
  return finish(sum(bytes, at, end));
}

/**
 * The sum of the pseudo-header of TCP, UDP and ICMPv6 for either family (RFC 9293 §3.1, RFC 8200 §8.1). The
 * family is the destination's.
 * @param protocol 6, 17 or 58
 * @param length bytes of the transport header and payload
 */
export function pseudoSum(source: Address, destination: Address, protocol: number, length: number): number {
  const s = source;
  const d = destination;
  let total = (s.d >>> 16) + (s.d & 0xffff) + (d.d >>> 16) + (d.d & 0xffff);
  total += protocol + (length & 0xffff) + (length >>> 16);
  if (d.is4) return total;
  total += (s.a >>> 16) + (s.a & 0xffff) + (s.b >>> 16) + (s.b & 0xffff) + (s.c >>> 16) + (s.c & 0xffff);
  total += (d.a >>> 16) + (d.a & 0xffff) + (d.b >>> 16) + (d.b & 0xffff) + (d.c >>> 16) + (d.c & 0xffff);
  return total;
}

/** The checksum field of a transport message `bytes[at..end)` whose field is zero (UDP: see `udp.ts` for 0). */
export function transportChecksum(
  bytes: Uint8Array,
  at: number,
  end: number,
  source: Address,
  destination: Address,
  protocol: number,
): number {
  return finish(sum(bytes, at, end) + pseudoSum(source, destination, protocol, end - at));
}

/** Whether a transport message verifies: the sum over all of it, its checksum included, is all ones. */
export function verifies(
  bytes: Uint8Array,
  at: number,
  end: number,
  source: Address,
  destination: Address,
  protocol: number,
): boolean {
  return fold(sum(bytes, at, end) + pseudoSum(source, destination, protocol, end - at)) === 0xffff;
}

/** The checksum after one 16-bit word of the message changed (RFC 1624). */
export function adjust(field: number, before: number, after: number): number {
  return finish((~field & 0xffff) + (~before & 0xffff) + (after & 0xffff));
}
