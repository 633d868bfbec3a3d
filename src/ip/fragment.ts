import { halfSipHash, type SipKey } from '../base/siphash.ts';
import { copyBytes, put16, u16 } from '../wire/bytes.ts';
import { checksum, finish, sum } from '../wire/checksum.ts';
import { CSUM_GOOD, CSUM_PARTIAL, type Frame, type FramePool, HEADROOM } from '../wire/frame.ts';
import { IP_DF, IP_MF, IP_OFFSET_MASK, IPOPT_END, IPOPT_NOP } from '../wire/ipv4.ts';
import { FRAGMENT_HEADER, IPV6_HEADER, NEXT_FRAGMENT, putFragmentHeader } from '../wire/ipv6.ts';
import { PROTOCOL_TCP } from '../wire/tcp.ts';
import { PROTOCOL_UDP } from '../wire/udp.ts';
import type { IpPath } from './path.ts';

/**
 * Cuts the IPv4 datagram in `frame` into pieces of at most `mtu` bytes (RFC 791 §3.2) and hands each out; the
 * frame itself is released. A fragment is cut again if need be.
 * @returns how many pieces
 */
export function fragment4(pool: FramePool, frame: Frame, mtu: number, out: (piece: Frame) => void): number {
  const { bytes, start } = frame;
  const header = (bytes[start]! & 15) << 2;
  const field = u16(bytes, start + 6);
  const end = start + u16(bytes, start + 2);
  const offset = (field & IP_OFFSET_MASK) << 3;
  let pieces = 0;
  for (let at = start + header; at < end; ) {
    const own = at === start + header ? header : copiedHeader(bytes, start, header);
    const room = (mtu - own) & ~7;
    if (room <= 0) break;
    const n = Math.min(room, end - at);
    const last = at + n === end;
    const piece = pool.take(HEADROOM + own + n);
    const b = piece.bytes;
    const to = piece.start;
    writeHeader(b, to, bytes, start, header, own);
    copyBytes(b, to + own, bytes, at, n);
    piece.end = to + own + n;
    piece.csum = CSUM_GOOD;
    put16(b, to + 2, own + n);
    const more = !last || (field & IP_MF) !== 0 ? IP_MF : 0;
    put16(b, to + 6, more | ((offset + at - (start + header)) >>> 3));
    put16(b, to + 10, 0);
    put16(b, to + 10, checksum(b, to, to + own));
    out(piece);
    pieces++;
    at += n;
  }
  frame.release();
  return pieces;
}

/** Length of the header that later fragments carry: only options with the copied flag (RFC 791 §3.1). */
function copiedHeader(bytes: Uint8Array, start: number, header: number): number {
  let n = 0;
  walkOptions(bytes, start, header, (_at, length) => {
    n += length;
  });
  return 20 + ((n + 3) & ~3);
}

function writeHeader(
  b: Uint8Array,
  to: number,
  bytes: Uint8Array,
  start: number,
  header: number,
  own: number,
): void {
  if (own === header) {
    copyBytes(b, to, bytes, start, header);
    return;
  }
  copyBytes(b, to, bytes, start, 20);
  b[to] = 0x40 | (own >>> 2);
  let at = to + 20;
  walkOptions(bytes, start, header, (from, length) => {
    copyBytes(b, at, bytes, from, length);
    at += length;
  });
  b.fill(IPOPT_END, at, to + own);
}

function walkOptions(
  bytes: Uint8Array,
  start: number,
  header: number,
  copied: (at: number, length: number) => void,
): void {
  let at = start + 20;
  const end = start + header;
  while (at < end) {
    const type = bytes[at]!;
    if (type === IPOPT_END) return;
    const length = type === IPOPT_NOP ? 1 : (bytes[at + 1] ?? 0);
    if (length < 1 || length > end - at || (type !== IPOPT_NOP && length < 2)) return;
    if ((type & 0x80) !== 0) copied(at, length);
    at += length;
  }
}

/**
 * Cuts an IPv6 datagram of our own, which has no extension headers, into fragments (RFC 8200 §4.5); the frame
 * is released.
 * @returns how many pieces
 */
export function fragment6(
  pool: FramePool,
  frame: Frame,
  mtu: number,
  id: number,
  out: (piece: Frame) => void,
): number {
  const { bytes, start, end } = frame;
  const first = start + IPV6_HEADER;
  const room = (mtu - IPV6_HEADER - FRAGMENT_HEADER) & ~7;
  let pieces = 0;
  for (let at = first; at < end && room > 0; ) {
    const n = Math.min(room, end - at);
    const piece = pool.take(HEADROOM + IPV6_HEADER + FRAGMENT_HEADER + n);
    const b = piece.bytes;
    const to = piece.start;
    copyBytes(b, to, bytes, start, IPV6_HEADER);
    put16(b, to + 4, FRAGMENT_HEADER + n);
    b[to + 6] = NEXT_FRAGMENT;
    putFragmentHeader(b, to + IPV6_HEADER, bytes[start + 6]!, at - first, at + n < end, id);
    copyBytes(b, to + IPV6_HEADER + FRAGMENT_HEADER, bytes, at, n);
    piece.end = to + IPV6_HEADER + FRAGMENT_HEADER + n;
    piece.csum = CSUM_GOOD;
    out(piece);
    pieces++;
    at += n;
  }
  frame.release();
  return pieces;
}

/** Whether the datagram may be cut on its way: IPv4 without DF. */
export const mayFragment = (frame: Frame): boolean => (u16(frame.bytes, frame.start + 6) & IP_DF) === 0;

/**
 * Does in software what a link with offload would have done: completes the TCP or UDP checksum, whose field
 * holds the folded sum of the pseudo-header.
 * @param at where the transport header begins
 */
export function completeChecksum(frame: Frame, at: number, protocol: number): void {
  if (frame.csum !== CSUM_PARTIAL) return;
  const field = protocol === PROTOCOL_TCP ? at + 16 : protocol === PROTOCOL_UDP ? at + 6 : -1;
  if (field >= 0 && field + 2 <= frame.end) {
    const value = finish(sum(frame.bytes, at, frame.end));
    put16(frame.bytes, field, value === 0 && protocol === PROTOCOL_UDP ? 0xffff : value);
  }
  frame.csum = CSUM_GOOD;
}

/** Where identification numbers begin for a pair of hosts: not to be guessed from those towards others (RFC 7739). */
export function firstId(key: SipKey, path: Pick<IpPath, 'source' | 'destination'>): number {
  const { source, destination } = path;
  return halfSipHash(
    key,
    source.a ^ source.c,
    source.b,
    source.d,
    destination.a ^ destination.c,
    destination.b,
    destination.d,
  );
}
