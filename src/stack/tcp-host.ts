import type { Address } from '../base/address.ts';
import { EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH } from '../base/errno.ts';
import type { Mib } from '../base/mib.ts';
import { type Random, randomKey, type SipKey, siphash } from '../base/random.ts';
import { SlabPool } from '../base/ring.ts';
import { type Seq, seq } from '../base/seq.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { TimerWheel } from '../base/timers.ts';
import { arriveListen, arriveSyn, removeFromQueue } from '../tcp/arrive-listen.ts';
import { arriveRequest, expireRequest } from '../tcp/arrive-request.ts';
import { arriveTimeWait, reopenIsn, type TimeWaitHost, TW_REOPEN } from '../tcp/arrive-time-wait.ts';
import { openChild } from '../tcp/child.ts';
import type { Congestion } from '../tcp/congestion/controller.ts';
import { Cubic } from '../tcp/congestion/cubic.ts';
import { Reno } from '../tcp/congestion/reno.ts';
import { Connection } from '../tcp/connection.ts';
import { finish } from '../tcp/done.ts';
import { expire } from '../tcp/expire.ts';
import { tcpIcmpError } from '../tcp/icmp-error.ts';
import { type ListenContext, Listener } from '../tcp/listener.ts';
import { sendSyn } from '../tcp/open.ts';
import type { TcpOptions } from '../tcp/options.ts';
import { output } from '../tcp/output.ts';
import type { Network, Path } from '../tcp/path.ts';
import { replyReset } from '../tcp/reply.ts';
import { Request } from '../tcp/request.ts';
import { SentPool } from '../tcp/sent.ts';
import { CLOSED, retire, transition } from '../tcp/state.ts';
import type { Tcb } from '../tcp/tcb.ts';
import type { TimeWaitTable } from '../tcp/time-wait.ts';
import type { TraceSink } from '../tcp/trace.ts';
import type { IcmpError } from '../wire/icmp-error.ts';
import { RST, type Segment } from '../wire/segment.ts';
import { FlowTable } from './demux.ts';
import { Listeners } from './listeners.ts';
import { Bound, Ports } from './ports.ts';
import { TimeWaits, type TimeWaitView } from './time-waits.ts';

export interface TcpEnv {
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
  /** Jiffies per second. */
  readonly hz: number;
  readonly net: Network;
}

type Flow = Connection | Request;

/** Bursts of new data that one connection may send before the others have their turn. */
const TURN = 16;

/**
 * The TCP of one host: tables of connections, listeners, SYN queue entries and TIME_WAIT rows, their one
 * timing wheel, and the list of those that want to send. Segments come in by `receive`, go out through
 * `net`; `output`, `deadline`, `expire` and `takeChanged` are asked by the stack.
 */
export class TcpHost implements ListenContext, TimeWaitHost {
  /** The time as last told. */
  now: Micros = 0;
  readonly jiffy: Micros;
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
  readonly net: Network;
  readonly slabs = new SlabPool();
  readonly sentPool = new SentPool();
  readonly secret: SipKey;
  readonly ports: Ports;
  trace: TraceSink | null = null;
  orphans = 0;

  private readonly flows: FlowTable<Flow>;
  private readonly listening = new Listeners();
  private readonly timeWaitRows: TimeWaits;
  private readonly wheel: TimerWheel;
  private readonly timed: (Flow | null)[] = [];
  private readonly freeIds: number[] = [];
  private readonly reno = new Reno();
  private readonly isnKey: SipKey;
  private readonly tsKey: SipKey;
  private changed: (Connection | Listener)[] = [];
  private dirty: Connection[] = [];
  private readonly fire: (id: number) => void;

  constructor(env: TcpEnv) {
    this.sysctl = env.sysctl;
    this.mib = env.mib;
    this.random = env.random;
    this.net = env.net;
    this.jiffy = MICROS_PER_SECOND / env.hz;
    this.secret = randomKey(env.random);
    this.isnKey = randomKey(env.random);
    this.tsKey = randomKey(env.random);
    this.flows = new FlowTable<Flow>(randomKey(env.random));
    this.wheel = new TimerWheel(0);
    this.timeWaitRows = new TimeWaits(this);
    this.ports = new Ports(env.sysctl, env.random, randomKey(env.random), this, a => env.net.isLocal(a));
    this.fire = id => this.timerFired(id);
  }

  // The way in

  /** A segment that IP has delivered; its checksum is good. */
  receive(segment: Segment): void {
    this.mib.TcpInSegs += segment.count;
    const { source, destination, sourcePort, destinationPort } = segment;
    const hash = this.flows.hash(destination, destinationPort, source, sourcePort);
    const flow = this.flows.find(hash, destination, destinationPort, source, sourcePort);
    if (flow !== null) {
      if (flow instanceof Connection) flow.receiveSegment(segment);
      else arriveRequest(flow, segment);
      return;
    }
    const rows = this.timeWaitRows.table(destination);
    if (rows.size > 0) {
      const row = rows.find(hash, destination, destinationPort, source, sourcePort);
      if (row >= 0 && !this.arriveTimeWaitRow(rows, row, segment)) return;
    }
    const listener = this.listening.find(destination, destinationPort, hash);
    if (listener !== null) arriveListen(listener, segment);
    else if (!(segment.flags & RST)) replyReset(this, segment);
  }

  /** True if the segment shall go on to a listener as if the row had not been there. */
  private arriveTimeWaitRow(rows: TimeWaitTable, row: number, segment: Segment): boolean {
    if (arriveTimeWait(this, rows, row, segment) !== TW_REOPEN) return false;
    const listener = this.listening.find(segment.destination, segment.destinationPort, 0);
    if (listener === null) {
      // Nobody to open anew: the row answers as to any stray segment.
      this.timeWaitRows.acknowledge(rows, row);
      return false;
    }
    const isn = reopenIsn(rows, row);
    this.removeTimeWait(rows, row);
    arriveSyn(listener, segment, isn);
    return false;
  }

  /** An ICMP error that quotes a segment of ours. */
  icmpError(e: IcmpError): void {
    const hash = this.flows.hash(e.source, e.sourcePort, e.destination, e.destinationPort);
    const flow = this.flows.find(hash, e.source, e.sourcePort, e.destination, e.destinationPort);
    if (flow === null) {
      this.mib.IcmpInErrors++;
      return;
    }
    if (flow instanceof Connection) tcpIcmpError(flow, e);
    else if (seq(e.seq) === flow.iss && isFatalForRequest(e)) removeFromQueue(flow);
    else this.mib.TcpExtOutOfWindowIcmps++;
  }

  // The way out

  /** Lets every connection that may have something to send do so, in turns. */
  output(): void {
    while (this.dirty.length > 0) {
      const list = this.dirty;
      this.dirty = [];
      let held = 0;
      for (const c of list) {
        c.dirty = false;
        if (c.path.congested && c.path.valid) {
          this.wantOutput(c);
          held++;
        } else if (output(c, TURN)) this.wantOutput(c);
      }
      // All that is left waits for room in an interface's queue.
      if (held === this.dirty.length) return;
    }
  }

  deadline(): Micros {
    const jiffies = Math.min(this.wheel.next(), this.timeWaitRows.next());
    return jiffies === Number.POSITIVE_INFINITY ? NEVER : jiffies * this.jiffy;
  }

  /** Fires what is due, about `budget` timers at most; returns how many. */
  expire(now: Micros, budget: number): number {
    if (now > this.now) this.now = now;
    const jiffy = Math.floor(this.now / this.jiffy);
    const n = this.wheel.expire(jiffy, budget, this.fire);
    return n + this.timeWaitRows.expire(jiffy, budget);
  }

  /** Connections and listeners whose readiness may have changed since the last call, each once. */
  takeChanged(): (Connection | Listener)[] {
    const list = this.changed;
    if (list.length === 0) return list;
    this.changed = [];
    for (const c of list) c.changed = false;
    return list;
  }

  /** Frees everything, without a word to anybody. */
  close(): void {
    for (const f of this.flows) {
      if (f.id >= 0) this.wheel.cancel(f.id);
      f.id = -1;
      if (f instanceof Connection) {
        f.recvRing?.free();
        f.sendRing?.free();
        f.sent.clear();
      }
    }
    this.flows.clear();
    this.listening.clear();
    this.timeWaitRows.clear();
    this.changed = [];
    this.dirty = [];
    this.timed.length = 0;
    this.freeIds.length = 0;
  }

  // User calls

  /**
   * Active open. Without a binding, or with one of port 0, an ephemeral port is chosen.
   * @returns the connection in SYN_SENT; −EADDRNOTAVAIL, −EADDRINUSE, −ENETUNREACH, −EHOSTUNREACH
   */
  connect(
    options: TcpOptions,
    bound: { readonly address: Address; readonly port: number } | null,
    remote: Address,
    port: number,
  ): Connection | number {
    if (this.net.isBroadcast(remote) || remote.isMulticast) return -ENETUNREACH;
    const asked = bound !== null && !bound.address.isAny ? bound.address : null;
    const path = this.net.path(remote, asked);
    if (typeof path === 'number') return path;
    const local = asked ?? path.source.clone();
    const fixed = bound !== null && bound.port !== 0;
    let localPort: number;
    if (fixed) {
      localPort = bound.port;
      if (!this.mayReuse(local, localPort, remote, port, true)) return -EADDRNOTAVAIL;
    } else {
      localPort = this.ports.ephemeral(local, remote, port, p =>
        this.mayReuse(local, p, remote, port, false),
      );
      if (localPort === 0) return -EADDRNOTAVAIL;
    }
    const row = this.timeWaitRows.lookup(local, localPort, remote, port);
    const iss =
      row >= 0 ? reopenIsn(this.timeWaitRows.table(remote), row) : this.isn(local, localPort, remote, port);
    const c = this.makeConnection(options, path, local, localPort, remote.clone(), port);
    if (row >= 0) this.timeWaitRows.inherit(row, c);
    if (bound instanceof Bound) c.reuseAddr = bound.reuseAddr;
    this.enter(c);
    sendSyn(c, iss);
    return c;
  }

  /** Passive open on a bound port. @returns −EADDRINUSE if others listen there already */
  listen(
    options: TcpOptions,
    bound: { readonly address: Address; readonly port: number },
    backlog: number,
    hold = false,
  ): Listener | number {
    if (bound instanceof Bound) {
      if (!this.ports.mayListen(bound)) return -EADDRINUSE;
      bound.listening = true;
    }
    const v6only = bound instanceof Bound ? bound.v6only : false;
    const listener = new Listener(this, options, bound.address, bound.port, backlog, v6only, hold);
    listener.bound = bound;
    this.listening.add(listener);
    return listener;
  }

  // Tables, as ss and netstat read them

  *connections(): IterableIterator<Connection> {
    for (const f of this.flows) if (f instanceof Connection) yield f;
  }

  *requests(): IterableIterator<Request> {
    for (const f of this.flows) if (f instanceof Request) yield f;
  }

  listeners(): IterableIterator<Listener> {
    return this.listening.all();
  }

  /** TIME_WAIT rows, those of orphans in FIN_WAIT_2 included. */
  timeWaits(): IterableIterator<TimeWaitView> {
    return this.timeWaitRows.views();
  }

  get timeWaitCount(): number {
    return this.timeWaitRows.size;
  }

  /** Timers armed: of connections and requests, and of TIME_WAIT rows. */
  get timersArmed(): number {
    return this.wheel.count + this.timeWaitRows.timersArmed;
  }

  /** Bytes of the TIME_WAIT tables. */
  get timeWaitBytes(): number {
    return this.timeWaitRows.bytes;
  }

  /** How many connections are in each state, by Linux's numbers; rows, requests and listeners included. */
  counts(): Int32Array {
    const n = new Int32Array(12);
    for (const f of this.flows) n[f instanceof Connection ? f.state : 3]!++;
    this.timeWaitRows.count(n);
    for (const _ of this.listening.all()) n[10]!++;
    return n;
  }

  // What connections ask (TcpContext)

  wake(tcb: Tcb): void {
    if (tcb.changed) return;
    tcb.changed = true;
    this.changed.push(tcb as Connection);
  }

  wakeListener(listener: Listener): void {
    if (listener.changed) return;
    listener.changed = true;
    this.changed.push(listener);
  }

  wantOutput(tcb: Tcb): void {
    if (tcb.dirty) return;
    tcb.dirty = true;
    this.dirty.push(tcb as Connection);
  }

  schedule(tcb: Tcb): void {
    const at = tcb.earliest();
    // A later deadline needs no visit to the wheel: the earlier one looks again when it comes.
    if (at >= tcb.armedAt || tcb.id < 0) return;
    tcb.armedAt = at;
    this.wheel.arm(tcb.id, Math.ceil(at / this.jiffy));
  }

  closed(tcb: Tcb): void {
    const c = tcb as Connection;
    this.flows.remove(c);
    this.freeId(c);
    if (c.portHeld) {
      this.ports.removeFlow(c.localPort);
      c.portHeld = false;
    }
  }

  orphaned(change: 1 | -1): void {
    this.orphans += change;
  }

  timeWait(tcb: Tcb, substate: number, timeout: Micros): void {
    const c = tcb as Connection;
    transition(c, substate as 5 | 6, 'to the TIME_WAIT table');
    const row = this.timeWaitRows.take(c, substate, timeout);
    // Linux drops what is unsent with the connection; data received stays readable.
    c.sent.clear();
    if (row >= 0) retire(c);
    else {
      this.mib.TcpExtTCPTimeWaitOverflow++;
      transition(c, CLOSED, 'tcp_max_tw_buckets');
    }
    finish(c);
  }

  isn(local: Address, localPort: number, remote: Address, remotePort: number): Seq {
    const h = this.hashTuple(this.isnKey, local, localPort, remote, remotePort);
    // M of RFC 6528: Linux's clock ticks every 64 ns, wrapping in 274 s (MUST-8 asks for about 4 µs).
    const ticks = Math.floor((this.now * 1000) / 64) % 2 ** 32;
    return seq(h + ticks);
  }

  timestampOffset(local: Address, remote: Address): number {
    return this.hashTuple(this.tsKey, local, 0, remote, 0);
  }

  /** The hash under which a 4-tuple is found in the tables. */
  tupleHash(local: Address, lp: number, remote: Address, rp: number): number {
    return this.flows.hash(local, lp, remote, rp);
  }

  private hashTuple(key: SipKey, local: Address, lp: number, remote: Address, rp: number): number {
    const ports = (lp << 16) | rp;
    if (remote.is4) return siphash(key, local.d, remote.d, ports, 0, 0, 0);
    const a = siphash(key, local.a, local.b, local.c, local.d, ports, 1);
    return siphash(key, a, remote.a, remote.b, remote.c, remote.d, 2);
  }

  // What listeners ask (ListenContext)

  addRequest(request: Request): void {
    this.flows.add(request);
    request.id = this.takeId(request);
  }

  removeRequest(request: Request): void {
    this.flows.remove(request);
    this.freeId(request);
  }

  scheduleRequest(request: Request): void {
    if (request.id >= 0) this.wheel.arm(request.id, Math.ceil(request.deadline / this.jiffy));
  }

  createChild(listener: Listener, request: Request, path: Path): Connection {
    const { local, localPort, remote, remotePort } = request;
    const c = this.makeConnection(listener.options.clone(), path, local, localPort, remote, remotePort);
    if (listener.bound instanceof Bound) c.reuseAddr = listener.bound.reuseAddr;
    this.enter(c);
    openChild(c, request);
    return c;
  }

  listenerClosed(listener: Listener): void {
    this.listening.remove(listener);
    if (listener.bound instanceof Bound) listener.bound.listening = false;
    for (const f of [...this.requests()]) if (f.listener === listener) removeFromQueue(f);
    this.wakeListener(listener);
  }

  // What TIME_WAIT rows ask (TimeWaitHost)

  restartTimeWait(table: TimeWaitTable, row: number): void {
    this.timeWaitRows.restart(table, row);
  }

  removeTimeWait(table: TimeWaitTable, row: number): void {
    this.timeWaitRows.remove(table, row);
  }

  timeWaitEntered(table: TimeWaitTable, row: number): void {
    table.setEntered(row, Math.floor(this.now / 1000) | 0);
  }

  // PortUsers

  flowConflicts(address: Address, port: number, reuseAddr: boolean): boolean {
    for (const f of this.flows) {
      if (!(f instanceof Connection) || f.localPort !== port || !f.portHeld) continue;
      if (!address.isAny && !f.local.equals(address)) continue;
      if (!reuseAddr || !f.reuseAddr) return true;
    }
    return this.timeWaitRows.conflicts(address, port, reuseAddr);
  }

  /** Whether the 4-tuple is free, or held by a TIME_WAIT row that may be reused now (section 5). */
  private mayReuse(local: Address, lp: number, remote: Address, rp: number, explicit: boolean): boolean {
    const hash = this.flows.hash(local, lp, remote, rp);
    if (this.flows.find(hash, local, lp, remote, rp) !== null) return false;
    return this.timeWaitRows.mayReuse(local, lp, remote, rp, explicit);
  }

  private makeConnection(
    options: TcpOptions,
    path: Path,
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
  ): Connection {
    const c = new Connection(
      this,
      options,
      path,
      local,
      localPort,
      remote,
      remotePort,
      this.congestion(options),
    );
    c.sndbuf = options.sndbuf || this.sysctl.tcp_wmem[1];
    c.rcvbuf = options.rcvbuf || this.sysctl.tcp_rmem[1];
    return c;
  }

  private congestion(options: TcpOptions): Congestion {
    const name = options.congestion || this.sysctl.tcp_congestion_control;
    return name === 'reno' ? this.reno : new Cubic();
  }

  private enter(c: Connection): void {
    this.flows.add(c);
    c.id = this.takeId(c);
    this.ports.addFlow(c.localPort);
    c.portHeld = true;
  }

  private takeId(f: Flow): number {
    const id = this.freeIds.pop() ?? this.timed.length;
    this.timed[id] = f;
    return id;
  }

  private freeId(f: Flow): void {
    if (f.id < 0) return;
    this.wheel.cancel(f.id);
    this.timed[f.id] = null;
    this.freeIds.push(f.id);
    f.id = -1;
  }

  private timerFired(id: number): void {
    const f = this.timed[id];
    if (!f) return;
    if (f instanceof Request) {
      expireRequest(f);
      return;
    }
    f.armedAt = NEVER;
    expire(f);
    if (f.state !== CLOSED) this.schedule(f);
  }
}

/** Unreachable networks and hosts, expired TTLs and malformed headers end a SYN queue entry; others don't. */
function isFatalForRequest(e: IcmpError): boolean {
  if (e.family === 4)
    return (e.type === 3 && e.code <= 1) || (e.type === 11 && e.code === 0) || e.type === 12;
  return (e.type === 1 && (e.code === 0 || e.code === 3)) || e.type === 3 || e.type === 4;
}
