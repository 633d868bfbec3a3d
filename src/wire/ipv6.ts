import { Address } from '../base/address.ts';
import { i32, put16, put32, u16 } from './bytes.ts';
import {
  FRAGMENT_LENGTH,
  FRAGMENT_TOO_BIG,
  IP6_EXTENSION,
  IP6_EXTENSION_ORDER,
  IP6_OPTION,
  IP6_PAYLOAD_LENGTH,
  IP6_ROUTING_TYPE_0,
  IP6_SHORT,
  IP6_TOO_MANY_HEADERS,
  IP6_VERSION,
  OK,
  type Reason,
} from './reason.ts';

export const IPV6_HEADER = 40;
export const FRAGMENT_HEADER = 8;

/** Extension headers (IANA "Assigned Internet Protocol Numbers"). */
export const NEXT_HOP_BY_HOP = 0;
export const NEXT_ROUTING = 43;
export const NEXT_FRAGMENT = 44;
export const NEXT_NONE = 59;
export const NEXT_DESTINATION = 60;

/** Extension headers walked before a packet is dropped (RFC 8504 §5.3 lets a host set such a limit). */
const MAX_HEADERS = 8;
/** Options other than padding in one header, as Linux's max_dst_opts_number. */
const MAX_OPTIONS = 8;
const OPTION_PAD1 = 0;
const OPTION_PADN = 1;
const OPTION_ROUTER_ALERT = 5;

/** ICMPv6 parameter problem codes (RFC 4443 §3.4); NO_PROBLEM: answer nothing. */
export const NO_PROBLEM = -1;
export const PROBLEM_FIELD = 0;
export const PROBLEM_NEXT_HEADER = 1;
export const PROBLEM_OPTION = 2;

/** A decoded IPv6 header and what its extension headers came to (RFC 8200), to be reused. */
export class Ipv6Header {
  readonly source = new Address(0, 0, 0, 0);
  readonly destination = new Address(0, 0, 0, 0);
  trafficClass = 0;
  flowLabel = 0;
  hopLimit = 0;
  payloadLength = 0;
  /** The upper-layer protocol, or of a fragment the header that follows the fragment header. */
  protocol = 0;
  /** Upper-layer payload, or a fragment's piece: `bytes[at..end)`. */
  at = 0;
  end = 0;
  /** A real fragment; an atomic one (offset 0, no more; RFC 6946) is not. Then the walk stopped here. */
  isFragment = false;
  fragmentId = 0;
  fragmentOffset = 0;
  moreFragments = false;
  /** Where the next-header field lies that named the fragment header, and where that header is. */
  fragmentNextAt = 0;
  fragmentAt = 0;
  routerAlert = false;
  /** Where the walk's last next-header field lies, for parameter problem code 1. */
  nextHeaderAt = 0;
  /** On a reason but OK: the parameter problem to send (code and absolute offset), or NO_PROBLEM. */
  problemCode = NO_PROBLEM;
  problemAt = 0;
}

/**
 * Decodes the header at `bytes[at]` and walks the extension headers.
 * @param scope interface index given to link-local addresses
 */
export function decodeIpv6(bytes: Uint8Array, at: number, end: number, h: Ipv6Header, scope: number): Reason {
  h.problemCode = NO_PROBLEM;
  if (end - at < IPV6_HEADER) return IP6_SHORT;
  const first = i32(bytes, at);
  if (first >>> 28 !== 6) return IP6_VERSION;
  const length = u16(bytes, at + 4);
  if (length > end - at - IPV6_HEADER) return IP6_PAYLOAD_LENGTH;
  h.trafficClass = (first >>> 20) & 0xff;
  h.flowLabel = first & 0xfffff;
  h.payloadLength = length;
  h.hopLimit = bytes[at + 7]!;
  h.source.assign6(bytes, at + 8, scope);
  h.destination.assign6(bytes, at + 24, scope);
  h.isFragment = false;
  h.routerAlert = false;
  h.nextHeaderAt = at + 6;
  h.at = at + IPV6_HEADER;
  h.end = at + IPV6_HEADER + length;
  h.protocol = bytes[at + 6]!;
  return walkExtensions(bytes, h, true);
}

/**
 * Walks the extension headers from `h.at`, whose kind `h.protocol` names; also used on what reassembly
 * yields. Ends at an upper-layer protocol or at a fragment.
 * @param first `h.at` is right behind the fixed header, where alone hop-by-hop options may stand
 */
export function walkExtensions(bytes: Uint8Array, h: Ipv6Header, first: boolean): Reason {
  for (let n = 0; n < MAX_HEADERS; n++) {
    const kind = h.protocol;
    if (kind === NEXT_FRAGMENT) {
      const reason = decodeFragment(bytes, h);
      if (reason !== OK || h.isFragment) return reason;
      continue;
    }
    if (kind !== NEXT_HOP_BY_HOP && kind !== NEXT_ROUTING && kind !== NEXT_DESTINATION) return OK;
    if (kind === NEXT_HOP_BY_HOP && (n > 0 || !first)) {
      return problem(h, IP6_EXTENSION_ORDER, PROBLEM_NEXT_HEADER, h.nextHeaderAt);
    }
    const at = h.at;
    if (h.end - at < 8) return IP6_EXTENSION;
    const length = (bytes[at + 1]! + 1) << 3;
    if (length > h.end - at) return IP6_EXTENSION;
    const reason =
      kind === NEXT_ROUTING ? checkRouting(bytes, at, h) : checkOptions(bytes, at + 2, at + length, h);
    if (reason !== OK) return reason;
    h.nextHeaderAt = at;
    h.protocol = bytes[at]!;
    h.at = at + length;
  }
  return IP6_TOO_MANY_HEADERS;
}

function decodeFragment(bytes: Uint8Array, h: Ipv6Header): Reason {
  const at = h.at;
  if (h.end - at < FRAGMENT_HEADER) return IP6_EXTENSION;
  const field = u16(bytes, at + 2);
  h.fragmentOffset = field & 0xfff8;
  h.moreFragments = (field & 1) !== 0;
  h.fragmentId = i32(bytes, at + 4);
  h.fragmentNextAt = h.nextHeaderAt;
  h.fragmentAt = at;
  h.isFragment = h.fragmentOffset !== 0 || h.moreFragments;
  h.nextHeaderAt = at;
  h.protocol = bytes[at]!;
  h.at = at + FRAGMENT_HEADER;
  if (!h.isFragment) return OK;
  const length = h.end - h.at;
  const fixed = fixedHeaderAt(h);
  // RFC 8200 §4.5: all but the last are multiples of 8; the whole must fit in 65535.
  if (h.moreFragments && (length & 7) !== 0) return problem(h, FRAGMENT_LENGTH, PROBLEM_FIELD, fixed + 4);
  if (length === 0) return FRAGMENT_LENGTH;
  if (h.fragmentOffset + length + (at - fixed - IPV6_HEADER) > 65535) {
    return problem(h, FRAGMENT_TOO_BIG, PROBLEM_FIELD, at + 2);
  }
  return OK;
}

function fixedHeaderAt(h: Ipv6Header): number {
  return h.end - h.payloadLength - IPV6_HEADER;
}

function checkRouting(bytes: Uint8Array, at: number, h: Ipv6Header): Reason {
  const left = bytes[at + 3]!;
  if (left === 0) return OK;
  // RFC 5095: type 0 is treated as unknown; of unknown types with segments left, RFC 8200 §4.4 wants a problem.
  return problem(h, bytes[at + 2] === 0 ? IP6_ROUTING_TYPE_0 : IP6_EXTENSION, PROBLEM_FIELD, at + 2);
}

function checkOptions(bytes: Uint8Array, at: number, end: number, h: Ipv6Header): Reason {
  let options = 0;
  while (at < end) {
    const type = bytes[at]!;
    if (type === OPTION_PAD1) {
      at++;
      continue;
    }
    if (end - at < 2) return IP6_OPTION;
    const length = 2 + bytes[at + 1]!;
    if (length > end - at) return IP6_OPTION;
    if (type === OPTION_ROUTER_ALERT) h.routerAlert = true;
    if (type !== OPTION_PADN) {
      if (++options > MAX_OPTIONS) return IP6_OPTION;
      // Unknown: the two high bits say what to do (RFC 8200 §4.2). Jumbo payload is 11 and unsupported.
      const action = type === OPTION_ROUTER_ALERT ? 0 : type >>> 6;
      if (action === 1) return IP6_OPTION;
      if (action === 2) return problem(h, IP6_OPTION, PROBLEM_OPTION, at);
      if (action === 3) {
        return h.destination.isMulticast ? IP6_OPTION : problem(h, IP6_OPTION, PROBLEM_OPTION, at);
      }
    }
    at += length;
  }
  return OK;
}

function problem(h: Ipv6Header, reason: Reason, code: number, at: number): Reason {
  h.problemCode = code;
  h.problemAt = at;
  return reason;
}

/** Writes the 40-byte header. */
export function putIpv6(
  bytes: Uint8Array,
  at: number,
  payloadLength: number,
  trafficClass: number,
  flowLabel: number,
  nextHeader: number,
  hopLimit: number,
  source: Address,
  destination: Address,
): void {
  put32(bytes, at, (6 << 28) | ((trafficClass & 0xff) << 20) | (flowLabel & 0xfffff));
  put16(bytes, at + 4, payloadLength);
  bytes[at + 6] = nextHeader;
  bytes[at + 7] = hopLimit;
  source.write6(bytes, at + 8);
  destination.write6(bytes, at + 24);
}

/** Writes an 8-byte fragment header; `offset` in bytes. */
export function putFragmentHeader(
  bytes: Uint8Array,
  at: number,
  nextHeader: number,
  offset: number,
  more: boolean,
  id: number,
): void {
  bytes[at] = nextHeader;
  bytes[at + 1] = 0;
  put16(bytes, at + 2, (offset & 0xfff8) | (more ? 1 : 0));
  put32(bytes, at + 4, id);
}
