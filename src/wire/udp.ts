import type { Address } from '../base/address.ts';
import { put16, u16 } from './bytes.ts';
import { finish, pseudoSum, sum, verifies } from './checksum.ts';
import { OK, type Reason, UDP_CHECKSUM, UDP_LENGTH, UDP_SHORT } from './reason.ts';

export const PROTOCOL_UDP = 17;
export const UDP_HEADER = 8;

/** A decoded UDP header (RFC 768). */
export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  /** Payload: `bytes[at..end)`. */
  at = 0;
  end = 0;
}

/**
 * Decodes the datagram in `bytes[at..end)`. Bytes behind its own length are left out. A zero checksum means
 * none over IPv4 and is refused over IPv6 (RFC 8200 §8.1).
 * @param csumGood the checksum has been verified already
 */
export function decodeUdp(
  bytes: Uint8Array,
  at: number,
  end: number,
  source: Address,
  destination: Address,
  h: UdpHeader,
  csumGood = false,
): Reason {
  if (end - at < UDP_HEADER) return UDP_SHORT;
  const length = u16(bytes, at + 4);
  if (length < UDP_HEADER || length > end - at) return UDP_LENGTH;
  if (!csumGood) {
    if (u16(bytes, at + 6) === 0) {
      if (!destination.is4) return UDP_CHECKSUM;
    } else if (!verifies(bytes, at, at + length, source, destination, PROTOCOL_UDP)) return UDP_CHECKSUM;
  }
  h.sourcePort = u16(bytes, at);
  h.destinationPort = u16(bytes, at + 2);
  h.at = at + UDP_HEADER;
  h.end = at + length;
  return OK;
}

/** Writes the header of the datagram that `bytes[at..end)` is, and its checksum; the payload is in place. */
export function putUdp(
  bytes: Uint8Array,
  at: number,
  end: number,
  sourcePort: number,
  destinationPort: number,
  source: Address,
  destination: Address,
): void {
  put16(bytes, at, sourcePort);
  put16(bytes, at + 2, destinationPort);
  put16(bytes, at + 4, end - at);
  put16(bytes, at + 6, 0);
  const field = finish(sum(bytes, at, end) + pseudoSum(source, destination, PROTOCOL_UDP, end - at));
  // A checksum that comes to zero is sent as all ones: zero would mean "none".
  put16(bytes, at + 6, field === 0 ? 0xffff : field);
}
