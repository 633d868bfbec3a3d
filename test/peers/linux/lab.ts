/**
 * The lab of the golden timelines in real time: two hosts, each a Linux kernel or lastack, and a relay in this
 * process that sees every packet, and drops, delays and eats as the experiment says.
 */
import { CSUM_GOOD, type Frame, FramePool } from '../../../src/wire/frame.ts';
import { Numbers } from '../../lifecycle/golden/numbers.ts';
import { Packet } from '../../lifecycle/golden/packet.ts';
import {
  ADDRESS,
  type Experiment,
  type Lab,
  type LabHost,
  type Script,
  type Setup,
} from '../../lifecycle/golden/stage.ts';
import type { Event, HostName, Shown, StateEvent, Timeline } from '../../lifecycle/golden/timeline.ts';
import type { Outcome, Policy, Sock } from '../../lifecycle/golden/vocabulary.ts';
import { type Calls, clock } from './calls.ts';
import { EngineHost } from './engine.ts';
import { RealHost } from './host.ts';
import { KernelHost } from './kernel.ts';
import { play, waitFor } from './waiting.ts';

/** What a host runs on. */
export type Kind = 'linux' | 'lastack';

/** How often scripts look whether something has changed, in seconds. */
const LOOK = 0.02;
/** Blocked for less is not blocked: a call takes as long to be told of. */
const CALL = 0.03;

/** Runs an experiment between two hosts; both are gone afterwards. */
export async function runReal(experiment: Experiment, a: Kind, b: Kind, deadline: number): Promise<Timeline> {
  const lab = new RealLab(await start(a, 'A'), await start(b, 'B'));
  try {
    return await lab.run(experiment, deadline);
  } finally {
    await lab.end();
  }
}

const start = async (kind: Kind, name: HostName): Promise<Calls> =>
  kind === 'linux' ? await KernelHost.start(name) : new EngineHost(name, `${process.pid} ${clock()} ${name}`);

export class RealLab implements Lab {
  readonly A: RealHost;
  readonly B: RealHost;
  policy: Policy | null = null;
  private origin = clock();
  private oneWay = 0;
  private readonly events: Event[] = [];
  /** With the ports of A and B: which connection that is, may be known only later. */
  private readonly states: [ports: string, StateEvent][] = [];
  private readonly arriving: [RealHost, Uint8Array][] = [];
  private readonly tail: string[] = [];
  private readonly numbers = new Numbers();
  private readonly frames = new FramePool();
  private ended = false;

  constructor(a: Calls, b: Calls) {
    this.A = new RealHost(this, 'A', a);
    this.B = new RealHost(this, 'B', b);
    this.join(this.A, this.B);
    this.join(this.B, this.A);
  }

  private join(from: RealHost, to: RealHost): void {
    from.calls.link.onreceive = frame => this.relay(from, to, frame);
    from.calls.onstate = (t, localPort, remotePort, state) => {
      const ports = from.name === 'A' ? `${localPort}-${remotePort}` : `${remotePort}-${localPort}`;
      this.states.push([
        ports,
        { kind: 'state', t, conn: -1, host: from.name, port: localPort, state, timer: null },
      ]);
    };
  }

  async run(experiment: Experiment, deadline: number): Promise<Timeline> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${deadline} s`)), deadline * 1000);
    });
    try {
      await Promise.race([play(experiment(this)), late]);
    } finally {
      clearTimeout(timer);
    }
    const end = this.now;
    // What was seen just now is told a moment later.
    await new Promise(resolve => setTimeout(resolve, 30));
    for (const [ports, e] of this.states) {
      const conn = this.numbers.conns.get(ports);
      if (conn !== undefined) this.events.push({ ...e, conn });
    }
    const events = this.events.sort((x, y) => x.t - y.t);
    for (const e of events) e.t -= this.origin;
    return { events, timers: [], tail: this.tail, end };
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all([this.A.calls.end(), this.B.calls.end()]);
  }

  // The script's clock.

  get now(): number {
    return clock() - this.origin;
  }

  mark(): void {
    this.origin = clock();
  }

  sleep(seconds: number): Script {
    // Scripts that look every 20 ms do so more rarely once the experiment has become long.
    if (seconds === LOOK && this.now > 5) seconds = 10 * LOOK;
    return waitFor(
      new Promise<void>(resolve => {
        if (seconds <= 0) setImmediate(resolve);
        else setTimeout(resolve, seconds * 1000);
      }),
    );
  }

  *at(t: number): Script {
    yield* this.sleep(Math.max(0, t - this.now));
  }

  later(seconds: number, script: Script<unknown>): void {
    const lab = this;
    const thread = function* (): Script {
      yield* lab.sleep(seconds);
      yield* script;
    };
    // A script that fails is missed in the timeline.
    play(thread()).catch((e: unknown) => this.note(`thread: ${String(e)}`));
  }

  // What it writes down.

  *call(name: string, script: Script<Outcome>): Script<Outcome> {
    const began = clock();
    const outcome = yield* script;
    const blocked = clock() - began;
    this.write(`app ${name} = ${outcome}`, blocked < CALL ? 0 : blocked);
    return outcome;
  }

  *callAndClose(name: string, script: Script<Outcome>): Script {
    const outcome = yield* this.call(name, script);
    if (outcome.error === 0) yield* outcome.sock.close();
  }

  *say(text: string | (() => string)): Script {
    this.write(typeof text === 'string' ? text : text(), 0);
    yield* this.sleep(0);
  }

  note(text: string): void {
    this.write(text, 0);
  }

  print(text: string): void {
    this.tail.push(...text.split('\n'));
  }

  printCounters(host: LabHost, words: readonly string[]): void {
    for (const [name, value] of host.counters())
      if (words.some(w => name.includes(w))) this.print(`${name} ${value}`);
  }

  private write(text: string, blocked: number): void {
    this.events.push({ kind: 'script', t: clock(), conn: -1, text: text.trim(), blocked });
  }

  // The network.

  set delay(seconds: number) {
    this.oneWay = seconds;
  }

  *connect(o: Setup = {}): Script<{ a: Sock; b: Sock; ls: Sock }> {
    const ls = yield* this.B.listen(5000, 128, o.server);
    const a = yield* this.A.socket();
    if (o.client) yield* o.client(a);
    yield* a.connect(ADDRESS.B, 5000);
    const b = yield* ls.accepted();
    yield* this.sleep(0.25);
    return { a, b, ls };
  }

  *inject(host: LabHost, raw: Uint8Array, note = ''): Script {
    const p = this.numbers.relative(new Packet(raw));
    this.events.push({
      kind: 'inject',
      t: clock(),
      conn: this.numbers.conn(p),
      to: host.name,
      shown: p.icmp ? null : this.show(p),
      note: p.icmp ? `icmp type ${p.icmp[0]} code ${p.icmp[1]}` : note,
    });
    this.deliver(host === this.A ? this.A : this.B, raw);
    yield* this.sleep(0);
  }

  show(p: Packet): Shown {
    return this.numbers.show(p);
  }

  private relay(from: RealHost, to: RealHost, frame: Frame): void {
    const raw = frame.bytes.slice(frame.start, frame.end);
    frame.release();
    // Neighbour solicitations and the like of IPv6 are no part of it.
    if (this.ended || raw.length < 20 || raw[0]! >>> 4 !== 4) return;
    const p = this.numbers.relative(new Packet(raw));
    p.dir = from.name === 'A' ? 'A>B' : 'B>A';
    const fate = this.policy?.(p) ?? 'fwd';
    if (p.protocol === 6)
      this.events.push({
        kind: 'segment',
        t: clock(),
        conn: this.numbers.conn(p),
        from: from.name,
        shown: this.show(p),
        fate,
        delay: this.oneWay,
      });
    from.calls.look();
    if (fate !== 'fwd') return;
    if (this.oneWay === 0) this.deliver(to, raw);
    else setTimeout(() => this.deliver(to, raw), this.oneWay * 1000);
  }

  private deliver(host: RealHost, raw: Uint8Array): void {
    if (this.ended) return;
    // One at a time, as a kernel takes them from its device: what comes at once is acknowledged at once.
    this.arriving.push([host, raw]);
    if (this.arriving.length === 1) setImmediate(() => this.arrive());
  }

  private arrive(): void {
    const [host, raw] = this.arriving.shift()!;
    if (!this.ended) {
      host.calls.look();
      const frame = this.frames.from(raw);
      frame.csum = CSUM_GOOD;
      if (!host.calls.link.transmit(frame)) frame.release();
    }
    // The stack's turn is in the next round of the loop.
    if (this.arriving.length > 0) setImmediate(() => setImmediate(() => this.arrive()));
  }
}
