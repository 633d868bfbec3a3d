import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { Loop } from '../driver/loop.ts';
import { nodeImmediate, nodeTurn, type TestLoop } from './virtual-loop.ts';

/** The clock object that @sinonjs/fake-timers (vitest, jest) hangs on what it replaces. */
interface FakeClock {
  /** Milliseconds of the faked date. */
  readonly now: number;
  /** What is to happen, by number. */
  readonly timers?: Readonly<Record<string, { readonly callAt: number }>>;
  hrtime(): [number, number];
  tickAsync(ms: number): Promise<unknown>;
}

const realNow = performance.now.bind(performance);
const realTimeout = setTimeout;
const QUIET_TURNS = 3;

/** The clock of the fake timers that are installed, if they are sinon's. */
function fakeClock(): FakeClock | null {
  const faked = globalThis.setTimeout as unknown as { clock?: FakeClock };
  return typeof faked.clock?.tickAsync === 'function' ? faked.clock : null;
}

/** node:test's `mock.timers` have replaced `Date`. */
const dateIsMocked = (): boolean => (globalThis.Date as unknown as { isMock?: boolean }).isMock === true;

/** Milliseconds until the next faked timer, at least one. */
function nextOf(clock: FakeClock): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { callAt } of Object.values(clock.timers ?? {})) next = Math.min(next, callAt - clock.now);
  return Math.max(1, next);
}

/** Whether a test runner has put timers of its own in the place of Node's. */
export const timersAreFaked = (): boolean => fakeClock() !== null || dateIsMocked();

/**
 * A loop that reads the time and sets its timers by the globals as they are at each call: fake timers rule
 * it, and without any it runs in real time. Its clock never goes back, also when fakes come and go.
 */
export class GlobalLoop extends Loop implements TestLoop {
  /** The clock that was read last, and what is added to it so that time goes on where it was. */
  private source: unknown = null;
  private offset: Micros = 1000 * MICROS_PER_SECOND - Math.floor(realNow() * 1000);
  private last: Micros = 0;
  private due: Micros = NEVER;
  private turns = 0;
  private cancelTimer: (() => void) | null = null;
  private cancelImmediate: (() => void) | null = null;
  private stopped = false;
  private readonly tick: ((ms: number) => unknown) | null;

  /** @param tick moves fake timers that have no asynchronous way of their own: `ms => mock.timers.tick(ms)` */
  constructor(tick: ((ms: number) => unknown) | null = null) {
    super();
    this.tick = tick;
  }

  now(): Micros {
    const fake = fakeClock();
    const source: unknown = fake ?? (dateIsMocked() ? globalThis.Date : null);
    let read: Micros;
    if (fake !== null) {
      const [s, ns] = fake.hrtime();
      read = s * MICROS_PER_SECOND + Math.floor(ns / 1000);
    } else read = source === null ? Math.floor(realNow() * 1000) : Date.now() * MICROS_PER_MS;
    if (source !== this.source || read + this.offset < this.last) {
      this.source = source;
      this.offset = this.last - read;
    }
    this.last = read + this.offset;
    return this.last;
  }

  get dueAt(): Micros {
    return this.due;
  }

  async advance(time: Micros): Promise<void> {
    const ms = Math.ceil(time / MICROS_PER_MS);
    await this.quiet();
    const fake = fakeClock();
    if (this.tick !== null) {
      // One by one, so that what waits for promises goes on in between.
      for (let i = 0; i < ms && !this.stopped; i++) {
        this.tick(1);
        await this.quiet();
      }
    } else if (fake !== null) {
      for (let left = ms; left > 0 && !this.stopped; ) {
        // Immediates that are not faked must have their turn before the next timer.
        const step = this.coarse ? left : Math.min(left, nextOf(fake));
        await fake.tickAsync(step);
        await this.quiet();
        left -= step;
      }
    } else if (dateIsMocked()) {
      throw new Error(
        'advance: give testNetwork the way to move these timers: tick: ms => mock.timers.tick(ms)',
      );
    } else await new Promise<void>(resolve => realTimeout(resolve, ms));
  }

  get stride(): Micros {
    return this.tick !== null || timersAreFaked() ? MICROS_PER_SECOND : 20 * MICROS_PER_MS;
  }

  get coarse(): boolean {
    return globalThis.setImmediate !== nodeImmediate;
  }

  async quiet(): Promise<void> {
    for (let still = 0, seen = -1; still < QUIET_TURNS && !this.stopped; still++) {
      // Faked immediates wait for the clock, and so would we.
      if (!this.coarse && (this.turns !== seen || this.cancelImmediate !== null)) still = 0;
      seen = this.turns;
      await nodeTurn();
    }
  }

  drive<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  override stop(): void {
    this.stopped = true;
    super.stop();
    this.cancelImmediate?.();
    this.cancelImmediate = null;
  }

  protected defer(): void {
    if (this.stopped) return;
    const { clearImmediate } = globalThis;
    const id = globalThis.setImmediate(() => {
      this.cancelImmediate = null;
      this.go();
    });
    this.cancelImmediate = () => clearImmediate(id);
  }

  protected arm(at: Micros): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.due = at;
    if (at === NEVER || this.stopped) return;
    const ms = Math.max(0, Math.min(Math.ceil((at - this.now()) / MICROS_PER_MS), 0x7fffffff));
    const { clearTimeout } = globalThis;
    const id = globalThis.setTimeout(() => this.go(), ms);
    this.cancelTimer = () => clearTimeout(id);
  }

  private go(): void {
    if (this.stopped) return;
    this.turns++;
    this.due = NEVER;
    this.turn();
  }
}
