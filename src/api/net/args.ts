/** What `connect` and `listen` take, in the form of an options object. */
export interface PlaceOptions {
  port?: unknown;
  host?: unknown;
  path?: unknown;
  [name: string]: unknown;
}

/** Options and callback of connect and listen, from any of their forms. */
export type Arguments = [options: PlaceOptions, callback: ((...args: unknown[]) => void) | null];

const made = Symbol('normalized');

/** `(options, cb)`, `(port, host, cb)`, `(path, cb)`, or an array of these, as arguments of one form. */
export function normalize(args: readonly unknown[]): Arguments {
  const result = normalizeOnce(args);
  Object.defineProperty(result, made, { value: true });
  return result;
}

/** Whether it is the outcome of `normalize`. */
export function isNormalized(x: unknown): x is Arguments {
  return Array.isArray(x) && made in x;
}

function normalizeOnce(args: readonly unknown[]): Arguments {
  if (args.length === 0) return [{}, null];
  const first = args[0];
  let options: PlaceOptions = {};
  if (typeof first === 'object' && first !== null) options = first as PlaceOptions;
  else if (isPath(first)) options.path = first;
  else {
    options.port = first;
    if (args.length > 1 && typeof args[1] === 'string') options.host = args[1];
  }
  const last = args[args.length - 1];
  return [options, typeof last === 'function' ? (last as (...args: unknown[]) => void) : null];
}

/** A string that is no number names a path. */
function isPath(x: unknown): x is string {
  return typeof x === 'string' && toNumber(x) === false;
}

/** A number ≥ 0 in text, else false. */
export function toNumber(x: unknown): number | false {
  const n = Number(x);
  return n >= 0 ? n : false;
}
