import { type NetworkOptions, TestNetwork } from './network.ts';

/** What vitest and node:test give a test; jest gives nothing. */
interface Context {
  onTestFailed?: (listener: () => void) => void;
  readonly signal?: AbortSignal;
}

/**
 * A test's body with a network of its own, for any runner: `test('…', withNetwork({…}, async net => {…}))`.
 * If it fails, the error tells the seed, the line that replays it and the ladders; if it hangs, they are
 * printed. What is left open at its end is an error.
 * @param body gets the network and what the runner gave (vitest's context, node:test's `t`)
 */
export function withNetwork(
  options: NetworkOptions,
  body: (net: TestNetwork, ...given: unknown[]) => unknown,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const net = new TestNetwork(options);
    let over = false;
    tellOnFailure(net, given[0], () => !over);
    try {
      await body(net, ...given);
    } catch (error) {
      over = true;
      const told = net.report(error);
      await net.close({ leaks: 'ignore' });
      throw told;
    }
    over = true;
    await net.close();
  };
}

/**
 * Prints seed, replay line and ladders if the test fails, also by a time-out.
 * @param context vitest's (`test('…', ctx => …)`) or node:test's (`t`)
 * @param wanted asked when it has failed
 * @returns whether the context can tell of failures
 */
export function tellOnFailure(
  net: TestNetwork,
  context: unknown,
  wanted: () => boolean = () => true,
): boolean {
  // vitest's is a function, so that it may pass for jest's `done`.
  if ((typeof context !== 'object' && typeof context !== 'function') || context === null) return false;
  const c = context as Context;
  const tell = (): void => {
    if (wanted()) console.error(`${net.story()}\n`);
  };
  if (typeof c.onTestFailed === 'function') c.onTestFailed(tell);
  else if (c.signal instanceof AbortSignal) c.signal.addEventListener('abort', tell, { once: true });
  else return false;
  return true;
}
