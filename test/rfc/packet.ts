/**
 * A reader of IP datagrams that shares no code with the engine, so that what the engine writes is judged by
 * somebody else.
 */
export interface Heard {
  /** Microseconds of the world's time. */
  time: number;
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  /** S F R P U E W then '.' for ACK. */
  flags: string;
  seq: number;
  ack: number;
  window: number;
  urgent: number;
  data: Uint8Array;
  mss: number | null;
  windowScale: number | null;
  sackOk: boolean;
  sack: [number, number][];
  timestamps: [number, number] | null;
  /** The TCP options as they stand on the wire. */
  options: Uint8Array;
  headerLength: number;
  checksumOk: boolean;
  tos: number;
  ttl: number;
  /** IPv4 identification and don't-fragment. */
  id: number;
  df: boolean;
  datagram: Uint8Array;
}

const FLAGS: readonly [number, string][] = [
  [2, 'S'],
  [1, 'F'],
  [4, 'R'],
  [8, 'P'],
  [32, 'U'],
  [64, 'E'],
  [128, 'W'],
  [16, '.'],
];

/** Null for anything that is not an unfragmented TCP segment. */
export function readSegment(datagram: Uint8Array, time: number): Heard | null {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const v4 = datagram[0]! >> 4 === 4;
  const at = v4 ? (datagram[0]! & 15) * 4 : 40;
  const protocol = v4 ? datagram[9] : datagram[6];
  if (protocol !== 6) return null;
  const addresses = v4 ? datagram.subarray(12, 20) : datagram.subarray(8, 40);
  const total = v4 ? view.getUint16(2) : 40 + view.getUint16(4);
  const headerLength = (datagram[at + 12]! >> 4) * 4;
  const bits = datagram[at + 13]!;
  const tcp = datagram.subarray(at, total);
  const heard: Heard = {
    time,
    source: v4 ? dotted(addresses.subarray(0, 4)) : colons(addresses.subarray(0, 16)),
    destination: v4 ? dotted(addresses.subarray(4)) : colons(addresses.subarray(16)),
    sourcePort: view.getUint16(at),
    destinationPort: view.getUint16(at + 2),
    flags: FLAGS.filter(([bit]) => bits & bit)
      .map(([, name]) => name)
      .join(''),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    window: view.getUint16(at + 14),
    urgent: view.getUint16(at + 18),
    data: datagram.slice(at + headerLength, total),
    mss: null,
    windowScale: null,
    sackOk: false,
    sack: [],
    timestamps: null,
    options: datagram.slice(at + 20, at + headerLength),
    headerLength,
    checksumOk: onesComplement(addresses, tcp) === 0xffff,
    tos: v4 ? datagram[1]! : (view.getUint16(0) >> 4) & 255,
    ttl: v4 ? datagram[8]! : datagram[7]!,
    id: v4 ? view.getUint16(4) : 0,
    df: v4 && (datagram[6]! & 0x40) !== 0,
    datagram,
  };
  readOptions(heard);
  return heard;
}

function readOptions(heard: Heard): void {
  const o = heard.options;
  const view = new DataView(o.buffer, o.byteOffset, o.byteLength);
  for (let i = 0; i < o.length && o[i] !== 0; ) {
    const kind = o[i]!;
    if (kind === 1) {
      i++;
      continue;
    }
    const length = o[i + 1]!;
    if (length < 2 || i + length > o.length)
      throw new Error(`option ${kind} of length ${length} at ${i} of ${o}`);
    if (kind === 2) heard.mss = view.getUint16(i + 2);
    else if (kind === 3) heard.windowScale = o[i + 2]!;
    else if (kind === 4) heard.sackOk = true;
    else if (kind === 5) {
      for (let k = i + 2; k < i + length; k += 8) heard.sack.push([view.getUint32(k), view.getUint32(k + 4)]);
    } else if (kind === 8) heard.timestamps = [view.getUint32(i + 2), view.getUint32(i + 6)];
    i += length;
  }
}

/** The 16-bit sum of pseudo-header and segment, checksum included: 0xffff if it is right. */
function onesComplement(addresses: Uint8Array, tcp: Uint8Array): number {
  let sum = 6 + tcp.length;
  for (const part of [addresses, tcp]) {
    for (let i = 0; i < part.length; i += 2) sum += (part[i]! << 8) | (part[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

const dotted = (b: Uint8Array): string => [...b].join('.');
const colons = (b: Uint8Array): string =>
  Array.from({ length: 8 }, (_, i) => ((b[2 * i]! << 8) | b[2 * i + 1]!).toString(16)).join(':');
