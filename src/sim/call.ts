import type { Micros } from '../base/time.ts';
import type { Pending } from '../socket/pending.ts';
import type { Offer } from './ledger.ts';
import type { Os } from './os.ts';
import type { Process } from './process.ts';

/** Who finishes calls: the host whose socket they wait for, or the world (sleeps). */
export interface CallHost {
  /** A process need wait no longer. */
  ready(proc: Process): void;
  /** A promise was resolved: what waits for it runs once microtasks do. */
  resolved(): void;
  /** A call has returned. */
  returned(call: Call<unknown>, result: number): void;
  readonly clock: { readonly now: Micros };
}

/** What a program yields: something that it waits for. */
export interface Waitable {
  readonly done: boolean;
  readonly name: string;
  /** The process that waits for it. */
  waiter: Process | null;
}

/**
 * A call that may block: begun when it is made, waited for with `yield*` (or `await`).
 *
 * Its value is what the verb returns: a number ≥ 0 or −errno; bytes, or a number (−errno), for reads.
 */
export class Call<T> implements Waitable, PromiseLike<T> {
  done = false;
  /** Valid once done. */
  value = undefined as T;
  readonly name: string;
  readonly args: readonly (number | string)[];
  readonly began: Micros;
  /** Whose call it is; null for those of the world. */
  readonly os: Os | null;
  waiter: Process | null = null;
  pending: Pending | null = null;
  /** Where a read puts its bytes, and its flags. */
  buffer: Uint8Array | null = null;
  flags = 0;
  /** What a send has offered, in the ledger. */
  written: Offer | null = null;
  /** Makes the value of the number that the call returned, where that is not the rule. */
  convert: ((result: number) => T) | null = null;
  private readonly host: CallHost;
  private resolve: ((value: T) => unknown) | null = null;

  constructor(host: CallHost, os: Os | null, name: string, args: readonly (number | string)[]) {
    this.host = host;
    this.os = os;
    this.name = name;
    this.args = args;
    this.began = host.clock.now;
  }

  /** Ends the call; whoever waits becomes ready. */
  finish(result: number): void {
    if (this.done) return;
    this.done = true;
    if (this.convert !== null) this.value = this.convert(result);
    else this.value = (this.buffer !== null && result >= 0 ? this.buffer.subarray(0, result) : result) as T;
    this.host.returned(this as Call<unknown>, result);
    if (this.waiter !== null) {
      const proc = this.waiter;
      this.waiter = null;
      this.host.ready(proc);
    }
    if (this.resolve !== null) {
      this.resolve(this.value);
      this.resolve = null;
      this.host.resolved();
    }
  }

  // `yield* call` asks the call itself: it yields itself once if it has to wait, then gives its value.
  [Symbol.iterator](): Iterator<Waitable, T, unknown> {
    return this;
  }

  next(): IteratorResult<Waitable, T> {
    return this.done ? { done: true, value: this.value } : { done: false, value: this };
  }

  // biome-ignore lint/suspicious/noThenProperty: async applications write `await os.recv(fd, 100)`
  then<R = T, E = never>(
    ok?: ((value: T) => R | PromiseLike<R>) | null,
    bad?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return new Promise<T>(resolve => {
      if (this.done) resolve(this.value);
      else {
        const before = this.resolve;
        this.resolve = value => {
          before?.(value);
          resolve(value);
        };
      }
    }).then(ok, bad);
  }
}
