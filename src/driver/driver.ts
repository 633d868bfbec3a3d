import { EBADF } from '../base/errno.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import type { Clock, Link, Task } from '../link/link.ts';
import type { Pending } from '../socket/pending.ts';
import { Sockets } from '../socket/sockets.ts';
import type { Interface } from '../stack/interface.ts';
import type { Stack } from '../stack/stack.ts';
import { CLOSED, FIN_WAIT_2, stateName, TIME_WAIT } from '../tcp/state.ts';
import type { Frame } from '../wire/frame.ts';

/** Rounds of settling and sending in one turn; what is left is done in the next. */
const ROUNDS = 8;
/** A sink for a stack without links. */
const REFUSE = (): boolean => false;
/** How often `close` looks whether all is said. */
const CLOSE_LOOKS: Micros = 20_000;

/** An interface of the stack and the link that it is joined to. */
interface Port {
  readonly interface: Interface;
  readonly link: Link;
  readonly sink: (frame: Frame) => boolean;
}

/** Who is told that a call is done, and whether the process should live for it. */
interface Waiter {
  readonly then: (result: number) => void;
  readonly lives: boolean;
}

/** A connection that `close` did not wait for any longer. */
export interface CutConnection {
  /** Both ends, 'address:port address:port'. */
  readonly connection: string;
  /** State by its RFC name. */
  readonly state: string;
  /** Bytes written that the peer has not acknowledged, the FIN counting for one. */
  readonly unacknowledged: number;
}

/** What `close` could not bring to an end in time. */
export interface CloseReport {
  readonly cut: CutConnection[];
}

/**
 * Joins a stack to a real clock and real links: tells it the time and the frames, wakes it at its deadline,
 * sends what it has to send, and resolves the calls that were waiting. Knows no platform; subclasses only
 * say how long a process should live.
 *
 * After a wake-up, however late it is (a suspended laptop, a throttled tab), all that is due happens in one
 * `expire`.
 */
export class Driver implements Task {
  readonly stack: Stack;
  readonly sockets: Sockets;
  protected readonly clock: Clock;
  private readonly ports: Port[] = [];
  /** Told after each turn. */
  private readonly watchers: (() => void)[] = [];
  private readonly waiters = new Map<Pending, Waiter>();
  /** Waiters that the process should live for. */
  private living = 0;
  private scheduled = false;
  private wakeAt: Micros = NEVER;
  private inside = false;
  /** Those who waited are being told; what they do is sent in the same turn. */
  private telling = false;
  private held = false;
  private closing = false;
  private closed = false;
  /** Frames that a link delivered while the stack was at work. */
  private late: { port: Port; frame: Frame }[] = [];

  constructor(stack: Stack, clock: Clock, sockets: Sockets = new Sockets(stack)) {
    this.stack = stack;
    this.clock = clock;
    this.sockets = sockets;
    stack.tick(clock.now());
  }

  /** Joins an interface of the stack to a link. The driver closes the link when it is closed itself. */
  attach(ifc: Interface, link: Link): void {
    const port: Port = { interface: ifc, link, sink: frame => link.transmit(frame) };
    this.ports.push(port);
    link.onreceive = frame => this.receive(port, frame);
    link.onwritable = () => this.touch();
    this.touch();
  }

  /**
   * Call before verbs of `sockets`, which act at the time that the stack was last told: tells it the present
   * and arranges for what the verbs lead to.
   */
  enter(): Sockets {
    if (!this.inside) this.stack.tick(this.clock.now());
    this.touch();
    return this.sockets;
  }

  /** Arranges for a turn soon. */
  touch(): void {
    if (this.scheduled || this.telling || this.closed) return;
    this.scheduled = true;
    this.clock.soon(this.task);
  }

  /** Resolves with the call's result once it is done. */
  wait(pending: Pending): Promise<number> {
    if (pending.done) return Promise.resolve(pending.result);
    return new Promise(resolve => this.whenDone(pending, resolve));
  }

  /**
   * The same without a promise; `then` is called inside a turn, may call verbs and must not throw.
   * @param lives whether the process should live for it
   */
  whenDone(pending: Pending, then: (result: number) => void, lives = true): void {
    this.waiters.set(pending, { then, lives });
    if (lives) this.living++;
    this.hold();
    this.touch();
  }

  /**
   * Calls `watcher` at the end of each turn, when sockets may have become ready; it may call verbs and must not
   * throw. For who watches many: it costs less than a call of `epoll_wait` that is begun anew each time.
   */
  afterTurn(watcher: () => void): void {
    this.watchers.push(watcher);
    this.touch();
  }

  /** A turn at the stack's deadline; called by the clock. */
  run(): void {
    // Timers are not taken back: one that an earlier one has overtaken would else set another, for ever.
    if (this.clock.now() < this.wakeAt) return;
    this.wakeAt = NEVER;
    this.turn();
  }

  /**
   * Closes all sockets, goes on for at most `timeout` microseconds until no connection has anything left to
   * send, then frees stack and links. TIME_WAIT is not waited for.
   */
  async close(timeout: Micros = 5 * MICROS_PER_SECOND): Promise<CloseReport> {
    if (this.closed) return { cut: [] };
    this.closing = true;
    this.hold();
    this.enter().closeAll();
    const end = this.clock.now() + timeout;
    while (this.unfinished().length > 0 && this.clock.now() < end) {
      const pause = Math.min(CLOSE_LOOKS, end - this.clock.now());
      await new Promise<void>(resolve => this.clock.schedule({ run: resolve }, this.clock.now() + pause));
    }
    const cut = this.unfinished();
    this.closed = true;
    this.closing = false;
    for (const { link } of this.ports) link.close();
    for (const { then } of this.waiters.values()) then(-EBADF);
    this.waiters.clear();
    this.watchers.length = 0;
    this.living = 0;
    this.hold();
    this.stack.close();
    return { cut };
  }

  /** Told when the process begins to have a reason to live, and when it has none any more. */
  protected busy(_on: boolean): void {}

  /** Connections that have still something to say: neither gone nor in FIN_WAIT_2 or TIME_WAIT. */
  private unfinished(): CutConnection[] {
    const list: CutConnection[] = [];
    for (const c of this.stack.tcp.connections()) {
      if (c.state === FIN_WAIT_2 || c.state === TIME_WAIT || c.state === CLOSED) continue;
      list.push({
        connection: `${c.local}:${c.localPort} ${c.remote}:${c.remotePort}`,
        state: stateName(c.state),
        unacknowledged: c.unacked,
      });
    }
    return list;
  }

  private receive(port: Port, frame: Frame): void {
    if (this.closed) {
      frame.release();
      return;
    }
    if (this.inside) {
      this.late.push({ port, frame });
      return;
    }
    this.inside = true;
    this.stack.receive(port.interface, frame, this.clock.now());
    this.inside = false;
    this.touch();
  }

  /** One turn: what came late, what is due, then settling and sending until nothing changes. */
  private turn(): void {
    this.scheduled = false;
    if (this.closed) return;
    this.inside = true;
    const { stack, sockets } = this;
    const now = this.clock.now();
    stack.tick(now);
    const late = this.late;
    if (late.length > 0) {
      this.late = [];
      for (const { port, frame } of late) stack.receive(port.interface, frame, now);
    }
    if (stack.deadline() <= now) stack.expire(now);
    let done = sockets.settle();
    for (let round = 0; round < ROUNDS; round++) {
      this.telling = true;
      for (const pending of done) this.finish(pending);
      this.telling = false;
      // Also carries what goes through lo, which may make sockets ready.
      if (this.ports.length === 0) stack.transmit(stack.lo, now, REFUSE);
      for (const port of this.ports) stack.transmit(port.interface, now, port.sink);
      done = sockets.settle();
      if (done.length === 0) break;
    }
    // Before all else that a turn does: whoever waits for an answer waits for this.
    for (const port of this.ports) port.link.kick?.();
    for (const pending of done) this.finish(pending);
    for (const watcher of this.watchers) watcher();
    this.inside = false;
    this.hold();
    if (done.length > 0 || this.late.length > 0) this.touch();
    this.arm(now);
  }

  private finish(pending: Pending): void {
    const waiter = this.waiters.get(pending);
    if (waiter === undefined) return;
    this.waiters.delete(pending);
    if (waiter.lives) this.living--;
    waiter.then(pending.result);
  }

  private arm(now: Micros): void {
    const a = this.stack.deadline();
    const b = this.sockets.deadline();
    const at = a < b ? a : b;
    if (at <= now) this.touch();
    else if (at < this.wakeAt) {
      this.wakeAt = at;
      this.clock.schedule(this, at);
    }
  }

  /** Says whether there is a reason to live, if that has changed. */
  private hold(): void {
    const on = this.closing || this.living > 0;
    if (on === this.held) return;
    this.held = on;
    this.busy(on);
  }

  private readonly task: Task = { run: () => this.turn() };
}
