import type { Call, Waitable } from './call.ts';

/**
 * What runs on a host: a generator that waits for calls (`yield* os.recv(…)`), or an async function
 * (`await os.recv(…)`); a world with async programs is run with `runAsync`.
 */
export type Program<O, R = unknown> = (os: O) => Generator<Waitable, R, unknown> | Promise<R>;

/** A running program. */
export class Process {
  readonly name: string;
  /** It has returned, thrown or been killed. */
  ended = false;
  killed = false;
  /** What it returned. */
  result: unknown = undefined;
  /** What it threw; the world's run throws it on. */
  error: unknown = undefined;
  failed = false;
  /** What it waits for. */
  waiting: Waitable | null = null;
  /** Frees what it holds; given the call in which it was. */
  onkill: ((waiting: Waitable | null) => void) | null = null;
  private start: (() => Generator<Waitable, unknown, unknown> | Promise<unknown>) | null;
  private generator: Generator<Waitable, unknown, unknown> | null = null;
  private readonly owner: ProcessOwner;
  private waiters: Call<number>[] = [];

  constructor(
    name: string,
    owner: ProcessOwner,
    start: () => Generator<Waitable, unknown, unknown> | Promise<unknown>,
  ) {
    this.name = name;
    this.owner = owner;
    this.start = start;
  }

  /** Runs it until it waits or ends. */
  resume(): void {
    if (this.ended) return;
    this.waiting = null;
    try {
      if (this.start !== null) this.begin(this.start);
      if (this.generator !== null) this.advance(this.generator);
    } catch (error) {
      this.fail(error);
    }
  }

  private begin(start: () => Generator<Waitable, unknown, unknown> | Promise<unknown>): void {
    this.start = null;
    const body = start();
    if ('next' in body) this.generator = body;
    else {
      this.owner.asyncBegan();
      body.then(
        value => this.end(value),
        error => this.fail(error),
      );
    }
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    this.failed = true;
    this.error = error;
    this.end(undefined);
  }

  private advance(generator: Generator<Waitable, unknown, unknown>): void {
    for (;;) {
      const step = generator.next();
      if (step.done) {
        this.end(step.value);
        return;
      }
      const call = step.value;
      if (call.done) continue;
      if (call.waiter !== null)
        throw new Error(`process ${this.name}: another process waits for this ${call.name}`);
      call.waiter = this;
      this.waiting = call;
      return;
    }
  }

  /** Ends it where it stands, as SIGKILL would: its descriptors are closed. */
  kill(): void {
    if (this.ended) return;
    const { waiting } = this;
    if (waiting !== null) waiting.waiter = null;
    this.killed = true;
    this.end(undefined);
    this.onkill?.(waiting);
  }

  /** Makes `call` finish when this process has ended. */
  join(call: Call<number>): void {
    if (this.ended) call.finish(0);
    else this.waiters.push(call);
  }

  private end(result: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.waiting = null;
    this.result = result;
    for (const call of this.waiters) call.finish(0);
    this.waiters = [];
    this.owner.ended(this);
  }
}

/** Who runs processes: the world. */
export interface ProcessOwner {
  /** An async program has begun: it goes on in microtasks. */
  asyncBegan(): void;
  ended(proc: Process): void;
}
