import { i32, u16 } from '../wire/bytes.ts';
import type { Frame } from '../wire/frame.ts';
import { OK } from '../wire/reason.ts';
import { Segment } from '../wire/segment.ts';
import { decodeTcp } from '../wire/tcp.ts';
import type { Flow } from './flow.ts';
import type { Medium } from './link.ts';

/** What a `Packet` turned out to be. */
export const PACKET_OTHER = 0;
export const PACKET_TCP = 1;
export const PACKET_UDP = 2;
export const PACKET_ICMP = 3;
export const PACKET_ARP = 4;
/** A fragment of a datagram, other than the first: no transport header to be seen. */
export const PACKET_FRAGMENT = 5;

const ETHERNET = 14;

/**
 * What an observer on the wire reads from a frame: enough to match rules and to write a log line, refilled
 * for each frame. It trusts no length and judges no checksum; what it cannot read is PACKET_OTHER.
 */
export class Packet {
  kind = PACKET_OTHER;
  /** 4, 6, or 0 if it is not IP. */
  family = 0;
  protocol = 0;
  /** Bytes of the IP datagram, as its header says. */
  size = 0;
  ttl = 0;
  tos = 0;
  fragment = false;
  icmpType = 0;
  icmpCode = 0;
  bytes: Uint8Array = EMPTY;
  /** Where the IP datagram (or the Ethernet payload) and its transport header begin, where the frame ends. */
  ipAt = 0;
  transportAt = 0;
  end = 0;
  /** The TCP header, if kind is PACKET_TCP; for UDP and ICMP its addresses (and UDP's ports) are valid. */
  readonly segment = new Segment();

  // Filled in by `FlowTable.observe`, for TCP.
  flow: Flow | null = null;
  /** Which side of the flow sent it. */
  side: 0 | 1 = 0;
  /** Sequence numbers from the initial ones on, as analyzers show them: a SYN is 0, the first byte 1. */
  relSeq = 0;
  relAck = 0;
  /** It takes sequence space, all of which was seen before. */
  retransmit = false;

  /** Reads the frame; returns `kind`. */
  read(frame: Frame, medium: Medium): number {
    return this.readBytes(frame.bytes, frame.start, frame.end, medium);
  }

  readBytes(bytes: Uint8Array, at: number, end: number, medium: Medium): number {
    this.kind = PACKET_OTHER;
    this.family = 0;
    this.protocol = 0;
    this.fragment = false;
    this.icmpType = 0;
    this.icmpCode = 0;
    this.bytes = bytes;
    this.ipAt = at;
    this.transportAt = end;
    this.end = end;
    this.size = end - at;
    if (medium === 'ethernet') {
      if (end - at < ETHERNET) return PACKET_OTHER;
      const type = u16(bytes, at + 12);
      this.ipAt = at + ETHERNET;
      this.size = end - this.ipAt;
      if (type === 0x0806) this.kind = PACKET_ARP;
      if (type !== 0x0800 && type !== 0x86dd) return this.kind;
    }
    const version = this.ipAt < end ? bytes[this.ipAt]! >>> 4 : 0;
    if (version === 4) this.read4();
    else if (version === 6) this.read6();
    return this.kind;
  }

  private read4(): void {
    const { bytes, ipAt: at, segment } = this;
    if (this.end - at < 20) return;
    const header = (bytes[at]! & 15) * 4;
    const total = u16(bytes, at + 2);
    if (header < 20 || total < header || at + total > this.end) return;
    this.family = 4;
    this.size = total;
    this.tos = bytes[at + 1]!;
    this.ttl = bytes[at + 8]!;
    this.protocol = bytes[at + 9]!;
    segment.source.assign4(bytes, at + 12);
    segment.destination.assign4(bytes, at + 16);
    const fragment = u16(bytes, at + 6);
    this.fragment = (fragment & 0x3fff) !== 0;
    this.transportAt = at + header;
    if ((fragment & 0x1fff) !== 0) this.kind = PACKET_FRAGMENT;
    else this.readTransport(at + total);
  }

  private read6(): void {
    const { bytes, ipAt: at, segment } = this;
    if (this.end - at < 40) return;
    const total = 40 + u16(bytes, at + 4);
    if (at + total > this.end) return;
    this.family = 6;
    this.size = total;
    this.tos = (u16(bytes, at) >>> 4) & 255;
    this.ttl = bytes[at + 7]!;
    segment.source.assign6(bytes, at + 8, 0);
    segment.destination.assign6(bytes, at + 24, 0);
    let next = bytes[at + 6]!;
    let p = at + 40;
    const end = at + total;
    // Hop-by-hop, routing, fragment, destination options: at most eight headers are walked.
    for (let i = 0; i < 8 && (next === 0 || next === 43 || next === 44 || next === 60); i++) {
      if (p + 8 > end) return;
      if (next === 44) {
        this.fragment = true;
        if (u16(bytes, p + 2) >>> 3 !== 0) {
          this.kind = PACKET_FRAGMENT;
          return;
        }
        next = bytes[p]!;
        p += 8;
      } else {
        next = bytes[p]!;
        p += 8 + bytes[p + 1]! * 8;
      }
    }
    if (p > end) return;
    this.protocol = next;
    this.transportAt = p;
    this.readTransport(end);
  }

  private readTransport(end: number): void {
    const { bytes, transportAt: at, segment } = this;
    if (this.protocol === 6) {
      if (decodeTcp(bytes, at, end, segment, true) === OK) this.kind = PACKET_TCP;
    } else if (this.protocol === 17 && end - at >= 8) {
      this.kind = PACKET_UDP;
      segment.sourcePort = u16(bytes, at);
      segment.destinationPort = u16(bytes, at + 2);
      segment.length = end - at - 8;
    } else if ((this.protocol === 1 || this.protocol === 58) && end - at >= 8) {
      this.kind = PACKET_ICMP;
      this.icmpType = bytes[at]!;
      this.icmpCode = bytes[at + 1]!;
    }
  }

  /** The 32-bit word after ICMP's checksum: pointer, next-hop MTU, or identifier and sequence number. */
  get icmpRest(): number {
    return this.kind === PACKET_ICMP ? i32(this.bytes, this.transportAt + 4) >>> 0 : 0;
  }
}

const EMPTY = new Uint8Array(0);

/** A copy of the bytes in use of a frame. */
export function frameBytes(frame: Frame): Uint8Array {
  return frame.bytes.slice(frame.start, frame.end);
}
