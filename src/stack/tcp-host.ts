import type { Address } from '../base/address.ts';
import { Rows } from '../base/columns.ts';
import type { Mib } from '../base/mib.ts';
import type { Random, SipKey } from '../base/random.ts';
import { SlabPool } from '../base/ring.ts';
import { type Seq, seq } from '../base/seq.ts';
import type { SysctlValues } from '../base/sysctl.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { arriveListen, arriveSyn, removeFromQueue } from '../tcp/arrive-listen.ts';
import { arriveRequest } from '../tcp/arrive-request.ts';
import { arriveTimeWait, reopenIsn, type TimeWaitHost, TW_REOPEN } from '../tcp/arrive-time-wait.ts';
import type { Connection } from '../tcp/connection.ts';
import { finish } from '../tcp/done.ts';
import { expire } from '../tcp/expire.ts';
import { endFastOpen, type SynData } from '../tcp/fastopen.ts';
import { FastOpenHost } from '../tcp/fastopen-host.ts';
import { endsRequest, tcpIcmpError } from '../tcp/icmp-error.ts';
import type { ListenContext, Listener } from '../tcp/listener.ts';
import type { TcpOptions } from '../tcp/options.ts';
import { output } from '../tcp/output.ts';
import type { Network, Path } from '../tcp/path.ts';
import { replyReset } from '../tcp/reply.ts';
import type { Request } from '../tcp/request.ts';
import { dropSent, SentPool } from '../tcp/sent.ts';
import { CLOSED, retire, transition } from '../tcp/state.ts';
import type { Tcb } from '../tcp/tcb.ts';
import { TCB_LAYOUT } from '../tcp/tcb-columns.ts';
import { EXTRA_LAYOUT } from '../tcp/tcb-extra.ts';
import type { TimeWaitTable } from '../tcp/time-wait.ts';
import type { TraceSink } from '../tcp/trace.ts';
import type { IcmpError } from '../wire/icmp-error.ts';
import { RST, type Segment } from '../wire/segment.ts';
import { Alarms } from './alarms.ts';
import { ChallengeBudget } from './challenge-budget.ts';
import { Keys } from './keys.ts';
import { type Binding, Opener } from './opener.ts';
import { Bound, Ports } from './ports.ts';
import { TcpTables } from './tcp-tables.ts';
import type { TimeWaitView } from './time-waits.ts';

export interface TcpEnv {
  readonly sysctl: SysctlValues;
  readonly mib: Mib;
  readonly random: Random;
  /** Jiffies per second. */
  readonly hz: number;
  readonly net: Network;
}

/** Bursts of new data that one connection may send before the others have their turn. */
const TURN = 16;

/**
 * The TCP of one host: tables of connections, listeners, SYN queue entries and TIME_WAIT rows, their
 * timers, and the list of those that want to send. Segments come in by `receive`, go out through
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
  readonly rows = new Rows(TCB_LAYOUT);
  readonly extraRows = new Rows(EXTRA_LAYOUT);
  readonly slabs = new SlabPool();
  readonly sentPool = new SentPool();
  readonly secret: SipKey;
  readonly fastOpen: FastOpenHost;
  readonly ports: Ports;
  trace: TraceSink | null = null;
  orphans = 0;

  private readonly tables: TcpTables;
  private readonly alarms: Alarms<Connection>;
  private readonly keys: Keys;
  readonly opener: Opener;
  private readonly challenges: ChallengeBudget;
  private changed: (Connection | Listener)[] = [];
  private dirty: Connection[] = [];

  constructor(env: TcpEnv) {
    this.sysctl = env.sysctl;
    this.mib = env.mib;
    this.random = env.random;
    this.net = env.net;
    this.jiffy = MICROS_PER_SECOND / env.hz;
    this.keys = new Keys(env.random);
    this.challenges = new ChallengeBudget(env.sysctl, env.random);
    this.secret = this.keys.cookies;
    this.fastOpen = new FastOpenHost(env.sysctl, env.mib, env.random);
    this.tables = new TcpTables(this.keys.tables, this, env.net);
    this.alarms = new Alarms<Connection>(this.jiffy, c => this.alarm(c));
    this.opener = new Opener(this, this.tables);
    this.ports = new Ports(env.sysctl, env.random, this.keys.ports, this.tables, a => env.net.isLocal(a));
  }

  // The way in

  /** A segment that IP has delivered; its checksum is good. */
  receive(segment: Segment): void {
    this.mib.TcpInSegs += segment.count;
    const { source, destination, sourcePort, destinationPort } = segment;
    const hash = this.tables.flows.hash(destination, destinationPort, source, sourcePort);
    const flow = this.tables.flows.find(hash, destination, destinationPort, source, sourcePort);
    if (flow !== null) {
      flow.receiveSegment(segment);
      return;
    }
    const { requests } = this.tables;
    const request = requests.find(hash, destination, destinationPort, source, sourcePort);
    if (request !== null) {
      if (!request.listener.closed) {
        arriveRequest(request, segment);
        requests.save(request);
        return;
      }
      // Its listener is gone: so is the entry, and the segment meets whoever is there now.
      removeFromQueue(request);
    }
    const rows = this.tables.rows.table(destination);
    if (rows.size > 0) {
      const row = rows.find(hash, destination, destinationPort, source, sourcePort);
      if (row >= 0) {
        this.arriveTimeWaitRow(rows, row, segment);
        return;
      }
    }
    const listener = this.tables.listener(segment, hash);
    if (listener !== null) arriveListen(listener, segment);
    else if (!(segment.flags & RST)) replyReset(this, segment);
  }

  private arriveTimeWaitRow(rows: TimeWaitTable, row: number, segment: Segment): void {
    if (arriveTimeWait(this, rows, row, segment) !== TW_REOPEN) return;
    const listener = this.tables.listener(segment, 0);
    // Nobody to open anew: the row answers as to any stray segment.
    if (listener === null) this.tables.rows.acknowledge(rows, row);
    else {
      const isn = reopenIsn(rows, row);
      this.removeTimeWait(rows, row);
      arriveSyn(listener, segment, isn);
    }
  }

  /** An ICMP error that quotes a segment of ours. */
  icmpError(e: IcmpError): void {
    const hash = this.tables.flows.hash(e.source, e.sourcePort, e.destination, e.destinationPort);
    const { flows, requests } = this.tables;
    const flow = flows.find(hash, e.source, e.sourcePort, e.destination, e.destinationPort);
    if (flow !== null) {
      tcpIcmpError(flow, e);
      return;
    }
    const request = requests.find(hash, e.source, e.sourcePort, e.destination, e.destinationPort);
    if (request === null) this.mib.IcmpInErrors++;
    else if (seq(e.seq) === request.iss && endsRequest(e)) removeFromQueue(request);
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
    return Math.min(this.alarms.next(), this.tables.next() * this.jiffy);
  }

  /** Fires what is due, about `budget` timers at most; returns how many. */
  expire(now: Micros, budget: number): number {
    if (now > this.now) this.now = now;
    const n = this.alarms.expire(this.now, budget);
    return n + this.tables.expire(Math.floor(this.now / this.jiffy), budget);
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
    for (const c of this.connections()) {
      c.recvRing?.free();
      c.sendRing?.free();
      c.sent.clear();
    }
    this.tables.flows.clear();
    this.tables.requests.clear();
    this.tables.listening.clear();
    this.tables.rows.clear();
    this.changed = [];
    this.dirty = [];
    this.alarms.clear();
  }

  // User calls

  /**
   * Active open. Without a binding, or with one of port 0, an ephemeral port is chosen.
   * @param data Fast Open: what the SYN may carry
   * @returns the connection in SYN_SENT; −EADDRNOTAVAIL, −ENETUNREACH, −EHOSTUNREACH
   */
  connect(
    options: TcpOptions,
    bound: Binding | null,
    remote: Address,
    port: number,
    data: SynData | null = null,
  ): Connection | number {
    return this.opener.connect(options, bound, remote, port, data);
  }

  /**
   * Passive open on a bound port.
   * @param hold each request waits for the embedder's decision (`Listener.held`)
   * @returns −EADDRINUSE if others listen there already
   */
  listen(options: TcpOptions, bound: Binding, backlog: number, hold = false): Listener | number {
    return this.opener.listen(options, bound, backlog, hold);
  }

  // The tables, as ss and netstat read them
  connections(): IterableIterator<Connection> {
    return this.tables.flows[Symbol.iterator]();
  }

  /** Entries of SYN queues. */
  requests(): IterableIterator<Request> {
    return this.tables.requests[Symbol.iterator]();
  }

  listeners(): IterableIterator<Listener> {
    return this.tables.listening.all();
  }

  /** TIME_WAIT rows, those of orphans in FIN_WAIT_2 included. */
  timeWaits(): IterableIterator<TimeWaitView> {
    return this.tables.rows.views();
  }

  get timeWaitCount(): number {
    return this.tables.rows.size;
  }

  /** Another number whenever a row has come, gone or changed its state. */
  get timeWaitChanges(): number {
    return this.tables.rows.changes;
  }

  /** Timers armed: of connections, SYN queue entries and TIME_WAIT rows. */
  get timersArmed(): number {
    return this.alarms.armed + this.tables.requests.timersArmed + this.tables.rows.timersArmed;
  }

  /** How many are in each state, by Linux's numbers; rows, SYN queue entries and listeners included. */
  counts(): Int32Array {
    return this.tables.counts();
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
    if (at >= tcb.armedAt || tcb.state === CLOSED) return;
    tcb.armedAt = at;
    this.alarms.set(tcb as Connection, at);
  }

  scheduleExact(tcb: Tcb): void {
    if (tcb.state === CLOSED) return;
    this.alarms.setExact(tcb as Connection, Math.min(tcb.pacingAt, tcb.compressedAckAt));
  }

  closed(tcb: Tcb): void {
    const c = tcb as Connection;
    this.tables.flows.remove(c);
    this.alarms.dismiss(c);
    if (c.portHeld) {
      this.ports.removeFlow(c.localPort);
      c.portHeld = false;
    }
  }

  mayChallenge(): boolean {
    return this.challenges.allow(this.now);
  }

  orphaned(change: 1 | -1): void {
    this.orphans += change;
  }

  timeWait(tcb: Tcb, substate: number, timeout: Micros): void {
    const c = tcb as Connection;
    endFastOpen(c);
    transition(c, substate as 5 | 6, 'to the TIME_WAIT table');
    const row = this.tables.rows.take(c, substate, timeout);
    // Linux drops what is unsent with the connection; data received stays readable.
    dropSent(c);
    if (row >= 0) retire(c);
    else {
      this.mib.TcpExtTCPTimeWaitOverflow++;
      transition(c, CLOSED, 'tcp_max_tw_buckets');
    }
    finish(c);
  }

  isn(local: Address, localPort: number, remote: Address, remotePort: number): Seq {
    return this.keys.isn(this.now, local, localPort, remote, remotePort);
  }

  timestampOffset(local: Address, remote: Address): number {
    return this.keys.timestampOffset(local, remote);
  }

  // What listeners ask (ListenContext)
  addRequest(request: Request): void {
    this.tables.requests.add(request);
  }

  removeRequest(request: Request): void {
    this.tables.requests.remove(request);
  }

  scheduleRequest(request: Request): void {
    this.tables.requests.schedule(request);
  }

  createChild(listener: Listener, request: Request, path: Path): Connection {
    return this.opener.child(listener, request, path);
  }

  listenerClosed(listener: Listener): void {
    this.tables.listening.remove(listener);
    if (listener.bound instanceof Bound) listener.bound.listening = false;
    this.wakeListener(listener);
  }

  // What TIME_WAIT rows ask (TimeWaitHost)
  restartTimeWait(table: TimeWaitTable, row: number): void {
    this.tables.rows.restart(table, row);
  }

  removeTimeWait(table: TimeWaitTable, row: number): void {
    this.tables.rows.remove(table, row);
  }

  timeWaitEntered(table: TimeWaitTable, row: number): void {
    table.setEntered(row, Math.floor(this.now / 1000) | 0);
  }

  private alarm(c: Connection): void {
    c.armedAt = NEVER;
    expire(c);
    if (c.state === CLOSED) return;
    this.schedule(c);
    if (c.pacingAt !== NEVER || c.compressedAckAt !== NEVER) this.scheduleExact(c);
  }
}
