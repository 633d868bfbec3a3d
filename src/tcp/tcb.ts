import type { Address } from '../base/address.ts';
import { defineColumns } from '../base/columns.ts';
import type { Ranges } from '../base/ranges.ts';
import type { ByteRing } from '../base/ring.ts';
import type { Seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { Congestion } from './congestion/controller.ts';
import type { TcpContext } from './context.ts';
import type { MarksReceived } from './ecn.ts';
import type { ErrorQueue } from './error-queue.ts';
import type { FastOpen } from './fastopen.ts';
import type { MtuProbing } from './mtu-probe.ts';
import type { TcpOptions } from './options.ts';
import type { Path } from './path.ts';
import type { SentQueue } from './sent.ts';
import { CLOSED, type State } from './state.ts';
import { TCB_LAYOUT, TcbColumns } from './tcb-columns.ts';
import type { TxStamps } from './tx-stamps.ts';

/**
 * The transmission control block: the variables of one connection under the names of RFC 9293 §3.3.1
 * (SND.UNA is `sndUna`) and, where the RFC has none, of Linux's tcp_sock. Plain data; the rooms beside
 * this file act on it. Counts of segments are in segments (Linux's packets), windows in bytes.
 *
 * Its numbers are columns (tcb-columns.ts). The fields here are what is no number, and what must hold once
 * the connection is over and its row is another's.
 */
export class Tcb extends TcbColumns {
  readonly ctx: TcpContext;
  options: Readonly<TcpOptions>;

  // Identity
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  path: Path;
  /** Row in the host's timer wheel. */
  id = -1;
  /** The socket that owns it, or null. */
  owner: unknown = null;

  // State. Assigned by tcp/state only.
  state: State = CLOSED;
  /** The application has closed it. */
  orphan = false;
  /** Pending error, a positive errno or 0. */
  error = 0;
  /** On the host's list of changed connections; on its list of those that want to send. */
  changed = false;
  dirty = false;

  // Send sequence space
  /** Ends of records (MSG_EOR), ascending. */
  records: Seq[] | null = null;
  /** Push marks in front of the last one, where a packet of the send queue ends, ascending. */
  pushMarks: Seq[] | null = null;
  /** Bytes that are not acknowledged or not read; null without any. */
  sendRing: ByteRing | null = null;
  /** What is in flight; `pushSent` adds to it. */
  sent: SentQueue;

  // Receive sequence space
  recvRing: ByteRing | null = null;
  ooo: Ranges | null = null;

  /** SACK blocks to report: pairs, newest first. */
  sackBlocks: Int32Array | null = null;

  // Congestion control and loss recovery
  congestion: Congestion;

  // What few connections have
  /** Packetization-layer path MTU discovery. */
  mtuProbing: MtuProbing | null = null;
  /** ECN marks that have arrived. */
  marks: MarksReceived | null = null;
  /** Fast Open, of either side. */
  fastopen: FastOpen | null = null;
  /** SO_TIMESTAMPING; and errors and reports for recvmsg with MSG_ERRQUEUE. */
  txStamps: TxStamps | null = null;
  errors: ErrorQueue | null = null;

  constructor(
    ctx: TcpContext,
    options: TcpOptions,
    path: Path,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    congestion: Congestion,
  ) {
    super(ctx.rows);
    this.ctx = ctx;
    this.options = options;
    this.path = path;
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
    this.congestion = congestion;
    this.sent = ctx.sentPool.none;
    this.reordering = ctx.sysctl.tcp_reordering;
  }

  /** Segments believed to be in the network. */
  get inFlight(): number {
    return this.packetsOut - (this.sackedOut + this.lostOut) + this.retransOut;
  }

  /** The right edge of the peer's window. */
  get wndEnd(): Seq {
    return ((this.sndUna + this.sndWnd) | 0) as Seq;
  }

  /** What of our announced window is left (RCV.WND as the peer sees it), never negative. */
  get receiveWindow(): number {
    const w = (this.rcvWup + this.rcvWnd - this.rcvNxt) | 0;
    return w < 0 ? 0 : w;
  }

  /** Urgent data of ours is outstanding. */
  get urgentMode(): boolean {
    return this.sndUna !== this.sndUp;
  }

  /** The timestamp clock: milliseconds, without this connection's offset. */
  get tsNow(): number {
    return Math.floor(this.ctx.now / 1000) | 0;
  }

  /** The next moment, in jiffies' grain, at which this connection must be visited. */
  earliest(): Micros {
    let t = this.xmitAt;
    if (this.delackAt < t) t = this.delackAt;
    if (this.keepaliveAt < t) t = this.keepaliveAt;
    if (this.finWait2At < t) t = this.finWait2At;
    return t;
  }
}

defineColumns(Tcb.prototype, TCB_LAYOUT);
