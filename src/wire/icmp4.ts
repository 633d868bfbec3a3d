import { i32, put16, put32 } from './bytes.ts';
import { checksum, fold, sum } from './checksum.ts';
import { ICMP_CHECKSUM, ICMP_SHORT, OK, type Reason } from './reason.ts';

export const PROTOCOL_ICMP = 1;
export const ICMP_HEADER = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_TIMESTAMP_REPLY = 14;

/** Codes of ICMP_UNREACHABLE (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
export const UNREACHABLE_NET = 0;
export const UNREACHABLE_HOST = 1;
export const UNREACHABLE_PROTOCOL = 2;
export const UNREACHABLE_PORT = 3;
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4;
export const UNREACHABLE_SOURCE_ROUTE = 5;
export const UNREACHABLE_NET_UNKNOWN = 6;
export const UNREACHABLE_HOST_UNKNOWN = 7;
export const UNREACHABLE_NET_PROHIBITED = 9;
export const UNREACHABLE_HOST_PROHIBITED = 10;
export const UNREACHABLE_PROHIBITED = 13;

/** Codes of ICMP_TIME_EXCEEDED. */
export const EXCEEDED_TTL = 0;
export const EXCEEDED_REASSEMBLY = 1;

/** A decoded ICMP message (RFC 792). */
export class Icmp4Message {
  type = 0;
  code = 0;
  /** The second word, signed; below it as its types read it. */
  word = 0;
  /** What follows the 8-byte header: `bytes[at..end)` (an error's quoted packet, an echo's data). */
  at = 0;
  end = 0;

  /** Echo identifier and sequence number. */
  get id(): number {
    return this.word >>> 16;
  }

  get sequence(): number {
    return this.word & 0xffff;
  }

  /** Next-hop MTU of "fragmentation needed" (RFC 1191 §4), 0 from old routers. */
  get mtu(): number {
    return this.word & 0xffff;
  }

  /** Parameter problem: offset of the bad byte. */
  get pointer(): number {
    return this.word >>> 24;
  }

  /** A message about another packet, which therefore must never be answered (RFC 1122 §3.2.2). */
  get isError(): boolean {
    return isIcmp4Error(this.type);
  }
}

export function isIcmp4Error(type: number): boolean {
  return (
    type === ICMP_UNREACHABLE ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETER_PROBLEM
  );
}

export function decodeIcmp4(bytes: Uint8Array, at: number, end: number, m: Icmp4Message): Reason {
  if (end - at < ICMP_HEADER) return ICMP_SHORT;
  if (fold(sum(bytes, at, end)) !== 0xffff) return ICMP_CHECKSUM;
  m.type = bytes[at]!;
  m.code = bytes[at + 1]!;
  m.word = i32(bytes, at + 4);
  m.at = at + ICMP_HEADER;
  m.end = end;
  return OK;
}

/** Writes header and checksum of the message that `bytes[at..end)` is; what follows the header is in place. */
export function putIcmp4(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
  code: number,
  word: number,
): void {
  bytes[at] = type;
  bytes[at + 1] = code;
  put16(bytes, at + 2, 0);
  put32(bytes, at + 4, word);
  put16(bytes, at + 2, checksum(bytes, at, end));
}
