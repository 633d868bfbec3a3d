const INT_MAX = 2147483647;
const UINT_MAX = 4294967295;

/**
 * The values of all sysctls of one host, one field a name, at Linux 6.18's defaults. Where Linux sizes a
 * default by memory, this is what a machine of 4 GiB has. Full names, ranges and units are in
 * sysctl-rows.ts, what each means in sysctl-list.ts. Read `sysctl.values.tcp_fin_timeout` where it is used; set through `Sysctl.set` only.
 */
export class SysctlValues {
  // TCP: opening, queues, Fast Open.
  tcp_syn_retries = 6;
  tcp_syn_linear_timeouts = 4;
  tcp_synack_retries = 5;
  tcp_syncookies = 1;
  tcp_max_syn_backlog = 2048;
  tcp_abort_on_overflow = 0;
  tcp_migrate_req = 0;
  tcp_fastopen = 1;
  tcp_fastopen_blackhole_timeout_sec = 0;
  tcp_fastopen_key = '00000000-00000000-00000000-00000000';
  somaxconn = 4096;

  // TCP: closing.
  tcp_fin_timeout = 60;
  tcp_orphan_retries = 0;
  tcp_max_orphans = 131072;
  tcp_max_tw_buckets = 131072;
  tcp_tw_reuse = 2;
  tcp_tw_reuse_delay = 1000;
  tcp_rfc1337 = 0;
  lastack_msl = 30;

  // TCP: retransmission, keepalive, give-up.
  tcp_retries1 = 3;
  tcp_retries2 = 15;
  tcp_rto_min_us = 200000;
  tcp_rto_max_ms = 120000;
  tcp_keepalive_time = 7200;
  tcp_keepalive_intvl = 75;
  tcp_keepalive_probes = 9;
  tcp_early_retrans = 3;
  tcp_recovery = 1;
  tcp_reordering = 3;
  tcp_max_reordering = 300;
  tcp_frto = 2;
  tcp_thin_linear_timeouts = 0;
  tcp_retrans_collapse = 1;
  tcp_invalid_ratelimit = 500;
  tcp_challenge_ack_limit = INT_MAX;

  // TCP: options and the handshake.
  tcp_timestamps = 1;
  tcp_window_scaling = 1;
  tcp_sack = 1;
  tcp_dsack = 1;
  tcp_fack = 0;
  tcp_ecn = 2;
  tcp_ecn_fallback = 1;
  tcp_ecn_option = 2;
  tcp_ecn_option_beacon = 3;
  tcp_base_mss = 1024;
  tcp_min_snd_mss = 48;
  tcp_mtu_probing = 0;
  tcp_mtu_probe_floor = 48;
  tcp_probe_interval = 600;
  tcp_probe_threshold = 8;
  tcp_reflect_tos = 0;

  // TCP: buffers and windows.
  tcp_rmem: readonly [number, number, number] = [4096, 131072, 33554432];
  tcp_wmem: readonly [number, number, number] = [4096, 16384, 4194304];
  tcp_mem: readonly [number, number, number] = [287898, 383867, 575796];
  tcp_moderate_rcvbuf = 1;
  tcp_rcvbuf_low_rtt = 1000;
  tcp_adv_win_scale = 1;
  tcp_app_win = 31;
  tcp_workaround_signed_windows = 0;
  tcp_shrink_window = 0;
  tcp_notsent_lowat = UINT_MAX;
  tcp_comp_sack_delay_ns = 1000000;
  tcp_comp_sack_slack_ns = 100000;
  tcp_comp_sack_nr = 44;
  tcp_comp_sack_rtt_percent = 33;
  tcp_backlog_ack_defer = 1;
  tcp_pingpong_thresh = 1;
  tcp_stdurg = 0;

  // TCP: congestion control and sending.
  tcp_congestion_control = 'cubic';
  tcp_slow_start_after_idle = 1;
  tcp_pacing_ss_ratio = 200;
  tcp_pacing_ca_ratio = 120;
  tcp_min_rtt_wlen = 300;
  tcp_limit_output_bytes = 4194304;
  tcp_min_tso_segs = 2;
  tcp_tso_win_divisor = 3;
  tcp_tso_rtt_log = 9;
  tcp_autocorking = 1;
  tcp_no_metrics_save = 0;
  tcp_no_ssthresh_metrics_save = 1;
  tcp_low_latency = 0;
  tcp_early_demux = 1;

  // Sockets.
  rmem_default = 212992;
  rmem_max = 4194304;
  wmem_default = 212992;
  wmem_max = 4194304;
  optmem_max = 131072;
  netdev_max_backlog = 1000;
  udp_rmem_min = 4096;
  udp_wmem_min = 4096;
  udp_mem: readonly [number, number, number] = [575799, 767734, 1151598];

  // Ports and addresses.
  ip_local_port_range: readonly [number, number] = [32768, 60999];
  ip_local_reserved_ports = '';
  ip_unprivileged_port_start = 1024;
  ip_nonlocal_bind = 0;
  ip_autobind_reuse = 0;
  ip_dynaddr = 0;

  // IP.
  ip_forward = 0;
  ip_forward_use_pmtu = 0;
  ip_default_ttl = 64;
  ip_no_pmtu_disc = 0;
  ip_early_demux = 1;
  ipfrag_high_thresh = 4194304;
  ipfrag_low_thresh = 3145728;
  ipfrag_time = 30;
  ipfrag_max_dist = 64;
  route_min_pmtu = 552;
  route_mtu_expires = 600;
  route_min_adv_mss = 256;
  accept_source_route = 0;
  accept_redirects = 1;
  rp_filter = 0;
  log_martians = 0;
  arp_ignore = 0;
  arp_announce = 0;

  // ICMP.
  icmp_ratelimit = 1000;
  icmp_ratemask = 6168;
  icmp_msgs_per_sec = 1000;
  icmp_msgs_burst = 50;
  icmp_echo_ignore_all = 0;
  icmp_echo_ignore_broadcasts = 1;
  icmp_errors_use_inbound_ifaddr = 0;
  icmp_ignore_bogus_error_responses = 1;

  // Neighbours (ARP and ND; the values of net.ipv4.neigh.default, for both families).
  neigh_gc_thresh1 = 128;
  neigh_gc_thresh2 = 512;
  neigh_gc_thresh3 = 1024;
  neigh_gc_stale_time = 60;
  neigh_gc_interval = 30;
  neigh_base_reachable_time_ms = 30000;
  neigh_delay_first_probe_time = 5;
  neigh_retrans_time_ms = 1000;
  neigh_ucast_solicit = 3;
  neigh_mcast_solicit = 3;
  neigh_app_solicit = 0;
  neigh_unres_qlen = 101;
  neigh_unres_qlen_bytes = 212992;
  neigh_locktime = 100;

  // IPv6.
  bindv6only = 0;
  ipv6_forwarding = 0;
  ipv6_hop_limit = 64;
  ipv6_accept_ra = 1;
  ipv6_autoconf = 1;
  ipv6_dad_transmits = 1;
  ipv6_router_solicitations = -1;
  ipv6_router_solicitation_interval = 4;
  ipv6_icmp_ratelimit = 100;
  ipv6_icmp_echo_ignore_all = 0;
  auto_flowlabels = 1;
  ip6frag_high_thresh = 4194304;
  ip6frag_time = 60;
  ipv6_route_mtu_expires = 600;
  ipv6_max_hbh_opts = 8;
  ipv6_max_dst_opts = 8;
}
