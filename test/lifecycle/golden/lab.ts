/**
 * The lab that the timelines were measured in, on the simulator: two hosts, a relay between them that sees,
 * drops or eats each segment, and a script that works both hosts in turn. `lab.ts` and `host.ts` alone know
 * the simulator's interface.
 */

import type { Packet as SimPacket } from '../../../src/link/packet.ts';
import type { Wire } from '../../../src/sim/wire.ts';
import { World } from '../../../src/sim/world.ts';
import { SimHost } from './host.ts';
import { Numbers } from './numbers.ts';
import { Pacer } from './pacer.ts';
import { Packet } from './packet.ts';
import { ADDRESS, type Experiment, type Lab, type LabHost, type Script, type Setup } from './stage.ts';
import type { Event, Shown, Timeline } from './timeline.ts';
import type { Outcome, Policy, Sock } from './vocabulary.ts';
import { Watcher } from './watcher.ts';

export type { Experiment, Experiments, Lab, LabHost, Script } from './stage.ts';
export { ADDRESS } from './stage.ts';

/** One-way delay of the real relay, microseconds. */
const RELAY = 250;
const HZ = 250;
const PHASE = 1_000;

/** Runs an experiment; the log says what the script's own work cost. */
export function run(experiment: Experiment, logged: Timeline): Timeline {
  return new SimLab(logged).run(experiment);
}

export class SimLab implements Lab {
  readonly world: World;
  readonly A: SimHost;
  readonly B: SimHost;
  /** What the relay does with each packet; forwards it if null. */
  policy: Policy | null = null;
  private readonly wire: Wire;
  /** World time of the mark, and delay beyond the relay's own, both in seconds. */
  private origin = 0;
  private oneWay = 0;
  /** With absolute times until the end. */
  private readonly events: Event[] = [];
  private readonly tail: string[] = [];
  private readonly numbers = new Numbers();
  private readonly pacer: Pacer;
  private readonly watcher: Watcher;

  /** @param states whether state changes shall be in the timeline (looking for them takes time) */
  constructor(logged: Timeline, states = true) {
    this.world = new World({ seed: 1, hz: HZ, log: false });
    this.A = new SimHost(this, 'A');
    this.B = new SimHost(this, 'B');
    this.pacer = new Pacer(logged);
    this.watcher = new Watcher([this.A, this.B]);
    if (states) this.watch();
    this.wire = this.world.wire(this.A.sim, this.B.sim, { delay: RELAY });
    this.wire.rule({
      action: 'drop',
      match: (p: SimPacket) => this.relay(p.bytes.slice(p.ipAt, p.ipAt + p.size)),
    });
  }

  run(experiment: (L: SimLab) => Script): Timeline {
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
      this.watcher.look(this.numbers.conns, this.clock);
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
  *connect(o: Setup = {}): Script<{ a: Sock; b: Sock; ls: Sock }> {
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
    const p = this.numbers.relative(new Packet(raw));
    this.events.push({
      kind: 'inject',
      t: this.clock,
      conn: this.numbers.conn(p),
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
    const p = this.numbers.relative(new Packet(raw));
    p.dir = p.source === ADDRESS.A ? 'A>B' : 'B>A';
    const fate = this.policy?.(p) ?? 'fwd';
    if (p.protocol === 6)
      this.events.push({
        kind: 'segment',
        t: this.clock,
        conn: this.numbers.conn(p),
        from: p.dir === 'A>B' ? 'A' : 'B',
        shown: this.show(p),
        fate,
        delay: RELAY / 1e6 + this.oneWay,
      });
    return fate !== 'fwd';
  }

  show(p: Packet): Shown {
    return this.numbers.show(p);
  }

  /** Nobody holds the sockets any more: listeners are closed first. */
  private *leave(): Script {
    const open = [...this.A.socks, ...this.B.socks].filter(s => !s.closed);
    for (const s of open) if (s.listening) yield* s.close();
    for (const s of open) if (!s.listening) yield* s.close();
  }
}
