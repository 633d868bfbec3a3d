import { Ranges } from '../base/ranges.ts';
import type { ByteRing } from '../base/ring.ts';
import { type Seq, seqDiff, seqGe, seqGt, seqLe, seqLt, seqMin } from '../base/seq.ts';
import { MICROS_PER_MS } from '../base/time.ts';
import { FIN, type Segment } from '../wire/segment.ts';
import {
  dataArrived,
  delayAck,
  enterQuickAck,
  hasLost,
  inQuickAck,
  isShort,
  measureSegment,
  twoSegmentsOwed,
} from './delayed-ack.ts';
import { checkMark } from './ecn.ts';
import { processFin } from './fin.ts';
import { growReceiveBuffer, measureReceiveRtt } from './receive-rtt.ts';
import { dropBlocks, extendDsack, reportBlock, setDsack } from './sack-blocks.ts';
import type { Tcb } from './tcb.ts';
import { sendAck } from './transmit.ts';
import { charge, growWindow, hasRoom, queuedBytes, selectWindow } from './window.ts';

/** §3.10.7.4, seventh: the segment text. What is next goes to the reader, what is early is kept. */

/** Most separate gaps that reassembly remembers per connection: the rest is sent again (SegmentSmack). */
const MAX_GAPS = 256;

/** Takes payload and FIN of an acceptable segment. */
export function receiveText(tcb: Tcb, segment: Segment): void {
  const { seq } = segment;
  const length = segment.length;
  const fin = (segment.flags & FIN) !== 0;
  // The SYN of a simultaneous open's SYN-ACK counts: it is a repetition, and acknowledged as one.
  const { segLen } = segment;
  if (segLen === 0) return;
  const mib = tcb.ctx.mib;
  const end = ((seq + segLen) | 0) as Seq;
  tcb.dsack = false;
  if (!seqGt(end, tcb.rcvNxt) || tcb.finReceived) {
    // All of it was received before: the sender repeats because our ACK was lost. Beyond the FIN nothing can
    // come, not even another FIN.
    mib.TcpExtDelayedACKLost++;
    setDsack(tcb, seq, seqMin(end, tcb.rcvNxt));
    acknowledgeAtOnce(tcb);
    return;
  }
  const window = tcb.receiveWindow;
  if (!seqLt(seq, ((tcb.rcvNxt + window) | 0) as Seq) && !(seq === tcb.rcvNxt && length === 0 && fin)) {
    // SHLD-14's other side: data beyond the window is not taken. A bare FIN at a shut window is.
    if (seq === tcb.rcvNxt || window === 0) mib.TcpExtTCPZeroWindowDrop++;
    acknowledgeAtOnce(tcb);
    return;
  }
  if (seqGt(seq, tcb.rcvNxt)) {
    receiveEarly(tcb, segment, seq, end, fin);
    return;
  }
  if (seqLt(seq, tcb.rcvNxt)) {
    setDsack(tcb, seq, tcb.rcvNxt);
    if (window === 0) {
      mib.TcpExtTCPZeroWindowDrop++;
      acknowledgeAtOnce(tcb);
      return;
    }
  }
  receiveNext(tcb, segment, end, fin);
}

/** The data of a SYN or a SYN-ACK (RFC 7413 §4.2): RCV.NXT stands behind the SYN. They are acknowledged with it. */
export function receiveSynText(tcb: Tcb, segment: Segment): void {
  ringOf(tcb).write(tcb.rcvNxt, segment.bytes, segment.at, segment.length);
  charge(tcb, segment.length);
  advance(tcb, ((tcb.rcvNxt + segment.length) | 0) as Seq);
  tcb.ctx.wake(tcb);
}

function acknowledgeAtOnce(tcb: Tcb): void {
  enterQuickAck(tcb);
  tcb.ackScheduled = true;
}

/** The segment begins at or before RCV.NXT and brings something new. */
function receiveNext(tcb: Tcb, segment: Segment, end: Seq, fin: boolean): void {
  const skip = seqDiff(tcb.rcvNxt, segment.seq);
  const fresh = segment.length - skip;
  if (fresh > 0) {
    // The window was announced, so the space is there unless the application set it smaller since.
    if (queuedBytes(tcb) > 0 && !hasRoom(tcb)) {
      tcb.ctx.mib.TcpExtTCPRcvQDrop++;
      tcb.ackNoMem = true;
      tcb.ackScheduled = true;
      tcb.ackNow = true;
      return;
    }
    keep(tcb, segment, tcb.rcvNxt, fresh);
    charge(tcb, segment.length);
    advance(tcb, ((tcb.rcvNxt + fresh) | 0) as Seq);
    measureSegment(tcb, segment);
    measureReceiveRtt(tcb, segment.length);
    dataArrived(tcb);
    checkMark(tcb, segment);
    if (segment.length >= 128) growWindow(tcb, segment.length);
  }
  if (fin) {
    advance(tcb, end);
    processFin(tcb);
  } else if (tcb.ooo !== null && (tcb.ooo.count > 0 || tcb.oooFin)) joinEarly(tcb);
  if (tcb.sackCount > 0) dropBlocks(tcb);
  tcb.ctx.wake(tcb);
}

/** Takes n bytes of the segment's text, from sequence number `at` on, into the buffer: copied, or by reference. */
function keep(tcb: Tcb, segment: Segment, at: Seq, n: number): void {
  const ring = ringOf(tcb);
  const { attached } = segment;
  if (attached !== null) ring.borrow(at, n, attached.blocks, attached.attachedAt);
  else ring.write(at, segment.bytes, segment.at + seqDiff(at, segment.seq), n);
}

function ringOf(tcb: Tcb): ByteRing {
  tcb.recvRing ??= tcb.ctx.slabs.takeRing(tcb.copiedSeq);
  return tcb.recvRing;
}

function advance(tcb: Tcb, to: Seq): void {
  tcb.bytesReceived += seqDiff(to, tcb.rcvNxt);
  tcb.rcvNxt = to;
  const stamps = tcb.txStamps;
  if (stamps?.wantsArrivals) stamps.arrived(to, tcb.ctx.now);
}

/** The gap is filled: what was early has become next. */
function joinEarly(tcb: Tcb): void {
  const ooo = tcb.ooo!;
  const seen = tcb.rcvNxt;
  while (ooo.count > 0 && seqLe(ooo.left(0), tcb.rcvNxt)) {
    const l = ooo.left(0);
    const r = ooo.right(0);
    if (seqLt(l, seen)) extendDsack(tcb, l, seqMin(r, seen));
    if (seqGt(r, tcb.rcvNxt)) advance(tcb, r);
    ooo.dropTo(r);
  }
  if (tcb.oooFin && seqGe(tcb.rcvNxt, tcb.oooFinSeq)) {
    // The FIN's own number is part of the last range that was early.
    tcb.rcvNxt = tcb.oooFinSeq;
    tcb.oooFin = false;
    processFin(tcb);
  }
  // RFC 5681 §4.2: a segment that fills a gap is acknowledged at once.
  if (ooo.count === 0) tcb.ackNow = true;
}

/** SHLD-31: the segment is beyond a gap. It is kept, and the sender told. */
function receiveEarly(tcb: Tcb, segment: Segment, seq: Seq, end: Seq, fin: boolean): void {
  const mib = tcb.ctx.mib;
  checkMark(tcb, segment);
  tcb.ooo ??= new Ranges(MAX_GAPS);
  const ooo = tcb.ooo;
  const limit = ((tcb.rcvNxt + tcb.receiveWindow) | 0) as Seq;
  let length = segment.length;
  if (seqGt(((seq + length) | 0) as Seq, limit)) {
    // Keep what lies inside the window; a FIN behind it is not inside.
    length = seqDiff(limit, seq);
    fin = false;
    end = limit;
  }
  if (!hasRoom(tcb)) {
    mib.TcpExtTCPOFODrop++;
    tcb.ackScheduled = true;
    return;
  }
  measureSegment(tcb, segment);
  tcb.ackScheduled = true;
  tcb.rcvOooPackets += segment.count;
  mib.TcpExtTCPOFOQueue++;
  const dataEnd = ((seq + length) | 0) as Seq;
  if (ooo.covers(seq, end) && (!fin || tcb.oooFin)) {
    mib.TcpExtTCPOFOMerge++;
    setDsack(tcb, seq, end);
  } else {
    overlap(tcb, seq, end);
    writeGaps(tcb, segment, seq, dataEnd);
    charge(tcb, segment.length);
    if (fin) {
      tcb.oooFin = true;
      tcb.oooFinSeq = end;
    }
    ooo.add(seq, end);
  }
  reportBlock(tcb, seq, end);
  if (tcb.sackOk) growWindow(tcb, length);
  // Not for one that nobody has accepted yet, or that nobody reads any more.
  if (tcb.owner !== null && !tcb.orphan) growReceiveBuffer(tcb, tcb.rcvSpace);
}

/** Reports what of [seq, end) was here already. */
function overlap(tcb: Tcb, seq: Seq, end: Seq): void {
  const ooo = tcb.ooo!;
  for (let i = 0; i < ooo.count; i++) {
    const l = ooo.left(i);
    const r = ooo.right(i);
    if (seqLe(r, seq)) continue;
    if (seqGe(l, end)) break;
    const from = seqLt(l, seq) ? seq : l;
    const to = seqMin(r, end);
    if (tcb.dsack) extendDsack(tcb, from, to);
    else setDsack(tcb, from, to);
  }
}

/** Writes only bytes that are not here yet: the first copy wins (inconsistent retransmission). */
function writeGaps(tcb: Tcb, segment: Segment, seq: Seq, dataEnd: Seq): void {
  const ooo = tcb.ooo!;
  let at = seq;
  for (let i = 0; i < ooo.count && seqLt(at, dataEnd); i++) {
    const l = ooo.left(i);
    const r = ooo.right(i);
    if (seqLe(r, at)) continue;
    if (seqGe(l, dataEnd)) break;
    if (seqGt(l, at)) keep(tcb, segment, at, seqDiff(l, at));
    at = r;
  }
  if (seqLt(at, dataEnd)) keep(tcb, segment, at, seqDiff(dataEnd, at));
}

/**
 * Whether the arrival is acknowledged now, with the next data, or after a delay (MUST-58, SHLD-18, 19).
 * Called once per segment, after its text.
 */
export function scheduleAck(tcb: Tcb): void {
  if (!tcb.ackScheduled) return;
  const early = tcb.ooo !== null && tcb.ooo.count > 0;
  const lossy = hasLost(tcb);
  // Looking at the window ends quick-ack mode if there is little left, so it comes first.
  const full =
    twoSegmentsOwed(tcb) &&
    (seqDiff(tcb.rcvNxt, tcb.copiedSeq) < tcb.options.rcvlowat || selectWindow(tcb) >= tcb.rcvWnd || lossy);
  if (full || tcb.ackNow || inQuickAck(tcb) || (lossy && !early && isShort(tcb))) {
    tcb.ackNow = true;
    // Every early segment has an ACK of its own, for a sender that counts them (RFC 5681 §4.2). What else comes in one
    // turn has one, as with Linux's GRO.
    if (early || lossy) sendAck(tcb);
    else tcb.ctx.wantOutput(tcb);
    return;
  }
  if (!early) {
    delayAck(tcb);
    return;
  }
  compress(tcb);
}

/** Linux thins out the duplicate ACKs of a long loss episode (tcp_comp_sack_nr, _delay_ns). */
function compress(tcb: Tcb): void {
  const sysctl = tcb.ctx.sysctl;
  if (!tcb.sackOk || tcb.compressedAcks >= sysctl.tcp_comp_sack_nr) {
    sendAck(tcb);
    return;
  }
  if (tcb.compressedRcvNxt !== tcb.rcvNxt) {
    tcb.compressedRcvNxt = tcb.rcvNxt;
    tcb.dupAckCounter = 0;
  }
  if (tcb.dupAckCounter < 3) {
    tcb.dupAckCounter++;
    sendAck(tcb);
    return;
  }
  tcb.compressedAcks++;
  if (tcb.compressedAckAt !== Number.POSITIVE_INFINITY) return;
  let rtt = tcb.rcvRtt;
  if (tcb.srtt > 0 && (rtt === 0 || tcb.srtt < rtt)) rtt = tcb.srtt;
  const delay = Math.min(sysctl.tcp_comp_sack_delay_ns / 1000, MICROS_PER_MS, rtt / 160);
  tcb.compressedAckAt = tcb.ctx.now + delay;
  tcb.ctx.scheduleExact(tcb);
}
