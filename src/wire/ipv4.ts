import { Address } from '../base/address.ts';
import { put16, u16 } from './bytes.ts';
import { checksum, fold, sum } from './checksum.ts';
import {
  FRAGMENT_LENGTH,
  FRAGMENT_TOO_BIG,
  IP_CHECKSUM,
  IP_HEADER_LENGTH,
  IP_OPTION,
  IP_SHORT,
  IP_SOURCE_ROUTE,
  IP_TOTAL_LENGTH,
  IP_VERSION,
  OK,
  type Reason,
} from './reason.ts';

/** Bytes of a header without options, and the most with them. */
export const IPV4_HEADER = 20;
export const IPV4_MAX_HEADER = 60;
export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
/** The fragment offset, in units of 8 bytes. */
export const IP_OFFSET_MASK = 0x1fff;

/** Option types, the copied flag included (RFC 791 §3.1). */
export const IPOPT_END = 0;
export const IPOPT_NOP = 1;
export const IPOPT_RECORD_ROUTE = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_LOOSE_ROUTE = 131;
export const IPOPT_STRICT_ROUTE = 137;
export const IPOPT_ROUTER_ALERT = 148;

/** A decoded IPv4 header (RFC 791), to be reused. */
export class Ipv4Header {
  readonly source = Address.v4(0);
  readonly destination = Address.v4(0);
  tos = 0;
  id = 0;
  dontFragment = false;
  moreFragments = false;
  /** Fragment offset in bytes. */
  fragmentOffset = 0;
  ttl = 0;
  protocol = 0;
  headerLength = IPV4_HEADER;
  totalLength = 0;
  /** Options lie in `bytes[optionsAt..at)`. */
  optionsAt = 0;
  /** Payload: `bytes[at..end)`; link padding behind the datagram is left out. */
  at = 0;
  end = 0;
  routerAlert = false;
  /** On IP_OPTION: offset of the bad byte from the start of the header, for ICMP parameter problem. */
  problemAt = 0;

  /** One piece of a datagram. */
  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset !== 0;
  }
}

/**
 * Decodes and checks the header at `bytes[at]`. On IP_OPTION and IP_SOURCE_ROUTE the fixed fields have been
 * set, so that the caller can answer; on other reasons but OK they mean nothing.
 */
export function decodeIpv4(bytes: Uint8Array, at: number, end: number, h: Ipv4Header): Reason {
  if (end - at < IPV4_HEADER) return IP_SHORT;
  const first = bytes[at]!;
  if (first >>> 4 !== 4) return IP_VERSION;
  const header = (first & 15) << 2;
  if (header < IPV4_HEADER || header > end - at) return IP_HEADER_LENGTH;
  const total = u16(bytes, at + 2);
  if (total < header || total > end - at) return IP_TOTAL_LENGTH;
  if (fold(sum(bytes, at, at + header)) !== 0xffff) return IP_CHECKSUM;
  const fragment = u16(bytes, at + 6);
  h.headerLength = header;
  h.totalLength = total;
  h.tos = bytes[at + 1]!;
  h.id = u16(bytes, at + 4);
  h.dontFragment = (fragment & IP_DF) !== 0;
  h.moreFragments = (fragment & IP_MF) !== 0;
  h.fragmentOffset = (fragment & IP_OFFSET_MASK) << 3;
  h.ttl = bytes[at + 8]!;
  h.protocol = bytes[at + 9]!;
  h.source.assign4(bytes, at + 12);
  h.destination.assign4(bytes, at + 16);
  h.optionsAt = at + IPV4_HEADER;
  h.at = at + header;
  h.end = at + total;
  h.routerAlert = false;
  h.problemAt = 0;
  if ((fragment & (IP_MF | IP_OFFSET_MASK)) !== 0) {
    const length = total - header;
    // Every piece but the last is a multiple of 8 bytes; none is empty; together at most 65535 with the header.
    if (length === 0 || (h.moreFragments && (length & 7) !== 0)) return FRAGMENT_LENGTH;
    if (h.fragmentOffset + length + header > 65535) return FRAGMENT_TOO_BIG;
  }
  return header === IPV4_HEADER ? OK : decodeOptions(bytes, at, h);
}

/** Walks the options once; each is at least two bytes long, so at most 20 steps beside the NOPs. */
function decodeOptions(bytes: Uint8Array, start: number, h: Ipv4Header): Reason {
  let sourceRoute = false;
  let at = h.optionsAt;
  while (at < h.at) {
    const type = bytes[at]!;
    if (type === IPOPT_END) break;
    if (type === IPOPT_NOP) {
      at++;
      continue;
    }
    const room = h.at - at;
    const length = room >= 2 ? bytes[at + 1]! : 0;
    const bad = length < 2 || length > room ? 1 : checkOption(bytes, at, type, length);
    if (bad !== 0) {
      h.problemAt = at + bad - start;
      return IP_OPTION;
    }
    if (type === IPOPT_LOOSE_ROUTE || type === IPOPT_STRICT_ROUTE) sourceRoute = true;
    if (type === IPOPT_ROUTER_ALERT) h.routerAlert = true;
    at += length;
  }
  return sourceRoute ? IP_SOURCE_ROUTE : OK;
}

/** The offset within the option of what is wrong with it, 0 if nothing is. */
function checkOption(bytes: Uint8Array, at: number, type: number, length: number): number {
  switch (type) {
    case IPOPT_RECORD_ROUTE:
    case IPOPT_LOOSE_ROUTE:
    case IPOPT_STRICT_ROUTE:
      if (length < 3) return 1;
      return bytes[at + 2]! < 4 ? 2 : 0;
    case IPOPT_TIMESTAMP:
      if (length < 4) return 1;
      return bytes[at + 2]! < 5 ? 2 : 0;
    case IPOPT_ROUTER_ALERT:
      return length < 4 ? 1 : 0;
    default:
      return 0;
  }
}

/**
 * Writes a header with its checksum. Options, if `header` is above 20, are the caller's and already in place.
 * @param totalLength header and payload
 * @param fragment DF, MF and offset / 8 as the field holds them
 */
export function putIpv4(
  bytes: Uint8Array,
  at: number,
  totalLength: number,
  tos: number,
  id: number,
  fragment: number,
  ttl: number,
  protocol: number,
  source: Address,
  destination: Address,
  header: number = IPV4_HEADER,
): void {
  bytes[at] = 0x40 | (header >>> 2);
  bytes[at + 1] = tos;
  put16(bytes, at + 2, totalLength);
  put16(bytes, at + 4, id);
  put16(bytes, at + 6, fragment);
  bytes[at + 8] = ttl;
  bytes[at + 9] = protocol;
  put16(bytes, at + 10, 0);
  source.write4(bytes, at + 12);
  destination.write4(bytes, at + 16);
  put16(bytes, at + 10, checksum(bytes, at, at + header));
}
