import { seqGt, seqLt } from '../../base/seq.ts';
import {
  CA_CWR,
  CA_OPEN,
  CA_RECOVERY,
  REXMIT_LOST,
  TIMEOUT_INIT,
  TIMEOUT_MIN_US,
  XMIT_NONE,
  XMIT_REO,
  XMIT_RTO,
  XMIT_TLP,
} from '../constants.ts';
import { beginReduction, endReduction, setCaState } from '../cwnd.ts';
import { hasUnsent, unsent } from '../decide.ts';
import { isPassiveOpen } from '../fastopen.ts';
import { currentMss } from '../negotiate.ts';
import { pushProbe } from '../output.ts';
import { retransmitSegment } from '../retransmit.ts';
import { GIVEN_UP, RETRANSMITTED, type SentSegment } from '../sent.ts';
import type { Tcb } from '../tcb.ts';
import { clearXmit, rtoMax, rtoMin, setXmit, toJiffies } from '../timers.ts';
import { markLost } from './recovery.ts';
import { keepOpen } from './undo.ts';

/** Tail loss probe (RFC 8985 §7), and the timer it shares with the retransmission timeout. */

/** How long until the timeout of the oldest segment in flight. */
function rtoLeft(tcb: Tcb): number {
  const head = tcb.sent.first();
  return head === null ? tcb.rto : head.sentAt + tcb.rto - tcb.ctx.now;
}

/** Restarts the retransmission timer, or stops it when nothing is in flight (RFC 6298 §5.1 to 5.3). */
export function rearmRto(tcb: Tcb): void {
  // Until a Fast Open's SYN-ACK is acknowledged the timer is that of the SYN-ACK.
  if (tcb.fastopen !== null && isPassiveOpen(tcb)) return;
  if (tcb.packetsOut === 0) {
    if (tcb.xmitKind !== XMIT_NONE) clearXmit(tcb);
    return;
  }
  let rto = tcb.rto;
  // A probe or a reordering wait must not push the timeout back.
  if (tcb.xmitKind === XMIT_REO || tcb.xmitKind === XMIT_TLP)
    rto = toJiffies(tcb.ctx, Math.max(rtoLeft(tcb), 1));
  setXmit(tcb, XMIT_RTO, rto);
}

/**
 * Arms the loss probe if the connection is in a state for one.
 * @param advancing the timeout is about to be restarted in full
 */
export function scheduleLossProbe(tcb: Tcb, advancing: boolean): boolean {
  if (tcb.fastopen !== null && isPassiveOpen(tcb)) return false;
  const early = tcb.ctx.sysctl.tcp_early_retrans;
  if ((early !== 3 && early !== 4) || tcb.packetsOut === 0 || !tcb.sackOk) return false;
  if (tcb.caState === CA_RECOVERY) return scheduleGivingUp(tcb);
  if (tcb.caState !== CA_OPEN && tcb.caState !== CA_CWR) return false;
  let timeout = TIMEOUT_INIT;
  if (tcb.srtt > 0) {
    timeout = tcb.srtt >> 2;
    // A lone segment's ACK may be a delayed one.
    timeout += tcb.packetsOut === 1 ? rtoMin(tcb) : TIMEOUT_MIN_US;
    timeout = toJiffies(tcb.ctx, timeout);
  }
  const left = advancing ? tcb.rto : rtoLeft(tcb);
  if (left > 0) timeout = Math.min(timeout, toJiffies(tcb.ctx, left));
  setXmit(tcb, XMIT_TLP, Math.min(timeout, rtoMax(tcb)));
  return true;
}

/**
 * The head as recovery has repeated it, if that may be given up: once, and only while the receiver holds data behind it.
 */
function awaited(tcb: Tcb): SentSegment | null {
  const head = tcb.sent.first();
  if (head === null || tcb.sackedOut === 0) return null;
  return (head.marks & (RETRANSMITTED | GIVEN_UP)) === RETRANSMITTED ? head : null;
}

/**
 * A retransmission that is lost itself, with nothing sent after it, is found by the timeout only, in Linux and in
 * RFC 8985 §7.2. Most of that is 200 ms for an ACK that may be delayed. But who has a hole before what he holds
 * answers at once whatever fills it (RFC 5681 §4.2): after the time of a probe the head counts as lost again.
 */
function scheduleGivingUp(tcb: Tcb): boolean {
  const head = awaited(tcb);
  if (head === null || tcb.srtt === 0) return false;
  const patience = (tcb.srtt >> 2) + TIMEOUT_MIN_US;
  if (patience >= tcb.rto) return false;
  setXmit(tcb, XMIT_TLP, toJiffies(tcb.ctx, Math.max(head.sentAt + patience - tcb.ctx.now, 1)));
  return true;
}

function giveUpHead(tcb: Tcb): void {
  const head = awaited(tcb);
  if (head === null) return;
  markLost(tcb, head);
  tcb.sent.untime(head);
  head.marks |= GIVEN_UP;
  tcb.rexmit = REXMIT_LOST;
  tcb.ctx.wantOutput(tcb);
}

/** The probe timer went off: send new data if there is any, else the last segment again; in recovery the head. */
export function sendLossProbe(tcb: Tcb): void {
  const mss = currentMss(tcb);
  let probed = false;
  if (tcb.caState === CA_RECOVERY) giveUpHead(tcb);
  else if (!tcb.tlpOut) {
    tcb.tlpRetrans = false;
    const next = hasUnsent(tcb) ? Math.min(unsent(tcb), mss) || 1 : 0;
    if (next > 0 && !seqGt(((tcb.sndNxt + next) | 0) as typeof tcb.sndNxt, tcb.wndEnd)) {
      tcb.xmitKind = XMIT_NONE;
      probed = pushProbe(tcb);
    } else if (tcb.sent.size > 0) {
      let i = tcb.sent.size - 1;
      const s = tcb.sent.at(i);
      if (s.pcount > 1 && s.length > (s.pcount - 1) * mss) {
        tcb.sent.split(i, (s.pcount - 1) * mss);
        tcb.sent.at(i + 1).pcount = 1;
        s.pcount--;
        i++;
      }
      probed = retransmitSegment(tcb, i, 1, 'probe');
      tcb.tlpRetrans = probed;
    }
    if (probed) {
      tcb.tlpOut = true;
      tcb.tlpHighSeq = tcb.sndNxt;
      tcb.ctx.mib.TcpExtTCPLossProbes++;
      tcb.xmitKind = XMIT_NONE;
    }
  }
  rearmRto(tcb);
}

/** An ACK arrived while a probe is outstanding: did the probe repair a loss? (§7.4) */
export function processProbeAck(
  tcb: Tcb,
  ack: typeof tcb.sndUna,
  dsackOfProbe: boolean,
  plainDuplicate: boolean,
): void {
  if (seqLt(ack, tcb.tlpHighSeq)) return;
  if (!tcb.tlpRetrans || dsackOfProbe) {
    // The probe was new data, or the original had arrived too.
    tcb.tlpOut = false;
  } else if (seqGt(ack, tcb.tlpHighSeq)) {
    beginReduction(tcb);
    setCaState(tcb, CA_CWR);
    endReduction(tcb);
    keepOpen(tcb);
    tcb.ctx.mib.TcpExtTCPLossProbeRecovery++;
  } else if (plainDuplicate) tcb.tlpOut = false;
}
