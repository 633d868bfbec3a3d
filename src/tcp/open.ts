import type { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { ACK, CWR, ECE, PSH, SYN } from '../wire/segment.ts';
import { CHRONO_BUSY, startChrono } from './chrono.ts';
import { HEADER, TIMEOUT_INIT, TIMESTAMPS_ALIGNED, XMIT_RTO } from './constants.ts';
import type { TcpContext } from './context.ts';
import { ECN_OK } from './ecn.ts';
import { FastOpen, type SynData, TFO_CLIENT } from './fastopen.ts';
import { mayCarryData, takeSynData } from './fastopen-connect.ts';
import { initMtuProbing } from './mtu-probe.ts';
import { defaultMss, initialReceiveMss, pathMss, syncMss } from './negotiate.ts';
import { noteSent } from './rate.ts';
import { pushSent } from './sent.ts';
import { SYN_SENT, transition } from './state.ts';
import type { Tcb } from './tcb.ts';
import { setXmit } from './timers.ts';
import { transmit } from './transmit.ts';
import { setTimestamping } from './tx-stamps.ts';
import { fullSpace, initialWindow } from './window.ts';

/** Variables that an active and a passive open set alike, from our own initial sequence number. */
export function initSend(tcb: Tcb, iss: Seq): void {
  tcb.iss = iss;
  tcb.sndUna = iss;
  tcb.sndNxt = iss;
  tcb.writeSeq = iss;
  tcb.sndUp = iss;
  tcb.sndSml = iss;
  tcb.pushedSeq = iss;
  tcb.cwndUsageSeq = iss;
  tcb.highSeq = iss;
}

/**
 * Active OPEN (§3.10.1). The connection must be in the host's tables already. With TCP_FASTOPEN_CONNECT and a
 * cookie the SYN waits for the first write.
 */
export function open(tcb: Tcb, iss: Seq, synData: SynData | null): void {
  if (synData === null && tcb.options.fastopenConnect && tcb.ctx.sysctl.tcp_fastopen & TFO_CLIENT) {
    const f = (tcb.fastopen = new FastOpen());
    if (mayCarryData(tcb, f)) {
      f.deferred = true;
      initSend(tcb, iss);
      transition(tcb, SYN_SENT, 'connect()');
      return;
    }
    // The next one will have a cookie.
    synData = { bytes: null, at: 0, n: 0, copied: 0 };
  }
  sendSyn(tcb, iss, synData);
}

/** Sends the SYN, with as much of `synData` as Fast Open allows. */
export function sendSyn(tcb: Tcb, iss: Seq, synData: SynData | null = null): void {
  const ctx: TcpContext = tcb.ctx;
  const sysctl = ctx.sysctl;
  const remote: Address = tcb.remote;
  initSend(tcb, iss);
  tcb.tsOffset = sysctl.tcp_timestamps === 1 ? ctx.timestampOffset(tcb.local, remote) : 0;
  tcb.headerLength = HEADER + (sysctl.tcp_timestamps !== 0 ? TIMESTAMPS_ALIGNED : 0);
  tcb.advmss = pathMss(tcb.path, remote, tcb.options);
  tcb.mssClamp = tcb.options.maxseg || defaultMss(remote);
  initMtuProbing(tcb);
  syncMss(tcb, tcb.path.mtu);
  initialReceiveMss(tcb);
  const first = initialWindow(
    fullSpace(tcb),
    tcb.advmss,
    tcb.options.windowClamp || (tcb.options.rcvbufLocked ? fullSpace(tcb) : 0),
    sysctl.tcp_window_scaling !== 0,
    Math.max(sysctl.tcp_rmem[2], sysctl.rmem_max),
    sysctl.tcp_workaround_signed_windows !== 0,
  );
  tcb.rcvWnd = first.window;
  tcb.rcvSsthresh = first.window;
  tcb.windowClamp = first.clamp;
  tcb.rcvWscale = first.scale;
  tcb.offeredWscale = first.scale;
  tcb.rto = TIMEOUT_INIT;
  let flags = SYN;
  if (sysctl.tcp_ecn === 1) {
    flags |= ECE | CWR;
    tcb.ecnFlags = ECN_OK;
  }
  tcb.pacingRate = tcb.options.maxPacingRate;
  setTimestamping(tcb, tcb.options.timestamping);
  transition(tcb, SYN_SENT, 'connect()');
  ctx.mib.TcpActiveOpens++;
  const s = pushSent(tcb);
  s.seq = iss;
  s.end = ((iss + 1) | 0) as Seq;
  s.flags = flags;
  tcb.writeSeq = s.end;
  tcb.pushedSeq = s.end;
  const carried = synData === null ? 0 : takeSynData(tcb, synData);
  s.mss = tcb.mssCache;
  tcb.retransStamp = tcb.tsNow || 1;
  const left = transmit(tcb, iss, carried, flags, Math.max(tcb.mssCache, carried), 'syn');
  noteSent(tcb, s);
  tcb.sndNxt = s.end;
  tcb.packetsOut = 1;
  if (carried > 0 && left) dataOnSyn(tcb, carried);
  // A SYN that is sent again goes without the option: it may be what was swallowed (RFC 7413 §4.2.1).
  if (tcb.fastopen !== null) tcb.fastopen.option.length = -1;
  setXmit(tcb, XMIT_RTO, tcb.rto);
}

/** The data on the SYN are a record of their own, for they may be refused while the SYN is not. */
function dataOnSyn(tcb: Tcb, length: number): void {
  const s = pushSent(tcb);
  s.seq = tcb.sndNxt;
  s.end = ((tcb.sndNxt + length) | 0) as Seq;
  s.flags = ACK | PSH;
  s.mss = tcb.mssCache;
  noteSent(tcb, s);
  tcb.sndNxt = s.end;
  tcb.packetsOut++;
  tcb.fastopen!.synData = true;
  tcb.ctx.mib.TcpExtTCPOrigDataSent++;
  startChrono(tcb, CHRONO_BUSY);
}
