import type { Address } from '../base/address.ts';
import type { Segment } from '../wire/segment.ts';
import { HEADER, INIT_CWND, MSS_DEFAULT_4, MSS_DEFAULT_6, TIMESTAMPS_ALIGNED } from './constants.ts';
import type { TcpOptions } from './options.ts';
import type { Path } from './path.ts';
import type { Tcb } from './tcb.ts';
import { optionLength } from './transmit.ts';

/** Segment sizes and options: what we announce, what the peer announced, what a segment may hold. */

export const ipHeader = (address: Address): number => (address.is4 ? 20 : 40);

/** MSS for an MSS option (RFC 9293 MUST-67): from the path MTU known, the route and TCP_MAXSEG. */
export function pathMss(path: Path, remote: Address, options: TcpOptions): number {
  const mss = path.advmss || Math.min(path.mtu - ipHeader(remote) - HEADER, 65535);
  return options.maxseg !== 0 && options.maxseg < mss ? options.maxseg : mss;
}

export const announcedMss = (tcb: Tcb): number => pathMss(tcb.path, tcb.remote, tcb.options);

/** MSS to assume of a peer that announced none (MUST-15). */
export const defaultMss = (remote: Address): number => (remote.is4 ? MSS_DEFAULT_4 : MSS_DEFAULT_6);

/** The peer's MSS, bounded by what the user set; 0 and absence mean the default. */
export function peerMss(segment: Segment, remote: Address, options: TcpOptions): number {
  const asked = segment.mss > 0 ? segment.mss : defaultMss(remote);
  return options.maxseg !== 0 && options.maxseg < asked ? options.maxseg : asked;
}

/** A segment larger than half the largest window ever offered would stall the sender. */
export function boundToHalfWindow(tcb: Tcb, size: number): number {
  const cutoff = tcb.maxWindow > MSS_DEFAULT_4 ? tcb.maxWindow >> 1 : tcb.maxWindow;
  return cutoff > 0 && size > cutoff ? Math.max(cutoff, 68 - tcb.headerLength) : size;
}

/** Payload of a segment in a datagram of `mtu` bytes, with the options that every segment carries. */
export function mtuToMss(tcb: Tcb, mtu: number): number {
  const mss = Math.min(mtu - ipHeader(tcb.remote) - HEADER, tcb.mssClamp);
  return Math.max(mss, tcb.ctx.sysctl.tcp_min_snd_mss) - (tcb.headerLength - HEADER);
}

/** Most data in one packet of the send queue: whole segments, no more than half the window. */
export function packetSize(tcb: Tcb, mss: number): number {
  const most = boundToHalfWindow(tcb, 65535 - 320);
  return most > mss ? most - (most % mss) : mss;
}

/** Recomputes the segment size from a path MTU (MUST-16). */
export function syncMss(tcb: Tcb, pmtu: number): number {
  let mss = boundToHalfWindow(tcb, mtuToMss(tcb, pmtu));
  const m = tcb.mtuProbing;
  if (m !== null) {
    if (m.high > pmtu) m.high = pmtu;
    mss = Math.min(mss, mtuToMss(tcb, m.low));
  }
  tcb.pmtuSeen = pmtu;
  tcb.mssCache = mss;
  return mss;
}

/** Payload that fits in the next segment, with the options it will carry. */
export function currentMss(tcb: Tcb): number {
  let mss = tcb.mssCache;
  if (tcb.path.mtu !== tcb.pmtuSeen) mss = syncMss(tcb, tcb.path.mtu);
  const header = HEADER + optionLength(tcb);
  return header === tcb.headerLength ? mss : mss - (header - tcb.headerLength);
}

/** Initial window of RFC 6928, or the route's. */
export const initialCwnd = (tcb: Tcb): number => tcb.path.initcwnd || INIT_CWND;

/** Reads the options of the SYN that a peer sent (RFC 9293 §3.2, 7323, 2018). */
export function acceptSynOptions(tcb: Tcb, segment: Segment): void {
  const sysctl = tcb.ctx.sysctl;
  tcb.mssClamp = peerMss(segment, tcb.remote, tcb.options);
  tcb.wscaleOk = segment.windowScale >= 0 && sysctl.tcp_window_scaling !== 0;
  if (tcb.wscaleOk) tcb.sndWscale = segment.windowScale;
  else {
    tcb.sndWscale = 0;
    tcb.rcvWscale = 0;
    tcb.windowClamp = Math.min(tcb.windowClamp, 65535);
  }
  tcb.sackOk = segment.sackPermitted && sysctl.tcp_sack !== 0;
  tcb.tsOk = segment.hasTimestamps && sysctl.tcp_timestamps !== 0;
  tcb.headerLength = HEADER + (tcb.tsOk ? TIMESTAMPS_ALIGNED : 0);
}

/** First guess of the size of the peer's segments. */
export function initialReceiveMss(tcb: Tcb): void {
  let hint = Math.min(tcb.advmss, tcb.mssCache);
  hint = Math.min(hint, tcb.rcvWnd >> 1, MSS_DEFAULT_4);
  tcb.rcvMss = Math.max(hint, 88);
}
