import { native } from '../../api/net/native.ts';
import { BaseSocket } from '../../api/net/socket.ts';
import { Carrier } from './carrier.ts';

/** The parts of Node's own sockets that lead to a stream below them. */
interface Inside {
  /** Of a socket that Node made around a stream. */
  readonly stream?: unknown;
  /** Of a TLSSocket. */
  readonly _handle?: { readonly _parentWrap?: { readonly stream?: unknown } | null } | null;
}

type Method = (this: object, ...args: unknown[]) => unknown;

const below = new WeakMap<object, BaseSocket>();

/** Notes which socket of ours carries a socket of Node's. */
export function carries(outer: object, raw: BaseSocket): void {
  below.set(outer, raw);
}

function carrierOf(outer: object): BaseSocket | undefined {
  const known = below.get(outer);
  if (known !== undefined) return known;
  const { stream = (outer as Inside)._handle?._parentWrap?.stream } = outer as Inside;
  const raw = stream instanceof Carrier ? stream.raw : stream;
  if (!(raw instanceof BaseSocket)) return undefined;
  below.set(outer, raw);
  return raw;
}

/** Lets a method of Node's sockets act on the socket below, where that is ours. */
function lead(name: string, toItself: boolean): void {
  const prototype = native.Socket.prototype as unknown as Record<string, Method>;
  const before = prototype[name]!;
  prototype[name] = function (this: object, ...args: unknown[]): unknown {
    const raw = carrierOf(this) as unknown as Record<string, Method> | undefined;
    if (raw === undefined) return Reflect.apply(before, this, args);
    const result = Reflect.apply(raw[name]!, raw, args);
    return toItself ? this : result;
  };
}

/**
 * Node's sockets that run over ours (TLS, HTTP/2) show its addresses and hand its options and its references
 * down: Node does that itself only where there is a native handle.
 */
export function leadDown(): void {
  for (const name of ['_getpeername', '_getsockname']) lead(name, false);
  for (const name of ['ref', 'unref', 'setNoDelay', 'setKeepAlive']) lead(name, true);
}
