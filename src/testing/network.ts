import type { LookupFunction } from '../api/net/host.ts';
import { seededRandom } from '../base/random.ts';
import { MICROS_PER_MS, type Micros } from '../base/time.ts';
import { buildSegment } from '../sim/build.ts';
import { CLOSED, LISTEN, SYN_SENT } from '../tcp/state.ts';
import { type CollectOptions, socketRows } from '../tools/ss/collect.ts';
import { ssText } from '../tools/ss/format.ts';
import type { SocketRow } from '../tools/ss/row.ts';
import { Recorder } from '../tools/trace/recorder.ts';
import { GlobalLoop, timersAreFaked } from './global-loop.ts';
import { TestHost } from './host.ts';
import { type Leak, LeakError, leaksOf } from './leaks.ts';
import { addressOf, lookupAmong } from './names.ts';
import { chooseSeed, replayLine, type Seed } from './replay.ts';
import { attach, type LadderOptions, laddersOf } from './report.ts';
import { type TestLoop, toMicros, VirtualLoop } from './virtual-loop.ts';
import { TestWire, type WireSettings } from './wire.ts';

type Sysctl = Readonly<Record<string, string | number>>;

export interface NetworkOptions {
  /** All chance comes from it; 'random' draws one. LASTACK_SEED in the environment wins. @default 1 */
  readonly seed?: Seed;
  /** Their names; the first is the left one in ladders. @default ['client', 'server'] */
  readonly hosts?: readonly [string, string];
  readonly wire?: WireSettings;
  /** Linux's names, for both hosts. */
  readonly sysctl?: Sysctl;
  /** The same for one host, by its name, on top of the others. */
  readonly sysctlOf?: Readonly<Record<string, Sysctl>>;
  /**
   * 'virtual': a clock of the network's own, while the program's timers are real. 'globals': the clock and
   * timers that are installed, faked or not. @default 'globals' if timers are faked now, else 'virtual'
   */
  readonly time?: 'virtual' | 'globals';
  /** How far virtual time goes on by itself when the program is idle, milliseconds; 0: never. @default 1500 */
  readonly patience?: number;
  /** Moves fake timers that have no asynchronous way of their own: `ms => mock.timers.tick(ms)`. */
  readonly tick?: (ms: number) => unknown;
  /** What `close` does about sockets that were left open. @default 'error' */
  readonly leaks?: 'error' | 'ignore';
  /** The command that runs the test again; '{seed}' in it is replaced. */
  readonly replay?: string;
}

/** Milliseconds of silence, where a program's immediates take a millisecond each. */
const COARSE_STEPS = 8;
/** How long `close` waits for sockets that are about to end. */
const MOMENT_MS = 500;
/** What `settle` lets pass at most. */
const SETTLE: Micros = 60_000_000;

/** Two hosts and a wire, for one test. Made by `testNetwork`. */
export class TestNetwork {
  readonly seed: number | string;
  readonly wire: TestWire;
  readonly hosts: readonly [TestHost, TestHost];
  private readonly loop: TestLoop;
  private readonly recorder: Recorder;
  private readonly options: NetworkOptions;
  private readonly began: Micros;
  private closed = false;

  constructor(options: NetworkOptions = {}) {
    this.options = options;
    this.seed = chooseSeed(options.seed);
    const names = options.hosts ?? ['client', 'server'];
    if (names[0] === names[1]) throw new Error(`hosts: two hosts need two names, found '${names[0]}' twice`);
    const time = options.time ?? (timersAreFaked() ? 'globals' : 'virtual');
    this.loop =
      time === 'virtual'
        ? new VirtualLoop(toMicros(options.patience ?? 1500))
        : new GlobalLoop(options.tick ?? null);
    this.began = this.loop.now();
    const random = seededRandom(this.seed);
    this.recorder = new Recorder(names, () => this.loop.now());
    this.wire = new TestWire(this.loop, names, random.fork('wire'), this.recorder, options.wire ?? {});
    const lookup: LookupFunction = lookupAmong(names);
    const host = (i: 0 | 1): TestHost =>
      new TestHost({
        name: names[i],
        address: addressOf(i),
        loop: this.loop,
        random: random.fork(`host ${names[i]}`),
        sysctl: { ...options.sysctl, ...options.sysctlOf?.[names[i]] },
        end: this.wire.ends[i],
        recorder: this.recorder,
        lookup,
      });
    this.hosts = [host(0), host(1)];
  }

  /** The first host. */
  get client(): TestHost {
    return this.hosts[0];
  }

  /** The second host. */
  get server(): TestHost {
    return this.hosts[1];
  }

  /** A host by its name. @throws Error if there is none */
  host(name: string): TestHost {
    const host = this.hosts.find(h => h.name === name);
    if (host !== undefined) return host;
    throw new Error(`no host '${name}', only ${this.hosts.map(h => h.name).join(' and ')}`);
  }

  // Time

  /** Milliseconds since the network was made. */
  get now(): number {
    return (this.loop.now() - this.began) / MICROS_PER_MS;
  }

  /** Lets a time pass, in milliseconds; all that is due in it happens in its order, the program's part too. */
  advance(ms: number): Promise<void> {
    return this.loop.advance(toMicros(ms));
  }

  /**
   * Lets time pass until nothing is on the wire and the program has nothing to do. Timers of the stack
   * (retransmission, TIME_WAIT) are not waited for.
   * @throws Error if that takes more than 60 s
   */
  settle(): Promise<void> {
    return this.loop.drive(() => this.settling());
  }

  private async settling(): Promise<void> {
    const { loop, wire } = this;
    // Steps in a row in which nothing was put on the wire.
    const wanted = loop.coarse ? COARSE_STEPS : 1;
    let still = 0;
    for (const end = loop.now() + SETTLE; loop.now() < end; ) {
      const { frames } = wire;
      await loop.quiet();
      const left = wire.busyUntil - loop.now();
      still = left > 0 || wire.frames !== frames ? 0 : still + 1;
      if (still >= wanted) return;
      if (left > 0) await loop.advance(left);
      else if (loop.coarse) await loop.advance(MICROS_PER_MS);
    }
    throw this.report(new Error('settle: after 60 s there was still something on the wire'));
  }

  /**
   * Lets time pass until a promise is settled.
   * @param ms at most this long
   * @throws what the promise rejects with, or Error if it is still pending; with the ladder
   */
  within<T>(ms: number, promise: PromiseLike<T>): Promise<T> {
    return this.loop.drive(() => this.waiting(ms, promise));
  }

  private async waiting<T>(ms: number, promise: PromiseLike<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (const end = this.loop.now() + toMicros(ms); ; ) {
      await this.loop.quiet();
      if (settled) return promise;
      const now = this.loop.now();
      if (now >= end) throw this.report(new Error(`within: still pending after ${ms} ms`));
      const next = Math.max(this.loop.dueAt - now, MICROS_PER_MS);
      await this.loop.advance(Math.min(next, end - now, this.loop.stride));
    }
  }

  // Faults

  /**
   * A host loses power: see `TestHost.crash`. Its peers are half-open until it starts again and answers them
   * with resets.
   * @param ms it starts again after this time
   */
  halfOpen(name: string, ms?: number): void {
    const host = this.host(name);
    host.crash();
    if (ms !== undefined) this.loop.schedule({ run: () => host.restart() }, this.loop.now() + toMicros(ms));
  }

  /** Starts a host again, without memory. */
  restart(name: string): void {
    this.host(name).restart();
  }

  /**
   * Resets connections as somebody on the path does who sees their sequence numbers: each end that is named
   * gets an RST as if from the other, at once.
   * @param options `to`: one host only. `port`: the connections with this port at either end
   * @returns how many segments were sent
   */
  reset(options: { readonly to?: string; readonly port?: number } = {}): number {
    const { to, port } = options;
    let sent = 0;
    for (const i of [0, 1] as const) {
      const host = this.hosts[i];
      if (host.down || (to !== undefined && this.host(to) !== host)) continue;
      for (const c of [...host.stack.tcp.connections()]) {
        if (c.state === CLOSED || c.state === LISTEN || c.state === SYN_SENT) continue;
        if (port !== undefined && c.localPort !== port && c.remotePort !== port) continue;
        const bytes = buildSegment({
          source: c.remote,
          destination: c.local,
          sourcePort: c.remotePort,
          destinationPort: c.localPort,
          seq: c.rcvNxt,
          ack: c.sndNxt,
          flags: 'R.',
        });
        this.wire.inject(i, host.stack.frames.from(bytes));
        sent++;
      }
    }
    return sent;
  }

  // Seeing

  /** The connections so far as ladders. */
  ladder(options: LadderOptions = {}): string {
    return laddersOf(this.recorder.logs, options);
  }

  /** The TCP sockets of a host, or of both, as rows of `ss`. */
  sockets(name?: string, options: CollectOptions = {}): SocketRow[] {
    const hosts = name === undefined ? this.hosts : [this.host(name)];
    return hosts.flatMap(h =>
      h.down ? [] : [...socketRows(h.stack, { ownerOf: h.ownerOf, now: this.loop.now(), ...options })],
    );
  }

  /** The same as `ss -tan` prints them. */
  ss(name?: string): string {
    return ssText(this.sockets(name), { timers: true }).join('\n');
  }

  /** What passed the wire as a pcapng file; the first 32 MB of it. */
  capture(): Uint8Array {
    return this.wire.capture;
  }

  /** The line that runs the test again with the same seed. */
  get replay(): string {
    return replayLine(this.seed, this.options.replay);
  }

  /** Puts the replay line and the ladders behind what an error says. @returns the error to throw */
  report<E>(error: E): E {
    return attach(error, this.story()) as E;
  }

  /** What a failed test should show: replay line, sockets, ladders. */
  story(): string {
    return `replay: ${this.replay}\n\n${this.ladder()}`;
  }

  // The end

  /** What programs have left open so far. */
  leaks(): Leak[] {
    return this.hosts.flatMap(leaksOf);
  }

  /**
   * Ends the network. First all that is on its way arrives; then whatever a program has left open is an
   * error, unless `leaks` is 'ignore'.
   * @throws LeakError with the ladders of those connections
   */
  async close(options: { readonly leaks?: 'error' | 'ignore' } = {}): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    let error: Error | null = null;
    try {
      if ((options.leaks ?? this.options.leaks ?? 'error') === 'error') {
        await this.settle();
        // Delayed ACKs, and what else is a matter of moments.
        if (this.leaks().length > 0) await this.advance(MOMENT_MS);
        const leaks = this.leaks();
        if (leaks.length > 0) error = this.report(new LeakError(leaks));
      }
    } finally {
      for (const host of this.hosts) host.end();
      this.loop.stop();
    }
    if (error !== null) throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Two hosts, `client` at 10.0.0.1 and `server` at 10.0.0.2 (their names are known to both), and a wire
 * between them. Close it at the end of the test.
 * @throws Error that says which option could not be understood
 */
export const testNetwork = (options: NetworkOptions = {}): TestNetwork => new TestNetwork(options);
