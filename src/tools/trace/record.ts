import { type Segment, URG } from '../../wire/segment.ts';
import type { SegmentRecord } from './event.ts';

/**
 * Copies what a trace keeps out of a decoded segment.
 * @param size bytes of the IP datagram
 * @param source the addresses as text, if they are known already
 */
export function segmentRecord(
  s: Segment,
  size: number,
  source = s.source.toString(),
  destination = s.destination.toString(),
): SegmentRecord {
  const sack: [number, number][] = [];
  for (let i = 0; i < s.sackBlocks; i++) sack.push([s.sackLeft[i]! >>> 0, s.sackRight[i]! >>> 0]);
  return {
    source,
    sourcePort: s.sourcePort,
    destination,
    destinationPort: s.destinationPort,
    seq: s.seq >>> 0,
    ack: s.ack >>> 0,
    flags: s.flags,
    window: s.window,
    length: s.length,
    size,
    ...(s.flags & URG ? { urgent: s.urgent } : {}),
    ...(s.mss >= 0 ? { mss: s.mss } : {}),
    ...(s.windowScale >= 0 ? { windowScale: s.windowScale } : {}),
    ...(s.sackPermitted ? { sackPermitted: true } : {}),
    ...(s.hasTimestamps ? { tsVal: s.tsVal >>> 0, tsEcr: s.tsEcr >>> 0 } : {}),
    ...(sack.length > 0 ? { sack } : {}),
  };
}
