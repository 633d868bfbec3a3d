import { CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, chronoTime } from './chrono.ts';
import { unsent } from './decide.ts';
import { ECN_OK, ECN_SEEN } from './ecn.ts';
import type { Tcb } from './tcb.ts';
import { jiffiesSince } from './timers.ts';

/**
 * TCP_INFO (struct tcp_info of Linux), names without the prefix. Times are in the structure's own units:
 * `rto`, `ato`, `rtt`, `rttvar`, `min_rtt`, `rcv_rtt`, `busy_time`, `rwnd_limited`, `sndbuf_limited` in
 * microseconds, `last_*` in milliseconds.
 */
export interface TcpInfo {
  state: number;
  ca_state: number;
  retransmits: number;
  probes: number;
  backoff: number;
  options: number;
  snd_wscale: number;
  rcv_wscale: number;
  delivery_rate_app_limited: number;
  fastopen_client_fail: number;
  rto: number;
  ato: number;
  snd_mss: number;
  rcv_mss: number;
  unacked: number;
  sacked: number;
  lost: number;
  retrans: number;
  fackets: number;
  last_data_sent: number;
  last_ack_sent: number;
  last_data_recv: number;
  last_ack_recv: number;
  pmtu: number;
  rcv_ssthresh: number;
  rtt: number;
  rttvar: number;
  snd_ssthresh: number;
  snd_cwnd: number;
  advmss: number;
  reordering: number;
  rcv_rtt: number;
  rcv_space: number;
  total_retrans: number;
  pacing_rate: number;
  max_pacing_rate: number;
  bytes_acked: number;
  bytes_received: number;
  segs_out: number;
  segs_in: number;
  notsent_bytes: number;
  min_rtt: number;
  data_segs_in: number;
  data_segs_out: number;
  delivery_rate: number;
  busy_time: number;
  rwnd_limited: number;
  sndbuf_limited: number;
  delivered: number;
  delivered_ce: number;
  bytes_sent: number;
  bytes_retrans: number;
  dsack_dups: number;
  reord_seen: number;
  rcv_ooopack: number;
  snd_wnd: number;
  rcv_wnd: number;
  rehash: number;
  total_rto: number;
  total_rto_recoveries: number;
  total_rto_time: number;
  received_ce: number;
  delivered_e1_bytes: number;
  delivered_e0_bytes: number;
  delivered_ce_bytes: number;
  received_e1_bytes: number;
  received_e0_bytes: number;
  received_ce_bytes: number;
  accecn_fail_mode: number;
  accecn_opt_seen: number;
}

export const TCPI_OPT_TIMESTAMPS = 1;
export const TCPI_OPT_SACK = 2;
export const TCPI_OPT_WSCALE = 4;
export const TCPI_OPT_ECN = 8;
export const TCPI_OPT_ECN_SEEN = 16;
export const TCPI_OPT_SYN_DATA = 32;
/** A child that Fast Open let in before its handshake was done. */
export const TCPI_OPT_TFO_CHILD = 128;

const UNLIMITED = 2 ** 64 - 1;

/** The pacing rate in bytes per second, all ones without one. */
export const pacingRateOf = (tcb: Tcb): number =>
  tcb.pacingRate === Number.POSITIVE_INFINITY ? UNLIMITED : Math.floor(tcb.pacingRate);

export function tcpInfo(tcb: Tcb): TcpInfo {
  // Never is reported as the age of the connection's clock, as a kernel reports jiffies since boot.
  const since = (at: number): number => jiffiesSince(tcb.ctx, Math.max(at, 0)) / 1000;
  let options = 0;
  if (tcb.tsOk) options |= TCPI_OPT_TIMESTAMPS;
  if (tcb.sackOk) options |= TCPI_OPT_SACK;
  if (tcb.wscaleOk) options |= TCPI_OPT_WSCALE;
  if (tcb.ecnFlags & ECN_OK) options |= TCPI_OPT_ECN;
  if (tcb.ecnFlags & ECN_SEEN) options |= TCPI_OPT_ECN_SEEN;
  if (tcb.fastopen !== null) {
    if (tcb.fastopen.synDataAcked) options |= TCPI_OPT_SYN_DATA;
    if (tcb.passive) options |= TCPI_OPT_TFO_CHILD;
  }
  const interval = tcb.rateInterval;
  return {
    state: tcb.state,
    ca_state: tcb.caState,
    retransmits: tcb.retransmits,
    probes: tcb.probesOut,
    backoff: tcb.backoff,
    options,
    snd_wscale: tcb.wscaleOk ? tcb.sndWscale : 0,
    rcv_wscale: tcb.wscaleOk ? tcb.rcvWscale : 0,
    delivery_rate_app_limited: tcb.rateAppLimited ? 1 : 0,
    fastopen_client_fail: tcb.fastopen?.clientFail ?? 0,
    rto: tcb.rto,
    ato: tcb.ato,
    snd_mss: tcb.mssCache,
    rcv_mss: tcb.rcvMss,
    unacked: tcb.packetsOut,
    sacked: tcb.sackedOut,
    lost: tcb.lostOut,
    retrans: tcb.retransOut,
    fackets: 0,
    last_data_sent: since(tcb.lastDataSentAt),
    last_ack_sent: 0,
    last_data_recv: since(tcb.lastDataReceivedAt),
    last_ack_recv: since(tcb.lastAckReceivedAt),
    pmtu: tcb.pmtuSeen,
    rcv_ssthresh: tcb.rcvSsthresh,
    rtt: tcb.srtt >> 3,
    rttvar: tcb.mdev >> 2,
    snd_ssthresh: tcb.ssthresh,
    snd_cwnd: tcb.cwnd,
    advmss: tcb.advmss,
    reordering: tcb.reordering,
    rcv_rtt: tcb.rcvRtt >> 3,
    rcv_space: tcb.rcvSpace,
    total_retrans: tcb.totalRetrans,
    pacing_rate: pacingRateOf(tcb),
    max_pacing_rate:
      tcb.options.maxPacingRate === Number.POSITIVE_INFINITY ? UNLIMITED : tcb.options.maxPacingRate,
    bytes_acked: tcb.bytesAcked,
    bytes_received: tcb.bytesReceived,
    segs_out: tcb.segsOut,
    segs_in: tcb.segsIn,
    notsent_bytes: Math.max(0, unsent(tcb)),
    min_rtt: tcb.minRtt < 0 ? 0xffffffff : tcb.minRtt,
    data_segs_in: tcb.dataSegsIn,
    data_segs_out: tcb.dataSegsOut,
    delivery_rate: interval > 0 ? Math.floor((tcb.rateDelivered * tcb.mssCache * 1e6) / interval) : 0,
    busy_time: Math.floor(chronoTime(tcb, CHRONO_BUSY)),
    rwnd_limited: Math.floor(chronoTime(tcb, CHRONO_RWND)),
    sndbuf_limited: Math.floor(chronoTime(tcb, CHRONO_SNDBUF)),
    delivered: tcb.delivered,
    delivered_ce: tcb.deliveredCe,
    bytes_sent: tcb.bytesSent,
    bytes_retrans: tcb.bytesRetrans,
    dsack_dups: tcb.dsackDups,
    reord_seen: tcb.reordSeen,
    rcv_ooopack: tcb.rcvOooPackets,
    snd_wnd: tcb.sndWnd,
    rcv_wnd: tcb.receiveWindow,
    rehash: tcb.timeoutRehash,
    total_rto: tcb.totalRto,
    total_rto_recoveries: tcb.totalRtoRecoveries,
    total_rto_time: tcb.totalRtoTime,
    received_ce: tcb.marks?.ce ?? 0,
    delivered_e1_bytes: 0,
    delivered_e0_bytes: 0,
    delivered_ce_bytes: 0,
    received_e1_bytes: tcb.marks?.bytes[1] ?? 0,
    received_e0_bytes: tcb.marks?.bytes[2] ?? 0,
    received_ce_bytes: tcb.marks?.bytes[3] ?? 0,
    accecn_fail_mode: 0,
    accecn_opt_seen: 0,
  };
}
