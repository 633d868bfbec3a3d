import { flagsText } from './row.ts';

/** A field of a header: what it says, and which bytes say it. */
export interface Field {
  readonly layer: 'IP' | 'TCP' | 'data';
  readonly name: string;
  readonly value: string;
  readonly at: number;
  readonly length: number;
}

/** The fields of an IP datagram with a TCP segment, as far as the bytes go; an empty list if it is neither. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes.length > 0 ? bytes[0]! >> 4 : 0;
  if (version === 4 && bytes.length >= 20) return ipv4(view, bytes);
  if (version === 6 && bytes.length >= 40) return ipv6(view, bytes);
  return [];
}

function ipv4(v: DataView, bytes: Uint8Array): Field[] {
  const ihl = (v.getUint8(0) & 15) * 4;
  const fragment = v.getUint16(6);
  const df = fragment & 0x4000 ? 'DF' : '';
  const mf = fragment & 0x2000 ? 'MF' : '';
  const out: Field[] = [
    field('IP', 'version, header length', `4, ${ihl} bytes`, 0, 1),
    field('IP', 'DSCP, ECN', hex(v.getUint8(1), 2), 1, 1),
    field('IP', 'total length', String(v.getUint16(2)), 2, 2),
    field('IP', 'identification', hex(v.getUint16(4), 4), 4, 2),
    field(
      'IP',
      'flags, offset',
      `${[df, mf].filter(Boolean).join(' ') || '–'}, ${(fragment & 0x1fff) * 8}`,
      6,
      2,
    ),
    field('IP', 'TTL', String(v.getUint8(8)), 8, 1),
    field('IP', 'protocol', protocolName(v.getUint8(9)), 9, 1),
    field('IP', 'checksum', hex(v.getUint16(10), 4), 10, 2),
    field('IP', 'source', dotted(v, 12), 12, 4),
    field('IP', 'destination', dotted(v, 16), 16, 4),
  ];
  if (ihl < 20 || ihl > bytes.length) return out;
  if (ihl > 20) out.push(field('IP', 'options', `${ihl - 20} bytes`, 20, ihl - 20));
  const first = (fragment & 0x1fff) === 0;
  return v.getUint8(9) === 6 && first ? [...out, ...tcp(v, bytes, ihl, v.getUint16(2))] : out;
}

function ipv6(v: DataView, bytes: Uint8Array): Field[] {
  const next = v.getUint8(6);
  const out: Field[] = [
    field('IP', 'version', '6', 0, 1),
    field('IP', 'flow label', hex(v.getUint32(0) & 0xfffff, 5), 1, 3),
    field('IP', 'payload length', String(v.getUint16(4)), 4, 2),
    field('IP', 'next header', protocolName(next), 6, 1),
    field('IP', 'hop limit', String(v.getUint8(7)), 7, 1),
    field('IP', 'source', colons(v, 8), 8, 16),
    field('IP', 'destination', colons(v, 24), 24, 16),
  ];
  return next === 6 ? [...out, ...tcp(v, bytes, 40, 40 + v.getUint16(4))] : out;
}

function tcp(v: DataView, bytes: Uint8Array, at: number, total: number): Field[] {
  if (bytes.length < at + 20) return [];
  const offset = (v.getUint8(at + 12) >> 4) * 4;
  const flags = v.getUint16(at + 12) & 0x1ff;
  const out: Field[] = [
    field('TCP', 'source port', String(v.getUint16(at)), at, 2),
    field('TCP', 'destination port', String(v.getUint16(at + 2)), at + 2, 2),
    field('TCP', 'sequence number', String(v.getUint32(at + 4)), at + 4, 4),
    field('TCP', 'acknowledgment number', String(v.getUint32(at + 8)), at + 8, 4),
    field('TCP', 'data offset', `${offset} bytes`, at + 12, 1),
    field('TCP', 'flags', flagsText(flags), at + 13, 1),
    field('TCP', 'window', String(v.getUint16(at + 14)), at + 14, 2),
    field('TCP', 'checksum', hex(v.getUint16(at + 16), 4), at + 16, 2),
    field('TCP', 'urgent pointer', String(v.getUint16(at + 18)), at + 18, 2),
    ...options(v, at + 20, Math.min(at + offset, bytes.length)),
  ];
  const length = total - at - offset;
  // Of a long payload only the beginning may be at hand.
  const begin = Math.min(at + offset, bytes.length);
  if (length > 0 && offset >= 20)
    out.push(field('data', 'payload', `${length} bytes`, begin, Math.min(length, bytes.length - begin)));
  return out;
}

const OPTION_NAMES: Readonly<Record<number, string>> = {
  2: 'MSS',
  3: 'window scale',
  4: 'SACK permitted',
  5: 'SACK',
  8: 'timestamps',
  34: 'fast open cookie',
};

function options(v: DataView, from: number, end: number): Field[] {
  const out: Field[] = [];
  let at = from;
  while (at < end) {
    const kind = v.getUint8(at);
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < end ? v.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) break;
    out.push(
      field('TCP', OPTION_NAMES[kind] ?? `option ${kind}`, optionValue(v, kind, at, length), at, length),
    );
    at += length;
  }
  return out;
}

function optionValue(v: DataView, kind: number, at: number, length: number): string {
  if (kind === 2 && length === 4) return String(v.getUint16(at + 2));
  if (kind === 3 && length === 3) return `${v.getUint8(at + 2)} (× ${2 ** Math.min(14, v.getUint8(at + 2))})`;
  if (kind === 8 && length === 10) return `${v.getUint32(at + 2)}, echo ${v.getUint32(at + 6)}`;
  if (kind === 5) {
    const blocks: string[] = [];
    for (let i = at + 2; i + 8 <= at + length; i += 8) blocks.push(`${v.getUint32(i)}–${v.getUint32(i + 4)}`);
    return blocks.join(', ');
  }
  return '✓';
}

const field = (layer: Field['layer'], name: string, value: string, at: number, length: number): Field => ({
  layer,
  name,
  value,
  at,
  length,
});
const hex = (n: number, digits: number): string => `0x${n.toString(16).padStart(digits, '0')}`;
const protocolName = (n: number): string =>
  ({ 1: 'ICMP (1)', 6: 'TCP (6)', 17: 'UDP (17)', 58: 'ICMPv6 (58)' })[n] ?? String(n);
const dotted = (v: DataView, at: number): string => [0, 1, 2, 3].map(i => v.getUint8(at + i)).join('.');

function colons(v: DataView, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => v.getUint16(at + i * 2).toString(16));
  return words.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}
