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
  // Spreads of what is there and what is not took a third of the recording of a segment.
  const r: { -readonly [K in keyof SegmentRecord]: SegmentRecord[K] } = {
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
  };
  if (s.flags & URG) r.urgent = s.urgent;
  if (s.mss >= 0) r.mss = s.mss;
  if (s.windowScale >= 0) r.windowScale = s.windowScale;
  if (s.sackPermitted) r.sackPermitted = true;
  if (s.hasTimestamps) {
    r.tsVal = s.tsVal >>> 0;
    r.tsEcr = s.tsEcr >>> 0;
  }
  if (s.sackBlocks > 0) {
    const sack: [number, number][] = [];
    for (let i = 0; i < s.sackBlocks; i++) sack.push([s.sackLeft[i]! >>> 0, s.sackRight[i]! >>> 0]);
    r.sack = sack;
  }
  return r;
}
