import { type Micros, NEVER } from '../base/time.ts';
import type { Clock, Task } from '../link/link.ts';
import { TimeQueue } from '../link/time-queue.ts';

/** Tasks between two looks at the clock, and how long one turn may take before real events get theirs. */
const CHECK_EVERY = 64;
const TURN: Micros = 8_000;

/**
 * One event loop's share for all stacks and links of a thread: a queue of tasks and a queue of timers, which
 * run in the order in which they were asked for. Subclasses say what the time is and how to be called back.
 */
export abstract class Loop implements Clock {
  private tasks: Task[] = [];
  private next = 0;
  private readonly timers = new TimeQueue<Task>();
  private deferred = false;
  private armedAt: Micros = NEVER;
  private running = false;

  /** Microseconds since an epoch that never changes, never going back. */
  abstract now(): Micros;
  /** Arranges for `turn` to be called once, soon, after other events that are due. */
  protected abstract defer(): void;
  /** Arranges for `turn` to be called at `at` instead of any earlier arrangement; NEVER cancels it. */
  protected abstract arm(at: Micros): void;

  soon(task: Task): void {
    this.tasks.push(task);
    this.wake();
  }

  schedule(task: Task, at: Micros): void {
    this.timers.push(at, task);
    if (!this.running && at < this.armedAt) this.rearm();
  }

  /** Runs at once what waits for the turn that has been asked for; nothing if none has. Not from inside a turn. */
  flush(): void {
    if (this.deferred && !this.running) this.turn();
  }

  /** Runs what is due; called by the platform. */
  protected turn(): void {
    this.deferred = false;
    this.running = true;
    const began = this.now();
    let now = began;
    let n = 0;
    try {
      for (;;) {
        while (this.timers.next <= now) this.timers.pop()!.run();
        if (this.next >= this.tasks.length) break;
        const task = this.tasks[this.next++]!;
        if (this.next >= 1024) {
          this.tasks = this.tasks.slice(this.next);
          this.next = 0;
        }
        task.run();
        if (++n % CHECK_EVERY === 0) {
          now = this.now();
          if (now - began > TURN) break;
        }
      }
    } finally {
      this.running = false;
      if (this.next >= this.tasks.length) {
        this.tasks.length = 0;
        this.next = 0;
        this.armedAt = NEVER;
        this.rearm();
      } else this.wake();
    }
  }

  /** Forgets all tasks and timers. */
  stop(): void {
    this.tasks = [];
    this.next = 0;
    this.timers.clear();
    this.armedAt = NEVER;
    this.arm(NEVER);
  }

  private wake(): void {
    if (this.deferred || this.running) return;
    this.deferred = true;
    this.defer();
  }

  private rearm(): void {
    const at = this.timers.next;
    if (at === this.armedAt) return;
    this.armedAt = at;
    this.arm(at);
  }
}

/** A loop on what every browser, worker and Node has: `performance`, `setTimeout` and `MessageChannel`. */
export class WebLoop extends Loop {
  private readonly channel = new MessageChannel();
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    super();
    // A message is delivered sooner than a timer of 0 ms, which browsers stretch to 4 ms.
    const port: Listening = this.channel.port1 as unknown as Listening;
    port.onmessage = () => this.turn();
  }

  now(): Micros {
    return Math.floor(performance.now() * 1000);
  }

  override stop(): void {
    super.stop();
    this.channel.port1.close();
  }

  protected defer(): void {
    this.channel.port2.postMessage(0);
  }

  protected arm(at: Micros): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (at === NEVER) return;
    const ms = Math.max(0, Math.min(Math.ceil((at - this.now()) / 1000), 0x7fffffff));
    this.timer = setTimeout(() => this.turn(), ms);
  }
}

/** What a message port has everywhere; Node's types leave it out. */
interface Listening {
  onmessage: (() => void) | null;
}
