import { native } from '../../api/net/native.ts';
import type { Net } from '../../api/net/net.ts';

type Construct = new (...args: unknown[]) => object;
type Call = (this: unknown, ...args: unknown[]) => unknown;

const OrdinaryHasInstance = Function.prototype[Symbol.hasInstance];

/** `instanceof` for a class that stands for two: ours, and Node's own. */
function standFor(made: Call, ours: { prototype: object }, other: { prototype: object }): void {
  made.prototype = ours.prototype;
  Object.defineProperty(made, Symbol.hasInstance, {
    value(this: unknown, x: unknown): boolean {
      if (OrdinaryHasInstance.call(this as () => void, x)) return true;
      return this === made && OrdinaryHasInstance.call(other as unknown as () => void, x);
    },
  });
}

/**
 * `net.Socket` of a process whose `net` is ours: what has a handle or a descriptor of the kernel (pipes of
 * child processes, standard streams, Node's TLS) is Node's own socket, all else is ours.
 */
export function socketClass(net: Net): Net['Socket'] {
  const Ours = net.Socket as unknown as Construct;
  const Theirs = native.Socket as unknown as Construct;
  const call = net.Socket as unknown as Call;
  function Socket(this: unknown, options?: unknown): unknown {
    const derived = new.target as unknown as Construct | undefined;
    if (!isKernels(options)) {
      if (derived === undefined && !(this instanceof Ours)) return new Ours(options);
      return Reflect.apply(call, this, [options]);
    }
    if (derived !== undefined)
      return Reflect.construct(Theirs, [options], derived === (Socket as unknown) ? Theirs : derived);
    if (this instanceof Theirs) return Reflect.apply(Theirs as unknown as Call, this, [options]);
    return new Theirs(options);
  }
  Object.setPrototypeOf(Socket, Ours);
  standFor(Socket, Ours, Theirs);
  return Socket as unknown as Net['Socket'];
}

function isKernels(options: unknown): boolean {
  if (typeof options === 'number') return true;
  if (typeof options !== 'object' || options === null) return false;
  const o = options as { handle?: unknown; fd?: unknown };
  return Boolean(o.handle) || (o.fd !== undefined && o.fd !== null);
}

/**
 * `net.Server` of such a process.
 * @param adapt what to do with a listener for connections before it is added
 */
export function serverClass(net: Net, adapt: (server: object, listener: unknown) => unknown): Net['Server'] {
  const Ours = net.Server as unknown as Construct;
  const call = net.Server as unknown as Call;
  function Server(this: unknown, options?: unknown, listener?: unknown): unknown {
    if (new.target === undefined && !(this instanceof Ours)) return new Ours(options, listener);
    const server = this as object;
    return Reflect.apply(call, this, [adapt(server, options), adapt(server, listener)]);
  }
  Object.setPrototypeOf(Server, Ours);
  standFor(Server, Ours, native.Server);
  return Server as unknown as Net['Server'];
}
