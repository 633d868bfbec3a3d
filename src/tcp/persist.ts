import { type Seq, seqBetween, seqDiff, seqLt } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { ACK, FIN, PSH } from '../wire/segment.ts';
import { RESOURCE_PROBE_INTERVAL, XMIT_NONE, XMIT_PROBE0 } from './constants.ts';
import { hasUnsent, unsent } from './decide.ts';
import { currentMss } from './negotiate.ts';
import { newDataSent } from './output.ts';
import { noteSent } from './rate.ts';
import { pushSent } from './sent.ts';
import type { Tcb } from './tcb.ts';
import { clearXmit, rtoMax, rtoMin, setXmit } from './timers.ts';
import { sendProbe, transmit, wasDroppedHere } from './transmit.ts';

/** Zero-window probes (RFC 9293 §3.8.6.1): as long as they are answered the connection lives. */

const probe0Base = (tcb: Tcb): Micros => Math.max(tcb.rto, rtoMin(tcb));

/** SHLD-29, SHLD-30: first after one RTO, then doubling to the cap. */
export function probe0When(tcb: Tcb): Micros {
  const max = rtoMax(tcb);
  const most = 32 - Math.clz32(Math.floor(max / rtoMin(tcb)));
  return Math.min(probe0Base(tcb) * 2 ** Math.min(tcb.backoff, most), max);
}

/** TCP_USER_TIMEOUT bounds probing too. */
function clampToUserTimeout(tcb: Tcb, when: Micros): Micros {
  const limit = tcb.options.userTimeout * 1000;
  if (limit === 0 || tcb.probesStart === Number.NEGATIVE_INFINITY) return when;
  const left = Math.max(limit - (tcb.ctx.now - tcb.probesStart), 2 * tcb.ctx.jiffy);
  return Math.min(left, when);
}

/** An acknowledgement came while nothing was in flight: did it open the window? */
export function windowProbed(tcb: Tcb): void {
  if (!hasUnsent(tcb)) return;
  const mss = tcb.mssCache;
  const need = Math.min(unsent(tcb), mss) || 1;
  if (seqDiff(tcb.wndEnd, tcb.sndNxt) >= need) {
    tcb.backoff = 0;
    tcb.probesStart = Number.NEGATIVE_INFINITY;
    if (tcb.xmitKind === XMIT_PROBE0) clearXmit(tcb);
  } else setXmit(tcb, XMIT_PROBE0, clampToUserTimeout(tcb, probe0When(tcb)));
}

/**
 * Makes the peer say something: what the window takes of the unsent data, else an old sequence number.
 * @returns false if nothing could be sent
 */
export function wakePeer(tcb: Tcb): boolean {
  if (hasUnsent(tcb) && seqLt(tcb.sndNxt, tcb.wndEnd)) {
    const mss = currentMss(tcb);
    const room = seqDiff(tcb.wndEnd, tcb.sndNxt);
    const all = unsent(tcb);
    const length = Math.min(all, room, mss);
    const fin = length === all && tcb.finQueued && room > length;
    const seq = tcb.sndNxt;
    const end = ((seq + length + (fin ? 1 : 0)) | 0) as Seq;
    const flags = ACK | (length > 0 ? PSH : 0) | (fin ? FIN : 0);
    if (!transmit(tcb, seq, length, flags, mss, 'probe')) return false;
    const s = pushSent(tcb);
    s.seq = seq;
    s.end = end;
    s.flags = flags;
    s.mss = mss;
    noteSent(tcb, s);
    newDataSent(tcb, end, 1);
    return true;
  }
  if (seqBetween(tcb.sndUp, ((tcb.sndUna + 1) | 0) as Seq, ((tcb.sndUna + 0xffff) | 0) as Seq))
    sendProbe(tcb, true);
  return sendProbe(tcb, false);
}

/** The probe timer went off. */
export function sendProbe0(tcb: Tcb): void {
  const ok = wakePeer(tcb);
  if (tcb.packetsOut > 0 || !hasUnsent(tcb)) {
    tcb.probesOut = 0;
    tcb.backoff = 0;
    tcb.probesStart = Number.NEGATIVE_INFINITY;
    return;
  }
  tcb.ctx.mib.TcpExtTCPWinProbe++;
  tcb.probesOut++;
  let when: Micros = RESOURCE_PROBE_INTERVAL;
  if (ok || !wasDroppedHere()) {
    if (tcb.backoff < tcb.ctx.sysctl.tcp_retries2) tcb.backoff++;
    when = probe0When(tcb);
  }
  setXmit(tcb, XMIT_PROBE0, clampToUserTimeout(tcb, when));
}

/** Unsent data, nothing in flight and no timer: arm the probe, or the connection would wait for ever. */
export function checkProbeTimer(tcb: Tcb): void {
  if (tcb.packetsOut === 0 && hasUnsent(tcb) && tcb.xmitKind === XMIT_NONE)
    setXmit(tcb, XMIT_PROBE0, probe0Base(tcb));
}
