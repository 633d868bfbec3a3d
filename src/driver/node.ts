import type { Micros } from '../base/time.ts';
import { NEVER } from '../base/time.ts';
import type { Sockets } from '../socket/sockets.ts';
import type { Stack } from '../stack/stack.ts';
import { Driver } from './driver.ts';
import { Loop } from './loop.ts';

/** Node's event loop: tasks by `setImmediate`, timers by one `setTimeout`, time by the monotonic clock. */
export class NodeLoop extends Loop {
  private timer: NodeJS.Timeout | null = null;
  /** When the timer fires. */
  private timerAt: Micros = NEVER;
  private immediate: NodeJS.Immediate | null = null;
  private held = 0;

  now(): Micros {
    return Math.floor(performance.now() * 1000);
  }

  /** While somebody holds the loop, its timer keeps the process alive. Balance each `hold` with a `letGo`. */
  hold(): void {
    if (this.held++ === 0) this.timer?.ref();
  }

  letGo(): void {
    if (--this.held === 0) this.timer?.unref();
  }

  override stop(): void {
    super.stop();
    if (this.immediate !== null) clearImmediate(this.immediate);
    this.immediate = null;
  }

  protected defer(): void {
    // One that `flush` has made needless is still to come, and comes soon enough.
    this.immediate ??= setImmediate(this.tick);
  }

  protected arm(at: Micros): void {
    // A deadline moves on with each segment: a timer that fires too early costs less than a new one each time.
    if (this.timer !== null && this.timerAt <= at && at !== NEVER) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (at === NEVER) return;
    // Rounded up: a timer must not fire early. Longer waits than setTimeout knows are taken in steps.
    const ms = Math.max(0, Math.min(Math.ceil((at - this.now()) / 1000), 0x7fffffff));
    this.timerAt = at;
    this.timer = setTimeout(this.fired, ms);
    if (this.held === 0) this.timer.unref();
  }

  private readonly fired = (): void => {
    this.timer = null;
    this.turn();
  };

  private readonly tick = (): void => {
    this.immediate = null;
    this.flush();
  };
}

/**
 * A stack on Node's event loop. The process stays alive while somebody waits for one of its calls or it is
 * closing; TIME_WAIT never keeps it alive.
 */
export class NodeDriver extends Driver {
  private readonly node: NodeLoop;

  /** @param loop shared by all drivers and links of a thread, so that their work is done in one turn */
  constructor(stack: Stack, loop: NodeLoop = new NodeLoop(), sockets?: Sockets) {
    super(stack, loop, sockets);
    this.node = loop;
  }

  /** Does now what `enter` has arranged for a turn soon. Not from inside a turn. */
  flush(): void {
    this.node.flush();
  }

  protected override busy(on: boolean): void {
    if (on) this.node.hold();
    else this.node.letGo();
  }
}
