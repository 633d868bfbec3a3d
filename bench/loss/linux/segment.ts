/** What the relay looks at in a TCP segment. */
export interface Segment {
  /** The server's. */
  port: number;
  /** It comes from the server. */
  acks: boolean;
  syn: boolean;
  rst: boolean;
  /** As it stands in the header, not scaled. */
  window: number;
  /** Of the window scale option, 0 without; looked for in a SYN only. */
  scale: number;
}

/** Servers listen below, clients come from above: see `ip_local_port_range` in `hosts.ts`. */
export const FIRST_CLIENT_PORT = 40_000;

const TCP = 6;
const SYN = 2;
const RST = 4;
const HEADER = 20;

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Of an IPv4 packet, as a number of 32 bits. */
export const destinationOf = (bytes: Uint8Array): number => ((u16(bytes, 16) << 16) | u16(bytes, 18)) >>> 0;

/** @returns false if it is no TCP segment over IPv4 without options */
export function readSegment(bytes: Uint8Array, length: number, into: Segment): boolean {
  if (length < 2 * HEADER || bytes[0] !== 0x45 || bytes[9] !== TCP) return false;
  const from = u16(bytes, HEADER);
  into.acks = from < FIRST_CLIENT_PORT;
  into.port = into.acks ? from : u16(bytes, HEADER + 2);
  into.syn = (bytes[HEADER + 13]! & SYN) !== 0;
  into.rst = (bytes[HEADER + 13]! & RST) !== 0;
  into.window = u16(bytes, HEADER + 14);
  into.scale = into.syn ? scaleIn(bytes, Math.min(length, HEADER + (bytes[HEADER + 12]! >>> 4) * 4)) : 0;
  return true;
}

function scaleIn(bytes: Uint8Array, end: number): number {
  for (let at = 2 * HEADER; at + 1 < end; ) {
    const kind = bytes[at]!;
    if (kind === 0) break;
    if (kind === 3) return bytes[at + 2]!;
    at += kind === 1 ? 1 : Math.max(2, bytes[at + 1]!);
  }
  return 0;
}
