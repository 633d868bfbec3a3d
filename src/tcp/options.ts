const NO_KEY = new Uint8Array(0);

/**
 * What setsockopt(2) may set on a TCP socket: plain data, read by the engine when it needs it. An
 * accepted connection shares its listener's until either changes: `Socket.tuneOptions`.
 * Times are in the units of the option of the same name (seconds, or milliseconds for the user timeout);
 * 0 means "the sysctl's value" wherever Linux has it so.
 */
export class TcpOptions {
  /** TCP_NODELAY, TCP_CORK. */
  nodelay = false;
  cork = false;
  /** TCP_QUICKACK as last set: 0 off, odd permanently on, even on once. */
  quickack = 1;
  /** SO_KEEPALIVE; TCP_KEEPIDLE and TCP_KEEPINTVL in seconds, TCP_KEEPCNT. */
  keepalive = false;
  keepidle = 0;
  keepintvl = 0;
  keepcnt = 0;
  /** TCP_LINGER2 in seconds: 0 tcp_fin_timeout, −1 no FIN_WAIT_2 at all. */
  linger2 = 0;
  /** TCP_USER_TIMEOUT in milliseconds. */
  userTimeout = 0;
  /** TCP_SYNCNT. */
  syncnt = 0;
  /** TCP_DEFER_ACCEPT in retransmissions of the SYN-ACK. */
  deferAccept = 0;
  /** TCP_MAXSEG, 0 unset. */
  maxseg = 0;
  /** TCP_WINDOW_CLAMP, 0 unset. */
  windowClamp = 0;
  /** TCP_NOTSENT_LOWAT in bytes, 0 for the sysctl. */
  notsentLowat = 0;
  /** TCP_THIN_LINEAR_TIMEOUTS. */
  thinLinear = false;
  /** TCP_CONGESTION, '' for tcp_congestion_control. */
  congestion = '';
  /** TCP_RTO_MAX_MS, TCP_RTO_MIN_US: 0 for the sysctl. */
  rtoMaxMs = 0;
  rtoMinUs = 0;
  /** TCP_FASTOPEN: children of a listener that may be open before their handshake is done. */
  fastopenQueue = 0;
  /** TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE; TCP_FASTOPEN_KEY, empty for the host's. */
  fastopenConnect = false;
  fastopenNoCookie = false;
  fastopenKey: Uint8Array = NO_KEY;
  /** TCP_SAVE_SYN. */
  saveSyn = false;
  /** SO_SNDBUF and SO_RCVBUF as the kernel holds them (already doubled); locked once the user set them. */
  sndbuf = 0;
  rcvbuf = 0;
  sndbufLocked = false;
  rcvbufLocked = false;
  rcvlowat = 1;
  oobInline = false;
  /** IP_TOS or IPV6_TCLASS; IP_TTL or hop limit (0: the host's default). */
  tos = 0;
  ttl = 0;
  /** IP_MTU_DISCOVER: 0 don't, 1 want, 2 do, 3 probe. */
  pmtudisc = 1;
  mark = 0;
  priority = 0;
  /** IP_RECVERR: ICMP errors are fatal. */
  recverr = false;
  /** SO_TIMESTAMPING: SOF_TIMESTAMPING_* bits. */
  timestamping = 0;
  /** SO_MAX_PACING_RATE, bytes per second. */
  maxPacingRate = Number.POSITIVE_INFINITY;

  clone(): TcpOptions {
    return Object.assign(new TcpOptions(), this);
  }
}
