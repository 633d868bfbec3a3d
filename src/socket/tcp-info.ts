import type { TcpInfo } from '../tcp/info.ts';

/**
 * TCP_INFO as getsockopt(2) returns it: Linux 6.18's `struct tcp_info` in bytes (include/uapi/linux/tcp.h,
 * little-endian). The object itself is the engine's.
 */
export type { TcpInfo };

/** sizeof(struct tcp_info) on Linux 6.18. */
export const TCP_INFO_SIZE = 280;

const U32: readonly (readonly [number, keyof TcpInfo])[] = [
  [8, 'rto'],
  [12, 'ato'],
  [16, 'snd_mss'],
  [20, 'rcv_mss'],
  [24, 'unacked'],
  [28, 'sacked'],
  [32, 'lost'],
  [36, 'retrans'],
  [40, 'fackets'],
  [44, 'last_data_sent'],
  [48, 'last_ack_sent'],
  [52, 'last_data_recv'],
  [56, 'last_ack_recv'],
  [60, 'pmtu'],
  [64, 'rcv_ssthresh'],
  [68, 'rtt'],
  [72, 'rttvar'],
  [76, 'snd_ssthresh'],
  [80, 'snd_cwnd'],
  [84, 'advmss'],
  [88, 'reordering'],
  [92, 'rcv_rtt'],
  [96, 'rcv_space'],
  [100, 'total_retrans'],
  [136, 'segs_out'],
  [140, 'segs_in'],
  [144, 'notsent_bytes'],
  [148, 'min_rtt'],
  [152, 'data_segs_in'],
  [156, 'data_segs_out'],
  [192, 'delivered'],
  [196, 'delivered_ce'],
  [216, 'dsack_dups'],
  [220, 'reord_seen'],
  [224, 'rcv_ooopack'],
  [228, 'snd_wnd'],
  [232, 'rcv_wnd'],
  [236, 'rehash'],
  [244, 'total_rto_time'],
  [248, 'received_ce'],
  [252, 'delivered_e1_bytes'],
  [256, 'delivered_e0_bytes'],
  [260, 'delivered_ce_bytes'],
  [264, 'received_e1_bytes'],
  [268, 'received_e0_bytes'],
  [272, 'received_ce_bytes'],
];

const U64: readonly (readonly [number, keyof TcpInfo])[] = [
  [104, 'pacing_rate'],
  [112, 'max_pacing_rate'],
  [120, 'bytes_acked'],
  [128, 'bytes_received'],
  [160, 'delivery_rate'],
  [168, 'busy_time'],
  [176, 'rwnd_limited'],
  [184, 'sndbuf_limited'],
  [200, 'bytes_sent'],
  [208, 'bytes_retrans'],
];

/** The 280 bytes of `struct tcp_info`. */
export function encodeTcpInfo(info: TcpInfo): Uint8Array {
  const out = new Uint8Array(TCP_INFO_SIZE);
  const v = new DataView(out.buffer);
  out[0] = info.state;
  out[1] = info.ca_state;
  out[2] = info.retransmits;
  out[3] = info.probes;
  out[4] = info.backoff;
  out[5] = info.options;
  out[6] = (info.snd_wscale & 15) | ((info.rcv_wscale & 15) << 4);
  out[7] = (info.delivery_rate_app_limited & 1) | ((info.fastopen_client_fail & 3) << 1);
  for (const [at, name] of U32) v.setUint32(at, clamp32(info[name]), true);
  for (const [at, name] of U64) put64(v, at, info[name]);
  v.setUint16(240, Math.min(info.total_rto, 0xffff), true);
  v.setUint16(242, Math.min(info.total_rto_recoveries, 0xffff), true);
  v.setUint16(276, info.accecn_fail_mode, true);
  v.setUint16(278, info.accecn_opt_seen, true);
  return out;
}

const clamp32 = (n: number): number => (n < 0 ? 0xffffffff : Math.min(Math.floor(n), 0xffffffff));

function put64(v: DataView, at: number, n: number): void {
  const all = !(n < 2 ** 64) || n < 0;
  const whole = all ? 0 : Math.floor(n);
  v.setUint32(at, all ? 0xffffffff : whole % 0x100000000, true);
  v.setUint32(at + 4, all ? 0xffffffff : Math.floor(whole / 0x100000000), true);
}

/** What a socket reports that is not connected: `state` and the defaults of a fresh one. */
export function freshTcpInfo(state: number, mss: number, nowMs: number, reordering: number): TcpInfo {
  return {
    state,
    ca_state: 0,
    retransmits: 0,
    probes: 0,
    backoff: 0,
    options: 0,
    snd_wscale: 0,
    rcv_wscale: 0,
    delivery_rate_app_limited: 1,
    fastopen_client_fail: 0,
    rto: 1_000_000,
    ato: 0,
    snd_mss: mss,
    rcv_mss: 0,
    unacked: 0,
    sacked: 0,
    lost: 0,
    retrans: 0,
    fackets: 0,
    last_data_sent: nowMs,
    last_ack_sent: 0,
    last_data_recv: nowMs,
    last_ack_recv: nowMs,
    pmtu: 0,
    rcv_ssthresh: 0,
    rtt: 0,
    rttvar: 250_000,
    snd_ssthresh: 0x7fffffff,
    snd_cwnd: 10,
    advmss: 0,
    reordering,
    rcv_rtt: 0,
    rcv_space: 0,
    total_retrans: 0,
    pacing_rate: Number.POSITIVE_INFINITY,
    max_pacing_rate: Number.POSITIVE_INFINITY,
    bytes_acked: 0,
    bytes_received: 0,
    segs_out: 0,
    segs_in: 0,
    notsent_bytes: 0,
    min_rtt: 0xffffffff,
    data_segs_in: 0,
    data_segs_out: 0,
    delivery_rate: 0,
    busy_time: 0,
    rwnd_limited: 0,
    sndbuf_limited: 0,
    delivered: 0,
    delivered_ce: 0,
    bytes_sent: 0,
    bytes_retrans: 0,
    dsack_dups: 0,
    reord_seen: 0,
    rcv_ooopack: 0,
    snd_wnd: 0,
    rcv_wnd: 0,
    rehash: 0,
    total_rto: 0,
    total_rto_recoveries: 0,
    total_rto_time: 0,
    received_ce: 0,
    delivered_e1_bytes: 0,
    delivered_e0_bytes: 0,
    delivered_ce_bytes: 0,
    received_e1_bytes: 0,
    received_e0_bytes: 0,
    received_ce_bytes: 0,
    accecn_fail_mode: 0,
    accecn_opt_seen: 0,
  };
}
