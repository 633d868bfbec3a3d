import { type Address, parseAddress } from '../base/address.ts';
import { put16, put32 } from '../wire/bytes.ts';
import { checksum, transportChecksum } from '../wire/checksum.ts';
import { PROTOCOL_TCP, putTcpHeader } from '../wire/tcp.ts';
import {
  OPT_NOP,
  putMss,
  putSack,
  putSackPermitted,
  putSackPermittedTimestamps,
  putTimestamps,
  putWindowScale,
} from '../wire/tcp-options.ts';

/** TCP options of a hand-made segment, written in this order, padded with no-operations. */
export interface BuildOptions {
  mss?: number;
  sackOk?: boolean;
  /** TSval and TSecr. */
  timestamps?: readonly [number, number];
  windowScale?: number;
  /** Left and right edges. */
  sack?: readonly (readonly [number, number])[];
  /** Bytes put behind the others as they are. */
  raw?: Uint8Array;
}

/** A hand-made segment. Numbers are taken modulo their field's size, so that wrong ones can be made too. */
export interface BuildSegment {
  source: Address | string;
  destination: Address | string;
  sourcePort: number;
  destinationPort: number;
  seq?: number;
  ack?: number;
  /** As analyzers write them: S F R P . (ACK) U E W, in any order. */
  flags: string;
  window?: number;
  urgent?: number;
  data?: Uint8Array | string;
  options?: BuildOptions;
  tos?: number;
  ttl?: number;
  /** Put in place of the right TCP checksum. */
  checksum?: number;
}

const FLAG_BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, '.': 16, U: 32, E: 64, W: 128, A: 256 };
const text = new TextEncoder();

/** @throws Error on a flag that does not exist */
export function parseFlags(flags: string): number {
  let bits = 0;
  for (const letter of flags) {
    const bit = FLAG_BITS[letter];
    if (bit === undefined)
      throw new Error(
        `flags '${flags}': no flag '${letter}' (S F R P . U E W, '.' being ACK, A accurate ECN)`,
      );
    bits |= bit;
  }
  return bits;
}

/** The address itself, or the one that the text names. @throws Error if it names none */
export function toAddress(address: Address | string): Address {
  if (typeof address !== 'string') return address;
  const parsed = parseAddress(address);
  if (parsed === null) throw new Error(`'${address}' is neither an IPv4 nor an IPv6 address`);
  return parsed;
}

export const toBytes = (data: Uint8Array | string): Uint8Array =>
  typeof data === 'string' ? text.encode(data) : data;

/** The IP datagram that carries a hand-made segment, checksums filled in. */
export function buildSegment(s: BuildSegment): Uint8Array {
  const data = toBytes(s.data ?? EMPTY);
  const options = buildOptions(s.options ?? {});
  const header = 20 + options.length;
  const source = toAddress(s.source);
  const destination = toAddress(s.destination);
  const tcp = new Uint8Array(header + data.length);
  putTcpHeader(
    tcp,
    0,
    s.sourcePort,
    s.destinationPort,
    s.seq ?? 0,
    s.ack ?? 0,
    header,
    parseFlags(s.flags),
    s.window ?? 65535,
    s.urgent ?? 0,
  );
  tcp.set(options, 20);
  tcp.set(data, header);
  put16(tcp, 16, s.checksum ?? transportChecksum(tcp, 0, tcp.length, source, destination, PROTOCOL_TCP));
  return buildDatagram(source, destination, PROTOCOL_TCP, tcp, s.tos ?? 0, s.ttl ?? 64);
}

/** The bytes of the options alone, a multiple of four. */
export function buildOptions(o: BuildOptions): Uint8Array {
  const bytes = new Uint8Array(256);
  let at = 0;
  if (o.mss !== undefined) at = putMss(bytes, at, o.mss);
  if (o.sackOk && o.timestamps !== undefined)
    at = putSackPermittedTimestamps(bytes, at, o.timestamps[0], o.timestamps[1]);
  else if (o.sackOk) at = putSackPermitted(bytes, at);
  else if (o.timestamps !== undefined) at = putTimestamps(bytes, at, o.timestamps[0], o.timestamps[1]);
  if (o.windowScale !== undefined) at = putWindowScale(bytes, at, o.windowScale);
  if (o.sack !== undefined && o.sack.length > 0) {
    const left = Int32Array.from(o.sack, block => block[0] | 0);
    const right = Int32Array.from(o.sack, block => block[1] | 0);
    at = putSack(bytes, at, left, right, Math.min(o.sack.length, 8));
  }
  if (o.raw !== undefined) {
    bytes.set(o.raw.subarray(0, 40), at);
    at += Math.min(40, o.raw.length);
  }
  while (at % 4 !== 0) bytes[at++] = OPT_NOP;
  if (at > 40) throw new Error(`TCP options of ${at} bytes: at most 40 fit a header`);
  return bytes.slice(0, at);
}

/** An IP datagram of either family (the destination's), identification 0, DF set. */
export function buildDatagram(
  source: Address,
  destination: Address,
  protocol: number,
  payload: Uint8Array,
  tos = 0,
  ttl = 64,
): Uint8Array {
  if (destination.is4) {
    const bytes = new Uint8Array(20 + payload.length);
    bytes[0] = 0x45;
    bytes[1] = tos;
    put16(bytes, 2, bytes.length);
    put16(bytes, 6, 0x4000);
    bytes[8] = ttl;
    bytes[9] = protocol;
    source.write4(bytes, 12);
    destination.write4(bytes, 16);
    put16(bytes, 10, checksum(bytes, 0, 20));
    bytes.set(payload, 20);
    return bytes;
  }
  const bytes = new Uint8Array(40 + payload.length);
  put32(bytes, 0, (6 << 28) | (tos << 20));
  put16(bytes, 4, payload.length);
  bytes[6] = protocol;
  bytes[7] = ttl;
  source.write6(bytes, 8);
  destination.write6(bytes, 24);
  bytes.set(payload, 40);
  return bytes;
}

/** A hand-made ICMP (or, to an IPv6 address, ICMPv6) message that quotes the beginning of a datagram. */
export interface BuildIcmp {
  source: Address | string;
  destination: Address | string;
  type: number;
  code: number;
  /** The 32-bit word behind the checksum: next-hop MTU, pointer. */
  rest?: number;
  /** The datagram that gave rise to it; how much of it is quoted. @default 48 bytes (IPv6: 1232) */
  original: Uint8Array;
  quote?: number;
}

export function buildIcmp(m: BuildIcmp): Uint8Array {
  const source = toAddress(m.source);
  const destination = toAddress(m.destination);
  const quoted = m.original.subarray(0, m.quote ?? (destination.is4 ? 48 : 1232));
  const body = new Uint8Array(8 + quoted.length);
  body[0] = m.type;
  body[1] = m.code;
  put32(body, 4, m.rest ?? 0);
  body.set(quoted, 8);
  const sum = destination.is4
    ? checksum(body, 0, body.length)
    : transportChecksum(body, 0, body.length, source, destination, 58);
  put16(body, 2, sum);
  return buildDatagram(source, destination, destination.is4 ? 1 : 58, body);
}

const EMPTY = new Uint8Array(0);
