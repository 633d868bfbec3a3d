import { fullName, rangeOf, SYSCTL_KEYS, type Sysctl, textOf } from './sysctl.ts';
import { ROWS, type SysctlKey } from './sysctl-rows.ts';
import { SysctlValues } from './sysctl-values.ts';

/** A sysctl as a person reads it. */
export interface SysctlEntry {
  /** Full dotted name. */
  name: string;
  value: string;
  default: string;
  description: string;
  /** Empty for flags and counts. */
  unit: string;
  /** Such as `1..127`, or what a text must look like. */
  range: string;
  /** Read when a socket is made or connects; else whenever it is used. */
  latched: boolean;
}

/** All sysctls of a host by full name, with what each means: for tools, a host itself does without. */
export function listSysctls(sysctl: Sysctl): SysctlEntry[] {
  const defaults = new SysctlValues();
  return SYSCTL_KEYS.map(key => ({
    name: fullName(key),
    value: textOf(sysctl.values[key]),
    default: textOf(defaults[key]),
    description: DESCRIPTIONS[key],
    unit: ROWS[key].unit,
    range: rangeOf(ROWS[key]),
    latched: LATCHED.has(key),
  })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const LATCHED: ReadonlySet<SysctlKey> = new Set([
  'tcp_rto_min_us',
  'tcp_rto_max_ms',
  'tcp_reordering',
  'tcp_mtu_probing',
  'tcp_rmem',
  'tcp_wmem',
  'tcp_congestion_control',
  'rmem_default',
  'wmem_default',
  'ip_no_pmtu_disc',
  'bindv6only',
] as const);

const DESCRIPTIONS: Readonly<Record<SysctlKey, string>> = {
  // TCP: opening, queues, Fast Open.
  tcp_syn_retries: 'SYN retransmissions with doubling intervals before connect() fails',
  tcp_syn_linear_timeouts: 'SYN retransmissions at the initial interval before doubling begins',
  tcp_synack_retries: 'SYN-ACK retransmissions before a half-open entry is dropped',
  tcp_syncookies: '0 never, 1 when the SYN queue is full, 2 always',
  tcp_max_syn_backlog:
    'half-open entries a listener remembers before the unproven are refused (without cookies)',
  tcp_abort_on_overflow: 'answer the last ACK of a handshake with RST when the accept queue is full',
  tcp_migrate_req: 'move half-open connections to another listener of the reuseport group on close',
  tcp_fastopen:
    'bits: 1 client, 2 server, 4 client without cookie, 0x200 server without cookie, 0x400 all listeners',
  tcp_fastopen_blackhole_timeout_sec: 'first pause of active Fast Open after a black hole, 0 = no detection',
  tcp_fastopen_key: 'one or two 128-bit keys for cookies, comma between',
  somaxconn: 'most that listen() grants as backlog',

  // TCP: closing.
  tcp_fin_timeout: 'how long an orphan stays in FIN_WAIT_2',
  tcp_orphan_retries: 'retransmissions for a connection that its application closed; 0 means 8',
  tcp_max_orphans: 'connections closed by their application but not yet finished; beyond it they are reset',
  tcp_max_tw_buckets: 'TIME_WAIT entries kept; beyond it connections end without one',
  tcp_tw_reuse: 'reuse a port in TIME_WAIT for an outgoing connection: 0 no, 1 yes, 2 loopback only',
  tcp_tw_reuse_delay: 'how long a TIME_WAIT must have lasted before its port may be reused',
  tcp_rfc1337: 'ignore RST in TIME_WAIT (RFC 1337)',
  lastack_msl: 'maximum segment lifetime; TIME_WAIT lasts twice this (Linux: a constant 60 s)',

  // TCP: retransmission, keepalive, give-up.
  tcp_retries1: 'retransmissions after which the path is doubted',
  tcp_retries2: 'retransmissions (as backed-off time) before a connection is given up',
  tcp_rto_min_us: 'smallest variance term of the retransmission timeout',
  tcp_rto_max_ms: 'largest retransmission timeout',
  tcp_keepalive_time: 'idle time before the first keepalive probe',
  tcp_keepalive_intvl: 'time between keepalive probes',
  tcp_keepalive_probes: 'unanswered keepalive probes before a connection is given up',
  tcp_early_retrans: 'tail loss probe: 0 off, 3 and 4 on',
  tcp_recovery: 'bits: 1 RACK, 2 static reordering window, 4 no duplicate-ACK threshold',
  tcp_reordering: 'initial reordering degree in segments',
  tcp_max_reordering: 'largest reordering degree',
  tcp_frto: 'forward RTO recovery (RFC 5682), 0 off',
  tcp_thin_linear_timeouts: 'no doubling of timeouts for thin streams',
  tcp_retrans_collapse: 'merge small segments when retransmitting',
  tcp_invalid_ratelimit: 'least time between duplicate ACKs that answer invalid segments',
  tcp_challenge_ack_limit: 'challenge ACKs a second for the whole host; the maximum means no limit',

  // TCP: options and the handshake.
  tcp_timestamps: '0 off, 1 on with a random offset per connection, 2 on without offset',
  tcp_window_scaling: 'window scale option (RFC 7323)',
  tcp_sack: 'selective acknowledgements (RFC 2018)',
  tcp_dsack: 'duplicate SACK (RFC 2883)',
  tcp_fack: 'obsolete, has no effect',
  tcp_ecn: '0 off, 1 request and accept, 2 accept only, 3 to 5 the same with accurate ECN',
  tcp_ecn_fallback: 'turn ECN off for a connection whose path misbehaves',
  tcp_ecn_option: 'accurate ECN option: 0 never, 1 some, 2 as needed, 3 always',
  tcp_ecn_option_beacon: 'accurate ECN options per round trip at least',
  tcp_base_mss: 'MSS from which packetization-layer path MTU discovery begins',
  tcp_min_snd_mss: 'smallest MSS used, whatever the peer says',
  tcp_mtu_probing: 'packetization-layer path MTU discovery: 0 off, 1 after a black hole, 2 always',
  tcp_mtu_probe_floor: 'smallest MSS that probing falls back to',
  tcp_probe_interval: 'time after which a larger MTU is tried again',
  tcp_probe_threshold: 'probing stops when the search range is narrower',
  tcp_reflect_tos: 'answer a SYN with its own TOS',

  // TCP: buffers and windows.
  tcp_rmem: 'receive buffer: least, initial, largest by auto-tuning',
  tcp_wmem: 'send buffer: least, initial, largest by auto-tuning',
  tcp_mem: 'memory of all TCP: low, pressure, hard limit',
  tcp_moderate_rcvbuf: 'auto-tune the receive buffer',
  tcp_rcvbuf_low_rtt: 'below this round-trip time the receive buffer grows more slowly',
  tcp_adv_win_scale: 'obsolete, has no effect',
  tcp_app_win: 'window share kept for the application; 0 or 31 none',
  tcp_workaround_signed_windows: 'never offer more than 32767 without window scaling',
  tcp_shrink_window: 'let the window shrink when the buffer does',
  tcp_notsent_lowat: 'a socket is writable only while less than this is unsent',
  tcp_comp_sack_delay_ns: 'longest that ACKs with SACK are held back to be compressed',
  tcp_comp_sack_slack_ns: 'timer slack for compressed ACKs',
  tcp_comp_sack_nr: 'most ACKs compressed into one, 0 turns compression off',
  tcp_comp_sack_rtt_percent: 'compression delay as a part of the round-trip time',
  tcp_backlog_ack_defer: 'one ACK for a whole backlog',
  tcp_pingpong_thresh: 'interactive exchanges before delayed ACKs begin',
  tcp_stdurg: "RFC 793's reading of the urgent pointer in place of BSD's",

  // TCP: congestion control and sending.
  tcp_congestion_control: 'algorithm for new sockets',
  tcp_slow_start_after_idle: 'reduce the congestion window after an idle time',
  tcp_pacing_ss_ratio: 'pacing rate in slow start, of cwnd / RTT',
  tcp_pacing_ca_ratio: 'pacing rate in congestion avoidance, of cwnd / RTT',
  tcp_min_rtt_wlen: 'window of the minimum-RTT filter',
  tcp_limit_output_bytes: 'most of one connection queued below TCP',
  tcp_min_tso_segs: 'least segments of one offloaded burst',
  tcp_tso_win_divisor: 'part of the congestion window that one burst may take, as a divisor',
  tcp_tso_rtt_log: 'bursts grow for peers nearer than 2^this microseconds',
  tcp_autocorking: 'hold small writes while earlier ones wait below TCP',
  tcp_no_metrics_save: 'do not remember metrics of closed connections',
  tcp_no_ssthresh_metrics_save: 'do not remember ssthresh of closed connections',
  tcp_low_latency: 'obsolete, has no effect',
  tcp_early_demux: 'obsolete, has no effect',

  // Sockets.
  rmem_default: 'receive buffer of a socket that is not TCP',
  rmem_max: 'most that SO_RCVBUF grants',
  wmem_default: 'send buffer of a socket that is not TCP',
  wmem_max: 'most that SO_SNDBUF grants',
  optmem_max: 'ancillary data of a socket',
  netdev_max_backlog: 'frames that an interface queues for input',
  udp_rmem_min: 'receive buffer that a UDP socket keeps under memory pressure',
  udp_wmem_min: 'send buffer that a UDP socket keeps under memory pressure',
  udp_mem: 'memory of all UDP: low, pressure, hard limit',

  // Ports and addresses.
  ip_local_port_range: 'ephemeral ports, first and last',
  ip_local_reserved_ports: 'ports never chosen automatically, as 8080,9000-9100',
  ip_unprivileged_port_start: 'first port that needs no privilege to bind',
  ip_nonlocal_bind: 'allow binding to addresses that are not ours',
  ip_autobind_reuse: 'let bind(0) share ports when SO_REUSEADDR is set',
  ip_dynaddr: 'obsolete, has no effect',

  // IP.
  ip_forward: 'forward IPv4 packets between interfaces',
  ip_forward_use_pmtu: 'respect learnt path MTUs when forwarding',
  ip_default_ttl: 'TTL of packets that we send',
  ip_no_pmtu_disc: 'path MTU discovery off: 1 and 2 for this host, 3 hardened',
  ip_early_demux: 'obsolete, has no effect',
  ipfrag_high_thresh: 'memory for reassembly',
  ipfrag_low_thresh: 'obsolete, has no effect',
  ipfrag_time: 'how long an IPv4 fragment waits for the others',
  ipfrag_max_dist: 'most datagrams of one source that may arrive in between, 0 no limit',
  route_min_pmtu: 'smallest path MTU that ICMP can set',
  route_mtu_expires: 'how long a learnt path MTU is kept',
  route_min_adv_mss: 'smallest MSS announced',
  accept_source_route: 'accept source-routed packets',
  accept_redirects: 'accept ICMP redirects',
  rp_filter: 'reverse path filter: 0 off, 1 strict, 2 loose',
  log_martians: 'count martians in the trace',
  arp_ignore: 'which ARP requests are not answered',
  arp_announce: 'which source address ARP requests carry',

  // ICMP.
  icmp_ratelimit: 'least time between limited ICMP messages to one target, 0 no limit',
  icmp_ratemask: 'bits of the ICMP types that are limited',
  icmp_msgs_per_sec: 'limited ICMP messages a second for the whole host',
  icmp_msgs_burst: 'burst of limited ICMP messages',
  icmp_echo_ignore_all: 'do not answer pings',
  icmp_echo_ignore_broadcasts: 'do not answer pings to broadcast addresses',
  icmp_errors_use_inbound_ifaddr: 'send errors from the address of the interface that the packet came in by',
  icmp_ignore_bogus_error_responses: 'say nothing about broken ICMP errors',

  // Neighbours (ARP and ND; the values of net.ipv4.neigh.default, for both families).
  neigh_gc_thresh1: 'below this no neighbour is collected',
  neigh_gc_thresh2: 'above this neighbours older than 5 s are collected',
  neigh_gc_thresh3: 'most neighbours kept',
  neigh_gc_stale_time: 'how long an unused neighbour is kept',
  neigh_gc_interval: 'time between collections',
  neigh_base_reachable_time_ms: 'how long a confirmed neighbour counts as reachable',
  neigh_delay_first_probe_time: 'time in DELAY before the first probe',
  neigh_retrans_time_ms: 'time between solicitations',
  neigh_ucast_solicit: 'unicast probes before a neighbour is unreachable',
  neigh_mcast_solicit: 'multicast or broadcast solicitations before giving up',
  neigh_app_solicit: 'probes by a user-space daemon',
  neigh_unres_qlen: 'packets queued for an unresolved neighbour',
  neigh_unres_qlen_bytes: 'bytes queued for an unresolved neighbour',
  neigh_locktime: 'least time between changes of a neighbour',

  // IPv6.
  bindv6only: 'IPv6 sockets take no IPv4 connections',
  ipv6_forwarding: 'forward IPv6 packets between interfaces',
  ipv6_hop_limit: 'hop limit of packets that we send',
  ipv6_accept_ra: 'accept router advertisements: 0 no, 1 unless forwarding, 2 always',
  ipv6_autoconf: 'form addresses from router advertisements',
  ipv6_dad_transmits: 'solicitations sent to detect a duplicate address',
  ipv6_router_solicitations: 'router solicitations sent, -1 without end',
  ipv6_router_solicitation_interval: 'first time between router solicitations',
  ipv6_icmp_ratelimit: 'least time between limited ICMPv6 messages to one target',
  ipv6_icmp_echo_ignore_all: 'do not answer IPv6 pings',
  auto_flowlabels: 'a flow label per connection',
  ip6frag_high_thresh: 'memory for IPv6 reassembly',
  ip6frag_time: 'how long an IPv6 fragment waits for the others',
  ipv6_route_mtu_expires: 'how long a learnt IPv6 path MTU is kept',
  ipv6_max_hbh_opts: 'options in a hop-by-hop header before the packet is dropped',
  ipv6_max_dst_opts: 'options in a destination header before the packet is dropped',
};
