import { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { i32, u16 } from './bytes.ts';
import { ICMP_QUOTE, OK, type Reason } from './reason.ts';

/**
 * The packet that an ICMP error quotes. Everything in it came from the sender of the error: the receiver
 * checks it against a connection of its own before believing it (RFC 5927).
 */
export class IcmpQuote {
  /** The quoted packet's source: us, if the error is real. */
  readonly source = new Address(0, 0, 0, 0);
  readonly destination = new Address(0, 0, 0, 0);
  protocol = 0;
  /** The first two 16-bit words of the transport header; for TCP, UDP the ports. */
  sourcePort = 0;
  destinationPort = 0;
  /** The word behind the ports: TCP's sequence number. */
  seq = 0 as Seq;
  /** The transport header: `bytes[at..end)`, at least 8 bytes. */
  at = 0;
  end = 0;
}

/** Reads the IPv4 packet quoted in `bytes[at..end)`: at least its header and 8 bytes, and no later fragment. */
export function decodeQuote4(bytes: Uint8Array, at: number, end: number, q: IcmpQuote): Reason {
  if (end - at < 28 || bytes[at]! >>> 4 !== 4) return ICMP_QUOTE;
  const header = (bytes[at]! & 15) << 2;
  if (header < 20 || end - at < header + 8 || (u16(bytes, at + 6) & 0x1fff) !== 0) return ICMP_QUOTE;
  q.source.assign4(bytes, at + 12);
  q.destination.assign4(bytes, at + 16);
  q.protocol = bytes[at + 9]!;
  return transport(bytes, at + header, end, q);
}

const MAX_HEADERS = 8;

/** Reads the IPv6 packet quoted in `bytes[at..end)`, stepping over its extension headers. */
export function decodeQuote6(
  bytes: Uint8Array,
  at: number,
  end: number,
  scope: number,
  q: IcmpQuote,
): Reason {
  if (end - at < 48 || bytes[at]! >>> 4 !== 6) return ICMP_QUOTE;
  q.source.assign6(bytes, at + 8, scope);
  q.destination.assign6(bytes, at + 24, scope);
  let next = bytes[at + 6]!;
  at += 40;
  for (let n = 0; n < MAX_HEADERS; n++) {
    if (end - at < 8) return ICMP_QUOTE;
    if (next === 44) {
      if ((u16(bytes, at + 2) & 0xfff8) !== 0) return ICMP_QUOTE;
      next = bytes[at]!;
      at += 8;
    } else if (next === 0 || next === 43 || next === 60) {
      next = bytes[at]!;
      at += (bytes[at + 1]! + 1) << 3;
    } else {
      q.protocol = next;
      return transport(bytes, at, end, q);
    }
  }
  return ICMP_QUOTE;
}

function transport(bytes: Uint8Array, at: number, end: number, q: IcmpQuote): Reason {
  if (end - at < 8) return ICMP_QUOTE;
  q.sourcePort = u16(bytes, at);
  q.destinationPort = u16(bytes, at + 2);
  q.seq = i32(bytes, at + 4) as Seq;
  q.at = at;
  q.end = end;
  return OK;
}
