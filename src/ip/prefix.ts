import { Address, parseAddress } from '../base/address.ts';

/** A block of addresses: those whose first `length` bits (of 128, IPv4 mapped) equal `address`'s. */
export interface Prefix {
  readonly address: Address;
  /** 0..128; an IPv4 prefix of n bits has length 96 + n. */
  readonly length: number;
}

/** The mask word for the bits of `length` that fall into the 32-bit word number `word`. */
function maskWord(length: number, word: number): number {
  const bits = length - 32 * word;
  if (bits >= 32) return -1;
  return bits <= 0 ? 0 : -1 << (32 - bits);
}

/** Whether the first `length` bits (of 128) of the two addresses are equal; scopes are not compared. */
export function samePrefix(x: Address, y: Address, length: number): boolean {
  return (
    ((x.a ^ y.a) & maskWord(length, 0)) === 0 &&
    ((x.b ^ y.b) & maskWord(length, 1)) === 0 &&
    ((x.c ^ y.c) & maskWord(length, 2)) === 0 &&
    ((x.d ^ y.d) & maskWord(length, 3)) === 0
  );
}

/** How many leading bits (of 128) the two addresses share. */
export function commonLength(x: Address, y: Address): number {
  if (x.a !== y.a) return Math.clz32(x.a ^ y.a);
  if (x.b !== y.b) return 32 + Math.clz32(x.b ^ y.b);
  if (x.c !== y.c) return 64 + Math.clz32(x.c ^ y.c);
  return 96 + Math.clz32(x.d ^ y.d);
}

/** The address with all bits behind the first `length` (of 128) cleared. */
export function networkOf(address: Address, length: number): Address {
  return new Address(
    address.a & maskWord(length, 0),
    address.b & maskWord(length, 1),
    address.c & maskWord(length, 2),
    address.d & maskWord(length, 3),
  );
}

/**
 * Parses `10.9.0.1/24`, `2001:db8::/32`, or a bare address (a host prefix). Host bits are kept.
 * @returns null if the text is not an address with a length that its family allows
 */
export function parsePrefix(text: string): Prefix | null {
  const m = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = m?.[1] === undefined ? null : parseAddress(m[1]);
  if (address === null) return null;
  const most = address.is4 ? 32 : 128;
  const bits = m?.[2] === undefined ? most : Number(m[2]);
  if (bits > most) return null;
  return { address, length: address.is4 ? 96 + bits : bits };
}

/** `10.0.0.0/8`, or `default` for either family's zero-length prefix. */
export function prefixText(prefix: Prefix): string {
  const { address, length } = prefix;
  const bits = address.is4 ? length - 96 : length;
  return bits === 0 && address.isAny ? 'default' : `${address}/${bits}`;
}
