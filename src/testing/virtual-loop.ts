import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { Loop } from '../driver/loop.ts';

/** Node's own, whatever a test runner puts in its place later. */
export const nodeImmediate = setImmediate;
const nodeTick = process.nextTick;

/** Turns of Node's event loop without a task of ours after which the program is taken to have nothing to do. */
const QUIET_TURNS = 3;

/** One turn of Node's event loop: what waits for promises, ticks and immediates has run. */
export const nodeTurn = (): Promise<void> =>
  new Promise(resolve => nodeImmediate(() => nodeTick(() => nodeImmediate(resolve))));

/** Time that tests drive, however the loop below it gets it. */
export interface TestLoop extends Loop {
  /** Lets a time pass; everything that is due in it happens in its order. */
  advance(time: Micros): Promise<void>;
  /** Resolves when nothing more happens at this moment. */
  quiet(): Promise<void>;
  /** Time does not move by itself while this runs: only what it does moves it. */
  drive<T>(work: () => Promise<T>): Promise<T>;
  /** Immediates are faked: what the program does at one moment takes milliseconds of the fakes' clock. */
  readonly coarse: boolean;
  /** How far one may go at once while waiting for something that the program does by timers of its own. */
  readonly stride: Micros;
  /** When the next timer of a stack or wire is due; NEVER. */
  readonly dueAt: Micros;
}

/**
 * A loop whose time moves only as told: by `advance`, and by itself to the next thing that is due if that is
 * no farther than `patience` away and the program has nothing to do. Its clock begins at 1000 s: a time of
 * 0 means "never" in some places of TCP.
 */
export class VirtualLoop extends Loop implements TestLoop {
  readonly coarse = false;
  readonly stride = NEVER;
  private time: Micros = 1000 * MICROS_PER_SECOND;
  private due: Micros = NEVER;
  private asked = false;
  private advancing = 0;
  private watching = false;
  /** Turns that the loop has run: tells whether something happened. */
  private turns = 0;
  private stopped = false;
  private readonly patience: Micros;

  /** @param patience microseconds; 0: time moves by `advance` alone */
  constructor(patience: Micros = 5 * MICROS_PER_SECOND) {
    super();
    this.patience = patience;
  }

  now(): Micros {
    return this.time;
  }

  get dueAt(): Micros {
    return this.due;
  }

  advance(time: Micros): Promise<void> {
    const until = this.time + time;
    return this.drive(async () => {
      await this.quiet();
      while (this.due <= until && !this.stopped) {
        this.time = Math.max(this.time, this.due);
        this.go();
        await this.quiet();
      }
      this.time = Math.max(this.time, until);
    });
  }

  async drive<T>(work: () => Promise<T>): Promise<T> {
    this.advancing++;
    try {
      return await work();
    } finally {
      this.advancing--;
      this.watch();
    }
  }

  async quiet(): Promise<void> {
    for (let still = 0, seen = -1; still < QUIET_TURNS && !this.stopped; still++) {
      if (this.turns !== seen || this.asked) still = 0;
      seen = this.turns;
      await nodeTurn();
    }
  }

  override stop(): void {
    this.stopped = true;
    super.stop();
    this.due = NEVER;
  }

  protected defer(): void {
    if (this.asked || this.stopped) return;
    this.asked = true;
    nodeImmediate(() => {
      this.asked = false;
      this.go();
    });
  }

  protected arm(at: Micros): void {
    this.due = at;
    this.watch();
  }

  private go(): void {
    if (this.stopped) return;
    this.turns++;
    this.due = NEVER;
    this.turn();
  }

  /** Goes on to what is due soon once the program is idle. */
  private watch(): void {
    if (this.watching || this.advancing > 0 || this.patience === 0 || this.due === NEVER) return;
    this.watching = true;
    void this.quiet().then(() => {
      this.watching = false;
      if (this.advancing > 0 || this.stopped) return;
      if (this.asked) this.watch();
      else if (this.due !== NEVER && this.due - this.time <= this.patience) {
        this.time = Math.max(this.time, this.due);
        this.go();
        this.watch();
      }
    });
  }
}

export const toMicros = (ms: number): Micros => Math.round(ms * MICROS_PER_MS);
