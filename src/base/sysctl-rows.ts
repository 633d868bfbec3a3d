import type { SysctlValues } from './sysctl-values.ts';

export type SysctlKey = keyof SysctlValues;

/** How the text of a sysctl that is not numeric is checked. */
export type TextForm = 'congestion' | 'fastopenKey' | 'ports';

/** What a sysctl may be set to; what it means is in sysctl-list.ts. */
export interface SysctlRow {
  /** The full name, dotted; absent where it is `net.ipv4.` and the field's own name. */
  readonly full: string | undefined;
  /** Range of the number, or of each number of a pair or triple; both 0 for text. */
  readonly low: number;
  readonly high: number;
  readonly form?: TextForm;
  /** Unit of the number, empty for flags and counts. */
  readonly unit: string;
}

const INT_MAX = 2147483647;
const UINT_MAX = 4294967295;
const LONG_MAX = Number.MAX_SAFE_INTEGER;

const number = (low: number, high: number, unit = '', full?: string): SysctlRow => ({
  low,
  high,
  unit,
  full,
});

const text = (form: TextForm, full?: string): SysctlRow => ({ ...number(0, 0, '', full), form });

/** All sysctls of a host with Linux's ranges. Defaults are in sysctl-values.ts. */
export const ROWS: { readonly [K in SysctlKey]: SysctlRow } = {
  // TCP: opening, queues, Fast Open.
  tcp_syn_retries: number(1, 127),
  tcp_syn_linear_timeouts: number(0, 127),
  tcp_synack_retries: number(0, 255),
  tcp_syncookies: number(0, 2),
  tcp_max_syn_backlog: number(0, INT_MAX),
  tcp_abort_on_overflow: number(0, 255),
  tcp_migrate_req: number(0, 1),
  tcp_fastopen: number(0, INT_MAX),
  tcp_fastopen_blackhole_timeout_sec: number(0, INT_MAX, 's'),
  tcp_fastopen_key: text('fastopenKey'),
  somaxconn: number(0, INT_MAX, '', 'net.core.somaxconn'),

  // TCP: closing.
  tcp_fin_timeout: number(0, 2147483, 's'),
  tcp_orphan_retries: number(0, 255),
  tcp_max_orphans: number(0, INT_MAX),
  tcp_max_tw_buckets: number(0, INT_MAX),
  tcp_tw_reuse: number(0, 2),
  tcp_tw_reuse_delay: number(1, 60000, 'ms'),
  tcp_rfc1337: number(0, 255),
  lastack_msl: number(1, 600, 's', 'lastack.msl'),

  // TCP: retransmission, keepalive, give-up.
  tcp_retries1: number(0, 255),
  tcp_retries2: number(0, 255),
  tcp_rto_min_us: number(1, INT_MAX, 'us'),
  tcp_rto_max_ms: number(1000, 120000, 'ms'),
  tcp_keepalive_time: number(0, 2147483, 's'),
  tcp_keepalive_intvl: number(0, 2147483, 's'),
  tcp_keepalive_probes: number(0, 255),
  tcp_early_retrans: number(0, 4),
  tcp_recovery: number(0, 255),
  tcp_reordering: number(1, INT_MAX),
  tcp_max_reordering: number(1, INT_MAX),
  tcp_frto: number(0, 255),
  tcp_thin_linear_timeouts: number(0, 255),
  tcp_retrans_collapse: number(0, 255),
  tcp_invalid_ratelimit: number(0, INT_MAX, 'ms'),
  tcp_challenge_ack_limit: number(0, INT_MAX),

  // TCP: options and the handshake.
  tcp_timestamps: number(0, 2),
  tcp_window_scaling: number(0, 255),
  tcp_sack: number(0, 255),
  tcp_dsack: number(0, 255),
  tcp_fack: number(0, 255),
  tcp_ecn: number(0, 5),
  tcp_ecn_fallback: number(0, 255),
  tcp_ecn_option: number(0, 3),
  tcp_ecn_option_beacon: number(0, 3),
  tcp_base_mss: number(0, INT_MAX, 'bytes'),
  tcp_min_snd_mss: number(48, 65535, 'bytes'),
  tcp_mtu_probing: number(0, 2),
  tcp_mtu_probe_floor: number(48, 65535, 'bytes'),
  tcp_probe_interval: number(0, UINT_MAX, 's'),
  tcp_probe_threshold: number(0, INT_MAX, 'bytes'),
  tcp_reflect_tos: number(0, 1),

  // TCP: buffers and windows.
  tcp_rmem: number(1, INT_MAX, 'bytes'),
  tcp_wmem: number(1, INT_MAX, 'bytes'),
  tcp_mem: number(0, LONG_MAX, 'pages'),
  tcp_moderate_rcvbuf: number(0, 255),
  tcp_rcvbuf_low_rtt: number(0, INT_MAX, 'us'),
  tcp_adv_win_scale: number(-31, 31),
  tcp_app_win: number(0, 31),
  tcp_workaround_signed_windows: number(0, 255),
  tcp_shrink_window: number(0, 1),
  tcp_notsent_lowat: number(0, UINT_MAX, 'bytes'),
  tcp_comp_sack_delay_ns: number(0, LONG_MAX, 'ns'),
  tcp_comp_sack_slack_ns: number(0, LONG_MAX, 'ns'),
  tcp_comp_sack_nr: number(0, 255),
  tcp_comp_sack_rtt_percent: number(1, 1000, '%'),
  tcp_backlog_ack_defer: number(0, 1),
  tcp_pingpong_thresh: number(1, 255),
  tcp_stdurg: number(0, 255),

  // TCP: congestion control and sending.
  tcp_congestion_control: text('congestion'),
  tcp_slow_start_after_idle: number(0, 255),
  tcp_pacing_ss_ratio: number(0, 1000, '%'),
  tcp_pacing_ca_ratio: number(0, 1000, '%'),
  tcp_min_rtt_wlen: number(0, 86400, 's'),
  tcp_limit_output_bytes: number(0, INT_MAX, 'bytes'),
  tcp_min_tso_segs: number(1, 255),
  tcp_tso_win_divisor: number(0, 255),
  tcp_tso_rtt_log: number(0, 255),
  tcp_autocorking: number(0, 255),
  tcp_no_metrics_save: number(0, 255),
  tcp_no_ssthresh_metrics_save: number(0, 1),
  tcp_low_latency: number(0, 255),
  tcp_early_demux: number(0, 255),

  // Sockets.
  rmem_default: number(2304, INT_MAX, 'bytes', 'net.core.rmem_default'),
  rmem_max: number(2304, INT_MAX, 'bytes', 'net.core.rmem_max'),
  wmem_default: number(4608, INT_MAX, 'bytes', 'net.core.wmem_default'),
  wmem_max: number(4608, INT_MAX, 'bytes', 'net.core.wmem_max'),
  optmem_max: number(0, INT_MAX, 'bytes', 'net.core.optmem_max'),
  netdev_max_backlog: number(0, INT_MAX, 'frames', 'net.core.netdev_max_backlog'),
  udp_rmem_min: number(1, INT_MAX, 'bytes'),
  udp_wmem_min: number(1, INT_MAX, 'bytes'),
  udp_mem: number(0, LONG_MAX, 'pages'),

  // Ports and addresses.
  ip_local_port_range: number(1, 65535),
  ip_local_reserved_ports: text('ports'),
  ip_unprivileged_port_start: number(0, 65535),
  ip_nonlocal_bind: number(0, 1),
  ip_autobind_reuse: number(0, 1),
  ip_dynaddr: number(0, 255),

  // IP.
  ip_forward: number(0, INT_MAX),
  ip_forward_use_pmtu: number(0, 255),
  ip_default_ttl: number(1, 255),
  ip_no_pmtu_disc: number(0, 3),
  ip_early_demux: number(0, 255),
  ipfrag_high_thresh: number(0, LONG_MAX, 'bytes'),
  ipfrag_low_thresh: number(0, LONG_MAX, 'bytes'),
  ipfrag_time: number(0, 2147483, 's'),
  ipfrag_max_dist: number(0, INT_MAX),
  route_min_pmtu: number(68, INT_MAX, 'bytes', 'net.ipv4.route.min_pmtu'),
  route_mtu_expires: number(0, 2147483, 's', 'net.ipv4.route.mtu_expires'),
  route_min_adv_mss: number(0, INT_MAX, 'bytes', 'net.ipv4.route.min_adv_mss'),
  accept_source_route: number(0, 1, '', 'net.ipv4.conf.all.accept_source_route'),
  accept_redirects: number(0, 1, '', 'net.ipv4.conf.all.accept_redirects'),
  rp_filter: number(0, 2, '', 'net.ipv4.conf.all.rp_filter'),
  log_martians: number(0, 1, '', 'net.ipv4.conf.all.log_martians'),
  arp_ignore: number(0, 8, '', 'net.ipv4.conf.all.arp_ignore'),
  arp_announce: number(0, 2, '', 'net.ipv4.conf.all.arp_announce'),

  // ICMP.
  icmp_ratelimit: number(0, INT_MAX, 'ms'),
  icmp_ratemask: number(0, UINT_MAX),
  icmp_msgs_per_sec: number(0, INT_MAX),
  icmp_msgs_burst: number(0, INT_MAX),
  icmp_echo_ignore_all: number(0, 1),
  icmp_echo_ignore_broadcasts: number(0, 1),
  icmp_errors_use_inbound_ifaddr: number(0, 1),
  icmp_ignore_bogus_error_responses: number(0, 1),

  // Neighbours (ARP and ND; the values of net.ipv4.neigh.default, for both families).
  neigh_gc_thresh1: number(0, INT_MAX, 'entries', 'net.ipv4.neigh.default.gc_thresh1'),
  neigh_gc_thresh2: number(0, INT_MAX, 'entries', 'net.ipv4.neigh.default.gc_thresh2'),
  neigh_gc_thresh3: number(0, INT_MAX, 'entries', 'net.ipv4.neigh.default.gc_thresh3'),
  neigh_gc_stale_time: number(0, 2147483, 's', 'net.ipv4.neigh.default.gc_stale_time'),
  neigh_gc_interval: number(0, 2147483, 's', 'net.ipv4.neigh.default.gc_interval'),
  neigh_base_reachable_time_ms: number(0, INT_MAX, 'ms', 'net.ipv4.neigh.default.base_reachable_time_ms'),
  neigh_delay_first_probe_time: number(0, 2147483, 's', 'net.ipv4.neigh.default.delay_first_probe_time'),
  neigh_retrans_time_ms: number(0, INT_MAX, 'ms', 'net.ipv4.neigh.default.retrans_time_ms'),
  neigh_ucast_solicit: number(0, INT_MAX, '', 'net.ipv4.neigh.default.ucast_solicit'),
  neigh_mcast_solicit: number(0, INT_MAX, '', 'net.ipv4.neigh.default.mcast_solicit'),
  neigh_app_solicit: number(0, INT_MAX, '', 'net.ipv4.neigh.default.app_solicit'),
  neigh_unres_qlen: number(0, INT_MAX, 'packets', 'net.ipv4.neigh.default.unres_qlen'),
  neigh_unres_qlen_bytes: number(0, INT_MAX, 'bytes', 'net.ipv4.neigh.default.unres_qlen_bytes'),
  neigh_locktime: number(0, INT_MAX, 'jiffies', 'net.ipv4.neigh.default.locktime'),

  // IPv6.
  bindv6only: number(0, 1, '', 'net.ipv6.bindv6only'),
  ipv6_forwarding: number(0, 1, '', 'net.ipv6.conf.all.forwarding'),
  ipv6_hop_limit: number(-1, 255, '', 'net.ipv6.conf.all.hop_limit'),
  ipv6_accept_ra: number(0, 2, '', 'net.ipv6.conf.all.accept_ra'),
  ipv6_autoconf: number(0, 1, '', 'net.ipv6.conf.all.autoconf'),
  ipv6_dad_transmits: number(0, INT_MAX, '', 'net.ipv6.conf.all.dad_transmits'),
  ipv6_router_solicitations: number(-1, INT_MAX, '', 'net.ipv6.conf.all.router_solicitations'),
  ipv6_router_solicitation_interval: number(
    0,
    2147483,
    's',
    'net.ipv6.conf.all.router_solicitation_interval',
  ),
  ipv6_icmp_ratelimit: number(0, INT_MAX, 'ms', 'net.ipv6.icmp.ratelimit'),
  ipv6_icmp_echo_ignore_all: number(0, 1, '', 'net.ipv6.icmp.echo_ignore_all'),
  auto_flowlabels: number(0, 3, '', 'net.ipv6.auto_flowlabels'),
  ip6frag_high_thresh: number(0, LONG_MAX, 'bytes', 'net.ipv6.ip6frag_high_thresh'),
  ip6frag_time: number(0, 2147483, 's', 'net.ipv6.ip6frag_time'),
  ipv6_route_mtu_expires: number(0, 2147483, 's', 'net.ipv6.route.mtu_expires'),
  ipv6_max_hbh_opts: number(0, INT_MAX, '', 'net.ipv6.max_hbh_opts_number'),
  ipv6_max_dst_opts: number(0, INT_MAX, '', 'net.ipv6.max_dst_opts_number'),
};
