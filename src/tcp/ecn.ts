import { CWR, ECE, type Segment, SYN } from '../wire/segment.ts';
import { enterQuickAck } from './delayed-ack.ts';
import type { Tcb } from './tcb.ts';

/** Explicit congestion notification (RFC 3168). */

/** Both ends agreed; we must say CWR on the next new data; we must echo ECE; a marked packet was seen. */
export const ECN_OK = 1;
export const ECN_QUEUE_CWR = 2;
export const ECN_DEMAND_CWR = 4;
export const ECN_SEEN = 8;

/** The peer confirms that it has slowed down. */
export function acceptCwr(tcb: Tcb, segment: Segment): void {
  if (!(segment.flags & CWR)) return;
  tcb.ecnFlags &= ~ECN_DEMAND_CWR;
  // A segment with data is a new round: its marks must be reported at once.
  if (segment.length > 0) tcb.ackNow = true;
}

/** Reads the IP header's mark of arriving data. */
export function checkMark(tcb: Tcb, segment: Segment): void {
  if (!(tcb.ecnFlags & ECN_OK)) return;
  const mark = segment.tos & 3;
  if (mark === 0) {
    // A sender that marked before and does not now may have fallen back to retransmission.
    if (tcb.ecnFlags & ECN_SEEN) enterQuickAck(tcb, 2);
    return;
  }
  if (mark === 3 && !(tcb.ecnFlags & ECN_DEMAND_CWR)) {
    enterQuickAck(tcb, 2);
    tcb.ecnFlags |= ECN_DEMAND_CWR;
  }
  tcb.ecnFlags |= ECN_SEEN;
}

/** Marks that arrived on an established connection, for tcp_info: few connections ever see one. */
export class MarksReceived {
  /** Segments marked CE, with or without data. */
  ce = 0;
  /** Payload by mark: ECT(1), ECT(0), CE. */
  readonly bytes: [unused: number, e1: number, e0: number, ce: number] = [0, 0, 0, 0];
}

/** Counts a marked segment, whether ECN was agreed upon or not, as Linux 6.18 does for accurate ECN's sake. */
export function countMark(tcb: Tcb, segment: Segment): void {
  const mark = segment.tos & 3;
  tcb.marks ??= new MarksReceived();
  if (mark === 3) tcb.marks.ce += segment.count;
  tcb.marks.bytes[mark]! += segment.length;
  // With classic ECN only data counts as seen (`checkMark`).
  if (!(tcb.ecnFlags & ECN_OK)) tcb.ecnFlags |= ECN_SEEN;
}

/** Whether this acknowledgement reports congestion. */
export const echoes = (tcb: Tcb, segment: Segment): boolean =>
  (segment.flags & (ECE | SYN)) === ECE && (tcb.ecnFlags & ECN_OK) !== 0;

/** A reduction has begun: tell the peer with the next new data. */
export function queueCwr(tcb: Tcb): void {
  if (tcb.ecnFlags & ECN_OK) tcb.ecnFlags |= ECN_QUEUE_CWR;
}
