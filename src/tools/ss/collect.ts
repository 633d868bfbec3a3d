import { errnoName } from '../../base/errno.ts';
import type { Micros } from '../../base/time.ts';
import { NEVER } from '../../base/time.ts';
import { Descriptor } from '../../socket/descriptor.ts';
import type { Stack } from '../../stack/stack.ts';
import type { Connection } from '../../tcp/connection.ts';
import { INFINITE_SSTHRESH, XMIT_NONE, XMIT_PROBE0 } from '../../tcp/constants.ts';
import {
  TCPI_OPT_ECN,
  TCPI_OPT_SACK,
  TCPI_OPT_TIMESTAMPS,
  TCPI_OPT_WSCALE,
  type TcpInfo,
} from '../../tcp/info.ts';
import { LISTEN, type State, SYN_RECV } from '../../tcp/state.ts';
import type { RowInfo, RowTimer, SocketRow } from './row.ts';

export interface CollectOptions {
  /** The present by the stack's clock, for one to which nothing happens and whom nobody tells the time. */
  readonly now?: Micros;
  /** With `ss -i`'s numbers. */
  readonly info?: boolean;
  /** What the application behind a descriptor is called. */
  readonly ownerOf?: (fd: number) => string | null;
  /** Seconds that a connection has been in its state, −1 unknown. */
  readonly ageOf?: (c: Connection) => number;
}

/** The TCP sockets of a host as rows, listeners first and TIME_WAIT last; made one by one as they are asked for. */
export function* socketRows(
  stack: Stack,
  options: CollectOptions = {},
  name = stack.name,
): Generator<SocketRow> {
  const { tcp } = stack;
  const now = options.now ?? stack.now;
  for (const l of tcp.listeners()) {
    const fd = fdOf(l.owner);
    const { rcvbuf, sndbuf } = l.options;
    yield {
      ...EMPTY,
      host: name,
      state: LISTEN,
      recvQ: l.queueLength,
      sendQ: l.backlog,
      local: l.local.toString(),
      localPort: l.localPort,
      peer: l.local.is4 ? '0.0.0.0' : '::',
      family: l.local.is4 ? 4 : 6,
      owner: ownerOf(fd, options),
      fd,
      memory: {
        r: 0,
        rb: rcvbuf || stack.sysctl.values.tcp_rmem[1],
        w: 0,
        tb: sndbuf || stack.sysctl.values.tcp_wmem[1],
      },
    };
  }
  for (const c of tcp.connections()) yield connectionRow(c, now, options, name);
  for (const r of tcp.requests()) {
    yield {
      ...EMPTY,
      host: name,
      state: SYN_RECV,
      ...ends(r),
      timer:
        r.held || r.deadline === NEVER
          ? null
          : { name: 'on', ms: until(r.deadline, now), retrans: r.retransmits },
    };
  }
  for (const t of tcp.timeWaits()) {
    yield {
      ...EMPTY,
      host: name,
      state: t.state as State,
      ...ends(t),
      orphan: true,
      timer: { name: 'timewait', ms: Math.max(0, (t.remaining + stack.now - now) / 1000), retrans: 0 },
    };
  }
}

/** The row of the connection behind a descriptor; null if there is none. */
export function connectionRowOf(stack: Stack, fd: number, options: CollectOptions = {}): SocketRow | null {
  for (const c of stack.tcp.connections()) {
    if (!c.orphan && fdOf(c.owner) === fd)
      return connectionRow(c, options.now ?? stack.now, options, stack.name);
  }
  return null;
}

const EMPTY = {
  recvQ: 0,
  sendQ: 0,
  peerPort: 0,
  owner: null,
  fd: -1,
  orphan: false,
  shutdown: 0,
  age: -1,
  timer: null,
  info: null,
  memory: null,
} as const;

interface Ends {
  readonly local: { toString(): string; readonly is4: boolean };
  readonly localPort: number;
  readonly remote: { toString(): string };
  readonly remotePort: number;
}

const ends = (e: Ends): Pick<SocketRow, 'local' | 'localPort' | 'peer' | 'peerPort' | 'family'> => ({
  local: e.local.toString(),
  localPort: e.localPort,
  peer: e.remote.toString(),
  peerPort: e.remotePort,
  family: e.local.is4 ? 4 : 6,
});

const fdOf = (owner: unknown): number => (owner instanceof Descriptor ? owner.fd : -1);
const ownerOf = (fd: number, o: CollectOptions): string | null =>
  fd < 0 ? null : (o.ownerOf?.(fd) ?? 'socket');
const until = (at: Micros, now: Micros): number => Math.max(0, (at - now) / 1000);

function connectionRow(c: Connection, now: Micros, options: CollectOptions, name: string): SocketRow {
  const fd = c.orphan ? -1 : fdOf(c.owner);
  const recvQ = Math.max(0, (c.rcvNxt - c.copiedSeq) | 0);
  const sendQ = Math.max(0, (c.writeSeq - c.sndUna) | 0);
  return {
    host: name,
    state: c.state,
    // Until the first segment of the peer has come there is nothing to subtract from.
    recvQ: c.irs === 0 && c.rcvNxt === 0 ? 0 : recvQ,
    sendQ,
    ...ends(c),
    owner: ownerOf(fd, options),
    fd,
    orphan: c.orphan,
    shutdown: c.shut,
    age: options.ageOf?.(c) ?? -1,
    timer: timerOf(c, now),
    info: options.info ? rowInfo(c.info(), c.options.congestion || c.congestion.name) : null,
    memory: { r: recvQ, rb: c.rcvbuf, w: sendQ, tb: c.sndbuf },
  };
}

/** The one that inet_diag reports: retransmission and its kin, else the zero-window probe, else keepalive. */
function timerOf(c: Connection, now: Micros): RowTimer | null {
  if (c.xmitKind !== XMIT_NONE && c.xmitAt !== NEVER) {
    return c.xmitKind === XMIT_PROBE0
      ? { name: 'persist', ms: until(c.xmitAt, now), retrans: c.probesOut }
      : { name: 'on', ms: until(c.xmitAt, now), retrans: c.retransmits };
  }
  const other = Math.min(c.keepaliveAt, c.finWait2At);
  return other === NEVER ? null : { name: 'keepalive', ms: until(other, now), retrans: c.probesOut };
}

/** tcp_info as `ss -i` prints it. */
export function rowInfo(i: TcpInfo, congestion: string): RowInfo {
  const rtt = i.rtt;
  return {
    timestamps: (i.options & TCPI_OPT_TIMESTAMPS) !== 0,
    sack: (i.options & TCPI_OPT_SACK) !== 0,
    ecn: (i.options & TCPI_OPT_ECN) !== 0,
    congestion,
    wscale: i.options & TCPI_OPT_WSCALE ? [i.snd_wscale, i.rcv_wscale] : null,
    rto: i.rto,
    backoff: i.backoff,
    rtt,
    rttvar: i.rttvar,
    ato: i.ato,
    mss: i.snd_mss,
    pmtu: i.pmtu,
    rcvmss: i.rcv_mss,
    advmss: i.advmss,
    cwnd: i.snd_cwnd,
    ssthresh: i.snd_ssthresh >= INFINITE_SSTHRESH ? -1 : i.snd_ssthresh,
    bytesSent: i.bytes_sent,
    bytesRetrans: i.bytes_retrans,
    bytesAcked: i.bytes_acked,
    bytesReceived: i.bytes_received,
    segsOut: i.segs_out,
    segsIn: i.segs_in,
    dataSegsOut: i.data_segs_out,
    dataSegsIn: i.data_segs_in,
    send: rtt > 0 && i.snd_mss > 0 ? (i.snd_cwnd * i.snd_mss * 8 * 1e6) / rtt : 0,
    lastSnd: i.last_data_sent,
    lastRcv: i.last_data_recv,
    lastAck: i.last_ack_recv,
    pacingRate: i.pacing_rate >= 2 ** 63 ? 0 : i.pacing_rate,
    deliveryRate: i.delivery_rate,
    delivered: i.delivered,
    appLimited: i.delivery_rate_app_limited !== 0,
    busy: i.busy_time,
    rwndLimited: i.rwnd_limited,
    sndbufLimited: i.sndbuf_limited,
    unacked: i.unacked,
    retrans: i.retrans,
    totalRetrans: i.total_retrans,
    lost: i.lost,
    sacked: i.sacked,
    dsackDups: i.dsack_dups,
    reordering: i.reordering,
    rcvRtt: i.rcv_rtt,
    rcvSpace: i.rcv_space,
    rcvSsthresh: i.rcv_ssthresh,
    notsent: i.notsent_bytes,
    minRtt: i.min_rtt === 0xffffffff ? 0 : i.min_rtt,
    rcvOoopack: i.rcv_ooopack,
    sndWnd: i.snd_wnd,
    rcvWnd: i.rcv_wnd,
  };
}

/** The pending error of a connection by name, '' without one. */
export const pendingError = (c: Connection): string => (c.error === 0 ? '' : errnoName(c.error));
