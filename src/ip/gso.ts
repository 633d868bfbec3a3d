import { Address } from '../base/address.ts';
import { copyBytes, i32, put16, put32, u16 } from '../wire/bytes.ts';
import { checksum } from '../wire/checksum.ts';
import { CSUM_GOOD, type Frame, type FramePool, HEADROOM } from '../wire/frame.ts';
import { CWR, FIN, PSH } from '../wire/segment.ts';
import { PROTOCOL_TCP, putTcpChecksumFrame, TCP_AT_OFFSET_FLAGS, TCP_AT_SEQ } from '../wire/tcp.ts';

/**
 * Cuts a TCP super-segment into segments of `frame.gsoSize` bytes of payload, as a link with offload would: for
 * interfaces that take none. The frame is released.
 * @param upper offset of the TCP header from `frame.start`
 * @returns how many pieces, 0 if it is not TCP or its header is cut short
 */
export function segmentInSoftware(
  pool: FramePool,
  frame: Frame,
  upper: number,
  protocol: number,
  out: (piece: Frame) => void,
): number {
  const { bytes, start, end, gsoSize } = frame;
  const tcp = start + upper;
  const payload = tcp + 20 <= end ? tcp + ((bytes[tcp + TCP_AT_OFFSET_FLAGS]! >>> 4) << 2) : end + 1;
  if (protocol !== PROTOCOL_TCP || payload > end || payload < tcp + 20 || gsoSize <= 0) {
    frame.release();
    return 0;
  }
  const is4 = bytes[start]! >>> 4 === 4;
  const source = new Address(0, 0, 0, 0);
  const destination = new Address(0, 0, 0, 0);
  if (is4) {
    source.assign4(bytes, start + 12);
    destination.assign4(bytes, start + 16);
  } else {
    source.assign6(bytes, start + 8, 0);
    destination.assign6(bytes, start + 24, 0);
  }
  const headers = payload - start;
  let pieces = 0;
  for (let at = payload; at < end; at += gsoSize) {
    const n = Math.min(gsoSize, end - at);
    const piece = pool.take(HEADROOM + headers + n);
    const b = piece.bytes;
    const to = piece.start;
    copyBytes(b, to, bytes, start, headers);
    copyBytes(b, to + headers, bytes, at, n);
    piece.end = to + headers + n;
    const t = to + upper;
    put32(b, t + TCP_AT_SEQ, (i32(bytes, tcp + TCP_AT_SEQ) + (at - payload)) | 0);
    // RFC 9293, RFC 3168: FIN and PSH belong to the last byte, CWR to the first.
    if (at + n < end) b[t + 13]! &= ~(FIN | PSH);
    if (at > payload) b[t + 13]! &= ~CWR;
    if (is4) {
      put16(b, to + 2, headers + n);
      put16(b, to + 4, u16(bytes, start + 4) + pieces);
      put16(b, to + 10, 0);
      put16(b, to + 10, checksum(b, to, to + ((b[to]! & 15) << 2)));
    } else put16(b, to + 4, headers + n - 40);
    putTcpChecksumFrame(piece, t, source, destination);
    piece.csum = CSUM_GOOD;
    out(piece);
    pieces++;
  }
  frame.release();
  return pieces;
}
