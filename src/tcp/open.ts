import type { Address } from '../base/address.ts';
import type { Seq } from '../base/seq.ts';
import { CWR, ECE, SYN } from '../wire/segment.ts';
import { HEADER, TIMEOUT_INIT, TIMESTAMPS_ALIGNED, XMIT_RTO } from './constants.ts';
import type { TcpContext } from './context.ts';
import { ECN_OK } from './ecn.ts';
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

/** Active OPEN (§3.10.1): sends the SYN. The connection must be in the host's tables already. */
export function sendSyn(tcb: Tcb, iss: Seq): void {
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
  s.mss = tcb.mssCache;
  tcb.writeSeq = s.end;
  tcb.pushedSeq = s.end;
  tcb.retransStamp = tcb.tsNow || 1;
  transmit(tcb, iss, 0, flags, tcb.mssCache, 'syn');
  noteSent(tcb, s);
  tcb.sndNxt = s.end;
  tcb.packetsOut = 1;
  setXmit(tcb, XMIT_RTO, tcb.rto);
}
