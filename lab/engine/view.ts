import { errnoName } from '../../src/base/errno.ts';
import { type Micros, NEVER } from '../../src/base/time.ts';
import type { Host } from '../../src/sim/host.ts';
import { Descriptor } from '../../src/socket/descriptor.ts';
import type { TimeWaitView } from '../../src/stack/time-waits.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import { INFINITE_SSTHRESH, XMIT_PROBE0, XMIT_REO, XMIT_RTO, XMIT_TLP } from '../../src/tcp/constants.ts';
import { LISTEN, SYN_RECV, TIME_WAIT } from '../../src/tcp/state.ts';
import type { App } from './actions.ts';
import type { Setting } from './knobs.ts';
import type { Connections } from './names.ts';
import type { Stage } from './world.ts';

/** A timer that runs, and the moment (of the world's time) at which it goes off. */
export interface TimerView {
  readonly name: TimerKind;
  readonly at: Micros;
}

export type TimerKind =
  | 'rto'
  | 'persist'
  | 'tlp'
  | 'reorder'
  | 'delack'
  | 'keepalive'
  | 'fin_wait_2'
  | 'time_wait'
  | 'syn_ack';

/** The variables of a connection, sequence numbers counted from each side's initial one. */
export interface Variables {
  readonly una: number;
  readonly nxt: number;
  /** End of what the application has written. */
  readonly written: number;
  /** The peer's window, bytes. */
  readonly sndWnd: number;
  readonly rcvNxt: number;
  /** What the application has read up to. */
  readonly read: number;
  /** What is left of the window that we announced. */
  readonly rcvWnd: number;
  /** Congestion window and what is believed in flight, in segments. */
  readonly cwnd: number;
  /** −1 while it is infinite. */
  readonly ssthresh: number;
  readonly inFlight: number;
  readonly mss: number;
  /** Microseconds; 0 while none was measured. */
  readonly srtt: number;
  readonly rto: number;
  readonly retransmits: number;
}

/** One row of the sockets table. */
export interface SocketView {
  /** What the script calls it, '' if nobody holds it. */
  readonly name: string;
  readonly state: number;
  readonly local: string;
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
  readonly conn: number;
  readonly recvQ: number;
  readonly sendQ: number;
  /** Closed by its application, kept by TCP. */
  readonly orphan: boolean;
  readonly error: string;
  readonly timers: readonly TimerView[];
  readonly vars: Variables | null;
  /** A listener's SYN queue. */
  readonly synQueue: number;
}

/** A host at one moment. */
export interface HostView {
  readonly name: string;
  readonly down: boolean;
  readonly sockets: readonly SocketView[];
  /** Those that there was no room for. */
  readonly more: number;
  /** How many there are in each state, by Linux's numbers. */
  readonly counts: readonly number[];
  /** The sysctls that differ from their defaults. */
  readonly sysctls: readonly Setting[];
}

/** Both hosts after an event. */
export interface Moment {
  readonly step: number;
  readonly time: Micros;
  readonly hosts: readonly [HostView, HostView];
}

/** Rows shown of one host. */
const MOST = 60;

/** Looks at both hosts of a stage. A host on which nothing has happened since is not looked at again. */
export class Viewer {
  private readonly stage: Stage;
  private readonly connections: Connections;
  private readonly last: [HostView | null, HostView | null] = [null, null];

  constructor(stage: Stage, connections: Connections) {
    this.stage = stage;
    this.connections = connections;
  }

  look(): Moment {
    const { world } = this.stage;
    return { step: world.steps, time: world.now, hosts: [this.host(0), this.host(1)] };
  }

  private host(side: 0 | 1): HostView {
    const host = this.stage.hosts[side];
    const app = this.stage.apps[side];
    const last = this.last[side];
    if (last !== null && !host.unchecked && last.down === host.down && last.sysctls === app.sysctls)
      return last;
    host.unchecked = false;
    const view = viewHost(host, this.connections, app);
    this.last[side] = view;
    return view;
  }
}

function viewHost(host: Host, connections: Connections, app: App): HostView {
  const { sysctls } = app;
  if (host.down)
    return { name: host.name, down: true, sockets: [], more: 0, counts: new Array(12).fill(0), sysctls };
  const nameOf = (fd: number): string => app.nameOf(fd);
  const { tcp } = host.stack;
  const sockets: SocketView[] = [];
  let total = 0;
  const add = (make: () => SocketView): void => {
    if (++total <= MOST) sockets.push(make());
  };
  for (const l of tcp.listeners()) {
    add(() => ({
      ...EMPTY,
      name: l.owner instanceof Descriptor ? nameOf(l.owner.fd) : '',
      state: LISTEN,
      local: l.local.toString(),
      localPort: l.localPort,
      peer: '0.0.0.0',
      recvQ: l.queueLength,
      sendQ: l.backlog,
      synQueue: l.synQueueLength,
    }));
  }
  for (const c of tcp.connections()) add(() => connectionView(host, c, connections, nameOf));
  for (const r of tcp.requests()) {
    add(() => ({
      ...EMPTY,
      ...ends(r, connections),
      state: SYN_RECV,
      timers: r.deadline === NEVER ? [] : [{ name: 'syn_ack', at: host.worldTime(r.deadline) }],
    }));
  }
  if (tcp.timeWaitCount > 0) {
    total += tcp.timeWaitCount;
    for (const t of tcp.timeWaits()) {
      if (sockets.length >= MOST) break;
      sockets.push(rowView(host, t, connections));
    }
  }
  return {
    name: host.name,
    down: false,
    sockets,
    more: total - sockets.length,
    counts: [...tcp.counts()],
    sysctls,
  };
}

function rowView(host: Host, t: TimeWaitView, connections: Connections): SocketView {
  const at = Math.round(host.worldTime(host.stack.now + Math.max(0, t.remaining)));
  return {
    ...EMPTY,
    ...ends(t, connections),
    state: t.state,
    orphan: true,
    timers: [{ name: t.state === TIME_WAIT ? 'time_wait' : 'fin_wait_2', at }],
  };
}

const EMPTY = {
  name: '',
  peerPort: 0,
  conn: -1,
  recvQ: 0,
  sendQ: 0,
  orphan: false,
  error: '',
  timers: [],
  vars: null,
  synQueue: 0,
} as const;

interface Ends {
  readonly local: { toString(): string };
  readonly localPort: number;
  readonly remote: { toString(): string };
  readonly remotePort: number;
}

function ends(
  e: Ends,
  connections: Connections,
): Pick<SocketView, 'local' | 'localPort' | 'peer' | 'peerPort' | 'conn'> {
  const local = e.local.toString();
  const peer = e.remote.toString();
  return {
    local,
    localPort: e.localPort,
    peer,
    peerPort: e.remotePort,
    conn: connections.of(local, e.localPort, peer, e.remotePort),
  };
}

function connectionView(
  host: Host,
  c: Connection,
  connections: Connections,
  nameOf: (fd: number) => string,
): SocketView {
  const known = !(c.irs === 0 && c.rcvNxt === 0);
  return {
    ...EMPTY,
    ...ends(c, connections),
    name: !c.orphan && c.owner instanceof Descriptor ? nameOf(c.owner.fd) : '',
    state: c.state,
    recvQ: known ? Math.max(0, (c.rcvNxt - c.copiedSeq) | 0) : 0,
    sendQ: Math.max(0, (c.writeSeq - c.sndUna) | 0),
    orphan: c.orphan,
    error: c.error === 0 ? '' : errnoName(c.error),
    timers: timersOf(host, c),
    vars: {
      una: (c.sndUna - c.iss) >>> 0,
      nxt: (c.sndNxt - c.iss) >>> 0,
      written: (c.writeSeq - c.iss) >>> 0,
      sndWnd: c.sndWnd,
      rcvNxt: known ? (c.rcvNxt - c.irs) >>> 0 : 0,
      read: known ? (c.copiedSeq - c.irs) >>> 0 : 0,
      rcvWnd: c.receiveWindow,
      cwnd: c.cwnd,
      ssthresh: c.ssthresh >= INFINITE_SSTHRESH ? -1 : c.ssthresh,
      inFlight: c.inFlight,
      mss: c.mssCache,
      srtt: c.srtt >> 3,
      rto: c.rto,
      retransmits: c.retransmits,
    },
  };
}

const XMIT_NAMES: Readonly<Record<number, TimerKind>> = {
  [XMIT_RTO]: 'rto',
  [XMIT_PROBE0]: 'persist',
  [XMIT_TLP]: 'tlp',
  [XMIT_REO]: 'reorder',
};

function timersOf(host: Host, c: Connection): TimerView[] {
  const out: TimerView[] = [];
  const add = (name: TimerKind | undefined, at: Micros): void => {
    if (at !== NEVER && name !== undefined) out.push({ name, at: Math.round(host.worldTime(at)) });
  };
  add(XMIT_NAMES[c.xmitKind], c.xmitAt);
  add('delack', c.delackAt);
  add('keepalive', c.keepaliveAt);
  add('fin_wait_2', c.finWait2At);
  return out;
}
