import { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import { forgetOldAnswer, rowAck, seconds } from '../tcp/arrive-time-wait.ts';
import type { Connection } from '../tcp/connection.ts';
import type { TcpContext } from '../tcp/context.ts';
import { FIN_WAIT_2, TIME_WAIT } from '../tcp/state.ts';
import { TimeWaitTable, TW_REUSE_ADDR, TW_TS_OFFSET } from '../tcp/time-wait.ts';
import type { TupleHash } from '../tcp/tuple-table.ts';
import { ByFamily } from './by-family.ts';
import type { Ports } from './ports.ts';

/** A row as `ss` shows it. */
export interface TimeWaitView {
  /** FIN_WAIT_2 (of an orphan) or TIME_WAIT. */
  readonly state: number;
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** Microseconds until it ends. */
  readonly remaining: Micros;
}

/** What the rows ask of their host. */
export interface RowHost extends TcpContext {
  readonly ports: Ports;
}

/** The TIME_WAIT rows of a host, their limit, and who may reuse them. */
export class TimeWaits extends ByFamily<TimeWaitTable> {
  private readonly host: RowHost;

  constructor(host: RowHost, hash: TupleHash) {
    super(new TimeWaitTable(1, 0, hash), new TimeWaitTable(4, 0, hash));
    this.host = host;
  }

  protected due(t: TimeWaitTable, row: number): void {
    this.remove(t, row);
  }

  get changes(): number {
    return this.v4.changes + this.v6.changes;
  }

  /** Takes a connection's place; −1 if `tcp_max_tw_buckets` are in use. */
  take(c: Connection, substate: number, timeout: Micros): number {
    const { host } = this;
    if (this.size >= host.sysctl.tcp_max_tw_buckets) return -1;
    const t = this.table(c.remote);
    const row = t.add(c.hash, c.local, c.localPort, c.remote, c.remotePort);
    const flags = (c.reuseAddr ? TW_REUSE_ADDR : 0) | (c.tsOffset !== 0 ? TW_TS_OFFSET : 0);
    t.setMeta(row, substate, c.rcvWscale, flags, c.options.tos & 0xff);
    t.setRcvNxt(row, c.rcvNxt);
    t.setSndNxt(row, c.sndNxt);
    t.setRcvWnd(row, c.receiveWindow);
    if (c.tsOk && c.tsRecentStamp !== 0) t.setTsRecent(row, c.tsRecent, c.tsRecentStamp, seconds(host));
    t.setEntered(row, Math.floor(host.now / 1000) | 0);
    // Linux: at least 3.5 RTO for FIN_WAIT_2, and always 2 MSL for TIME_WAIT.
    const least = substate === TIME_WAIT ? this.msl2 : Math.max(timeout, c.rto * 3.5);
    this.arm(t, row, least);
    host.ports.addFlow(c.localPort);
    // Linux counts short waits apart.
    if (least <= 4_000_000) host.mib.TcpExtTWKilled++;
    else host.mib.TcpExtTW++;
    return row;
  }

  private get msl2(): Micros {
    return 2_000_000 * this.host.sysctl.lastack_msl;
  }

  private arm(t: TimeWaitTable, row: number, timeout: Micros): void {
    t.wheel.arm(row, Math.ceil((this.host.now + timeout) / this.host.jiffy));
  }

  restart(t: TimeWaitTable, row: number): void {
    forgetOldAnswer(this.host, t, row);
    this.arm(t, row, this.msl2);
  }

  remove(t: TimeWaitTable, row: number): void {
    this.host.ports.removeFlow(t.localPort(row));
    t.remove(row);
  }

  /**
   * Whether connect() may take a row's 4-tuple over. An explicitly bound port may at once if timestamps
   * protect it; a chosen one as `tcp_tw_reuse` says, after `tcp_tw_reuse_delay`.
   * @param loopback one of the addresses is
   */
  mayReuse(t: TimeWaitTable, row: number, explicit: boolean, loopback: boolean): boolean {
    const { sysctl, now } = this.host;
    if (t.substate(row) === FIN_WAIT_2 || !t.hasTimestamps(row)) return false;
    if (explicit) return true;
    const mode = sysctl.tcp_tw_reuse;
    if (mode === 0 || (mode === 2 && !loopback)) return false;
    const since = (Math.floor(now / 1000) - t.entered(row)) | 0;
    return since >= sysctl.tcp_tw_reuse_delay;
  }

  /** A new connection continues the row's timestamps; the row ends. */
  inherit(row: number, c: Connection): void {
    const t = this.table(c.remote);
    c.tsRecent = t.tsRecent(row);
    c.tsRecentStamp = t.tsStamp(row, seconds(this.host));
    this.host.mib.TcpExtTWRecycled++;
    this.remove(t, row);
  }

  /** Whether a bind to the port meets a row: one without SO_REUSEADDR, or any if the binder has it not. */
  conflicts(address: Address, port: number, reuseAddr: boolean): boolean {
    for (const t of [this.v4, this.v6]) {
      for (const row of t) {
        if (t.localPort(row) !== port) continue;
        const local = new Address(0, 0, 0, 0);
        t.readLocal(row, local);
        if (!address.isAny && !address.equals(local)) continue;
        if (!reuseAddr || !(t.flags(row) & TW_REUSE_ADDR)) return true;
      }
    }
    return false;
  }

  /** The plain answer to a stray segment. */
  acknowledge(t: TimeWaitTable, row: number): void {
    rowAck(this.host, t, row);
  }

  count(into: Int32Array): void {
    for (const t of [this.v4, this.v6]) for (const row of t) into[t.substate(row)]!++;
  }

  *views(): IterableIterator<TimeWaitView> {
    for (const t of [this.v4, this.v6]) {
      for (const row of t) {
        const local = new Address(0, 0, 0, 0);
        const remote = new Address(0, 0, 0, 0);
        t.readLocal(row, local);
        t.readRemote(row, remote);
        yield {
          state: t.substate(row),
          local,
          localPort: t.localPort(row),
          remote,
          remotePort: t.remotePort(row),
          remaining: t.wheel.deadlineOf(row) * this.host.jiffy - this.host.now,
        };
      }
    }
  }
}
