import { EDOM, EINVAL, EOPNOTSUPP } from '../base/errno.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { CLOSED, LISTEN } from '../tcp/state.ts';
import {
  SO_ACCEPTCONN,
  SO_BINDTOIFINDEX,
  SO_BROADCAST,
  SO_BUF_LOCK,
  SO_DEBUG,
  SO_DOMAIN,
  SO_DONTROUTE,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MARK,
  SO_MAX_PACING_RATE,
  SO_MEMINFO,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PEEK_OFF,
  SO_PRIORITY,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SO_RCVTIMEO_NEW,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_SNDLOWAT,
  SO_SNDTIMEO,
  SO_SNDTIMEO_NEW,
  SO_TIMESTAMP,
  SO_TIMESTAMPING,
  SO_TIMESTAMPNS,
  SO_TYPE,
  SO_ZEROCOPY,
  SOCK_STREAM,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_ID_TCP,
  SOF_TIMESTAMPING_OPT_STATS,
  SOF_TIMESTAMPING_OPT_TSONLY,
} from './constants.ts';
import {
  flag,
  int32,
  type Linger,
  lingerBytes,
  type OptionTable,
  ranged,
  readInt32,
  readTimeVal,
  type SocketOption,
  timeoutBytes,
} from './option.ts';
import type { Socket } from './socket.ts';
import { TcpSocket } from './tcp-socket.ts';

/** Smallest buffers that Linux grants: two, and one, times the truesize of a 2 KiB segment. */
export const MIN_SNDBUF = 4608;
export const MIN_RCVBUF = 2304;
const INT_MAX = 0x7fffffff;

function setSndbuf(s: Socket, wanted: number, max: number): number {
  s.tuneOptions.sndbuf = Math.max(Math.min(wanted < 0 ? max : wanted, max, INT_MAX >> 1) * 2, MIN_SNDBUF);
  s.tuneOptions.sndbufLocked = true;
  return 0;
}

function setRcvbuf(s: Socket, wanted: number, max: number): number {
  s.tuneOptions.rcvbuf = Math.max(Math.min(wanted < 0 ? max : wanted, max, INT_MAX >> 1) * 2, MIN_RCVBUF);
  s.tuneOptions.rcvbufLocked = true;
  return 0;
}

/** SO_RCVTIMEO, SO_SNDTIMEO: rounded up to jiffies; 0 means for ever, a negative time no waiting at all. */
const timeout = (get: (s: Socket) => Micros, set: (s: Socket, t: Micros) => void): SocketOption => ({
  getBytes: s => timeoutBytes(get(s)),
  setBytes: (s, bytes) => {
    const t = readTimeVal(bytes);
    if (t === null) return -EINVAL;
    if (t.usec < 0 || t.usec >= MICROS_PER_SECOND) return -EDOM;
    const jiffy = MICROS_PER_SECOND / s.host.hz;
    if (t.sec < 0) set(s, 0);
    else if (t.sec === 0 && t.usec === 0) set(s, NEVER);
    else set(s, Math.ceil((t.sec * MICROS_PER_SECOND + t.usec) / jiffy) * jiffy);
    return 0;
  },
});

/** What Linux has and this stack has not: off can be said, on is refused. */
const unsupported: SocketOption = {
  get: () => 0,
  set: (_s, v) => (v === 0 ? 0 : -EOPNOTSUPP),
};

const TIMESTAMPING_BITS = (1 << 19) - 1;

/** SO_TIMESTAMPING (Linux's Documentation/networking/timestamping): software times; hardware's are never reported. */
const timestamping: SocketOption = {
  get: s => s.options.timestamping,
  set: (s, v) => {
    if (v & ~TIMESTAMPING_BITS) return -EINVAL;
    const fresh = v & ~s.options.timestamping;
    if (v & SOF_TIMESTAMPING_OPT_ID_TCP && !(v & SOF_TIMESTAMPING_OPT_ID)) return -EINVAL;
    // Bytes are counted from a sequence number, which there must be.
    if (
      fresh & SOF_TIMESTAMPING_OPT_ID &&
      s instanceof TcpSocket &&
      (s.state === CLOSED || s.state === LISTEN)
    )
      return -EINVAL;
    if (v & SOF_TIMESTAMPING_OPT_STATS && !(v & SOF_TIMESTAMPING_OPT_TSONLY)) return -EINVAL;
    s.tuneOptions.timestamping = v;
    return 0;
  },
};

/** `struct linger` from bytes: Linux holds the time in unsigned seconds. */
export function readLinger(bytes: Uint8Array): Linger | null {
  if (bytes.length < 8) return null;
  return { onoff: readInt32(bytes), linger: readInt32(bytes.subarray(4)) };
}

const receiveTimeout = timeout(
  s => s.settings.rcvTimeout,
  (s, t) => {
    s.tune.rcvTimeout = t;
  },
);
const sendTimeout = timeout(
  s => s.settings.sndTimeout,
  (s, t) => {
    s.tune.sndTimeout = t;
  },
);

/** socket(7): the options of level SOL_SOCKET. */
export const SOCKET_OPTIONS: OptionTable = new Map<number, SocketOption>([
  [
    SO_DEBUG,
    flag(
      s => s.settings.debug,
      (s, on) => void (s.tune.debug = on),
    ),
  ],
  [
    SO_REUSEADDR,
    flag(
      s => s.settings.reuseAddr,
      (s, on) => s.setReuse(on, s.settings.reusePort),
    ),
  ],
  [
    SO_REUSEPORT,
    flag(
      s => s.settings.reusePort,
      (s, on) => s.setReuse(s.settings.reuseAddr, on),
    ),
  ],
  [SO_TYPE, { get: s => s.type }],
  [SO_PROTOCOL, { get: s => s.protocol }],
  [SO_DOMAIN, { get: s => s.family }],
  [SO_ACCEPTCONN, { get: s => (s instanceof TcpSocket && s.listener !== null ? 1 : 0) }],
  [SO_ERROR, { get: s => s.takeError() }],
  [
    SO_DONTROUTE,
    flag(
      s => s.settings.dontRoute,
      (s, on) => void (s.tune.dontRoute = on),
    ),
  ],
  [
    SO_BROADCAST,
    flag(
      s => s.settings.broadcast,
      (s, on) => void (s.tune.broadcast = on),
    ),
  ],
  [
    SO_NO_CHECK,
    flag(
      s => s.settings.noCheck,
      (s, on) => void (s.tune.noCheck = on),
    ),
  ],
  [
    SO_KEEPALIVE,
    flag(
      s => s.options.keepalive,
      (s, on) => void (s.tuneOptions.keepalive = on),
    ),
  ],
  [
    SO_OOBINLINE,
    flag(
      s => s.options.oobInline,
      (s, on) => void (s.tuneOptions.oobInline = on),
    ),
  ],
  [
    SO_PRIORITY,
    {
      get: s => s.options.priority,
      set: (s, v) => {
        s.tuneOptions.priority = v;
        return 0;
      },
    },
  ],
  [
    SO_MARK,
    {
      get: s => s.options.mark >>> 0,
      set: (s, v) => {
        s.tuneOptions.mark = v;
        return 0;
      },
    },
  ],
  [SO_SNDBUF, { get: s => s.sndbuf, set: (s, v) => setSndbuf(s, v, s.host.sysctl.values.wmem_max) }],
  [SO_RCVBUF, { get: s => s.rcvbuf, set: (s, v) => setRcvbuf(s, v, s.host.sysctl.values.rmem_max) }],
  [SO_SNDBUFFORCE, { set: (s, v) => setSndbuf(s, Math.max(v, 0), INT_MAX) }],
  [SO_RCVBUFFORCE, { set: (s, v) => setRcvbuf(s, Math.max(v, 0), INT_MAX) }],
  [
    SO_BUF_LOCK,
    ranged(
      0,
      3,
      s => (s.options.sndbufLocked ? 1 : 0) | (s.options.rcvbufLocked ? 2 : 0),
      (s, v) => {
        s.tuneOptions.sndbufLocked = (v & 1) !== 0;
        s.tuneOptions.rcvbufLocked = (v & 2) !== 0;
      },
    ),
  ],
  [
    SO_RCVLOWAT,
    {
      get: s => s.options.rcvlowat,
      set: (s, v) => {
        const o = s.tuneOptions;
        const cap =
          s.type !== SOCK_STREAM
            ? INT_MAX
            : (o.rcvbufLocked ? s.rcvbuf : s.host.sysctl.values.tcp_rmem[2]) >> 1;
        o.rcvlowat = Math.min(v < 0 ? INT_MAX : v, cap) || 1;
        return 0;
      },
    },
  ],
  [SO_SNDLOWAT, { get: () => 1 }],
  [SO_RCVTIMEO, receiveTimeout],
  [SO_RCVTIMEO_NEW, receiveTimeout],
  [SO_SNDTIMEO, sendTimeout],
  [SO_SNDTIMEO_NEW, sendTimeout],
  [
    SO_LINGER,
    {
      getBytes: s => lingerBytes({ onoff: s.settings.lingerOn ? 1 : 0, linger: s.settings.lingerSeconds }),
      setBytes: (s, bytes) => {
        const l = readLinger(bytes);
        if (l === null) return -EINVAL;
        s.tune.lingerOn = l.onoff !== 0;
        if (l.onoff !== 0) s.tune.lingerSeconds = l.linger >>> 0;
        return 0;
      },
    },
  ],
  [
    SO_MAX_PACING_RATE,
    {
      get: s => Math.min(s.options.maxPacingRate, 0xffffffff),
      set: (s, v) => {
        s.tuneOptions.maxPacingRate = v === -1 ? Number.POSITIVE_INFINITY : v >>> 0;
        return 0;
      },
    },
  ],
  [
    SO_ZEROCOPY,
    ranged(
      0,
      1,
      s => (s.settings.zerocopy ? 1 : 0),
      (s, v) => {
        s.tune.zerocopy = v !== 0;
      },
    ),
  ],
  [SO_TIMESTAMP, unsupported],
  [SO_TIMESTAMPNS, unsupported],
  [SO_TIMESTAMPING, timestamping],
  [SO_BINDTOIFINDEX, unsupported],
  [SO_PEEK_OFF, { get: () => -1, set: (_s, v) => (v === -1 ? 0 : -EOPNOTSUPP) }],
  [
    SO_MEMINFO,
    {
      getBytes: s => {
        const c = s instanceof TcpSocket ? s.connection : null;
        const received = c?.receiveMemory ?? s.available;
        const queued = c?.sendMemory ?? s.queuedOut;
        const words = [received, s.rcvbuf, queued, s.sndbuf, 0, queued, 0, 0, 0];
        const out = new Uint8Array(36);
        words.forEach((w, i) => {
          out.set(int32(w), i * 4);
        });
        return out;
      },
    },
  ],
]);
