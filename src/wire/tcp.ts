import type { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { i32, put16, put32, u16 } from './bytes.ts';
import { finish, fold, pseudoSum, sum, sumView, verifies } from './checksum.ts';
import { CSUM_UNKNOWN, type Frame } from './frame.ts';
import { OK, type Reason, TCP_CHECKSUM, TCP_DATA_OFFSET, TCP_SHORT } from './reason.ts';
import type { Segment } from './segment.ts';
import { clearTcpOptions, decodeTcpOptions } from './tcp-options.ts';

export const PROTOCOL_TCP = 6;
/** Bytes of a header without options, and the most with them. */
export const TCP_HEADER = 20;
export const TCP_MAX_HEADER = 60;

// Offsets of the fields in a header (RFC 9293 §3.1).
export const TCP_AT_SOURCE_PORT = 0;
export const TCP_AT_DESTINATION_PORT = 2;
export const TCP_AT_SEQ = 4;
export const TCP_AT_ACK = 8;
/** Data offset (4 bits), reserved (3 bits), AE, and the other eight flags. */
export const TCP_AT_OFFSET_FLAGS = 12;
export const TCP_AT_WINDOW = 14;
export const TCP_AT_CHECKSUM = 16;
export const TCP_AT_URGENT = 18;

/**
 * Decodes the segment in `bytes[at..end)` into `segment`, whose addresses are already set (and whose tos,
 * ttl, interface and count are left alone). Nothing outside the range is read. On any reason but OK the
 * segment's contents mean nothing.
 * @param csumGood the checksum has been verified already
 */
export function decodeTcp(
  bytes: Uint8Array,
  at: number,
  end: number,
  segment: Segment,
  csumGood = false,
): Reason {
  if (end - at < TCP_HEADER) return TCP_SHORT;
  const offsetFlags = u16(bytes, at + TCP_AT_OFFSET_FLAGS);
  const header = (offsetFlags >>> 12) << 2;
  if (header < TCP_HEADER || header > end - at) return TCP_DATA_OFFSET;
  if (!csumGood && !verifies(bytes, at, end, segment.source, segment.destination, PROTOCOL_TCP))
    return TCP_CHECKSUM;
  segment.sourcePort = u16(bytes, at);
  segment.destinationPort = u16(bytes, at + TCP_AT_DESTINATION_PORT);
  segment.seq = i32(bytes, at + TCP_AT_SEQ) as Seq;
  segment.ack = i32(bytes, at + TCP_AT_ACK) as Seq;
  segment.flags = offsetFlags & 0x1ff;
  segment.window = u16(bytes, at + TCP_AT_WINDOW);
  segment.urgent = u16(bytes, at + TCP_AT_URGENT);
  segment.bytes = bytes;
  segment.headersAt = at;
  segment.at = at + header;
  segment.length = end - at - header;
  if (header > TCP_HEADER) decodeTcpOptions(bytes, at + TCP_HEADER, at + header, segment);
  else clearTcpOptions(segment);
  return OK;
}

/**
 * `decodeTcp` for a segment in a frame: sums faster, and not at all where the frame's checksum is known.
 * @param at start of the TCP header; `end` where the IP datagram ends
 */
export function decodeTcpFrame(frame: Frame, at: number, end: number, segment: Segment): Reason {
  if (frame.csum === CSUM_UNKNOWN && end - at >= TCP_HEADER) {
    if (!verifiesFrame(frame, at, end, segment)) {
      const header = (frame.bytes[at + TCP_AT_OFFSET_FLAGS]! >>> 4) << 2;
      return header < TCP_HEADER || header > end - at ? TCP_DATA_OFFSET : TCP_CHECKSUM;
    }
  }
  return decodeTcp(frame.bytes, at, end, segment, true);
}

function verifiesFrame(frame: Frame, at: number, end: number, segment: Segment): boolean {
  const pseudo = pseudoSum(segment.source, segment.destination, PROTOCOL_TCP, end - at);
  const { attached } = frame;
  const total = sumView(frame.view, at, end - attached) + (attached > 0 ? frame.attachedSum() : 0);
  return fold(total + pseudo) === 0xffff;
}

/**
 * Writes a header of `header` bytes (its options are the caller's, behind the first 20) with a zero checksum.
 * @param flags nine bits, AE as 0x100
 * @param window the field as it stands on the wire
 */
export function putTcpHeader(
  bytes: Uint8Array,
  at: number,
  sourcePort: number,
  destinationPort: number,
  seq: number,
  ack: number,
  header: number,
  flags: number,
  window: number,
  urgent: number,
): void {
  put16(bytes, at, sourcePort);
  put16(bytes, at + TCP_AT_DESTINATION_PORT, destinationPort);
  put32(bytes, at + TCP_AT_SEQ, seq);
  put32(bytes, at + TCP_AT_ACK, ack);
  put16(bytes, at + TCP_AT_OFFSET_FLAGS, ((header >>> 2) << 12) | (flags & 0x1ff));
  put16(bytes, at + TCP_AT_WINDOW, window);
  put16(bytes, at + TCP_AT_CHECKSUM, 0);
  put16(bytes, at + TCP_AT_URGENT, urgent);
}

/** Completes the checksum of the segment in `bytes[at..end)`. */
export function putTcpChecksum(
  bytes: Uint8Array,
  at: number,
  end: number,
  source: Address,
  destination: Address,
): void {
  put16(bytes, at + TCP_AT_CHECKSUM, 0);
  const total = sum(bytes, at, end) + pseudoSum(source, destination, PROTOCOL_TCP, end - at);
  put16(bytes, at + TCP_AT_CHECKSUM, finish(total));
}

/** Completes the checksum of the segment in `frame.bytes[at..frame.end)` and what is attached to it. */
export function putTcpChecksumFrame(frame: Frame, at: number, source: Address, destination: Address): void {
  put16(frame.bytes, at + TCP_AT_CHECKSUM, 0);
  const { attached } = frame;
  const pseudo = pseudoSum(source, destination, PROTOCOL_TCP, frame.end - at + attached);
  const total = sumView(frame.view, at, frame.end) + (attached > 0 ? frame.attachedSum() : 0) + pseudo;
  put16(frame.bytes, at + TCP_AT_CHECKSUM, finish(total));
}
