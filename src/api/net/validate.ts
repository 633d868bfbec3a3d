import { errors } from './errors.ts';
import { native } from './native.ts';

/**
 * Throws what Node's own `net` throws for the same arguments, so that messages are those of the Node that
 * runs. Call it only with arguments that are known to be wrong.
 */
export function asNode(run: () => unknown): never {
  const made = run();
  if (made instanceof native.Socket) made.destroy();
  throw errors.invalidArg('invalid argument');
}

/** Runs a check of Node's own on something that is thrown away. */
export function isPort(port: unknown): port is number | string {
  if (typeof port !== 'number' && typeof port !== 'string') return false;
  if (typeof port === 'string' && port.trim() === '') return false;
  return +port === +port >>> 0 && +port <= 0xffff;
}

export const isFunction = (x: unknown): x is (...args: never[]) => unknown => typeof x === 'function';

export const isAbortSignal = (x: unknown): x is AbortSignal =>
  typeof x === 'object' && x !== null && 'aborted' in x;

/** A number of milliseconds as timers take it; what Node's `setTimeout` refuses is refused with its words. */
export function isDuration(ms: unknown): ms is number {
  return typeof ms === 'number' && ms >= 0 && Number.isFinite(ms);
}
