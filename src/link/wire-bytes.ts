import { put16 } from '../wire/bytes.ts';
import { finish, pseudoSum, sum } from '../wire/checksum.ts';
import { CSUM_PARTIAL, type Frame } from '../wire/frame.ts';
import type { Medium } from './link.ts';
import { PACKET_TCP, PACKET_UDP, Packet } from './packet.ts';

/** Copies frames as they would stand on a real wire, for links that leave the process. */
export class WireBytes {
  private readonly medium: Medium;
  private readonly packet = new Packet();

  constructor(medium: Medium) {
    this.medium = medium;
  }

  /** A copy of the frame's bytes in memory of its own, with a transport checksum that the link should complete. */
  copy(frame: Frame): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(frame.end - frame.start);
    bytes.set(frame.bytes.subarray(frame.start, frame.end));
    if (frame.csum === CSUM_PARTIAL) this.complete(bytes);
    return bytes;
  }

  private complete(bytes: Uint8Array): void {
    const p = this.packet;
    const kind = p.readBytes(bytes, 0, bytes.length, this.medium);
    const offset = kind === PACKET_TCP ? 16 : kind === PACKET_UDP ? 6 : -1;
    if (offset < 0) return;
    const end = p.ipAt + p.size;
    put16(bytes, p.transportAt + offset, 0);
    const pseudo = pseudoSum(p.segment.source, p.segment.destination, p.protocol, end - p.transportAt);
    const checksum = finish(sum(bytes, p.transportAt, end) + pseudo);
    put16(bytes, p.transportAt + offset, checksum === 0 && offset === 6 ? 0xffff : checksum);
  }
}

/** Shortest frame of a medium: an Ethernet header, or that of IPv4. */
export const shortest = (medium: Medium): number => (medium === 'ethernet' ? 14 : 20);

/** Longest frame of a medium: the MTU, behind an Ethernet header and one VLAN tag. */
export const longest = (medium: Medium, mtu: number): number => (medium === 'ethernet' ? mtu + 18 : mtu);
