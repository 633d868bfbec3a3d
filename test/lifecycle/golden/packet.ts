/**
 * IPv4 packets as the lab handles them: read from and written to bytes with no help from `src/`, so that
 * what the engine sends is judged, and what it is sent is made, by other code than its own.
 */
const LETTERS: readonly (readonly [number, string])[] = [
  [2, 'S'],
  [1, 'F'],
  [4, 'R'],
  [8, 'P'],
  [16, '.'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
];

export const flagText = (flags: number): string => LETTERS.map(([bit, l]) => (flags & bit ? l : '')).join('');

const flagBits = (text: string): number =>
  [...text].reduce((bits, c) => bits | (LETTERS.find(([, l]) => l === c)?.[0] ?? 0), 0);

export const bytes = (text: string): Uint8Array => Uint8Array.from(text, c => c.charCodeAt(0));
/** n bytes of one letter. */
export const filled = (letter: string, n: number): Uint8Array => new Uint8Array(n).fill(letter.charCodeAt(0));

const dotted = (raw: Uint8Array, at: number): string => Array.from(raw.subarray(at, at + 4)).join('.');
const view = (raw: Uint8Array): DataView => new DataView(raw.buffer, raw.byteOffset, raw.byteLength);

/** One IPv4 packet; what is not TCP has empty TCP fields and `icmp` if it is ICMP. */
export class Packet {
  readonly raw: Uint8Array;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  sport = 0;
  dport = 0;
  /** Absolute numbers, 0 to 2^32 − 1. */
  seq = 0;
  ack = 0;
  bits = 0;
  win = 0;
  length = 0;
  mss: number | null = null;
  ws: number | null = null;
  sackOk = false;
  ts: readonly [number, number] | null = null;
  sack: (readonly [number, number])[] = [];
  icmp: readonly [number, number] | null = null;
  /** Set by the lab: direction, and numbers relative to the initial ones. */
  dir: 'A>B' | 'B>A' = 'A>B';
  rseq = 0;
  rack = 0;

  constructor(raw: Uint8Array) {
    this.raw = raw;
    const d = view(raw);
    const at = (raw[0]! & 15) * 4;
    this.protocol = raw[9]!;
    this.source = dotted(raw, 12);
    this.destination = dotted(raw, 16);
    if (this.protocol === 1) this.icmp = [raw[at]!, raw[at + 1]!];
    if (this.protocol === 6) this.readTcp(d, at, d.getUint16(2));
  }

  get S(): boolean {
    return (this.bits & 2) !== 0;
  }
  get F(): boolean {
    return (this.bits & 1) !== 0;
  }
  get R(): boolean {
    return (this.bits & 4) !== 0;
  }
  get A(): boolean {
    return (this.bits & 16) !== 0;
  }

  private readTcp(d: DataView, at: number, end: number): void {
    this.sport = d.getUint16(at);
    this.dport = d.getUint16(at + 2);
    this.seq = d.getUint32(at + 4);
    this.ack = d.getUint32(at + 8);
    const data = at + (d.getUint8(at + 12) >> 4) * 4;
    this.bits = d.getUint8(at + 13);
    this.win = d.getUint16(at + 14);
    this.length = end - data;
    for (let i = at + 20; i < data; ) {
      const kind = d.getUint8(i);
      if (kind === 0) break;
      if (kind === 1) {
        i++;
        continue;
      }
      const size = d.getUint8(i + 1);
      if (kind === 2) this.mss = d.getUint16(i + 2);
      if (kind === 3) this.ws = d.getUint8(i + 2);
      if (kind === 4) this.sackOk = true;
      if (kind === 5)
        for (let j = i + 2; j < i + size; j += 8) this.sack.push([d.getUint32(j), d.getUint32(j + 4)]);
      if (kind === 8) this.ts = [d.getUint32(i + 2), d.getUint32(i + 6)];
      i += Math.max(size, 2);
    }
  }
}

/** TCP options in the order and padding that the measuring scripts used. */
export function options(o: {
  mss?: number;
  sackOk?: boolean;
  ts?: readonly [number, number];
  ws?: number;
}): Uint8Array {
  const out: number[] = [];
  if (o.mss !== undefined) out.push(2, 4, o.mss >> 8, o.mss & 255);
  if (o.sackOk) out.push(4, 2);
  if (o.ts) {
    if (!o.sackOk) out.push(1, 1);
    out.push(8, 10);
    for (const n of o.ts) out.push(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
  }
  if (o.ws !== undefined) out.push(1, 3, 3, o.ws);
  return Uint8Array.from(out);
}

export interface Fields {
  source: string;
  destination: string;
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  flags: string;
  win?: number;
  data?: Uint8Array;
  options?: Uint8Array;
  urgent?: number;
}

/** An IPv4 packet with one TCP segment, checksums right. */
export function segment(f: Fields): Uint8Array {
  const given = f.options ?? new Uint8Array(0);
  const opts = new Uint8Array(Math.ceil(given.length / 4) * 4).fill(1);
  opts.set(given);
  const data = f.data ?? new Uint8Array(0);
  const raw = ipv4(f.source, f.destination, 6, 20 + opts.length + data.length, 0x4000);
  const d = view(raw);
  d.setUint16(20, f.sport);
  d.setUint16(22, f.dport);
  d.setUint32(24, f.seq >>> 0);
  d.setUint32(28, f.ack >>> 0);
  d.setUint8(32, (5 + opts.length / 4) << 4);
  d.setUint8(33, flagBits(f.flags));
  d.setUint16(34, f.win ?? 65535);
  d.setUint16(38, f.urgent ?? 0);
  raw.set(opts, 40);
  raw.set(data, 40 + opts.length);
  const pseudo = new Uint8Array(12 + raw.length - 20);
  pseudo.set(raw.subarray(12, 20));
  view(pseudo).setUint16(8, 6);
  view(pseudo).setUint16(10, raw.length - 20);
  pseudo.set(raw.subarray(20), 12);
  d.setUint16(36, checksum(pseudo));
  return raw;
}

/** An ICMP error from `source` about `original`, of which 48 bytes are quoted, as the lab did. */
export function icmpError(
  source: string,
  destination: string,
  type: number,
  code: number,
  original: Uint8Array,
  rest: number,
): Uint8Array {
  const quoted = original.subarray(0, 48);
  const raw = ipv4(source, destination, 1, 8 + quoted.length, 0);
  raw[20] = type;
  raw[21] = code;
  view(raw).setUint32(24, rest);
  raw.set(quoted, 28);
  view(raw).setUint16(22, checksum(raw.subarray(20)));
  return raw;
}

function ipv4(
  source: string,
  destination: string,
  protocol: number,
  length: number,
  fragment: number,
): Uint8Array {
  const raw = new Uint8Array(20 + length);
  const d = view(raw);
  raw[0] = 0x45;
  d.setUint16(2, raw.length);
  d.setUint16(6, fragment);
  raw[8] = 64;
  raw[9] = protocol;
  raw.set(source.split('.').map(Number), 12);
  raw.set(destination.split('.').map(Number), 16);
  d.setUint16(10, checksum(raw.subarray(0, 20)));
  return raw;
}

function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += i & 1 ? data[i]! : data[i]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}
