import type { TcpInfo } from '../tcp/info.ts';

/**
 * TCP_INFO as getsockopt(2) returns it: Linux 6.18's `struct tcp_info` in bytes (include/uapi/linux/tcp.h,
 * little-endian). The object itself is the engine's.
 */
export type { TcpInfo };

/** sizeof(struct tcp_info) on Linux 6.18. */
export const TCP_INFO_SIZE = 280;

/** Fields that follow one another, each of so many bytes. */
type Run = readonly [width: 1 | 2 | 4 | 8, fields: readonly (keyof TcpInfo)[]];

/** The fields in the order of the header; between the first run and the others stand two bytes of bit fields. */
const BYTES: Run = [1, ['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options']];
const BITS = ['snd_wscale', 'rcv_wscale', 'delivery_rate_app_limited', 'fastopen_client_fail'] as const;
const RUNS: readonly Run[] = [
  [4, ['rto', 'ato', 'snd_mss', 'rcv_mss', 'unacked', 'sacked', 'lost', 'retrans', 'fackets']],
  [4, ['last_data_sent', 'last_ack_sent', 'last_data_recv', 'last_ack_recv', 'pmtu', 'rcv_ssthresh']],
  [4, ['rtt', 'rttvar', 'snd_ssthresh', 'snd_cwnd', 'advmss', 'reordering', 'rcv_rtt', 'rcv_space']],
  [4, ['total_retrans']],
  [8, ['pacing_rate', 'max_pacing_rate', 'bytes_acked', 'bytes_received']],
  [4, ['segs_out', 'segs_in', 'notsent_bytes', 'min_rtt', 'data_segs_in', 'data_segs_out']],
  [8, ['delivery_rate', 'busy_time', 'rwnd_limited', 'sndbuf_limited']],
  [4, ['delivered', 'delivered_ce']],
  [8, ['bytes_sent', 'bytes_retrans']],
  [4, ['dsack_dups', 'reord_seen', 'rcv_ooopack', 'snd_wnd', 'rcv_wnd', 'rehash']],
  [2, ['total_rto', 'total_rto_recoveries']],
  [4, ['total_rto_time', 'received_ce', 'delivered_e1_bytes', 'delivered_e0_bytes', 'delivered_ce_bytes']],
  [4, ['received_e1_bytes', 'received_e0_bytes', 'received_ce_bytes']],
  [2, ['accecn_fail_mode', 'accecn_opt_seen']],
];

/** The 280 bytes of `struct tcp_info`. */
export function encodeTcpInfo(info: TcpInfo): Uint8Array {
  const out = new Uint8Array(TCP_INFO_SIZE);
  const v = new DataView(out.buffer);
  put(v, 0, BYTES, info);
  out[6] = (info.snd_wscale & 15) | ((info.rcv_wscale & 15) << 4);
  out[7] = (info.delivery_rate_app_limited & 1) | ((info.fastopen_client_fail & 3) << 1);
  let at = 8;
  for (const run of RUNS) at = put(v, at, run, info);
  return out;
}

/** Writes a run; returns where the next begins. What a field can't hold becomes its largest value. */
function put(v: DataView, at: number, [width, fields]: Run, info: TcpInfo): number {
  for (const name of fields) {
    const n = info[name];
    if (width === 1) v.setUint8(at, n);
    else if (width === 2) v.setUint16(at, Math.min(n, 0xffff), true);
    else if (width === 4) v.setUint32(at, n < 0 ? 0xffffffff : Math.min(Math.floor(n), 0xffffffff), true);
    else v.setBigUint64(at, n >= 0 && n < 2 ** 64 ? BigInt(Math.floor(n)) : 2n ** 64n - 1n, true);
    at += width;
  }
  return at;
}

const NAMES = [...BYTES[1], ...BITS, ...RUNS.flatMap(([, fields]) => fields)];
const ZEROS = Object.fromEntries(NAMES.map(name => [name, 0])) as Record<keyof TcpInfo, number>;

/** What a socket reports that is not connected: `state` and the defaults of a fresh one. */
export function freshTcpInfo(state: number, mss: number, nowMs: number, reordering: number): TcpInfo {
  return {
    ...ZEROS,
    state,
    delivery_rate_app_limited: 1,
    rto: 1_000_000,
    snd_mss: mss,
    last_data_sent: nowMs,
    last_data_recv: nowMs,
    last_ack_recv: nowMs,
    rttvar: 250_000,
    snd_ssthresh: 0x7fffffff,
    snd_cwnd: 10,
    reordering,
    pacing_rate: Number.POSITIVE_INFINITY,
    max_pacing_rate: Number.POSITIVE_INFINITY,
    min_rtt: 0xffffffff,
  };
}
