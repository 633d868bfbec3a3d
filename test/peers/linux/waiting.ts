import type { Waitable } from '../../../src/sim/call.ts';
import type { Script } from '../../lifecycle/golden/stage.ts';

/** What a script waits for in real time. */
class Waiting<T> implements Waitable {
  done = false;
  readonly name = 'promise';
  waiter = null;
  value = undefined as T;
  readonly promise: Promise<T>;

  constructor(promise: Promise<T>) {
    this.promise = promise;
  }

  async settle(): Promise<void> {
    this.value = await this.promise;
    this.done = true;
  }
}

/** The value of a promise, for a script. */
export function* waitFor<T>(promise: Promise<T>): Script<T> {
  const w = new Waiting(promise);
  yield w;
  return w.value;
}

/** Runs a script to its end in real time. */
export async function play<T>(script: Script<T>): Promise<T> {
  for (;;) {
    const step = script.next();
    if (step.done) return step.value;
    if (!(step.value instanceof Waiting)) throw new Error('the script waits for something of the simulator');
    await step.value.settle();
  }
}
