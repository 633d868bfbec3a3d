import { EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../base/errno.ts';
import { CONGESTION_CONTROLS } from '../base/sysctl.ts';
import { CLOSED, LISTEN } from '../tcp/state.ts';
import {
  TCP_CC_INFO,
  TCP_CONGESTION,
  TCP_CORK,
  TCP_DEFER_ACCEPT,
  TCP_DELACK_MAX_US,
  TCP_FASTOPEN,
  TCP_FASTOPEN_CONNECT,
  TCP_FASTOPEN_KEY,
  TCP_FASTOPEN_NO_COOKIE,
  TCP_INFO,
  TCP_INQ,
  TCP_IS_MPTCP,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_LINGER2,
  TCP_MAXSEG,
  TCP_NODELAY,
  TCP_NOTSENT_LOWAT,
  TCP_QUICKACK,
  TCP_REPAIR,
  TCP_RTO_MAX_MS,
  TCP_RTO_MIN_US,
  TCP_SAVE_SYN,
  TCP_SAVED_SYN,
  TCP_SYNCNT,
  TCP_THIN_DUPACK,
  TCP_THIN_LINEAR_TIMEOUTS,
  TCP_TIMESTAMP,
  TCP_TX_DELAY,
  TCP_ULP,
  TCP_USER_TIMEOUT,
  TCP_WINDOW_CLAMP,
} from './constants.ts';
import { flag, type OptionTable, ranged, readText, type SocketOption, text } from './option.ts';
import { MIN_RCVBUF } from './options-socket.ts';
import { encodeTcpInfo } from './tcp-info.ts';
import type { TcpSocket } from './tcp-socket.ts';

const MIN_MSS = 88;
const MAX_WINDOW = 32767;
const MAX_KEEP_SECONDS = 32767;
/** Longest FIN_WAIT_2 that TCP_LINGER2 may ask for, in seconds (TCP_FIN_TIMEOUT_MAX). */
const LINGER2_MAX = 120;
const CA_NAME_MAX = 16;
const DELACK_MAX_US = 200_000;
const RTO_MIN_MAX_US = 200_000;

/** How many retransmissions, starting after `first` seconds and doubling, cover `seconds`. */
export function secondsToRetransmissions(seconds: number, first: number, max: number): number {
  if (seconds <= 0) return 0;
  let res = 1;
  let step = first;
  for (let period = first; seconds > period && res < 255; period += step) {
    res++;
    step = Math.min(step * 2, max);
  }
  return res;
}

/** The time that so many retransmissions take, in seconds. */
export function retransmissionsToSeconds(n: number, first: number, max: number): number {
  let period = 0;
  let step = first;
  for (let i = 0; i < n; i++) {
    period += step;
    step = Math.min(step * 2, max);
  }
  return period;
}

const bool = (get: (s: TcpSocket) => boolean, set: (s: TcpSocket, on: boolean) => void) =>
  flag<TcpSocket>(get, set);

/** Exactly 0 or 1. */
const bit = (get: (s: TcpSocket) => boolean, set: (s: TcpSocket, on: boolean) => void) =>
  ranged<TcpSocket>(
    0,
    1,
    s => (get(s) ? 1 : 0),
    (s, v) => set(s, v !== 0),
  );

const isFresh = (s: TcpSocket): boolean => s.state === CLOSED || s.state === LISTEN;
const jiffyMicros = (s: TcpSocket): number => 1_000_000 / s.host.hz;
const jiffies = (s: TcpSocket, us: number): number => Math.ceil(us / jiffyMicros(s));

/** TCP_RTO_MIN_US, TCP_DELACK_MAX_US: two jiffies at least, rounded up to jiffies. */
const micros = (
  max: number,
  get: (s: TcpSocket) => number,
  set: (s: TcpSocket, v: number) => void,
): SocketOption<TcpSocket> => ({
  get,
  set: (s, v) => {
    if (v < 0 || jiffies(s, v) < 2 || jiffies(s, v) > jiffies(s, max)) return -EINVAL;
    set(s, jiffies(s, v) * jiffyMicros(s));
    return 0;
  },
});

/** tcp(7): level SOL_TCP. */
export const TCP_OPTIONS: OptionTable<TcpSocket> = new Map<number, SocketOption<TcpSocket>>([
  [
    TCP_NODELAY,
    bool(
      s => s.options.nodelay,
      (s, on) => void (s.tuneOptions.nodelay = on),
    ),
  ],
  [
    TCP_CORK,
    bool(
      s => s.options.cork,
      (s, on) => void (s.tuneOptions.cork = on),
    ),
  ],
  [
    TCP_MAXSEG,
    {
      get: s => (s.options.maxseg !== 0 && isFresh(s) ? s.options.maxseg : s.mss),
      set: (s, v) => {
        if (v !== 0 && (v < MIN_MSS || v > MAX_WINDOW)) return -EINVAL;
        s.tuneOptions.maxseg = v;
        return 0;
      },
    },
  ],
  [
    TCP_KEEPIDLE,
    ranged(
      1,
      MAX_KEEP_SECONDS,
      s => s.options.keepidle || s.host.sysctl.values.tcp_keepalive_time,
      (s, v) => void (s.tuneOptions.keepidle = v),
    ),
  ],
  [
    TCP_KEEPINTVL,
    ranged(
      1,
      MAX_KEEP_SECONDS,
      s => s.options.keepintvl || s.host.sysctl.values.tcp_keepalive_intvl,
      (s, v) => void (s.tuneOptions.keepintvl = v),
    ),
  ],
  [
    TCP_KEEPCNT,
    ranged(
      1,
      127,
      s => s.options.keepcnt || s.host.sysctl.values.tcp_keepalive_probes,
      (s, v) => void (s.tuneOptions.keepcnt = v),
    ),
  ],
  [
    TCP_SYNCNT,
    ranged(
      1,
      127,
      s => s.options.syncnt || s.host.sysctl.values.tcp_syn_retries,
      (s, v) => void (s.tuneOptions.syncnt = v),
    ),
  ],
  [
    TCP_LINGER2,
    {
      get: s => s.options.linger2 || s.host.sysctl.values.tcp_fin_timeout,
      set: (s, v) => {
        s.tuneOptions.linger2 = v < 0 ? -1 : Math.min(v, LINGER2_MAX);
        return 0;
      },
    },
  ],
  [
    TCP_DEFER_ACCEPT,
    {
      get: s => retransmissionsToSeconds(s.options.deferAccept, 1, 120),
      set: (s, v) => {
        s.tuneOptions.deferAccept = secondsToRetransmissions(v, 1, 120);
        return 0;
      },
    },
  ],
  [
    TCP_WINDOW_CLAMP,
    {
      get: s => s.windowClamp,
      set: (s, v) => {
        if (v === 0 && s.state !== CLOSED) return -EINVAL;
        s.tuneOptions.windowClamp = v === 0 ? 0 : Math.max(v, MIN_RCVBUF >> 1);
        return 0;
      },
    },
  ],
  [
    TCP_INFO,
    {
      getBytes: s => encodeTcpInfo(s.info()),
    },
  ],
  [TCP_CC_INFO, { getBytes: () => new Uint8Array(0) }],
  [
    TCP_QUICKACK,
    {
      get: s => (s.quickack ? 1 : 0),
      set: (s, v) => {
        s.setQuickack(v);
        return 0;
      },
    },
  ],
  [
    TCP_CONGESTION,
    {
      getBytes: s => {
        const out = new Uint8Array(CA_NAME_MAX);
        out.set(
          text(s.options.congestion || s.host.sysctl.values.tcp_congestion_control).subarray(
            0,
            CA_NAME_MAX - 1,
          ),
        );
        return out;
      },
      setBytes: (s, bytes) => {
        if (bytes.length < 1) return -EINVAL;
        const name = readText(bytes.subarray(0, CA_NAME_MAX - 1));
        if (!CONGESTION_CONTROLS.includes(name)) return -ENOENT;
        s.tuneOptions.congestion = name;
        return 0;
      },
    },
  ],
  [
    TCP_THIN_LINEAR_TIMEOUTS,
    bit(
      s => s.options.thinLinear,
      (s, on) => void (s.tuneOptions.thinLinear = on),
    ),
  ],
  [
    TCP_THIN_DUPACK,
    bit(
      () => false,
      () => {},
    ),
  ],
  [
    TCP_USER_TIMEOUT,
    {
      get: s => s.options.userTimeout,
      set: (s, v) => {
        if (v < 0) return -EINVAL;
        s.tuneOptions.userTimeout = v;
        return 0;
      },
    },
  ],
  [TCP_REPAIR, { get: () => 0, set: () => -EPERM }],
  [
    TCP_FASTOPEN,
    {
      get: s => s.options.fastopenQueue,
      set: (s, v) => {
        if (v < 0 || !isFresh(s)) return -EINVAL;
        s.tuneOptions.fastopenQueue = Math.min(v, s.host.sysctl.values.somaxconn);
        return 0;
      },
    },
  ],
  [
    TCP_FASTOPEN_CONNECT,
    {
      get: s => (s.options.fastopenConnect ? 1 : 0),
      set: (s, v) => {
        if (v < 0 || v > 1) return -EINVAL;
        if (!(s.host.sysctl.values.tcp_fastopen & 1)) return -EOPNOTSUPP;
        if (s.state !== CLOSED) return -EINVAL;
        s.tuneOptions.fastopenConnect = v !== 0;
        return 0;
      },
    },
  ],
  [
    TCP_FASTOPEN_NO_COOKIE,
    {
      get: s => (s.options.fastopenNoCookie ? 1 : 0),
      set: (s, v) => {
        if (v < 0 || v > 1 || !isFresh(s)) return -EINVAL;
        s.tuneOptions.fastopenNoCookie = v !== 0;
        return 0;
      },
    },
  ],
  [
    TCP_FASTOPEN_KEY,
    {
      getBytes: s => s.options.fastopenKey,
      setBytes: (s, bytes) => {
        if (bytes.length !== 16 && bytes.length !== 32) return -EINVAL;
        s.tuneOptions.fastopenKey = bytes.slice();
        return 0;
      },
    },
  ],
  [TCP_TIMESTAMP, { get: s => s.timestamp, set: () => -EPERM }],
  [
    TCP_NOTSENT_LOWAT,
    {
      get: s => s.options.notsentLowat >>> 0,
      set: (s, v) => {
        s.tuneOptions.notsentLowat = v >>> 0;
        return 0;
      },
    },
  ],
  [
    TCP_SAVE_SYN,
    ranged(
      0,
      2,
      s => s.settings.saveSyn,
      (s, v) => {
        s.tune.saveSyn = v;
        s.tuneOptions.saveSyn = v !== 0;
      },
    ),
  ],
  [TCP_SAVED_SYN, { getBytes: s => s.takeSavedSyn() }],
  [
    TCP_INQ,
    bit(
      s => s.settings.inq,
      (s, on) => void (s.tune.inq = on),
    ),
  ],
  [TCP_TX_DELAY, { get: () => 0, set: (_s, v) => (v < 0 ? -EINVAL : v === 0 ? 0 : -EOPNOTSUPP) }],
  [TCP_IS_MPTCP, { get: () => 0 }],
  [TCP_ULP, { getBytes: () => new Uint8Array(0), setBytes: () => -ENOENT }],
  [
    TCP_RTO_MAX_MS,
    ranged(
      1000,
      120_000,
      s => s.options.rtoMaxMs || s.host.sysctl.values.tcp_rto_max_ms,
      (s, v) => void (s.tuneOptions.rtoMaxMs = v),
    ),
  ],
  [
    TCP_RTO_MIN_US,
    micros(
      RTO_MIN_MAX_US,
      s => s.options.rtoMinUs || s.host.sysctl.values.tcp_rto_min_us,
      (s, v) => void (s.tuneOptions.rtoMinUs = v),
    ),
  ],
  [
    TCP_DELACK_MAX_US,
    micros(
      DELACK_MAX_US,
      s => s.settings.delackMaxUs || DELACK_MAX_US,
      (s, v) => void (s.tune.delackMaxUs = v),
    ),
  ],
]);
