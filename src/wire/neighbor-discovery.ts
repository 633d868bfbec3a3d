import { Address } from '../base/address.ts';
import { i32, put16, put32 } from './bytes.ts';
import { Mac } from './ethernet.ts';
import {
  ICMP6_HEADER,
  ICMP6_NEIGHBOR_ADVERT,
  ICMP6_NEIGHBOR_SOLICIT,
  ICMP6_REDIRECT,
  ICMP6_ROUTER_ADVERT,
  ICMP6_ROUTER_SOLICIT,
  type Icmp6Message,
  putIcmp6,
} from './icmp6.ts';
import { ND_FORMAT, ND_HOP_LIMIT, ND_OPTION, OK, type Reason } from './reason.ts';

const OPTION_SOURCE_LINK = 1;
const OPTION_TARGET_LINK = 2;
const OPTION_PREFIX = 3;
const OPTION_MTU = 5;

/** Prefix options kept of one advertisement; more are ignored. */
export const MAX_PREFIXES = 8;

/** A prefix that a router advertises (RFC 4861 §4.6.2). */
export class NdPrefix {
  readonly prefix = new Address(0, 0, 0, 0);
  length = 0;
  onLink = false;
  autonomous = false;
  /** Seconds; 0xffffffff is for ever. */
  validLifetime = 0;
  preferredLifetime = 0;
}

/** A decoded neighbour discovery message with its options (RFC 4861 §4), to be reused. */
export class NdMessage {
  type = 0;
  /** NS, NA: the target; redirect: the better first hop. */
  readonly target = new Address(0, 0, 0, 0);
  /** Redirect: the destination that is redirected. */
  readonly destination = new Address(0, 0, 0, 0);
  /** NA flags. */
  router = false;
  solicited = false;
  override = false;
  /** RA: hop limit to use, 0 unspecified; lifetime in seconds; times in ms, 0 unspecified. */
  hopLimit = 0;
  managed = false;
  other = false;
  routerLifetime = 0;
  reachableTime = 0;
  retransTime = 0;
  hasSourceLink = false;
  readonly sourceLink = new Mac(0, 0);
  hasTargetLink = false;
  readonly targetLink = new Mac(0, 0);
  /** MTU option, 0 absent. */
  mtu = 0;
  prefixes = 0;
  readonly prefix: readonly NdPrefix[] = Array.from({ length: MAX_PREFIXES }, () => new NdPrefix());
}

/** Whether an ICMPv6 type is one of the five that `decodeNd` reads. */
export const isNd = (type: number): boolean => type >= ICMP6_ROUTER_SOLICIT && type <= ICMP6_REDIRECT;

/**
 * Decodes a neighbour discovery message whose ICMPv6 header is in `m`, with the validity checks of RFC 4861
 * §6.1, §7.1 and §8.1: what fails one is to be dropped in silence.
 * @param source,destination,hopLimit of the IPv6 header
 */
export function decodeNd(
  bytes: Uint8Array,
  m: Icmp6Message,
  source: Address,
  destination: Address,
  hopLimit: number,
  nd: NdMessage,
): Reason {
  if (hopLimit !== 255) return ND_HOP_LIMIT;
  if (m.code !== 0 || !isNd(m.type)) return ND_FORMAT;
  nd.type = m.type;
  nd.hasSourceLink = false;
  nd.hasTargetLink = false;
  nd.mtu = 0;
  nd.prefixes = 0;
  nd.router = false;
  nd.solicited = false;
  nd.override = false;
  let at = m.at;
  switch (m.type) {
    case ICMP6_ROUTER_SOLICIT:
      break;
    case ICMP6_ROUTER_ADVERT:
      if (m.end - at < 8 || !source.isLinkLocal) return ND_FORMAT;
      nd.hopLimit = m.word >>> 24;
      nd.managed = (m.word & 0x800000) !== 0;
      nd.other = (m.word & 0x400000) !== 0;
      nd.routerLifetime = m.word & 0xffff;
      nd.reachableTime = i32(bytes, at) >>> 0;
      nd.retransTime = i32(bytes, at + 4) >>> 0;
      at += 8;
      break;
    case ICMP6_NEIGHBOR_SOLICIT:
    case ICMP6_NEIGHBOR_ADVERT:
      if (m.end - at < 16) return ND_FORMAT;
      nd.target.assign6(bytes, at, source.scope | destination.scope);
      if (nd.target.isMulticast) return ND_FORMAT;
      nd.router = (m.word & 0x80000000) !== 0;
      nd.solicited = (m.word & 0x40000000) !== 0;
      nd.override = (m.word & 0x20000000) !== 0;
      at += 16;
      break;
    case ICMP6_REDIRECT:
      if (m.end - at < 32 || !source.isLinkLocal) return ND_FORMAT;
      nd.target.assign6(bytes, at, source.scope);
      nd.destination.assign6(bytes, at + 16, source.scope);
      if (nd.destination.isMulticast) return ND_FORMAT;
      at += 32;
      break;
  }
  const reason = decodeOptions(bytes, at, m.end, nd);
  return reason !== OK ? reason : checkAddresses(m.type, source, destination, nd);
}

function checkAddresses(type: number, source: Address, destination: Address, nd: NdMessage): Reason {
  if (type === ICMP6_NEIGHBOR_SOLICIT && source.isAny) {
    // Duplicate address detection: to the solicited-node group, without a source link-layer option.
    return nd.hasSourceLink || !isSolicitedNode(destination) ? ND_FORMAT : OK;
  }
  if (type === ICMP6_NEIGHBOR_ADVERT && destination.isMulticast && nd.solicited) return ND_FORMAT;
  if (type === ICMP6_ROUTER_SOLICIT && source.isAny && nd.hasSourceLink) return ND_FORMAT;
  return OK;
}

function decodeOptions(bytes: Uint8Array, at: number, end: number, nd: NdMessage): Reason {
  while (at < end) {
    if (end - at < 8) return ND_OPTION;
    const length = bytes[at + 1]! << 3;
    if (length === 0 || length > end - at) return ND_OPTION;
    switch (bytes[at]!) {
      case OPTION_SOURCE_LINK:
        nd.hasSourceLink = true;
        nd.sourceLink.assign(bytes, at + 2);
        break;
      case OPTION_TARGET_LINK:
        nd.hasTargetLink = true;
        nd.targetLink.assign(bytes, at + 2);
        break;
      case OPTION_MTU:
        nd.mtu = i32(bytes, at + 4) >>> 0;
        break;
      case OPTION_PREFIX:
        if (length === 32 && nd.prefixes < MAX_PREFIXES) decodePrefix(bytes, at, nd);
        break;
    }
    at += length;
  }
  return OK;
}

function decodePrefix(bytes: Uint8Array, at: number, nd: NdMessage): void {
  const p = nd.prefix[nd.prefixes]!;
  p.length = bytes[at + 2]!;
  if (p.length > 128) return;
  p.onLink = (bytes[at + 3]! & 0x80) !== 0;
  p.autonomous = (bytes[at + 3]! & 0x40) !== 0;
  p.validLifetime = i32(bytes, at + 4) >>> 0;
  p.preferredLifetime = i32(bytes, at + 8) >>> 0;
  p.prefix.assign6(bytes, at + 16, 0);
  nd.prefixes++;
}

/** The solicited-node group of an address (RFC 4291 §2.7.1). */
export function solicitedNode(target: Address): Address {
  return new Address(0xff020000, 0, 1, 0xff000000 | (target.d & 0xffffff), target.scope);
}

export function isSolicitedNode(a: Address): boolean {
  return a.a >>> 0 === 0xff020000 && a.b === 0 && a.c === 1 && a.d >>> 24 === 0xff;
}

/** Writes a solicitation; `link` null (when the source is ::) leaves the option out. @returns the end offset */
export function putNeighborSolicit(
  bytes: Uint8Array,
  at: number,
  source: Address,
  destination: Address,
  target: Address,
  link: Mac | null,
): number {
  target.write6(bytes, at + ICMP6_HEADER);
  let end = at + ICMP6_HEADER + 16;
  if (link !== null) end = putLinkOption(bytes, end, OPTION_SOURCE_LINK, link);
  putIcmp6(bytes, at, end, ICMP6_NEIGHBOR_SOLICIT, 0, 0, source, destination);
  return end;
}

/** Writes an advertisement. @returns the end offset */
export function putNeighborAdvert(
  bytes: Uint8Array,
  at: number,
  source: Address,
  destination: Address,
  target: Address,
  link: Mac | null,
  router: boolean,
  solicited: boolean,
  override: boolean,
): number {
  target.write6(bytes, at + ICMP6_HEADER);
  let end = at + ICMP6_HEADER + 16;
  if (link !== null) end = putLinkOption(bytes, end, OPTION_TARGET_LINK, link);
  const flags = (router ? 0x80000000 : 0) | (solicited ? 0x40000000 : 0) | (override ? 0x20000000 : 0);
  putIcmp6(bytes, at, end, ICMP6_NEIGHBOR_ADVERT, 0, flags, source, destination);
  return end;
}

/** Writes a router solicitation. @returns the end offset */
export function putRouterSolicit(
  bytes: Uint8Array,
  at: number,
  source: Address,
  destination: Address,
  link: Mac | null,
): number {
  let end = at + ICMP6_HEADER;
  if (link !== null) end = putLinkOption(bytes, end, OPTION_SOURCE_LINK, link);
  putIcmp6(bytes, at, end, ICMP6_ROUTER_SOLICIT, 0, 0, source, destination);
  return end;
}

/** What `putRouterAdvert` writes; lifetimes in seconds, times in milliseconds. */
export interface RouterAdvert {
  readonly hopLimit: number;
  readonly managed: boolean;
  readonly other: boolean;
  readonly routerLifetime: number;
  readonly reachableTime: number;
  readonly retransTime: number;
  /** 0 leaves the option out. */
  readonly mtu: number;
  readonly link: Mac | null;
  readonly prefixes: readonly {
    readonly prefix: Address;
    readonly length: number;
    readonly onLink: boolean;
    readonly autonomous: boolean;
    readonly validLifetime: number;
    readonly preferredLifetime: number;
  }[];
}

/** Writes a router advertisement. @returns the end offset */
export function putRouterAdvert(
  bytes: Uint8Array,
  at: number,
  source: Address,
  destination: Address,
  advert: RouterAdvert,
): number {
  put32(bytes, at + 8, advert.reachableTime);
  put32(bytes, at + 12, advert.retransTime);
  let end = at + 16;
  if (advert.link !== null) end = putLinkOption(bytes, end, OPTION_SOURCE_LINK, advert.link);
  if (advert.mtu !== 0) {
    bytes[end] = OPTION_MTU;
    bytes[end + 1] = 1;
    put16(bytes, end + 2, 0);
    put32(bytes, end + 4, advert.mtu);
    end += 8;
  }
  for (const p of advert.prefixes) {
    bytes[end] = OPTION_PREFIX;
    bytes[end + 1] = 4;
    bytes[end + 2] = p.length;
    bytes[end + 3] = (p.onLink ? 0x80 : 0) | (p.autonomous ? 0x40 : 0);
    put32(bytes, end + 4, p.validLifetime);
    put32(bytes, end + 8, p.preferredLifetime);
    put32(bytes, end + 12, 0);
    p.prefix.write6(bytes, end + 16);
    end += 32;
  }
  const flags = (advert.managed ? 0x800000 : 0) | (advert.other ? 0x400000 : 0);
  const word = (advert.hopLimit << 24) | flags | (advert.routerLifetime & 0xffff);
  putIcmp6(bytes, at, end, ICMP6_ROUTER_ADVERT, 0, word, source, destination);
  return end;
}

function putLinkOption(bytes: Uint8Array, at: number, kind: number, link: Mac): number {
  bytes[at] = kind;
  bytes[at + 1] = 1;
  link.write(bytes, at + 2);
  return at + 8;
}
