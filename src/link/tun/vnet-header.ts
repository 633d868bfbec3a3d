import { u16 } from '../../wire/bytes.ts';
import { CSUM_GOOD, CSUM_PARTIAL, CSUM_UNKNOWN, type Frame } from '../../wire/frame.ts';
import { CWR } from '../../wire/segment.ts';
import { PROTOCOL_TCP } from '../../wire/tcp.ts';
import { PROTOCOL_UDP } from '../../wire/udp.ts';
import type { Medium } from '../link.ts';

/**
 * What stands before each frame of a device opened with IFF_VNET_HDR (linux/virtio_net.h, `struct
 * virtio_net_hdr`): flags and kind of segmentation, bytes of headers, segment size, where the checksum's sum
 * begins and where in there it goes, in the machine's byte order.
 */
export const VNET_HEADER = 10;

const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_ECN = 0x80;
const ETHERNET = 14;

/** Puts what the header in `bytes[at..)` says into a received frame. False: not to be understood. */
export function readVnetHeader(bytes: Uint8Array, at: number, frame: Frame): boolean {
  const flags = bytes[at]!;
  const kind = bytes[at + 1]! & ~GSO_ECN;
  const size = bytes[at + 4]! | (bytes[at + 5]! << 8);
  frame.csum = flags & NEEDS_CSUM ? CSUM_PARTIAL : flags & DATA_VALID ? CSUM_GOOD : CSUM_UNKNOWN;
  frame.gsoSize = 0;
  if (kind === 0) return true;
  if ((kind !== GSO_TCPV4 && kind !== GSO_TCPV6) || size === 0) return false;
  frame.gsoSize = size;
  return true;
}

/**
 * Writes the header for a frame that is about to be sent.
 * @returns false if the frame leaves a checksum or a segmentation to the link that the header can't say
 */
export function writeVnetHeader(frame: Frame, medium: Medium, bytes: Uint8Array, at: number): boolean {
  bytes.fill(0, at, at + VNET_HEADER);
  if (frame.csum !== CSUM_PARTIAL && frame.gsoSize === 0) return true;
  const b = frame.bytes;
  const ip = frame.start + (medium === 'ethernet' ? ETHERNET : 0);
  const is4 = b[ip]! >>> 4 === 4;
  // What leaves something to the link is our own: no extension headers in front of the transport's.
  const protocol = is4 ? b[ip + 9]! : b[ip + 6]!;
  const transport = ip + (is4 ? (b[ip]! & 15) << 2 : 40);
  if (protocol !== PROTOCOL_TCP && protocol !== PROTOCOL_UDP) return false;
  if (transport + 8 > frame.end) return false;
  const start = transport - frame.start;
  bytes[at] = NEEDS_CSUM;
  bytes[at + 6] = start;
  bytes[at + 7] = start >>> 8;
  bytes[at + 8] = protocol === PROTOCOL_TCP ? 16 : 6;
  if (frame.gsoSize === 0) return true;
  if (protocol !== PROTOCOL_TCP || frame.csum !== CSUM_PARTIAL) return false;
  const headers = start + ((b[transport + 12]! >>> 4) << 2);
  const ecn = u16(b, transport + 12) & CWR ? GSO_ECN : 0;
  bytes[at + 1] = (is4 ? GSO_TCPV4 : GSO_TCPV6) | ecn;
  bytes[at + 2] = headers;
  bytes[at + 3] = headers >>> 8;
  bytes[at + 4] = frame.gsoSize;
  bytes[at + 5] = frame.gsoSize >>> 8;
  return true;
}
