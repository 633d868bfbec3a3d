import { seqGe, seqGt } from '../../base/seq.ts';
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_OPEN, RACK_RECOVERY_THRESH } from '../constants.ts';
import { enterCwr, setCaState } from '../cwnd.ts';
import { ECN_QUEUE_CWR } from '../ecn.ts';
import { forgetRetransmitHint } from '../retransmit.ts';
import { EVER_RETRANSMITTED, LOST, type SentSegment } from '../sent.ts';
import { SYN_SENT } from '../state.ts';
import type { Tcb } from '../tcb.ts';

/** Taking back a reduction that was for nothing: by timestamps (Eifel, RFC 4015), by D-SACK (RFC 3708). */

/** The peer echoes a time before `when` (milliseconds): it acknowledges the original. */
const echoBefore = (tcb: Tcb, when: number): boolean =>
  tcb.sawTimestamp && tcb.rcvTsEcr !== 0 && ((tcb.rcvTsEcr - when) | 0) < 0;

/** A retransmitted segment's ACK that answers the original. */
export const isSpurious = (tcb: Tcb, s: SentSegment): boolean =>
  (s.marks & (EVER_RETRANSMITTED | 2)) !== 0 && echoBefore(tcb, Math.floor(s.sentAt / 1000));

/** Nothing was retransmitted, or the ACK answers something sent before the first retransmission. */
function packetDelayed(tcb: Tcb): boolean {
  if (tcb.retransStamp !== 0) return echoBefore(tcb, tcb.retransStamp);
  if (!tcb.sackOk && seqGe(tcb.sndUna, tcb.highSeq)) return false;
  return tcb.state !== SYN_SENT;
}

const mayUndo = (tcb: Tcb): boolean => tcb.undoArmed && (tcb.undoRetrans === 0 || packetDelayed(tcb));

export function armUndo(tcb: Tcb): void {
  tcb.undoArmed = true;
  tcb.undoMarker = tcb.sndUna;
  tcb.undoRetrans = tcb.retransOut;
  if (tcb.tlpOut && tcb.tlpRetrans) tcb.undoRetrans++;
  // −1: nothing has been retransmitted that a D-SACK could prove unneeded.
  if (tcb.undoRetrans === 0) tcb.undoRetrans = -1;
}

function undoReduction(tcb: Tcb, unmark: boolean): void {
  if (unmark) {
    for (let i = 0; i < tcb.sent.size; i++) tcb.sent.at(i).marks &= ~LOST;
    tcb.lostOut = 0;
    forgetRetransmitHint(tcb);
  }
  if (tcb.priorSsthresh !== 0) {
    tcb.cwnd = tcb.congestion.undo(tcb);
    if (tcb.priorSsthresh > tcb.ssthresh) {
      tcb.ssthresh = tcb.priorSsthresh;
      tcb.ecnFlags &= ~ECN_QUEUE_CWR;
    }
  }
  tcb.lastCwndAt = tcb.ctx.now;
  tcb.undoArmed = false;
  tcb.rackAdvanced = true;
}

const anyRetransmitted = (tcb: Tcb): boolean => {
  if (tcb.retransOut > 0) return true;
  const head = tcb.sent.first();
  return head !== null && (head.marks & EVER_RETRANSMITTED) !== 0;
};

export function clearRetransStamp(tcb: Tcb): void {
  if (!anyRetransmitted(tcb)) tcb.retransStamp = 0;
}

/** Without SACK, stay in recovery until beyond highSeq, lest old duplicates start a new one (RFC 6582). */
function heldByReno(tcb: Tcb): boolean {
  if (tcb.sndUna !== tcb.highSeq || tcb.sackOk) return false;
  clearRetransStamp(tcb);
  return true;
}

/** All that was outstanding is acknowledged. Returns true if the state must stay. */
export function undoRecovery(tcb: Tcb): boolean {
  const mib = tcb.ctx.mib;
  if (mayUndo(tcb)) {
    undoReduction(tcb, false);
    if (tcb.caState === CA_LOSS) mib.TcpExtTCPLossUndo++;
    else mib.TcpExtTCPFullUndo++;
  } else if (tcb.rackPersist > 0) tcb.rackPersist--;
  if (heldByReno(tcb)) return true;
  setCaState(tcb, CA_OPEN);
  tcb.sackReneged = false;
  return false;
}

/** D-SACKs covered every retransmission of this recovery. */
export function undoDsack(tcb: Tcb): boolean {
  if (!tcb.undoArmed || tcb.undoRetrans !== 0) return false;
  tcb.rackPersist = Math.min(RACK_RECOVERY_THRESH, tcb.rackPersist + 1);
  undoReduction(tcb, false);
  tcb.ctx.mib.TcpExtTCPDSACKUndo++;
  return true;
}

/** After a timeout: the original had not been lost (F-RTO, RFC 5682, or timestamps). */
export function undoLoss(tcb: Tcb, frto: boolean): boolean {
  if (!frto && !mayUndo(tcb)) return false;
  const mib = tcb.ctx.mib;
  undoReduction(tcb, true);
  mib.TcpExtTCPLossUndo++;
  if (frto) mib.TcpExtTCPSpuriousRTOs++;
  tcb.retransmits = 0;
  if (heldByReno(tcb)) return true;
  if (frto || tcb.sackOk) {
    setCaState(tcb, CA_OPEN);
    tcb.sackReneged = false;
  }
  return true;
}

/** A partial ACK in fast recovery shows that nothing was lost. Returns true if recovery shall wait. */
export function undoPartial(tcb: Tcb, reordered: () => void): boolean {
  if (!tcb.undoArmed || !packetDelayed(tcb)) return false;
  reordered();
  if (tcb.retransOut > 0) return true;
  clearRetransStamp(tcb);
  undoReduction(tcb, true);
  tcb.ctx.mib.TcpExtTCPPartialUndo++;
  keepOpen(tcb);
  return false;
}

/** Back to open, or to disorder while something is still out of order. */
export function keepOpen(tcb: Tcb): void {
  const state = tcb.sackedOut + tcb.lostOut > 0 || anyRetransmitted(tcb) ? CA_DISORDER : CA_OPEN;
  if (tcb.caState !== state) {
    setCaState(tcb, state);
    tcb.highSeq = tcb.sndNxt;
  }
}

export function tryOpen(tcb: Tcb, ece: boolean): void {
  clearRetransStamp(tcb);
  if (ece) enterCwr(tcb);
  if (tcb.caState !== CA_CWR) keepOpen(tcb);
}

/** A D-SACK, or a duplicate of a retransmission, proves `count` retransmissions unneeded. */
export function provedUnneeded(tcb: Tcb, end: typeof tcb.sndUna, count: number): void {
  if (tcb.undoArmed && tcb.undoRetrans > 0 && seqGt(end, tcb.undoMarker))
    tcb.undoRetrans = Math.max(0, tcb.undoRetrans - count);
}
