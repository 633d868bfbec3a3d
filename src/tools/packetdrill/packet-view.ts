import { Address } from '../../base/address.ts';
import type { Micros } from '../../base/time.ts';
import { checksum, fold, pseudoSum, sum } from '../../wire/checksum.ts';
import type { TcpOptionSpec } from './ast.ts';

/** Reads the packets that the stack under test emits: not through the engine's own decoder. */

export interface LivePacket {
  /** When it left the stack. */
  readonly at: Micros;
  readonly version: 4 | 6;
  readonly source: Address;
  readonly destination: Address;
  readonly tos: number;
  readonly ttl: number;
  readonly flowLabel: number;
  readonly body: LiveTcp | LiveUdp | LiveIcmp | LiveOther;
  /** What is wrong with it (lengths, checksums, stray bits), else ''. */
  readonly fault: string;
}

export interface LiveTcp {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[];
  readonly length: number;
  /** Every byte of the payload is zero. */
  readonly zero: boolean;
}

export interface LiveUdp {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
}

export interface LiveIcmp {
  readonly kind: 'icmp';
  readonly type: number;
  readonly code: number;
  readonly rest: number;
}

export interface LiveOther {
  readonly kind: 'other';
  readonly protocol: number;
}

/** A packet of the stack under test; null if the bytes are no IP datagram at all. */
export function viewPacket(bytes: Uint8Array, at: Micros): LivePacket | null {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = (bytes[0] ?? 0) >>> 4;
  const source = new Address(0, 0, 0, 0);
  const destination = new Address(0, 0, 0, 0);
  let fault = '';
  if (version === 4 && bytes.length >= 20) {
    const header = (bytes[0]! & 15) * 4;
    source.assign4(bytes, 12);
    destination.assign4(bytes, 16);
    if (header !== 20) fault = `the IPv4 header has ${header} bytes`;
    else if (v.getUint16(2) !== bytes.length)
      fault = `the IPv4 total length is ${v.getUint16(2)}, the packet has ${bytes.length} bytes`;
    else if (checksum(bytes, 0, 20) !== 0) fault = 'the IPv4 header checksum is wrong';
    return finishView(
      bytes,
      header,
      bytes[9]!,
      { at, version, source, destination, tos: bytes[1]!, ttl: bytes[8]!, flowLabel: 0 },
      fault,
    );
  }
  if (version !== 6 || bytes.length < 40) return null;
  source.assign6(bytes, 8, 0);
  destination.assign6(bytes, 24, 0);
  if (v.getUint16(4) !== bytes.length - 40)
    fault = `the IPv6 payload length is ${v.getUint16(4)}, the packet carries ${bytes.length - 40} bytes`;
  const word = v.getUint32(0);
  const fields = {
    at,
    version: 6,
    source,
    destination,
    tos: (word >>> 20) & 255,
    ttl: bytes[7]!,
    flowLabel: word & 0xfffff,
  } as const;
  return finishView(bytes, 40, bytes[6]!, fields, fault);
}

type Header = Omit<LivePacket, 'body' | 'fault'>;

function finishView(
  bytes: Uint8Array,
  start: number,
  protocol: number,
  ip: Header,
  fault: string,
): LivePacket {
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length - start;
  if (protocol === 6 && size >= 20) {
    const total = fold(pseudoSum(ip.source, ip.destination, 6, size) + sum(bytes, start, bytes.length));
    const more = total === 0xffff ? '' : 'the TCP checksum is wrong';
    const { body, fault: inside } = viewTcp(bytes, start, v);
    return { ...ip, body, fault: fault || inside || more };
  }
  if (protocol === 17 && size >= 8)
    return {
      ...ip,
      body: {
        kind: 'udp',
        sourcePort: v.getUint16(start),
        destinationPort: v.getUint16(start + 2),
        length: size - 8,
      },
      fault,
    };
  if ((protocol === 1 || protocol === 58) && size >= 8)
    return {
      ...ip,
      body: { kind: 'icmp', type: bytes[start]!, code: bytes[start + 1]!, rest: v.getUint32(start + 4) },
      fault,
    };
  return { ...ip, body: { kind: 'other', protocol }, fault };
}

function viewTcp(bytes: Uint8Array, at: number, v: DataView): { body: LiveTcp; fault: string } {
  const header = (bytes[at + 12]! >>> 4) * 4;
  let fault = '';
  if (header < 20 || at + header > bytes.length) fault = `the TCP header has ${header} bytes`;
  else if (bytes[at + 12]! & 0x0e) fault = 'reserved bits of the TCP header are set';
  const payload = Math.min(bytes.length, at + Math.max(20, header));
  const options: TcpOptionSpec[] = [];
  if (fault === '') fault = viewOptions(bytes, at + 20, payload, v, options);
  let zero = true;
  for (let i = payload; i < bytes.length && zero; i++) zero = bytes[i] === 0;
  const body: LiveTcp = {
    kind: 'tcp',
    sourcePort: v.getUint16(at),
    destinationPort: v.getUint16(at + 2),
    seq: v.getUint32(at + 4),
    ack: v.getUint32(at + 8),
    flags: v.getUint16(at + 12) & 0x1ff,
    window: v.getUint16(at + 14),
    urgent: v.getUint16(at + 18),
    options,
    length: bytes.length - payload,
    zero,
  };
  return { body, fault };
}

function viewOptions(bytes: Uint8Array, from: number, to: number, v: DataView, out: TcpOptionSpec[]): string {
  for (let i = from; i < to; ) {
    const kind = bytes[i]!;
    if (kind <= 1) {
      out.push({ kind: kind === 0 ? 'eol' : 'nop' });
      i++;
      continue;
    }
    const length = bytes[i + 1] ?? 0;
    if (length < 2 || i + length > to) return `TCP option ${kind} has length ${length}`;
    out.push(viewOption(kind, i, length, bytes, v));
    i += length;
  }
  return '';
}

function viewOption(kind: number, i: number, length: number, bytes: Uint8Array, v: DataView): TcpOptionSpec {
  if (kind === 2 && length === 4) return { kind: 'mss', value: v.getUint16(i + 2) };
  if (kind === 3 && length === 3) return { kind: 'wscale', value: bytes[i + 2]! };
  if (kind === 4 && length === 2) return { kind: 'sackOK' };
  if (kind === 5 && (length - 2) % 8 === 0) {
    const blocks: (readonly [number, number])[] = [];
    for (let j = i + 2; j < i + length; j += 8) blocks.push([v.getUint32(j), v.getUint32(j + 4)]);
    return { kind: 'sack', blocks };
  }
  if (kind === 8 && length === 10) return { kind: 'TS', val: v.getUint32(i + 2), ecr: v.getUint32(i + 6) };
  if (kind === 19 && length === 18) return { kind: 'md5', bytes: bytes.slice(i + 2, i + length) };
  if (kind === 34) return { kind: 'FO', bytes: length === 2 ? null : bytes.slice(i + 2, i + length) };
  if (kind === 254 && length >= 4 && v.getUint16(i + 2) === 0xf989)
    return { kind: 'FOEXP', bytes: length === 4 ? null : bytes.slice(i + 4, i + length) };
  if ((kind === 172 || kind === 174) && (length - 2) % 3 === 0 && length <= 11) {
    const names = kind === 172 ? (['e0b', 'ceb', 'e1b'] as const) : (['e1b', 'ceb', 'e0b'] as const);
    const fields = names
      .slice(0, (length - 2) / 3)
      .map((name, n) => ({ name, value: v.getUint32(i + 1 + 3 * n) & 0xffffff }));
    return { kind: 'ECN', fields };
  }
  return { kind: 'other', name: `kind${kind}`, text: `option ${kind} of ${length} bytes` };
}
