import { put16, put32 } from '../../src/wire/bytes.ts';
import { checksum } from '../../src/wire/checksum.ts';

/**
 * A piece of an IPv4 datagram without options.
 * @param offset in bytes, a multiple of 8; the bytes may be any
 */
export function piece(
  datagram: Uint8Array,
  id: number,
  offset: number,
  bytes: Uint8Array,
  more: boolean,
): Uint8Array {
  const out = new Uint8Array(20 + bytes.length);
  out.set(datagram.subarray(0, 20));
  out.set(bytes, 20);
  put16(out, 2, out.length);
  put16(out, 4, id);
  put16(out, 6, (more ? 0x2000 : 0) | (offset >> 3));
  put16(out, 10, 0);
  put16(out, 10, checksum(out, 0, 20));
  return out;
}

/** The same of an IPv6 datagram without extension headers. */
export function piece6(
  datagram: Uint8Array,
  id: number,
  offset: number,
  bytes: Uint8Array,
  more: boolean,
): Uint8Array {
  const out = new Uint8Array(48 + bytes.length);
  out.set(datagram.subarray(0, 40));
  out[40] = out[6]!;
  out[6] = 44;
  put16(out, 42, offset | (more ? 1 : 0));
  put32(out, 44, id);
  out.set(bytes, 48);
  put16(out, 4, 8 + bytes.length);
  return out;
}

/** An IPv4 datagram with IP options put in. */
export function withIpOptions(datagram: Uint8Array, options: readonly number[]): Uint8Array {
  const padded = Math.ceil(options.length / 4) * 4;
  const out = new Uint8Array(datagram.length + padded);
  out.set(datagram.subarray(0, 20));
  out.set(options, 20);
  out.set(datagram.subarray(20), 20 + padded);
  out[0] = 0x45 + padded / 4;
  put16(out, 2, out.length);
  put16(out, 10, 0);
  put16(out, 10, checksum(out, 0, 20 + padded));
  return out;
}

/** An IPv6 datagram with extension headers in front of its payload: pairs of protocol number and bytes. */
export function withExtensions(
  datagram: Uint8Array,
  headers: readonly (readonly [number, readonly number[]])[],
): Uint8Array {
  const size = headers.reduce((n, [, bytes]) => n + bytes.length, 0);
  const out = new Uint8Array(datagram.length + size);
  out.set(datagram.subarray(0, 40));
  let at = 40;
  let nextAt = 6;
  const last = datagram[6]!;
  for (const [protocol, bytes] of headers) {
    out[nextAt] = protocol;
    out.set(bytes, at);
    nextAt = at;
    at += bytes.length;
  }
  out[nextAt] = last;
  out.set(datagram.subarray(40), at);
  put16(out, 4, out.length - 40);
  return out;
}
