import { type Seq, seqGt } from '../base/seq.ts';
import { ACK, FIN, PSH } from '../wire/segment.ts';
import { CHRONO_RWND, startChrono, stopChrono } from './chrono.ts';
import { REXMIT_NEW, REXMIT_NONE, XMIT_TLP } from './constants.ts';
import { inReduction, validateCwnd } from './cwnd.ts';
import {
  CORK,
  Decision,
  decide,
  dropRecords,
  hasUnsent,
  NAGLE,
  NAGLE_OFF,
  passPushMarks,
  WAIT_CWND,
} from './decide.ts';
import { rearmRto, scheduleLossProbe } from './loss/tlp.ts';
import { PROBE_SENT, PROBE_SOON, sendMtuProbe } from './mtu-probe.ts';
import { currentMss } from './negotiate.ts';
import { burstSent, mustWait } from './pacing.ts';
import { checkProbeTimer } from './persist.ts';
import { noteSent } from './rate.ts';
import { retransmitLost } from './retransmit.ts';
import { spaceFreed } from './send-memory.ts';
import { pushSent } from './sent.ts';
import { CLOSED, SYN_SENT } from './state.ts';
import type { Tcb } from './tcb.ts';
import { sendAck, transmit } from './transmit.ts';

const decision = new Decision();

/** How many segments one burst may hold now: about a millisecond of the pacing rate, more on short paths. */
export function burstSegments(tcb: Tcb, mss: number): number {
  const sysctl = tcb.ctx.sysctl;
  const most = 65536;
  let bytes = tcb.pacingRate / 1024;
  const log = sysctl.tcp_tso_rtt_log;
  const r = (tcb.minRtt < 0 ? 0xffffffff : tcb.minRtt) / (log < 31 ? 1 << log : 2 ** log);
  if (r < 32) bytes += most >> Math.floor(r);
  if (bytes > most) bytes = most;
  return Math.max(Math.floor(bytes / mss), sysctl.tcp_min_tso_segs);
}

/**
 * Sends what `decide` allows.
 * @param budget most bursts to send in this call
 * @returns true if the budget ended it, so that there is more to do
 */
export function pushPending(tcb: Tcb, nagle: number, budget = Number.POSITIVE_INFINITY): boolean {
  const mss = currentMss(tcb);
  const maxSegs = burstSegments(tcb, mss);
  let sent = 0;
  let reason: number;
  decision.cwndLimited = false;
  decision.windowLimited = false;
  if (tcb.mtuProbing !== null) {
    const probed = sendMtuProbe(tcb, tcb.mtuProbing);
    if (probed === PROBE_SOON) return false;
    if (probed === PROBE_SENT) sent = 1;
  }
  while ((reason = decide(tcb, mss, maxSegs, nagle, false, decision)) > 0) {
    if (budget-- <= 0 || mustWait(tcb)) break;
    if (sent > 0 && tcb.path.congested) {
      // The first hop's queue has filled up meanwhile: the rest waits, rather than be dropped there.
      tcb.ctx.wantOutput(tcb);
      break;
    }
    const n = sendNew(tcb, decision, mss);
    if (n === 0) break;
    sent += n;
  }
  if (reason === 0 && sent === 0) return false;
  afterSending(tcb, sent, decision.windowLimited, decision.cwndLimited || reason === WAIT_CWND, true);
  return reason > 0 && budget < 0;
}

/** One new segment in spite of the congestion window: a tail loss probe. Returns false if nothing was sent. */
export function pushProbe(tcb: Tcb): boolean {
  const mss = currentMss(tcb);
  decision.cwndLimited = false;
  decision.windowLimited = false;
  if (decide(tcb, mss, 1, NAGLE_OFF, true, decision) <= 0) return false;
  const n = sendNew(tcb, decision, mss);
  afterSending(tcb, n, false, false, false);
  return n > 0;
}

/** Sends one decided piece and enters it into the retransmission queue; returns its segments. */
function sendNew(tcb: Tcb, d: Decision, mss: number): number {
  const { length } = d;
  const seq = tcb.sndNxt;
  const end = ((seq + length + (d.fin ? 1 : 0)) | 0) as Seq;
  const dataEnd = ((seq + length) | 0) as Seq;
  let flags = ACK;
  if (d.fin) flags |= FIN;
  if (length > 0 && (passPushMarks(tcb, dataEnd) || d.record)) flags |= PSH;
  if (!transmit(tcb, seq, length, flags, mss, 'data')) return 0;
  burstSent(tcb, length);
  const s = pushSent(tcb);
  s.seq = seq;
  s.end = end;
  s.flags = flags;
  s.mss = mss;
  s.eor = d.record;
  s.pcount = length > mss ? Math.ceil(length / mss) : 1;
  noteSent(tcb, s);
  if (length < s.pcount * mss) tcb.sndSml = end;
  newDataSent(tcb, end, s.pcount);
  dropRecords(tcb, dataEnd);
  return s.pcount;
}

/** SND.NXT advances; the retransmission timer runs from the first segment in flight. */
export function newDataSent(tcb: Tcb, end: Seq, segments: number): void {
  const idle = tcb.packetsOut === 0;
  tcb.sndNxt = end;
  tcb.packetsOut += segments;
  tcb.ctx.mib.TcpExtTCPOrigDataSent += segments;
  if (idle || tcb.xmitKind === XMIT_TLP) rearmRto(tcb);
  // TCP_NOTSENT_LOWAT counts what is not sent.
  if (tcb.noSpace) spaceFreed(tcb);
}

function afterSending(
  tcb: Tcb,
  sent: number,
  windowLimited: boolean,
  cwndLimited: boolean,
  probeAfter: boolean,
): void {
  if (windowLimited) startChrono(tcb, CHRONO_RWND);
  else stopChrono(tcb, CHRONO_RWND);
  const limited = cwndLimited || tcb.inFlight >= tcb.cwnd;
  if (sent > 0 || limited) validateCwnd(tcb, limited);
  if (sent > 0) {
    if (inReduction(tcb)) tcb.prrOut += sent;
    if (probeAfter) scheduleLossProbe(tcb, false);
    return;
  }
  checkProbeTimer(tcb);
}

const nagleMode = (tcb: Tcb): number => {
  if (tcb.options.cork) return CORK | (tcb.options.nodelay ? NAGLE_OFF : 0);
  return tcb.options.nodelay ? NAGLE_OFF : NAGLE;
};

/**
 * Visits a connection that may have something to say: repairs first, new data next, an acknowledgement
 * last if none of them carried it.
 * @param budget most bursts of new data
 * @returns true if it must be visited again
 */
export function output(tcb: Tcb, budget: number): boolean {
  if (tcb.state === CLOSED) return false;
  let again = false;
  if (tcb.rexmit !== REXMIT_NONE) recover(tcb);
  let nagle = nagleMode(tcb) | tcb.flush;
  if (tcb.more) nagle |= CORK;
  tcb.more = false;
  tcb.flush = 0;
  if (hasUnsent(tcb) && tcb.state !== SYN_SENT) again = pushPending(tcb, nagle, budget);
  if (tcb.ackNow) sendAck(tcb);
  return again;
}

/** Sends what loss recovery asked for. */
function recover(tcb: Tcb): void {
  const what = tcb.rexmit;
  tcb.rexmit = REXMIT_NONE;
  if (tcb.state === SYN_SENT) return;
  if (what === REXMIT_NEW) {
    pushPending(tcb, NAGLE_OFF);
    if (seqGt(tcb.sndNxt, tcb.highSeq)) return;
    tcb.frto = false;
  }
  retransmitLost(tcb);
}
