/** What capture files of both kinds (pcap and pcapng) have in common. */

/** Link types (www.tcpdump.org/linktypes.html). */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_LOOP = 108;
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_LINUX_SLL2 = 276;

export const DIRECTION_UNKNOWN = 0;
export const DIRECTION_IN = 1;
export const DIRECTION_OUT = 2;

export interface CaptureInterface {
  readonly linktype: number;
  /** Empty where the file gives none. */
  readonly name: string;
  /** Most bytes kept of a packet, 0 no limit. */
  readonly snaplen: number;
}

export interface CapturedPacket {
  /** Position in the file's packets, from 0. */
  readonly index: number;
  /** Index into `Capture.interfaces`. */
  readonly interface: number;
  readonly linktype: number;
  /** Microseconds since 1970, with the fraction that the file's resolution gives as far as a number holds it. */
  readonly micros: number;
  /** The same, exact: whole seconds and the nanoseconds above them. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** The packet's captured bytes: `bytes[at..end)` of the file. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  /** Length on the wire, at least what was captured. */
  readonly originalLength: number;
  readonly direction: number;
  readonly comment: string;
}

export interface Capture {
  readonly format: 'pcapng' | 'pcap';
  readonly interfaces: CaptureInterface[];
  readonly packets: CapturedPacket[];
  /** What was wrong with the file. What precedes an error has been read. */
  readonly errors: string[];
}

/**
 * Where the IP header of a captured packet begins.
 * @returns −1 if the link type is unknown, the packet is too short, or it carries something else than IP
 */
export function ipOffset(linktype: number, bytes: Uint8Array, at: number, end: number): number {
  switch (linktype) {
    case LINKTYPE_RAW:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
    case 12:
    case 14:
      return end - at > 0 ? ip(bytes, at) : -1;
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      return end - at > 4 ? ip(bytes, at + 4) : -1;
    case LINKTYPE_LINUX_SLL:
      return end - at > 16 && isIp(bytes, at + 14) ? at + 16 : -1;
    case LINKTYPE_LINUX_SLL2:
      return end - at > 20 && isIp(bytes, at) ? at + 20 : -1;
    case LINKTYPE_ETHERNET: {
      let type = at + 12;
      while (end - type > 6 && bytes[type] === 0x81 && bytes[type + 1] === 0) type += 4;
      return end - type > 2 && isIp(bytes, type) ? type + 2 : -1;
    }
    default:
      return -1;
  }
}

function ip(bytes: Uint8Array, at: number): number {
  const version = bytes[at]! >>> 4;
  return version === 4 || version === 6 ? at : -1;
}

function isIp(bytes: Uint8Array, at: number): boolean {
  const type = (bytes[at]! << 8) | bytes[at + 1]!;
  return type === 0x0800 || type === 0x86dd;
}
