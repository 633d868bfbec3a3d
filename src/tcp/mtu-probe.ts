import { type Seq, seqDiff, seqGt, seqLt } from '../base/seq.ts';
import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import { ACK } from '../wire/segment.ts';
import { CA_OPEN, HEADER } from './constants.ts';
import { currentSsthresh } from './cwnd.ts';
import { unsent } from './decide.ts';
import { currentMss, ipHeader, mtuToMss, syncMss } from './negotiate.ts';
import { newDataSent } from './output.ts';
import { burstSent } from './pacing.ts';
import { noteSent } from './rate.ts';
import { pushSent } from './sent.ts';
import type { Tcb } from './tcb.ts';
import { transmit } from './transmit.ts';

/**
 * Packetization-layer path MTU discovery (RFC 4821), as Linux does it: segments are as large as what is known to
 * get through; now and then one larger segment is sent as a probe, and the range between the two is halved by its
 * fate. `tcp_mtu_probing` 2 begins at `tcp_base_mss`; 1 begins when retransmissions go unanswered (a black hole).
 */
export class MtuProbing {
  /** Largest datagram known to get through; largest worth trying. Bytes, IP header included. */
  low = 0;
  high = 0;
  /** The probe that is out: size of its datagram (0 none) and its range. */
  size = 0;
  start = 0 as Seq;
  end = 0 as Seq;
  /** When the range was last begun anew. */
  since: Micros = 0;
}

const overhead = (tcb: Tcb): number => tcb.headerLength + ipHeader(tcb.remote);

function begin(tcb: Tcb): MtuProbing {
  const m = new MtuProbing();
  m.high = tcb.mssClamp + HEADER + ipHeader(tcb.remote);
  m.low = tcb.ctx.sysctl.tcp_base_mss + overhead(tcb);
  m.since = tcb.ctx.now;
  return m;
}

/** At the opening, and again when the handshake is done and its options are known. */
export function initMtuProbing(tcb: Tcb): void {
  tcb.mtuProbing = tcb.ctx.sysctl.tcp_mtu_probing > 1 ? begin(tcb) : null;
}

/** R1 is reached: perhaps only large segments are lost. The first time probing begins; then the floor falls. */
export function blackHoleSuspected(tcb: Tcb): void {
  const sysctl = tcb.ctx.sysctl;
  if (sysctl.tcp_mtu_probing === 0) return;
  const m = tcb.mtuProbing;
  if (m === null) tcb.mtuProbing = begin(tcb);
  else {
    const half = Math.min(sysctl.tcp_base_mss, mtuToMss(tcb, m.low) >> 1);
    m.low = Math.max(half, sysctl.tcp_mtu_probe_floor, sysctl.tcp_min_snd_mss) + overhead(tcb);
  }
  syncMss(tcb, tcb.pmtuSeen);
}

/** The range is narrow enough. After a while a route may have become wider: begin anew from what works. */
function beginAnew(tcb: Tcb, m: MtuProbing): void {
  const { now, sysctl } = tcb.ctx;
  if (now - m.since < sysctl.tcp_probe_interval * MICROS_PER_SECOND) return;
  const mss = currentMss(tcb);
  m.size = 0;
  m.high = tcb.mssClamp + HEADER + ipHeader(tcb.remote);
  m.low = mss + overhead(tcb);
  m.since = now;
}

/** Nothing of this kind now; a probe was sent; wait, for soon there is room for one. */
export const NO_PROBE = -1;
export const PROBE_SENT = 1;
export const PROBE_SOON = 0;

/** Sends a probe if it is time for one and enough data waits to notice its loss at once. */
export function sendMtuProbe(tcb: Tcb, m: MtuProbing): number {
  if (m.size !== 0 || tcb.caState !== CA_OPEN || tcb.cwnd < 11 || tcb.sackCount > 0 || tcb.dsack)
    return NO_PROBE;
  currentMss(tcb);
  const size = mtuToMss(tcb, (m.high + m.low) >> 1);
  const needed = size + (tcb.reordering + 1) * tcb.mssCache;
  if (size > mtuToMss(tcb, m.high) || m.high - m.low < tcb.ctx.sysctl.tcp_probe_threshold) {
    beginAnew(tcb, m);
    return NO_PROBE;
  }
  if (unsent(tcb) < needed || tcb.sndWnd < needed) return NO_PROBE;
  if (seqDiff(tcb.wndEnd, tcb.sndNxt) < needed) return PROBE_SOON;
  const flying = tcb.inFlight;
  if (flying + 2 > tcb.cwnd) return flying === 0 ? NO_PROBE : PROBE_SOON;
  const seq = tcb.sndNxt;
  const end = ((seq + size) | 0) as Seq;
  const records = tcb.records;
  if (records !== null && records.length > 0 && seqLt(records[0]!, end)) return NO_PROBE;
  if (tcb.txStamps?.marksWithin(seq, end)) return NO_PROBE;
  if (!transmit(tcb, seq, size, ACK, size, 'data')) return NO_PROBE;
  burstSent(tcb, size);
  const s = pushSent(tcb);
  s.seq = seq;
  s.end = end;
  s.flags = ACK;
  s.mss = size;
  noteSent(tcb, s);
  // One segment that takes the place of two.
  tcb.cwnd--;
  newDataSent(tcb, end, 1);
  m.size = size + overhead(tcb);
  m.start = seq;
  m.end = end;
  return PROBE_SENT;
}

/** The probe has arrived, if this acknowledgement covers it: segments grow, the window keeps its bytes. */
export function mtuProbeAcked(tcb: Tcb, m: MtuProbing): void {
  if (m.size === 0 || seqGt(m.end, tcb.sndUna)) return;
  tcb.priorSsthresh = currentSsthresh(tcb);
  tcb.cwnd = Math.max(1, Math.floor((tcb.cwnd * (tcb.mssCache + overhead(tcb))) / m.size));
  tcb.cwndCount = 0;
  tcb.lastCwndAt = tcb.ctx.now;
  tcb.ssthresh = currentSsthresh(tcb);
  m.low = m.size;
  m.size = 0;
  syncMss(tcb, tcb.pmtuSeen);
  tcb.ctx.mib.TcpExtTCPMTUPSuccess++;
}

/**
 * A loss was found. If it is the probe's, and the first, it says something about size and nothing about
 * congestion.
 */
export function mtuProbeLost(tcb: Tcb, m: MtuProbing): boolean {
  if (m.size === 0 || tcb.sndUna !== m.start) return false;
  m.high = m.size - 1;
  m.size = 0;
  tcb.ctx.mib.TcpExtTCPMTUPFail++;
  tcb.cwnd++;
  return true;
}

export const isMtuProbeOut = (tcb: Tcb): boolean => tcb.mtuProbing !== null && tcb.mtuProbing.size !== 0;
