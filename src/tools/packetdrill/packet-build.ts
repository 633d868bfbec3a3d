import type { Address } from '../../base/address.ts';
import { checksum, finish, pseudoSum, sum } from '../../wire/checksum.ts';
import type { TcpOptionSpec } from './ast.ts';

/** Builds the packets that a script injects, byte by byte: not through the engine's own encoder. */

export interface IpFields {
  readonly source: Address;
  readonly destination: Address;
  readonly tos: number;
  readonly ttl: number;
  readonly flowLabel: number;
}

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[];
  /** Payload length; the payload is all zero. */
  readonly length: number;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMP6 = 58;

export const isFamily4 = (ip: IpFields): boolean => ip.destination.is4;

/** A whole datagram around a transport message. */
export function buildIp(ip: IpFields, protocol: number, message: Uint8Array): Uint8Array {
  return isFamily4(ip) ? buildIp4(ip, protocol, message) : buildIp6(ip, protocol, message);
}

function buildIp4(ip: IpFields, protocol: number, message: Uint8Array): Uint8Array {
  const out = new Uint8Array(20 + message.length);
  const v = new DataView(out.buffer);
  out[0] = 0x45;
  out[1] = ip.tos;
  v.setUint16(2, out.length);
  out[8] = ip.ttl;
  out[9] = protocol;
  ip.source.write4(out, 12);
  ip.destination.write4(out, 16);
  v.setUint16(10, checksum(out, 0, 20));
  out.set(message, 20);
  return out;
}

function buildIp6(ip: IpFields, protocol: number, message: Uint8Array): Uint8Array {
  const out = new Uint8Array(40 + message.length);
  const v = new DataView(out.buffer);
  v.setUint32(0, ((6 << 28) | (ip.tos << 20) | ip.flowLabel) >>> 0);
  v.setUint16(4, message.length);
  out[6] = protocol;
  out[7] = ip.ttl;
  ip.source.write6(out, 8);
  ip.destination.write6(out, 24);
  out.set(message, 40);
  return out;
}

export function buildTcp(ip: IpFields, t: TcpFields): Uint8Array {
  const options = encodeOptions(t.options);
  const header = 20 + options.length;
  const out = new Uint8Array(header + t.length);
  const v = new DataView(out.buffer);
  v.setUint16(0, t.sourcePort);
  v.setUint16(2, t.destinationPort);
  v.setUint32(4, t.seq >>> 0);
  v.setUint32(8, t.ack >>> 0);
  v.setUint16(12, ((header >>> 2) << 12) | (t.flags & 0x1ff));
  v.setUint16(14, t.window);
  v.setUint16(18, t.urgent);
  out.set(options, 20);
  v.setUint16(16, finish(pseudoSum(ip.source, ip.destination, TCP, out.length) + sum(out, 0, out.length)));
  return buildIp(ip, TCP, out);
}

export function buildUdp(
  ip: IpFields,
  sourcePort: number,
  destinationPort: number,
  length: number,
): Uint8Array {
  const out = new Uint8Array(8 + length);
  const v = new DataView(out.buffer);
  v.setUint16(0, sourcePort);
  v.setUint16(2, destinationPort);
  v.setUint16(4, out.length);
  v.setUint16(
    6,
    finish(pseudoSum(ip.source, ip.destination, UDP, out.length) + sum(out, 0, out.length)) || 0xffff,
  );
  return buildIp(ip, UDP, out);
}

/** @param rest the second word of the header: MTU, pointer, or identifier and sequence number */
export function buildIcmp(
  ip: IpFields,
  type: number,
  code: number,
  rest: number,
  quoted: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(8 + quoted.length);
  const v = new DataView(out.buffer);
  out[0] = type;
  out[1] = code;
  v.setUint32(4, rest >>> 0);
  out.set(quoted, 8);
  const own = sum(out, 0, out.length);
  const pseudo = isFamily4(ip) ? 0 : pseudoSum(ip.source, ip.destination, ICMP6, out.length);
  v.setUint16(2, finish(pseudo + own));
  return buildIp(ip, isFamily4(ip) ? ICMP : ICMP6, out);
}

/** Options in order, cut or padded with zeros to whole words of at most 40 bytes, as the script wrote them. */
export function encodeOptions(options: readonly TcpOptionSpec[]): Uint8Array {
  const bytes = options.flatMap(encodeOption);
  while (bytes.length % 4) bytes.push(0);
  return Uint8Array.from(bytes.slice(0, 40));
}

const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];

function encodeOption(o: TcpOptionSpec): number[] {
  switch (o.kind) {
    case 'eol':
      return [0];
    case 'nop':
      return [1];
    case 'sackOK':
      return [4, 2];
    case 'mss':
      return [2, 4, ...u16(o.value)];
    case 'wscale':
      return [3, 3, o.value & 255];
    case 'TS':
      return [8, 10, ...u32(o.val), ...u32(o.ecr)];
    case 'sack':
      return [5, 2 + 8 * o.blocks.length, ...o.blocks.flatMap(([l, r]) => [...u32(l), ...u32(r)])];
    case 'FO':
      return [34, 2 + (o.bytes?.length ?? 0), ...(o.bytes ?? [])];
    case 'FOEXP':
      return [254, 4 + (o.bytes?.length ?? 0), 0xf9, 0x89, ...(o.bytes ?? [])];
    case 'md5':
      return [19, 18, ...Array.from({ length: 16 }, (_, i) => o.bytes?.[i] ?? 0)];
    case 'ECN': {
      const values = o.fields.flatMap(f => u32(f.value).slice(1));
      return [o.fields[0]?.name === 'e1b' ? 174 : 172, 2 + values.length, ...values];
    }
    case 'other':
      return [];
  }
}
