import type { Micros } from '../base/time.ts';
import {
  PACKET_ARP,
  PACKET_FRAGMENT,
  PACKET_ICMP,
  PACKET_TCP,
  PACKET_UDP,
  type Packet,
} from '../link/packet.ts';
import { CORRUPT, DELAY, DROP, DUPLICATE, MARK, REORDER } from '../link/rule.ts';
import { ACK, URG } from '../wire/segment.ts';
import { formatFlags } from './format.ts';
import type { FateName, PacketEvent, SegmentEvent } from './log.ts';

/** The one word for what was done to a frame: the most violent of several. */
export function actionFate(action: number): FateName {
  if (action & DROP) return 'dropped';
  if (action & CORRUPT) return 'corrupted';
  if (action & DUPLICATE) return 'duplicated';
  if (action & REORDER) return 'reordered';
  if (action & DELAY) return 'delayed';
  return action & MARK ? 'marked' : 'delivered';
}

/** The log event for a packet that has been read and, if it is TCP, observed by a flow table. */
export function describe(
  packet: Packet,
  time: Micros,
  wire: string,
  from: string,
  to: string,
  index: number,
  fate: FateName,
  reason: string,
  arrival: Micros | null,
  copy: Micros | null,
): SegmentEvent | PacketEvent {
  const s = packet.segment;
  const source = packet.family === 0 ? '' : s.source.toString();
  const destination = packet.family === 0 ? '' : s.destination.toString();
  const injected = from === '';
  if (packet.kind !== PACKET_TCP) {
    const icmp = packet.kind === PACKET_ICMP;
    return {
      kind: 'packet',
      time,
      wire,
      from,
      to,
      injected,
      index,
      protocol: protocolName(packet.kind),
      source,
      destination,
      size: packet.size,
      icmpType: icmp ? packet.icmpType : null,
      icmpCode: icmp ? packet.icmpCode : null,
      fate,
      reason,
      arrival,
    };
  }
  const flow = packet.flow;
  const sack: [number, number][] = [];
  // Blocks are in the sequence space of the one who will read them.
  const base = flow !== null ? flow.isn[1 - packet.side]! : 0;
  for (let i = 0; i < s.sackBlocks; i++)
    sack.push([(s.sackLeft[i]! - base) >>> 0, (s.sackRight[i]! - base) >>> 0]);
  return {
    kind: 'segment',
    time,
    wire,
    from,
    to,
    injected,
    index,
    source,
    sourcePort: s.sourcePort,
    destination,
    destinationPort: s.destinationPort,
    flags: formatFlags(s.flags),
    seq: packet.relSeq,
    ack: s.flags & ACK ? packet.relAck : null,
    absoluteSeq: s.seq >>> 0,
    absoluteAck: s.ack >>> 0,
    window: s.window,
    length: s.length,
    urgent: s.flags & URG ? s.urgent : null,
    retransmit: packet.retransmit,
    mss: s.mss < 0 ? null : s.mss,
    windowScale: s.windowScale < 0 ? null : s.windowScale,
    sackOk: s.sackPermitted,
    sack,
    timestamps: s.hasTimestamps ? [s.tsVal >>> 0, s.tsEcr >>> 0] : null,
    tos: packet.tos,
    fate,
    reason,
    arrival,
    copy,
  };
}

function protocolName(kind: number): PacketEvent['protocol'] {
  switch (kind) {
    case PACKET_ICMP:
      return 'ICMP';
    case PACKET_UDP:
      return 'UDP';
    case PACKET_ARP:
      return 'ARP';
    case PACKET_FRAGMENT:
      return 'fragment';
    default:
      return 'other';
  }
}
