import type { Address } from '../base/address.ts';
import { i32, put16, put32 } from './bytes.ts';
import { finish, pseudoSum, sum, verifies } from './checksum.ts';
import { ICMP_CHECKSUM, ICMP_SHORT, OK, type Reason } from './reason.ts';

export const PROTOCOL_ICMP6 = 58;
export const ICMP6_HEADER = 8;

export const ICMP6_UNREACHABLE = 1;
export const ICMP6_PACKET_TOO_BIG = 2;
export const ICMP6_TIME_EXCEEDED = 3;
export const ICMP6_PARAMETER_PROBLEM = 4;
export const ICMP6_ECHO = 128;
export const ICMP6_ECHO_REPLY = 129;
export const ICMP6_ROUTER_SOLICIT = 133;
export const ICMP6_ROUTER_ADVERT = 134;
export const ICMP6_NEIGHBOR_SOLICIT = 135;
export const ICMP6_NEIGHBOR_ADVERT = 136;
export const ICMP6_REDIRECT = 137;
export const ICMP6_MLD2_REPORT = 143;

/** Codes of ICMP6_UNREACHABLE (RFC 4443 §3.1). */
export const UNREACHABLE6_NO_ROUTE = 0;
export const UNREACHABLE6_PROHIBITED = 1;
export const UNREACHABLE6_SCOPE = 2;
export const UNREACHABLE6_ADDRESS = 3;
export const UNREACHABLE6_PORT = 4;
export const UNREACHABLE6_POLICY = 5;
export const UNREACHABLE6_REJECT = 6;

/** A decoded ICMPv6 message (RFC 4443). */
export class Icmp6Message {
  type = 0;
  code = 0;
  /** The second word, signed. */
  word = 0;
  /** What follows the 8-byte header. */
  at = 0;
  end = 0;

  get id(): number {
    return this.word >>> 16;
  }

  get sequence(): number {
    return this.word & 0xffff;
  }

  /** Of "packet too big": 32 bits. */
  get mtu(): number {
    return this.word >>> 0;
  }

  /** Of "parameter problem": offset of the bad byte. */
  get pointer(): number {
    return this.word >>> 0;
  }

  /** Errors have the top bit clear. */
  get isError(): boolean {
    return this.type < 128;
  }
}

export function decodeIcmp6(
  bytes: Uint8Array,
  at: number,
  end: number,
  source: Address,
  destination: Address,
  m: Icmp6Message,
): Reason {
  if (end - at < ICMP6_HEADER) return ICMP_SHORT;
  if (!verifies(bytes, at, end, source, destination, PROTOCOL_ICMP6)) return ICMP_CHECKSUM;
  m.type = bytes[at]!;
  m.code = bytes[at + 1]!;
  m.word = i32(bytes, at + 4);
  m.at = at + ICMP6_HEADER;
  m.end = end;
  return OK;
}

/** Writes header and checksum of the message that `bytes[at..end)` is; what follows the header is in place. */
export function putIcmp6(
  bytes: Uint8Array,
  at: number,
  end: number,
  type: number,
  code: number,
  word: number,
  source: Address,
  destination: Address,
): void {
  bytes[at] = type;
  bytes[at + 1] = code;
  put16(bytes, at + 2, 0);
  put32(bytes, at + 4, word);
  put16(
    bytes,
    at + 2,
    finish(sum(bytes, at, end) + pseudoSum(source, destination, PROTOCOL_ICMP6, end - at)),
  );
}
