import { type Seq, seqGe, seqGt } from '../../base/seq.ts';
import {
  CA_CWR,
  CA_DISORDER,
  CA_LOSS,
  CA_OPEN,
  CA_RECOVERY,
  REXMIT_LOST,
  REXMIT_NEW,
  XMIT_RTO,
} from '../constants.ts';
import { beginReduction, currentSsthresh, endReduction, inReduction, setCaState } from '../cwnd.ts';
import { hasUnsent } from '../decide.ts';
import { queueCwr } from '../ecn.ts';
import { isMtuProbeOut, mtuProbeLost } from '../mtu-probe.ts';
import { currentMss } from '../negotiate.ts';
import { forgetRetransmitHint, lostAt, retransmit } from '../retransmit.ts';
import { LOST, RETRANSMITTED, SACKED, type SentSegment } from '../sent.ts';
import { SYN_SENT } from '../state.ts';
import type { Tcb } from '../tcb.ts';
import { setXmit, toJiffies } from '../timers.ts';
import { addDuplicates, limitDuplicates, newRenoMarkLost } from './newreno.ts';
import { rackMarkLost, rackTimeout } from './rack.ts';
import { checkReordering } from './sack.ts';
import {
  armUndo,
  clearRetransStamp,
  tryOpen,
  undoDsack,
  undoLoss,
  undoPartial,
  undoRecovery,
} from './undo.ts';

/** Loss recovery (RFC 5681, 6582, 6675, 8985): the five congestion states and what moves between them. */

/** What an acknowledgement told, filled by `ack`; see the constants. */
export const ADVANCED = 0x01;
export const DATA = 0x02;
export const WINDOW = 0x04;
export const DATA_ACKED = 0x08;
export const SYN_ACKED = 0x10;
export const RETRANS_ACKED = 0x20;
export const SACKED_NEW = 0x40;
export const ORIGINAL_SACKED = 0x80;
export const ECE_SEEN = 0x100;
export const DSACKING = 0x200;
export const DSACK_OF_PROBE = 0x400;
export const SET_TIMER = 0x800;
export const RENEGED = 0x1000;
const LOST_RETRANS = 0x2000;
export const MAYBE_DELAYED = 0x4000;
export const ACKED = DATA_ACKED | SYN_ACKED;
export const NOT_DUPLICATE = DATA | WINDOW | ACKED;

/** Marks a record lost, or its retransmission if it had been repeated already. */
export function markLost(tcb: Tcb, s: SentSegment): void {
  if (s.marks & SACKED) return;
  lostAt(tcb, s.seq);
  if (s.marks & LOST) {
    if (!(s.marks & RETRANSMITTED)) return;
    s.marks &= ~RETRANSMITTED;
    tcb.retransOut -= s.pcount;
    tcb.ctx.mib.TcpExtTCPLostRetransmit += s.pcount;
  } else {
    tcb.lostOut += s.pcount;
    s.marks |= LOST;
  }
  tcb.lost += s.pcount;
  if (tcb.ctx.trace !== null) tcb.ctx.trace.lost(tcb, s.seq, s.end);
}

export function enterRecovery(tcb: Tcb, ece: boolean): void {
  clearRetransStamp(tcb);
  if (tcb.sackOk) tcb.ctx.mib.TcpExtTCPSackRecovery++;
  else tcb.ctx.mib.TcpExtTCPRenoRecovery++;
  tcb.priorSsthresh = 0;
  armUndo(tcb);
  if (!inReduction(tcb)) {
    if (!ece) tcb.priorSsthresh = currentSsthresh(tcb);
    beginReduction(tcb);
  }
  setCaState(tcb, CA_RECOVERY);
}

/** The retransmission timer went off (RFC 5681 §3.1): everything outstanding is suspect. */
export function enterLoss(tcb: Tcb): void {
  const newRecovery = tcb.caState < CA_RECOVERY;
  markAfterTimeout(tcb);
  if (
    tcb.caState <= CA_DISORDER ||
    !seqGt(tcb.highSeq, tcb.sndUna) ||
    (tcb.caState === CA_LOSS && tcb.retransmits === 0)
  ) {
    tcb.priorSsthresh = currentSsthresh(tcb);
    tcb.priorCwnd = tcb.cwnd;
    tcb.ssthresh = tcb.congestion.ssthresh(tcb);
    armUndo(tcb);
  }
  const { fixed } = tcb.congestion;
  tcb.cwnd = tcb.inFlight + 1;
  if (fixed > 0) {
    tcb.cwnd = fixed;
    tcb.rexmit = REXMIT_LOST;
    tcb.ctx.wantOutput(tcb);
  }
  tcb.cwndCount = 0;
  tcb.lastCwndAt = tcb.ctx.now;
  const reordering = tcb.ctx.sysctl.tcp_reordering;
  if (tcb.caState <= CA_DISORDER && tcb.sackedOut >= reordering)
    tcb.reordering = Math.min(tcb.reordering, reordering);
  if (tcb.caState !== CA_LOSS) tcb.congestion.lossState(tcb);
  setCaState(tcb, CA_LOSS);
  tcb.highSeq = tcb.sndNxt;
  tcb.tlpOut = false;
  queueCwr(tcb);
  tcb.frto =
    tcb.ctx.sysctl.tcp_frto !== 0 &&
    (newRecovery || tcb.retransmits > 0) &&
    !isMtuProbeOut(tcb) &&
    fixed === 0;
}

function markAfterTimeout(tcb: Tcb): void {
  const head = tcb.sent.first();
  const reneged = head !== null && (head.marks & SACKED) !== 0;
  if (reneged) {
    tcb.ctx.mib.TcpExtTCPSACKReneging++;
    tcb.sackedOut = 0;
    tcb.sackReneged = true;
  } else if (!tcb.sackOk) tcb.sackedOut = 0;
  for (let i = 0; i < tcb.sent.size; i++) {
    const s = tcb.sent.at(i);
    if (reneged) s.marks &= ~SACKED;
    // RACK spares what was sent too recently to be missed.
    else if (tcb.sackOk && i > 0 && rackTimeout(tcb, s, 0) > 0) continue;
    markLost(tcb, s);
  }
  forgetRetransmitHint(tcb);
}

function identifyLoss(tcb: Tcb, flags: number): number {
  if (tcb.sent.size === 0) return flags;
  if (!tcb.sackOk) {
    newRenoMarkLost(tcb, (flags & ADVANCED) !== 0);
    return flags;
  }
  const before = tcb.retransOut;
  if (rackMarkLost(tcb)) flags &= ~SET_TIMER;
  if (before > tcb.retransOut) flags |= LOST_RETRANS;
  return flags;
}

/**
 * A dubious acknowledgement (duplicate, SACK, ECE, or any while not open) moves the state machine.
 * @returns the flags, SET_TIMER removed if a timer was set here
 */
export function alert(tcb: Tcb, priorUna: Seq, duplicates: number, flags: number): number {
  const ece = (flags & ECE_SEEN) !== 0;
  const advanced = (flags & ADVANCED) !== 0;
  if (tcb.packetsOut === 0 && tcb.sackedOut > 0) tcb.sackedOut = 0;
  if (ece) tcb.priorSsthresh = 0;
  if (flags & RENEGED && advanced) {
    // The receiver dropped what it had SACKed: soon a timeout sends it again.
    setXmit(tcb, XMIT_RTO, Math.max(toJiffies(tcb.ctx, tcb.srtt >> 4), toJiffies(tcb.ctx, 10_000)));
    return flags & ~SET_TIMER;
  }
  if (tcb.caState === CA_OPEN) tcb.retransStamp = 0;
  else if (seqGe(tcb.sndUna, tcb.highSeq)) {
    // Everything that was outstanding when the state began is acknowledged.
    if (tcb.caState === CA_CWR) {
      if (tcb.sndUna !== tcb.highSeq) {
        endReduction(tcb);
        setCaState(tcb, CA_OPEN);
      }
    } else if (tcb.caState === CA_RECOVERY) {
      if (!tcb.sackOk) tcb.sackedOut = 0;
      if (undoRecovery(tcb)) return flags;
      endReduction(tcb);
    }
  }
  if (tcb.caState === CA_RECOVERY) return inRecovery(tcb, priorUna, duplicates, flags, ece, advanced);
  if (tcb.caState === CA_LOSS) {
    inLoss(tcb, flags, duplicates, advanced);
    if (tcb.caState !== CA_LOSS) endRtoTime(tcb);
    flags = identifyLoss(tcb, flags);
    if (!isOpen(tcb) && !(flags & LOST_RETRANS)) return flags;
  }
  if (!tcb.sackOk) {
    if (advanced) tcb.sackedOut = 0;
    addDuplicates(tcb, duplicates);
  }
  if (tcb.caState <= CA_DISORDER) undoDsack(tcb);
  flags = identifyLoss(tcb, flags);
  if (tcb.lostOut === 0) {
    tryOpen(tcb, ece);
    return flags;
  }
  if (tcb.mtuProbing !== null && tcb.caState < CA_CWR && mtuProbeLost(tcb, tcb.mtuProbing)) {
    simpleRetransmit(tcb);
    return flags;
  }
  enterRecovery(tcb, ece);
  tcb.rexmit = REXMIT_LOST;
  return flags;
}

const isOpen = (tcb: Tcb): boolean => tcb.caState === CA_OPEN;

function inRecovery(
  tcb: Tcb,
  priorUna: Seq,
  duplicates: number,
  flags: number,
  ece: boolean,
  advanced: boolean,
): number {
  if (!advanced) {
    if (!tcb.sackOk) addDuplicates(tcb, duplicates);
  } else if (undoPartial(tcb, () => checkReordering(tcb, priorUna, true))) return flags;
  if (undoDsack(tcb)) tryOpen(tcb, ece);
  flags = identifyLoss(tcb, flags);
  if (tcb.caState !== CA_RECOVERY) {
    if (tcb.lostOut === 0) return flags;
    enterRecovery(tcb, ece);
  }
  tcb.rexmit = REXMIT_LOST;
  return flags;
}

/** An acknowledgement after a timeout: F-RTO (RFC 5682), or slow start through what was lost. */
function inLoss(tcb: Tcb, flags: number, duplicates: number, advanced: boolean): void {
  const recovered = seqGe(tcb.sndUna, tcb.highSeq);
  if (advanced && undoLoss(tcb, false)) return;
  if (tcb.frto) {
    // Step 3.b: something that was never retransmitted got through: the timeout was spurious.
    if (flags & ORIGINAL_SACKED && undoLoss(tcb, true)) return;
    if (seqGt(tcb.sndNxt, tcb.highSeq)) {
      if (flags & SACKED_NEW || duplicates > 0) tcb.frto = false;
    } else if (advanced && !recovered) {
      tcb.highSeq = tcb.sndNxt;
      // Step 2.b: new data will tell.
      if (hasUnsent(tcb) && seqGt(tcb.wndEnd, tcb.sndNxt)) {
        tcb.rexmit = REXMIT_NEW;
        return;
      }
      tcb.frto = false;
    }
  }
  if (recovered) {
    undoRecovery(tcb);
    return;
  }
  if (!tcb.sackOk) {
    if (seqGt(tcb.sndNxt, tcb.highSeq) && duplicates > 0) addDuplicates(tcb, duplicates);
    else if (advanced) tcb.sackedOut = 0;
  }
  tcb.rexmit = REXMIT_LOST;
}

export function endRtoTime(tcb: Tcb): void {
  if (tcb.rtoStamp === 0) return;
  tcb.totalRtoTime += tcb.tsNow - tcb.rtoStamp;
  tcb.rtoStamp = 0;
}

/** The segment size fell (path MTU): what is too large is sent again, without a reduction. */
export function simpleRetransmit(tcb: Tcb): void {
  // A SYN and its data (RFC 7413) are two records, yet one segment, which was too large.
  const opening = tcb.state === SYN_SENT && tcb.fastopen !== null && tcb.fastopen.synData;
  const mss = opening ? -1 : currentMss(tcb);
  for (let i = 0; i < tcb.sent.size; i++) {
    const s = tcb.sent.at(i);
    if ((s.pcount === 1 ? s.length : s.mss) > mss) markLost(tcb, s);
  }
  forgetRetransmitHint(tcb);
  if (tcb.lostOut === 0) return;
  if (!tcb.sackOk) limitDuplicates(tcb);
  retransmitWithoutReduction(tcb);
  if (opening) retransmit(tcb, 0, 1);
}

/** What is marked lost was not lost to congestion. */
export function retransmitWithoutReduction(tcb: Tcb): void {
  if (tcb.caState !== CA_LOSS) {
    tcb.highSeq = tcb.sndNxt;
    tcb.ssthresh = currentSsthresh(tcb);
    tcb.priorSsthresh = 0;
    tcb.undoArmed = false;
    setCaState(tcb, CA_LOSS);
  }
  tcb.rexmit = REXMIT_LOST;
  tcb.ctx.wantOutput(tcb);
}
