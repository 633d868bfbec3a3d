import { type SeededRandom, seededRandom } from '../base/random.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { Arrival } from '../link/channel.ts';
import { TimeQueue } from '../link/time-queue.ts';
import { FramePool } from '../wire/frame.ts';
import { Call, type CallHost } from './call.ts';
import { drainMicrotasks } from './drain.ts';
import { formatEvent } from './format.ts';
import { Host, type HostOptions, Wake } from './host.ts';
import { checkWorld, InvariantError } from './invariants.ts';
import { Streams } from './ledger.ts';
import type { SimEvent } from './log.ts';
import { Process, type ProcessOwner, type Program } from './process.ts';
import { type RawOptions, RawPeer } from './raw.ts';
import { Injection, type SimNode, Wire, type WireOptions } from './wire.ts';

export interface WorldOptions {
  /** All randomness of the world comes from it. @default 1 */
  seed?: number | string;
  /** Jiffies per second of hosts that do not say. @default 1000 */
  hz?: number;
  /** Keep `log`. Worlds made by the thousand turn it off. @default true */
  log?: boolean;
  /** Check the invariants after each event. @default false */
  invariants?: boolean;
  /** Write a pcapng capture on each host. @default false */
  capture?: boolean;
  /** The command that runs this world again, '{seed}' in the place of the seed; told when something fails. */
  replay?: string;
  /** Events after which a run is given up as endless. @default 100 million */
  maxEvents?: number;
}

export interface RunOptions {
  /** Go no further than this time; `now` is it afterwards. @default to the end of all events */
  until?: Micros;
  /** Stop as soon as nothing but hosts' timers is left: no frame on its way, no program asleep. */
  idle?: boolean;
}

/** Something that `World.at` arranged. */
class Alarm {
  readonly act: () => void;
  constructor(act: () => void) {
    this.act = act;
  }
}

/** A call that ends when something becomes true. */
interface Condition {
  readonly test: () => boolean;
  readonly call: Call<number>;
}

type Happening = Arrival | Injection | Wake | Alarm | Call<number>;

/**
 * Hosts and wires in virtual time. What happens is a function of the seed and of what the program that made
 * the world does: nothing depends on the real time, on hashing or on addresses of objects.
 *
 * The order of things. Events happen by their time; at equal times in the order in which they were
 * scheduled. When something has happened on a host (a frame, a deadline, a call): `sockets.settle()`, then
 * the programs whose calls are done go on, each until it waits again, then `transmit` on the host's
 * interfaces in the order in which they were plugged; all this is repeated until it changes nothing. Then
 * hosts that programs elsewhere have touched, in the order in which they were touched.
 */
export class World implements CallHost, ProcessOwner {
  /** Microseconds since the world began. */
  now: Micros = 0;
  readonly seed: number | string;
  readonly hz: number;
  readonly random: SeededRandom;
  readonly frames = new FramePool();
  readonly hosts: Host[] = [];
  readonly wires: Wire[] = [];
  readonly processes: Process[] = [];
  readonly log: SimEvent[] = [];
  /** What was written and not yet read, while invariants are checked. */
  readonly streams = new Streams();
  readonly logging: boolean;
  readonly capturing: boolean;
  /** The invariants are checked. */
  readonly checking: boolean;
  /** Events so far. */
  steps = 0;
  /** What `formatLog` counts time from; set by `mark`. */
  origin: Micros = 0;
  private readonly options: WorldOptions;
  private readonly queue = new TimeQueue<Happening>();
  /** How many of the queue are hosts' wakes. */
  private wakes = 0;
  private touchedHosts: Host[] = [];
  private readyList: Process[] = [];
  private conditions: Condition[] = [];
  private settling = false;
  private asyncAlive = false;
  private asyncMoved = false;
  private failure: Process | null = null;

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.seed = options.seed ?? 1;
    this.hz = options.hz ?? 1000;
    this.random = seededRandom(this.seed);
    this.logging = options.log ?? true;
    this.capturing = options.capture ?? false;
    this.checking = options.invariants ?? false;
  }

  // Making it.

  host(name: string, options: HostOptions = {}): Host {
    const host = new Host(this, name, options);
    this.hosts.push(host);
    return host;
  }

  /** A host that forwards: `ip_forward` and `ipv6.forwarding` on. Its addresses are given with each wire. */
  router(name: string, options: HostOptions = {}): Host {
    return this.host(name, { ...options, sysctl: { ip_forward: 1, ...options.sysctl } });
  }

  /** A peer without a stack, whose segments are made by hand; wires to it must be of medium 'ip'. */
  raw(name: string, options: RawOptions): RawPeer {
    return new RawPeer(this, name, options);
  }

  wire(a: SimNode, b: SimNode, options: WireOptions = {}): Wire {
    const wire = new Wire(this, a, b, options);
    this.wires.push(wire);
    return wire;
  }

  /** Runs a program on a host; it begins when the world next moves. */
  spawn(host: Host, program: Program<Host['os']>, name?: string): Process {
    return host.spawn(program, name);
  }

  /** Runs a program that belongs to no host: a director, who may use the `os` of every host. */
  script(program: Program<World>, name = 'script'): Process {
    return this.begin(new Process(name, this, () => program(this)));
  }

  begin(proc: Process): Process {
    this.processes.push(proc);
    this.readyList.push(proc);
    return proc;
  }

  /** Calls `act` at a time (at once if it is past). */
  at(time: Micros, act: () => void): void {
    this.enqueue(time, new Alarm(act));
  }

  // Calls of programs.

  /** Sleeps for a time in seconds: `yield* world.sleep(0.3)`. */
  sleep(seconds: number): Call<number> {
    const call = new Call<number>(this, null, 'sleep', [seconds]);
    this.enqueue(this.now + Math.round(Math.max(0, seconds) * MICROS_PER_SECOND), call);
    return call;
  }

  /**
   * Waits until `test` holds; it is asked after each event. Its value is 1, or 0 after `timeout` seconds.
   */
  when(test: () => boolean, timeout = NEVER): Call<number> {
    const call = timeout === NEVER ? new Call<number>(this, null, 'when', []) : this.sleep(timeout);
    if (test()) call.finish(1);
    else this.conditions.push({ test, call });
    return call;
  }

  /** Waits until a process has ended. */
  join(proc: Process): Call<number> {
    const call = new Call<number>(this, null, 'join', [proc.name]);
    proc.join(call);
    return call;
  }

  // Running it.

  /**
   * Lets things happen. @throws what a program threw; InvariantError; Error if it never ends or if programs are async
   */
  run(options: RunOptions = {}): void {
    this.settle();
    this.refuseAsync();
    while (this.step(options)) this.refuseAsync();
    this.arriveAt(options.until);
  }

  /** The same for a world with async programs: what they do between two events is done in `drainMicrotasks`. */
  async runAsync(options: RunOptions = {}): Promise<void> {
    this.settle();
    await this.drain();
    while (this.step(options)) await this.drain();
    this.arriveAt(options.until);
  }

  /** Lets a time pass. */
  runFor(time: Micros): void {
    this.run({ until: this.now + time });
  }

  /** Runs until `test` holds after an event. @returns whether it came to hold */
  runUntil(test: () => boolean, options: RunOptions = {}): boolean {
    this.settle();
    while (!test()) if (!this.step(options)) return test();
    return true;
  }

  /** Runs for a number of events, as counted by `steps`. */
  runSteps(n: number): void {
    this.settle();
    for (const end = this.steps + n; this.steps < end; ) if (!this.step({})) return;
  }

  /** One event. False if there is none within the options' limits. */
  private step(options: RunOptions): boolean {
    const { queue } = this;
    const time = queue.next;
    if (time === NEVER || time > (options.until ?? NEVER)) return false;
    if (options.idle && queue.size === this.wakes) return false;
    this.now = time;
    this.steps++;
    if (this.steps > (this.options.maxEvents ?? 1e8)) throw this.broken(`no end after ${this.steps} events`);
    const event = queue.pop()!;
    if (event instanceof Arrival) (event.channel.wire.host as Wire).deliver(event);
    else if (event instanceof Wake) {
      this.wakes--;
      event.host.wake(event, time);
    } else if (event instanceof Call) event.finish(0);
    else if (event instanceof Injection) event.deliver();
    else event.act();
    this.settle();
    return true;
  }

  private arriveAt(until: Micros | undefined): void {
    if (until !== undefined && until !== NEVER && this.now < until) this.now = until;
  }

  /** Lets everything happen that this moment's event has led to. */
  private settle(): void {
    if (this.settling) return;
    this.settling = true;
    try {
      do {
        while (this.readyList.length > 0 || this.touchedHosts.length > 0) {
          const ready = this.readyList;
          this.readyList = [];
          for (const proc of ready) proc.resume();
          const touched = this.touchedHosts;
          this.touchedHosts = [];
          for (const host of touched) host.step();
        }
      } while (this.conditions.length > 0 && this.meetConditions());
    } finally {
      this.settling = false;
    }
    if (this.failure !== null) {
      const { error } = this.failure;
      this.failure = null;
      throw error;
    }
    if (this.checking) checkWorld(this);
  }

  private meetConditions(): boolean {
    let met = false;
    for (const condition of this.conditions)
      if (!condition.call.done && condition.test()) {
        condition.call.finish(1);
        met = true;
      }
    this.conditions = this.conditions.filter(c => !c.call.done);
    return met;
  }

  private refuseAsync(): void {
    if (this.asyncAlive) throw new Error('this world has async programs: use await world.runAsync(…)');
  }

  private async drain(): Promise<void> {
    while (this.asyncMoved) {
      this.asyncMoved = false;
      await drainMicrotasks();
      this.settle();
    }
  }

  // For hosts, wires and calls.

  enqueue(time: Micros, event: Happening): void {
    if (event instanceof Wake) this.wakes++;
    this.queue.push(time > this.now ? time : this.now, event);
  }

  /** Something was called on a host from outside its own step. */
  touch(host: Host): void {
    this.touchedHosts.push(host);
  }

  ready(proc: Process): void {
    this.readyList.push(proc);
  }

  resolved(): void {
    this.asyncMoved = true;
  }

  returned(): void {}

  get clock(): World {
    return this;
  }

  asyncBegan(): void {
    this.asyncAlive = true;
    this.asyncMoved = true;
  }

  ended(proc: Process): void {
    if (proc.failed) this.failure ??= proc;
    const at = this.processes.indexOf(proc);
    if (at >= 0) this.processes.splice(at, 1);
  }

  // Seeing it.

  note(text: string): void {
    if (this.logging) this.log.push({ kind: 'note', time: this.now, text });
  }

  /** Times in the formatted log count from here. */
  mark(): void {
    this.origin = this.now;
  }

  /** The log as lines. */
  formatLog(): string {
    return this.log.map(e => formatEvent(e, this.origin)).join('\n');
  }

  /** The command that runs this world again. */
  get replayCommand(): string {
    const command =
      this.options.replay ?? "new World({ seed: {seed} })  // option 'replay' names the command";
    return command.replaceAll(
      '{seed}',
      typeof this.seed === 'number' ? String(this.seed) : JSON.stringify(this.seed),
    );
  }

  /** An error that says how to see it again. */
  broken(what: string): InvariantError {
    return new InvariantError(what, this);
  }
}
