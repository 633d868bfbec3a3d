import { errnoName } from '../../src/base/errno.ts';
import { formatOptions } from '../../src/sim/format.ts';
import type { Host } from '../../src/sim/host.ts';
import type { CallEvent, PacketEvent, SegmentEvent, SimEvent, StateEvent } from '../../src/sim/log.ts';
import { CLOSED, LISTEN, type State, SYN_RECV, stateName } from '../../src/tcp/state.ts';
import type { Tcb } from '../../src/tcp/tcb.ts';
import type { SentKind, TimerName } from '../../src/tcp/trace.ts';
import { ACK, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.ts';
import {
  CALL,
  EventLog,
  FATES,
  MARK_AGAIN,
  MARK_COPY,
  MARK_INJECTED,
  MARK_LOOP,
  NOTE,
  PACKET,
  type Row,
  SEGMENT,
  SIDE_A,
  SIDE_B,
  SIDE_NONE,
  STATE,
  TIMER,
} from './log.ts';
import { Connections } from './names.ts';
import type { Samples } from './samples.ts';
import { type Observer, Tee } from './tee.ts';
import type { Stage } from './world.ts';

/** Letters of flags, as the simulator writes them. */
const FLAG_BITS: readonly (readonly [string, number])[] = [
  ['.', ACK],
  ['P', PSH],
  ['S', SYN],
  ['F', FIN],
  ['R', RST],
  ['U', URG],
  ['E', 64],
  ['W', 128],
  ['A', 256],
];

function flagsOf(letters: string): number {
  if (letters === '.') return ACK;
  if (letters === 'P.') return PSH | ACK;
  let flags = 0;
  for (const [letter, bit] of FLAG_BITS) if (letters.includes(letter)) flags |= bit;
  return flags;
}

const STATES = new Map<string, number>();
for (let s = 1; s <= 11; s++) STATES.set(stateName(s as State), s);

const sideOf = (name: string): number => (name === 'A' ? SIDE_A : name === 'B' ? SIDE_B : SIDE_NONE);

/** Turns what a world's log says into rows, as it happens. */
export class Recorder implements Observer {
  readonly log = new EventLog();
  readonly connections = new Connections();
  private readonly stage: Stage;
  private readonly tees: readonly [Tee, Tee];
  private readonly dirty: [Set<Tcb>, Set<Tcb>] = [new Set(), new Set()];
  private readonly numbers = new WeakMap<Tcb, number>();
  private at = 0;

  constructor(stage: Stage) {
    this.stage = stage;
    const [a, b] = stage.hosts;
    this.tees = [new Tee(a, this), new Tee(b, this)];
  }

  /** Takes in what has happened since it was last called. */
  drain(): void {
    for (const tee of this.tees) tee.hold();
    const { log } = this.stage.world;
    while (this.at < log.length) this.take(log[this.at++]!);
    // What is recorded here need not be kept there.
    if (this.at > 4096) {
      log.length = 0;
      this.at = 0;
    }
  }

  touched(host: Host, tcb: Tcb): void {
    this.dirty[host.name === 'A' ? 0 : 1].add(tcb);
  }

  /** Adds samples of the connections that something happened to since the last time. */
  sample(samples: Samples): void {
    const { steps, now } = this.stage.world;
    for (const side of [0, 1] as const) {
      for (const tcb of this.dirty[side]) samples.note(steps, now, side, this.connOf(tcb), tcb);
      this.dirty[side].clear();
    }
  }

  timer(host: Host, tcb: Tcb, name: TimerName): void {
    if (name === 'pacing') return;
    this.drain();
    this.log.add({ ...this.base(TIMER, host.name), conn: this.connOf(tcb), text: name });
  }

  loop(host: Host, tcb: Tcb, seq: number, length: number, flags: number, kind: SentKind): void {
    this.drain();
    this.log.add({
      ...this.base(SEGMENT, host.name),
      arrival: host.world.now,
      conn: this.connOf(tcb),
      flags,
      seq: (seq - tcb.iss) >>> 0,
      ack: flags & ACK && tcb.irs !== 0 ? (tcb.rcvNxt - tcb.irs) >>> 0 : 0,
      length,
      window: tcb.receiveWindow,
      marks: MARK_LOOP | (kind === 'retransmit' ? MARK_AGAIN : 0),
      text: '|',
    });
  }

  private base(kind: number, host: string): { kind: number; step: number; time: number; side: number } {
    const { world } = this.stage;
    return { kind, step: world.steps, time: world.now, side: sideOf(host) };
  }

  private connOf(tcb: Tcb): number {
    let n = this.numbers.get(tcb);
    if (n === undefined) {
      n = this.connections.of(tcb.local.toString(), tcb.localPort, tcb.remote.toString(), tcb.remotePort);
      this.numbers.set(tcb, n);
    }
    return n;
  }

  private take(e: SimEvent): void {
    if (e.kind === 'segment') this.segment(e);
    else if (e.kind === 'packet') this.packet(e);
    else if (e.kind === 'state') this.state(e);
    else if (e.kind === 'call') this.call(e);
    else this.log.add({ ...this.base(NOTE, ''), time: e.time, text: e.text });
  }

  private segment(e: SegmentEvent): void {
    const from = e.injected ? (e.to === 'A' ? 'B' : 'A') : e.from;
    const flags = flagsOf(e.flags);
    const tee = this.tees[from === 'A' ? 0 : 1];
    const timer = !e.injected && tee.lastTimerAt === e.time ? tee.lastTimer : '';
    const options = e.mss === null && e.sack.length === 0 ? '' : formatOptions(e);
    const row: Row = {
      kind: SEGMENT,
      step: this.stage.world.steps,
      time: e.time,
      side: sideOf(from),
      arrival: e.arrival ?? -1,
      conn: this.connections.of(e.source, e.sourcePort, e.destination, e.destinationPort),
      flags,
      seq: e.seq,
      ack: e.ack ?? 0,
      length: e.length,
      window: e.window,
      fate: FATES.indexOf(e.fate),
      marks: (e.retransmit ? MARK_AGAIN : 0) | (e.injected ? MARK_INJECTED : 0),
      frame: e.index,
      tsVal: e.timestamps?.[0] ?? 0,
      tsEcr: e.timestamps?.[1] ?? 0,
      text: `${options}|${e.reason}`,
      why: e.retransmit ? timer || this.repeatOf(e, sideOf(from), flags) : timer === 'rto' ? '' : timer,
    };
    this.log.add(row);
    if (e.copy === null) return;
    this.log.add({ ...row, arrival: e.copy, frame: -1, marks: MARK_COPY, why: '' });
  }

  /** Why a segment goes out again when no timer says so: what the SYN queue repeats has its own. */
  private repeatOf(e: SegmentEvent, side: number, flags: number): string {
    if ((flags & (SYN | ACK)) !== (SYN | ACK)) return 'fast';
    const { columns: c } = this.log;
    const conn = this.connections.of(e.source, e.sourcePort, e.destination, e.destinationPort);
    for (let i = this.log.length - 1; i >= 0 && i > this.log.length - 5000; i--)
      if (c.kind[i] === SEGMENT && c.conn[i] === conn && c.side[i] === side)
        return (c.flags[i]! & (SYN | ACK)) === (SYN | ACK) ? 'syn_ack' : '';
    return '';
  }

  private packet(e: PacketEvent): void {
    this.log.add({
      ...this.base(PACKET, e.injected ? (e.to === 'A' ? 'B' : 'A') : e.from),
      time: e.time,
      arrival: e.arrival ?? -1,
      fate: FATES.indexOf(e.fate),
      frame: e.index,
      length: e.size,
      text: `${e.protocol}${e.icmpType === null ? '' : ` type ${e.icmpType} code ${e.icmpCode}`}|${e.reason}`,
    });
  }

  private state(e: StateEvent): void {
    const to = STATES.get(e.to) ?? CLOSED;
    let from = STATES.get(e.from) ?? CLOSED;
    // A request of a SYN queue came out of a listener.
    if (from === CLOSED && to === SYN_RECV) from = LISTEN;
    this.log.add({
      ...this.base(STATE, e.host),
      time: e.time,
      conn: this.connections.of(e.local, e.localPort, e.remote, e.remotePort),
      from,
      to,
      why: e.why,
      text: `${e.localPort}`,
    });
  }

  private call(e: CallEvent): void {
    const app = this.stage.apps[e.host === 'A' ? 0 : 1];
    const [fd, ...rest] = e.args;
    const named =
      e.call === 'socket' || e.args.length === 0 ? e.args : [app.nameOf(Number(fd)) || `fd ${fd}`, ...rest];
    const result =
      e.result < 0 ? errnoName(e.result) : e.data !== null && e.result === 0 ? '0 (EOF)' : String(e.result);
    this.log.add({
      ...this.base(CALL, e.host),
      time: e.time,
      text: `${e.call}(${named.join(', ')}) = ${result}`,
      why: e.blocked > 0 ? String(e.blocked) : '',
    });
  }
}
