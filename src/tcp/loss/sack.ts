import { type Seq, seq, seqDiff, seqGe, seqGt, seqLe, seqLt } from '../../base/seq.ts';
import { MAX_SACK_BLOCKS, type Segment } from '../../wire/segment.ts';
import { CA_LOSS } from '../constants.ts';
import { noteDelivered, type RateSample } from '../rate.ts';
import { splitRecord } from '../retransmit.ts';
import { EVER_RETRANSMITTED, LOST, RETRANSMITTED, SACKED, type SentSegment } from '../sent.ts';
import type { Tcb } from '../tcb.ts';
import { rackAdvance } from './rack.ts';
import { DSACK_OF_PROBE, DSACKING, ORIGINAL_SACKED, SACKED_NEW } from './recovery.ts';
import { provedUnneeded } from './undo.ts';

/** The scoreboard (RFC 2018, 2883, 6675): what the peer's SACK blocks say of the retransmission queue. */

/** What the blocks of one acknowledgement told; a host has one, refilled each time. */
export class SackResult {
  flags = 0;
  /** Segments newly SACKED, or reported by a D-SACK. */
  delivered = 0;
  /** Send times of the first and last original segment newly SACKed; −∞ none. */
  firstSentAt = Number.NEGATIVE_INFINITY;
  lastSentAt = Number.NEGATIVE_INFINITY;
  /** Of the first: see `SentSegment.sentOrder`. */
  firstSentOrder = 0;
  /** Lowest sequence number that was SACKed late. */
  reordered = 0 as Seq;

  reset(tcb: Tcb): void {
    this.flags = 0;
    this.delivered = 0;
    this.firstSentAt = Number.NEGATIVE_INFINITY;
    this.lastSentAt = Number.NEGATIVE_INFINITY;
    this.reordered = tcb.sndNxt;
  }
}

const left = new Int32Array(MAX_SACK_BLOCKS);
const right = new Int32Array(MAX_SACK_BLOCKS);

/** The degree of reordering seen: from `low`, delivered late, to the highest SACKed (RFC 8985 §6.2 step 3). */
export function checkReordering(tcb: Tcb, low: Seq, byTimestamp: boolean): void {
  const high = tcb.sackedOut > 0 ? tcb.highestSack : tcb.sndUna;
  if (!seqLt(low, high)) return;
  const distance = seqDiff(high, low);
  const mss = tcb.mssCache;
  if (mss > 0 && distance > tcb.reordering * mss)
    tcb.reordering = Math.min(Math.ceil(distance / mss), tcb.ctx.sysctl.tcp_max_reordering);
  tcb.reordSeen++;
  if (byTimestamp) tcb.ctx.mib.TcpExtTCPTSReorder++;
  else tcb.ctx.mib.TcpExtTCPSACKReorder++;
}

/** Whether the first block reports a duplicate (RFC 2883): below the ACK, or inside the second block. */
function checkDsack(tcb: Tcb, segment: Segment, priorUna: Seq, out: SackResult): boolean {
  const mib = tcb.ctx.mib;
  const l = seq(segment.sackLeft[0]!);
  const r = seq(segment.sackRight[0]!);
  if (seqLt(l, segment.ack)) mib.TcpExtTCPDSACKRecv++;
  else if (segment.sackBlocks > 1) {
    if (seqGt(r, seq(segment.sackRight[1]!)) || seqLt(l, seq(segment.sackLeft[1]!))) return false;
    mib.TcpExtTCPDSACKOfoRecv++;
  } else return false;
  const count = dsackSeen(tcb, l, r, out);
  if (count === 0) {
    mib.TcpExtTCPDSACKIgnoredDubious++;
    return false;
  }
  mib.TcpExtTCPDSACKRecvSegs += count;
  if (!seqGt(r, priorUna)) provedUnneeded(tcb, r, count);
  return true;
}

function dsackSeen(tcb: Tcb, l: Seq, r: Seq, out: SackResult): number {
  const length = seqDiff(r, l);
  if (length <= 0 || length > tcb.maxWindow) return 0;
  let count = 1;
  if (length > tcb.mssCache) count = Math.ceil(length / tcb.mssCache);
  else if (tcb.tlpOut && tcb.tlpHighSeq === r) out.flags |= DSACK_OF_PROBE;
  tcb.dsackDups += count;
  // More duplicates than retransmissions: the peer, or somebody else, makes them up.
  if (tcb.dsackDups > tcb.totalRetrans) return 0;
  if (tcb.reordSeen > 0 && !(out.flags & DSACK_OF_PROBE)) tcb.rackDsackSeen = true;
  out.flags |= DSACKING;
  out.delivered += count;
  return count;
}

/** A block is believed only if it lies in what is outstanding (attacks: bogus SACK). */
function isValid(tcb: Tcb, dsack: boolean, l: Seq, r: Seq): boolean {
  if (seqGt(r, tcb.sndNxt) || !seqLt(l, r) || !seqLt(l, tcb.sndNxt)) return false;
  if (seqGt(l, tcb.sndUna)) return true;
  if (!dsack || !tcb.undoArmed || seqGt(r, tcb.sndUna)) return false;
  if (!seqLt(l, tcb.undoMarker)) return true;
  if (!seqGt(r, tcb.undoMarker)) return false;
  return !seqLt(l, ((r - tcb.maxWindow) | 0) as Seq);
}

/** Applies the SACK blocks of one acknowledgement. */
export function applySack(
  tcb: Tcb,
  segment: Segment,
  priorUna: Seq,
  out: SackResult,
  rate: RateSample,
): void {
  const mib = tcb.ctx.mib;
  const n = segment.sackBlocks;
  const dsack = checkDsack(tcb, segment, priorUna, out);
  if (seqLt(segment.ack, ((priorUna - tcb.maxWindow) | 0) as Seq) || tcb.packetsOut === 0) return;
  let used = 0;
  let duplicate = -1;
  for (let i = 0; i < n; i++) {
    const l = seq(segment.sackLeft[i]!);
    const r = seq(segment.sackRight[i]!);
    const isDuplicate = i === 0 && dsack;
    if (!isValid(tcb, isDuplicate, l, r)) {
      if (isDuplicate) {
        if (tcb.undoArmed) mib.TcpExtTCPDSACKIgnoredOld++;
        else mib.TcpExtTCPDSACKIgnoredNoUndo++;
      } else if (segment.ack === tcb.sndUna || seqGt(r, tcb.sndUna)) mib.TcpExtTCPSACKDiscard++;
      continue;
    }
    if (!seqGt(r, priorUna)) continue;
    // Insertion sort: there are at most four.
    let k = used++;
    while (k > 0 && seqGt(seq(left[k - 1]!), l)) {
      left[k] = left[k - 1]!;
      right[k] = right[k - 1]!;
      if (duplicate === k - 1) duplicate = k;
      k--;
    }
    left[k] = l;
    right[k] = r;
    if (isDuplicate) duplicate = k;
  }
  for (let i = 0; i < used; i++) walk(tcb, seq(left[i]!), seq(right[i]!), i === duplicate, out, rate);
  if (tcb.caState !== CA_LOSS || tcb.undoArmed) checkReordering(tcb, out.reordered, false);
}

/** Marks the records inside [l, r). */
function walk(tcb: Tcb, l: Seq, r: Seq, duplicate: boolean, out: SackResult, rate: RateSample): void {
  let i = tcb.sent.find(l);
  while (i < tcb.sent.size) {
    const s = tcb.sent.at(i);
    if (!seqLt(s.seq, r)) break;
    if (s.marks & SACKED && !duplicate) {
      i++;
      continue;
    }
    if (!inside(tcb, i, l, r)) {
      i++;
      continue;
    }
    tag(tcb, tcb.sent.at(i), duplicate, out);
    noteDelivered(tcb, tcb.sent.at(i), rate);
    const t = tcb.sent.at(i);
    if (t.marks & SACKED) {
      tcb.sent.untime(t);
      if (tcb.sackedOut === t.pcount || seqGt(t.end, tcb.highestSack)) tcb.highestSack = t.end;
      i = mergeBack(tcb, i);
    }
    i++;
  }
}

/** Whether record i lies inside [l, r), after cutting it at segment boundaries if it must be. */
function inside(tcb: Tcb, i: number, l: Seq, r: Seq): boolean {
  const s = tcb.sent.at(i);
  if (seqLe(l, s.seq) && seqGe(r, s.end)) return true;
  if (s.pcount <= 1 || !seqGt(s.end, l)) return false;
  const mss = s.mss;
  if (!seqLe(l, s.seq)) {
    // The front is outside: cut it off, rounded up to whole segments; the rest comes next in the walk.
    const front = Math.max(Math.ceil(seqDiff(l, s.seq) / mss) * mss, mss);
    if (front < s.length && maySplit(tcb)) splitRecord(tcb, i, front, mss);
    return false;
  }
  const covered = Math.floor(seqDiff(r, s.seq) / mss) * mss;
  if (covered < mss || covered >= s.length || !maySplit(tcb)) return false;
  splitRecord(tcb, i, covered, mss);
  return true;
}

/** Bounds what a malicious peer can cut the queue into (CVE-2019-11478). */
const maySplit = (tcb: Tcb): boolean => tcb.sent.size < 2 * (tcb.packetsOut + 128);

function tag(tcb: Tcb, s: SentSegment, duplicate: boolean, out: SackResult): void {
  if (duplicate && s.marks & (RETRANSMITTED | EVER_RETRANSMITTED)) {
    provedUnneeded(tcb, s.end, s.pcount);
    if (s.marks & SACKED && seqLt(s.seq, out.reordered)) out.reordered = s.seq;
  }
  if (!seqGt(s.end, tcb.sndUna)) return;
  if (!(s.marks & SACKED)) {
    rackAdvance(tcb, s);
    if (s.marks & RETRANSMITTED) {
      if (s.marks & LOST) {
        s.marks &= ~(LOST | RETRANSMITTED);
        tcb.lostOut -= s.pcount;
        tcb.retransOut -= s.pcount;
      }
    } else {
      if (!(s.marks & EVER_RETRANSMITTED)) {
        if (tcb.sackedOut > 0 && seqLt(s.seq, tcb.highestSack) && seqLt(s.seq, out.reordered))
          out.reordered = s.seq;
        if (!seqGt(s.end, tcb.highSeq)) out.flags |= ORIGINAL_SACKED;
        if (out.firstSentAt === Number.NEGATIVE_INFINITY) {
          out.firstSentAt = s.sentAt;
          out.firstSentOrder = s.sentOrder;
        }
        out.lastSentAt = s.sentAt;
      }
      if (s.marks & LOST) {
        s.marks &= ~LOST;
        tcb.lostOut -= s.pcount;
      }
    }
    s.marks |= SACKED;
    out.flags |= SACKED_NEW;
    tcb.sackedOut += s.pcount;
    out.delivered += s.pcount;
  }
  if (duplicate && s.marks & RETRANSMITTED) {
    s.marks &= ~RETRANSMITTED;
    tcb.retransOut -= s.pcount;
  }
}

/** Joins a SACKed record with a SACKed neighbour before it, so that long runs stay short to walk. */
function mergeBack(tcb: Tcb, i: number): number {
  if (i === 0) return i;
  const before = tcb.sent.at(i - 1);
  const s = tcb.sent.at(i);
  const plain = (t: SentSegment): boolean => (t.marks & (SACKED | LOST | RETRANSMITTED)) === SACKED;
  if (!plain(before) || !plain(s) || before.mss !== s.mss || before.eor) return i;
  if (before.length !== before.pcount * before.mss || before.pcount + s.pcount > 1024) return i;
  before.end = s.end;
  before.pcount += s.pcount;
  before.flags |= s.flags;
  before.eor = s.eor;
  before.marks |= s.marks & EVER_RETRANSMITTED;
  tcb.sent.remove(i);
  return i - 1;
}
