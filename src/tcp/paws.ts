import { type Seq, seqGt } from '../base/seq.ts';
import { ACK, type Segment } from '../wire/segment.ts';
import { newerWindow } from './ack.ts';
import { PAWS_24_DAYS, PAWS_WINDOW } from './constants.ts';
import type { Tcb } from './tcb.ts';

/** Timestamps (RFC 7323): TS.Recent, and the protection against wrapped sequence numbers. */

const seconds = (tcb: Tcb): number => Math.floor(tcb.ctx.now / 1_000_000) + 1;

/** Takes the timestamps of an arriving segment, without our offset; false if it has none. */
export function readTimestamps(tcb: Tcb, segment: Segment): boolean {
  tcb.sawTimestamp = segment.hasTimestamps && tcb.tsOk;
  if (tcb.sawTimestamp) {
    tcb.rcvTsVal = segment.tsVal;
    tcb.rcvTsEcr = segment.tsEcr === 0 ? 0 : (segment.tsEcr - tcb.tsOffset) | 0;
  }
  return tcb.sawTimestamp;
}

export function setRecent(tcb: Tcb, value: number): void {
  tcb.tsRecent = value;
  tcb.tsRecentStamp = seconds(tcb);
}

/** §4.3: TS.Recent follows segments that begin at or before the last ACK sent. */
export function storeTimestamp(tcb: Tcb, seq: Seq): void {
  if (tcb.sawTimestamp && !seqGt(seq, tcb.rcvWup) && pawsOk(tcb, 0)) setRecent(tcb, tcb.rcvTsVal);
}

/** §5.3: the timestamp is not older than TS.Recent by more than `window`, or TS.Recent is outdated. */
function pawsOk(tcb: Tcb, window: number): boolean {
  if (((tcb.tsRecent - tcb.rcvTsVal) | 0) <= window) return true;
  if (seconds(tcb) >= tcb.tsRecentStamp + PAWS_24_DAYS) return true;
  // A peer that was restarted with a clock at zero.
  return tcb.tsRecent === 0;
}

/** Whether the segment is an old duplicate. A reordered pure ACK that tells nothing new is not held so. */
export function pawsDiscards(tcb: Tcb, segment: Segment): boolean {
  if (!tcb.sawTimestamp || pawsOk(tcb, PAWS_WINDOW)) return false;
  const harmless =
    (segment.flags & ACK) !== 0 &&
    segment.segLen === 0 &&
    segment.seq === tcb.rcvNxt &&
    segment.ack === tcb.sndUna &&
    !newerWindow(tcb, segment.ack, segment.seq, segment.window << tcb.sndWscale) &&
    ((tcb.tsRecent - tcb.rcvTsVal) | 0) <= (tcb.rto / 1_000_000) * 1200;
  return !harmless;
}
