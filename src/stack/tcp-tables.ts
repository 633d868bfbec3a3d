import type { Address } from '../base/address.ts';
import type { SipKey } from '../base/siphash.ts';
import type { Intercept } from '../ip/intercept.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Listener } from '../tcp/listener.ts';
import type { Network } from '../tcp/path.ts';
import { LISTEN, SYN_RECV } from '../tcp/state.ts';
import type { TupleHash } from '../tcp/tuple-table.ts';
import type { Segment } from '../wire/segment.ts';
import { FlowTable } from './demux.ts';
import { Listeners } from './listeners.ts';
import type { PortUsers } from './ports.ts';
import { Requests } from './requests.ts';
import { type RowHost, TimeWaits } from './time-waits.ts';

/** The network as the search for a listener needs it; a plain one intercepts nothing. */
export type ListenNetwork = Pick<Network, 'isLocal'> & { readonly intercept?: Intercept | null };

/** Index of lo, the first interface of a host. */
const LO = 1;

/** What `claim` says when no row is in the way. */
const FREE = -1;
export const TAKEN = -2;

/** What a host's TCP keeps: connections and SYN queue entries by 4-tuple, listeners, TIME_WAIT rows. */
export class TcpTables implements PortUsers {
  readonly flows: FlowTable<Connection>;
  readonly requests: Requests;
  readonly listening = new Listeners();
  readonly rows: TimeWaits;
  private readonly net: ListenNetwork;

  constructor(key: SipKey, host: RowHost, net: ListenNetwork) {
    this.net = net;
    this.flows = new FlowTable<Connection>(key);
    const hash: TupleHash = (l, lp, r, rp) => this.flows.hash(l, lp, r, rp);
    this.requests = new Requests(host.jiffy, hash);
    this.rows = new TimeWaits(host, hash);
  }

  /** The listener that a segment without a connection is for: its own, else the one that intercepts. */
  listener(s: Segment, hash: number): Listener | null {
    const { intercept } = this.net;
    const { destination, destinationPort } = s;
    if (intercept == null) return this.listening.find(destination, destinationPort, hash);
    // A wildcard stands for this host's addresses, not for those of others.
    const own = this.net.isLocal(destination)
      ? this.listening.find(destination, destinationPort, hash)
      : null;
    if (own !== null || !intercept.covers({ index: s.interfaceIndex, loopback: s.interfaceIndex === LO }))
      return own;
    return this.listening.findTransparent(destination, intercept.port, hash);
  }

  /** The next jiffy at which a row is due. */
  next(): number {
    return Math.min(this.requests.next(), this.rows.next());
  }

  expire(jiffy: number, budget: number): number {
    return this.requests.expire(jiffy, budget) + this.rows.expire(jiffy, budget);
  }

  counts(): Int32Array {
    const n = new Int32Array(12);
    for (const c of this.flows) n[c.state]!++;
    n[SYN_RECV]! += this.requests.size;
    this.rows.count(n);
    for (const _ of this.listening.all()) n[LISTEN]!++;
    return n;
  }

  flowConflicts(address: Address, port: number, reuseAddr: boolean): boolean {
    for (const c of this.flows) {
      if (c.localPort !== port || !c.portHeld) continue;
      if (!address.isAny && !c.local.equals(address)) continue;
      if (!reuseAddr || !c.reuseAddr) return true;
    }
    return this.rows.conflicts(address, port, reuseAddr);
  }

  /**
   * Whether connect() may use the 4-tuple: it is free, or a TIME_WAIT row holds it that may be reused now.
   * @param explicit the port was bound on purpose
   * @returns that row, FREE if there is none, TAKEN if it may not
   */
  claim(local: Address, lp: number, remote: Address, rp: number, explicit: boolean): number {
    const hash = this.flows.hash(local, lp, remote, rp);
    if (this.flows.find(hash, local, lp, remote, rp) !== null) return TAKEN;
    if (this.requests.find(hash, local, lp, remote, rp) !== null) return TAKEN;
    const rows = this.rows.table(remote);
    if (rows.size === 0) return FREE;
    const row = rows.find(hash, local, lp, remote, rp);
    if (row < 0) return FREE;
    const loopback = local.isLoopback || remote.isLoopback;
    return this.rows.mayReuse(rows, row, explicit, loopback) ? row : TAKEN;
  }
}
