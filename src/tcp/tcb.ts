import type { Address } from '../base/address.ts';
import { defineColumns, type Rows } from '../base/columns.ts';
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
import { TCB_LAYOUT, TcbColumns } from './tcb-columns.ts';
import { defineExtraColumns, type Extra, type ExtraColumns, extraOf, NO_EXTRA } from './tcb-extra.ts';
import type { TxStamps } from './tx-stamps.ts';

/** A row with the properties that the columns of the extras give it. */
const Columns = TcbColumns as new (rows: Rows) => InstanceType<typeof TcbColumns> & ExtraColumns;

/**
 * The transmission control block: the variables of one connection under the names of RFC 9293 §3.3.1
 * (SND.UNA is `sndUna`) and, where the RFC has none, of Linux's tcp_sock. Plain data; the rooms beside
 * this file act on it. Counts of segments are in segments (Linux's packets), windows in bytes.
 *
 * Its numbers are columns (tcb-columns.ts), and what few connections use is attached (tcb-extra.ts). The fields
 * here are what is no number, and what must hold once the connection is over and its row is another's: every
 * one of them costs 8 bytes of each idle connection.
 */
export class Tcb extends Columns {
  extra: Extra = NO_EXTRA;
  readonly ctx: TcpContext;
  options: Readonly<TcpOptions>;

  // Identity
  readonly local: Address;
  readonly remote: Address;
  /** Local port << 16 | remote port. */
  readonly ports: number;
  path: Path;
  /** The socket that owns it, or null. */
  owner: unknown = null;

  /** Bytes that are not acknowledged or not read; null without any. */
  sendRing: ByteRing | null = null;
  recvRing: ByteRing | null = null;
  /** What is in flight; `pushSent` adds to it. */
  sent: SentQueue;
  congestion: Congestion;

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
    this.remote = remote;
    this.ports = (localPort << 16) | remotePort;
    this.congestion = congestion;
    this.sent = ctx.sentPool.none;
    this.reordering = ctx.sysctl.tcp_reordering;
  }

  get localPort(): number {
    return this.ports >>> 16;
  }
  get remotePort(): number {
    return this.ports & 0xffff;
  }

  get records(): Seq[] | null {
    return this.extra.records;
  }
  set records(v: Seq[] | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).records = v;
  }

  get pushMarks(): Seq[] | null {
    return this.extra.pushMarks;
  }
  set pushMarks(v: Seq[] | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).pushMarks = v;
  }

  get ooo(): Ranges | null {
    return this.extra.ooo;
  }
  set ooo(v: Ranges | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).ooo = v;
  }

  get sackBlocks(): Int32Array | null {
    return this.extra.sackBlocks;
  }
  set sackBlocks(v: Int32Array | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).sackBlocks = v;
  }

  get mtuProbing(): MtuProbing | null {
    return this.extra.mtuProbing;
  }
  set mtuProbing(v: MtuProbing | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).mtuProbing = v;
  }

  get marks(): MarksReceived | null {
    return this.extra.marks;
  }
  set marks(v: MarksReceived | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).marks = v;
  }

  get fastopen(): FastOpen | null {
    return this.extra.fastopen;
  }
  set fastopen(v: FastOpen | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).fastopen = v;
  }

  get txStamps(): TxStamps | null {
    return this.extra.txStamps;
  }
  set txStamps(v: TxStamps | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).txStamps = v;
  }

  get errors(): ErrorQueue | null {
    return this.extra.errors;
  }
  set errors(v: ErrorQueue | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).errors = v;
  }

  get savedSyn(): Uint8Array | null {
    return this.extra.savedSyn;
  }
  set savedSyn(v: Uint8Array | null) {
    if (v !== null || this.extra !== NO_EXTRA) extraOf(this).savedSyn = v;
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
defineExtraColumns(Tcb.prototype);
