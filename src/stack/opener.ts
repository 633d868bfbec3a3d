import type { Address } from '../base/address.ts';
import { EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH } from '../base/errno.ts';
import { reopenIsn } from '../tcp/arrive-time-wait.ts';
import { openChild } from '../tcp/child.ts';
import type { Congestion } from '../tcp/congestion/controller.ts';
import { Cubic } from '../tcp/congestion/cubic.ts';
import { Reno } from '../tcp/congestion/reno.ts';
import { Connection } from '../tcp/connection.ts';
import type { SynData } from '../tcp/fastopen.ts';
import { Listener } from '../tcp/listener.ts';
import { open } from '../tcp/open.ts';
import type { TcpOptions } from '../tcp/options.ts';
import type { Path } from '../tcp/path.ts';
import type { Request } from '../tcp/request.ts';
import { Bound } from './ports.ts';
import type { TcpHost } from './tcp-host.ts';
import { TAKEN, type TcpTables } from './tcp-tables.ts';

/** Where a socket is bound; port 0 leaves the choice to connect(). */
export interface Binding {
  readonly address: Address;
  readonly port: number;
}

/** Makes connections and listeners, and enters them into the host's tables. */
export class Opener {
  private readonly host: TcpHost;
  private readonly tables: TcpTables;
  /** What every new connection gets, whatever TCP_CONGESTION says: for experiments. */
  imposed: Congestion | null = null;
  private readonly reno = new Reno();
  private readonly cubic = new Cubic();

  constructor(host: TcpHost, tables: TcpTables) {
    this.host = host;
    this.tables = tables;
  }

  connect(
    options: TcpOptions,
    bound: Binding | null,
    remote: Address,
    port: number,
    synData: SynData | null,
  ): Connection | number {
    const { host, tables } = this;
    const { net, ports } = host;
    if (net.isBroadcast(remote) || remote.isMulticast) return -ENETUNREACH;
    const asked = bound !== null && !bound.address.isAny ? bound.address : null;
    const path = net.path(remote, asked);
    if (typeof path === 'number') return path;
    // Connections of one path share its addresses.
    const local = asked ?? path.source;
    let row = TAKEN;
    const claim = (p: number, explicit: boolean): boolean => {
      row = tables.claim(local, p, remote, port, explicit);
      return row !== TAKEN;
    };
    let localPort = bound?.port ?? 0;
    if (localPort === 0) localPort = ports.ephemeral(local, remote, port, p => claim(p, false));
    else if (!claim(localPort, true)) localPort = 0;
    if (localPort === 0) return -EADDRNOTAVAIL;
    const iss =
      row >= 0 ? reopenIsn(tables.rows.table(remote), row) : host.isn(local, localPort, remote, port);
    const c = this.make(options, path, local, localPort, path.destination, port);
    if (row >= 0) tables.rows.inherit(row, c);
    if (bound instanceof Bound) c.reuseAddr = bound.reuseAddr;
    this.enter(c);
    open(c, iss, synData);
    return c;
  }

  listen(options: TcpOptions, bound: Binding, backlog: number, hold: boolean): Listener | number {
    if (bound instanceof Bound) {
      if (!this.host.ports.mayListen(bound)) return -EADDRINUSE;
      bound.listening = true;
    }
    const v6only = bound instanceof Bound && bound.v6only;
    const listener = new Listener(this.host, options, bound.address, bound.port, backlog, v6only, hold);
    listener.bound = bound;
    this.tables.listening.add(listener);
    return listener;
  }

  /** The connection of a handshake that a listener has completed. */
  child(listener: Listener, request: Request, path: Path): Connection {
    // Connections of one path share its addresses.
    const { source: local, destination: remote } = path;
    const c = this.make(listener.options, path, local, request.localPort, remote, request.remotePort);
    if (listener.bound instanceof Bound) c.reuseAddr = listener.bound.reuseAddr;
    this.enter(c);
    openChild(c, request);
    return c;
  }

  private make(
    options: TcpOptions,
    path: Path,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
  ): Connection {
    const { host } = this;
    const { sysctl } = host;
    const cc = this.congestion(options);
    const c = new Connection(host, options, path, local, localPort, remote, remotePort, cc);
    c.sndbuf = options.sndbuf || sysctl.tcp_wmem[1];
    c.rcvbuf = options.rcvbuf || sysctl.tcp_rmem[1];
    return c;
  }

  private congestion(options: TcpOptions): Congestion {
    if (this.imposed !== null) return this.imposed;
    const name = options.congestion || this.host.sysctl.tcp_congestion_control;
    return name === 'reno' ? this.reno : this.cubic;
  }

  private enter(c: Connection): void {
    this.tables.flows.add(c);
    this.host.ports.addFlow(c.localPort);
    c.portHeld = true;
  }
}
