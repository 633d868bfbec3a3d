/**
 * The lab that the timelines were measured in, on the simulator: two hosts, a relay between them that sees,
 * drops or eats each segment, and a script that works both hosts in turn. `lab.ts` and `host.ts` alone know
 * the simulator's interface.
 */

import type { Packet as SimPacket } from '../../../src/link/packet.ts';
import type { Waitable } from '../../../src/sim/call.ts';
import type { Wire } from '../../../src/sim/wire.ts';
import { World } from '../../../src/sim/world.ts';
import { LabHost } from './host.ts';
import { Pacer } from './pacer.ts';
import { flagText, Packet } from './packet.ts';
import type { Event, HostName, Shown, Timeline } from './timeline.ts';
import type { Outcome, Policy, Sock } from './vocabulary.ts';
import { Watcher } from './watcher.ts';

export type { LabHost } from './host.ts';

export type Script<T = void> = Generator<Waitable, T, unknown>;
export type Experiment = (L: Lab) => Script;
export type Experiments = Readonly<Record<string, Experiment>>;

/** One-way delay of the real relay, microseconds. */
const RELAY = 250;
const HZ = 250;
const PHASE = 1_000;
export const ADDRESS: Readonly<Record<HostName, string>> = { A: '10.9.0.1', B: '10.9.0.2' };

/** Runs an experiment; the log says what the script's own work cost. */
export function run(experiment: Experiment, logged: Timeline): Timeline {
  return new Lab(logged).run(experiment);
}

export class Lab {
  readonly world: World;
  readonly A: LabHost;
  readonly B: LabHost;
  /** What the relay does with each packet; forwards it if null. */
  policy: Policy | null = null;
  private readonly wire: Wire;
  /** World time of the mark, and delay beyond the relay's own, both in seconds. */
  private origin = 0;
  private oneWay = 0;
  /** With absolute times until the end. */
  private readonly events: Event[] = [];
  private readonly tail: string[] = [];
  /** Initial numbers by 'source:port>destination:port', and connections by both ports, A's first. */
  private readonly isn = new Map<string, number>();
  private readonly conns = new Map<string, number>();
  private readonly pacer: Pacer;
  private readonly watcher: Watcher;

  /** @param states whether state changes shall be in the timeline (looking for them takes time) */
  constructor(logged: Timeline, states = true) {
    this.world = new World({ seed: 1, hz: HZ, log: false });
    this.A = new LabHost(this, 'A');
    this.B = new LabHost(this, 'B');
    this.pacer = new Pacer(logged);
    this.watcher = new Watcher([this.A, this.B]);
    if (states) this.watch();
    this.wire = this.world.wire(this.A.sim, this.B.sim, { delay: RELAY });
    this.wire.rule({
      action: 'drop',
      match: (p: SimPacket) => this.relay(p.bytes.slice(p.ipAt, p.ipAt + p.size)),
    });
  }

  run(experiment: Experiment): Timeline {
    // Nothing begins just when a jiffy does.
    this.world.runFor(PHASE);
    const body = this.world.script(() => experiment(this), 'experiment');
    this.world.runUntil(() => body.ended);
    if (!body.ended) throw new Error(`the script waits for ever after '${this.lastLine()}'`);
    const end = this.now;
    const leave = this.world.script(() => this.leave(), 'end');
    this.world.runUntil(() => leave.ended);
    this.world.runFor(20_000);
    const { states, timers } = this.watcher;
    const events = [...this.events, ...states].sort((x, y) => x.t - y.t);
    for (const e of events) e.t -= this.origin;
    for (const s of timers) {
      s.t -= this.origin;
      s.at -= this.origin;
    }
    return { events, timers, tail: this.tail, end };
  }

  /** Looks at the connections that the relay has seen whenever something has happened. */
  private watch(): void {
    this.world.when(() => {
      this.watcher.look(this.conns, this.clock);
      return false;
    });
  }

  private lastLine(): string {
    const last = this.events.findLast(e => e.kind === 'script');
    return last?.kind === 'script' ? last.text : '';
  }

  // The script's clock.

  /** Seconds from the mark. */
  get now(): number {
    return this.clock - this.origin;
  }

  private get clock(): number {
    return this.world.now / 1e6;
  }

  mark(): void {
    this.origin = this.clock;
  }

  *sleep(seconds: number): Script {
    yield* this.world.sleep(seconds);
  }

  /** Sleeps until a time from the mark. */
  *at(t: number): Script {
    yield* this.world.sleep(Math.max(0, t - this.now));
  }

  /** Runs something beside the script after a time, as another thread did. */
  later(seconds: number, script: Script<unknown>): void {
    const lab = this;
    this.world.script(function* () {
      yield* lab.sleep(seconds);
      yield* script;
    }, 'thread');
  }

  // What it writes down.

  /** A call, its result, and how long it blocked. */
  *call(name: string, script: Script<Outcome>): Script<Outcome> {
    yield* this.pace(`app ${name} =`);
    const began = this.clock;
    const outcome = yield* script;
    const blocked = this.clock - began;
    this.write(`app ${name} = ${outcome}`, blocked < 0.002 ? 0 : blocked);
    return outcome;
  }

  /** The same for an accept() whose socket nobody keeps. */
  *callAndClose(name: string, script: Script<Outcome>): Script {
    const outcome = yield* this.call(name, script);
    if (outcome.error === 0) yield* outcome.sock.close();
  }

  *say(text: string | (() => string)): Script {
    yield* this.pace(typeof text === 'string' ? text : null);
    this.write(typeof text === 'string' ? text : text(), 0);
  }

  /** Like `say`, for what the script noticed rather than did: not paced. */
  note(text: string): void {
    this.events.push({ kind: 'script', t: this.clock, conn: -1, text: text.trim(), blocked: 0 });
  }

  /** To the tail of the log. */
  print(text: string): void {
    this.tail.push(...text.split('\n'));
  }

  /** Counters whose names contain one of the words. */
  printCounters(host: LabHost, words: readonly string[]): void {
    for (const [name, value] of host.counters())
      if (words.some(w => name.includes(w))) this.print(`${name} ${value}`);
  }

  private write(text: string, blocked: number): void {
    this.events.push({ kind: 'script', t: this.clock, conn: -1, text: text.trim(), blocked });
    this.pacer.wrote(this.clock);
  }

  private *pace(text: string | null): Script {
    const wait = this.pacer.overhead(text, this.clock);
    if (wait > 0) yield* this.sleep(wait);
  }

  // The network.

  /** One-way delay in seconds, on top of the relay's own. */
  set delay(seconds: number) {
    this.oneWay = seconds;
    this.wire.set({ delay: RELAY + seconds * 1e6 });
  }

  /** Fresh connection: B listens and accepts, A connects; then 0.25 s pass. */
  *connect(
    o: { server?: (s: Sock) => Script<unknown>; client?: (s: Sock) => Script<unknown> } = {},
  ): Script<{ a: Sock; b: Sock; ls: Sock }> {
    const ls = yield* this.B.listen(5000, 128, o.server);
    const a = yield* this.A.socket();
    if (o.client) yield* o.client(a);
    yield* a.connect(ADDRESS.B, 5000);
    const b = yield* ls.accepted();
    yield* this.sleep(0.25);
    return { a, b, ls };
  }

  /** Hands a packet to a host as if it had come over the wire. */
  *inject(host: LabHost, raw: Uint8Array, note = ''): Script {
    yield* this.pace(`->${host.name}`);
    const p = this.relative(new Packet(raw));
    this.events.push({
      kind: 'inject',
      t: this.clock,
      conn: this.conn(p),
      to: host.name,
      shown: p.icmp ? null : this.show(p),
      note: p.icmp ? `icmp type ${p.icmp[0]} code ${p.icmp[1]}` : note,
    });
    this.pacer.wrote(this.clock);
    this.wire.inject(host.name, raw);
    yield* this.sleep(0);
  }

  /** The relay sees a packet; true if it goes no further. */
  private relay(raw: Uint8Array): boolean {
    const p = this.relative(new Packet(raw));
    p.dir = p.source === ADDRESS.A ? 'A>B' : 'B>A';
    const fate = this.policy?.(p) ?? 'fwd';
    if (p.protocol === 6)
      this.events.push({
        kind: 'segment',
        t: this.clock,
        conn: this.conn(p),
        from: p.dir === 'A>B' ? 'A' : 'B',
        shown: this.show(p),
        fate,
        delay: RELAY / 1e6 + this.oneWay,
      });
    return fate !== 'fwd';
  }

  /** Fills in the relative numbers, as the relay reckoned them. */
  private relative(p: Packet): Packet {
    if (p.protocol !== 6) return p;
    const key = `${p.source}:${p.sport}>${p.destination}:${p.dport}`;
    const back = `${p.destination}:${p.dport}>${p.source}:${p.sport}`;
    if (p.S) this.isn.set(key, p.seq);
    else if (!this.isn.has(key)) this.isn.set(key, p.seq - 1);
    const peer = this.isn.get(back) ?? 0;
    p.rseq = (p.seq - this.isn.get(key)!) >>> 0;
    p.rack = (p.ack - peer) >>> 0;
    p.sack = p.sack.map(([l, r]) => [(l - peer) >>> 0, (r - peer) >>> 0]);
    return p;
  }

  show(p: Packet): Shown {
    return {
      flags: flagText(p.bits),
      seq: p.rseq,
      ack: p.A ? p.rack : null,
      win: p.win,
      len: p.length,
      mss: p.mss,
      ws: p.ws,
      sackOk: p.sackOk,
      sack: p.sack,
    };
  }

  private conn(p: Packet): number {
    if (p.protocol !== 6) return -1;
    const key = p.source === ADDRESS.A ? `${p.sport}-${p.dport}` : `${p.dport}-${p.sport}`;
    if (!this.conns.has(key)) this.conns.set(key, this.conns.size);
    return this.conns.get(key)!;
  }

  /** Nobody holds the sockets any more: listeners are closed first. */
  private *leave(): Script {
    const open = [...this.A.socks, ...this.B.socks].filter(s => !s.closed);
    for (const s of open) if (s.listening) yield* s.close();
    for (const s of open) if (!s.listening) yield* s.close();
  }
}
