import type { Server, Socket } from 'node:net';
import type { Net } from '../api/net/net.ts';

type Method = (this: object, ...args: unknown[]) => unknown;

/**
 * Keeps a list of the sockets and servers of a `net` that are in use.
 * @param living holds for each a function that ends it without a word
 */
export function keepTrack(net: Net, living: Set<() => void>): void {
  const known = new WeakMap<object, () => void>();
  const born = (thing: object, end: () => void): void => {
    if (known.has(thing)) return;
    known.set(thing, end);
    living.add(end);
  };
  const gone = (thing: object): void => {
    const end = known.get(thing);
    if (end !== undefined) living.delete(end);
    known.delete(thing);
  };
  const socket = net.Socket.prototype;
  // A socket is in use from its first connect() or read on.
  for (const name of ['connect', '_read'])
    around(socket, name, thing => {
      born(thing, () => quietly(thing as Socket));
      number(thing);
    });
  around(socket, '_destroy', gone);
  const server = net.Server.prototype;
  around(server, 'listen', thing => born(thing, () => (thing as Server).close()));
  around(server, 'close', gone);
}

/** `node:http` asks the handle of a connection that it keeps for a number that async_hooks know. */
function number(thing: object): void {
  const handle = (thing as { _handle?: { getAsyncId?: () => number } | null })._handle;
  if (handle && handle.getAsyncId === undefined) handle.getAsyncId = () => 0;
}

/** Calls `before` with the object each time one of its methods is called. */
function around(prototype: object, name: string, before: (thing: object) => void): void {
  const methods = prototype as Record<string, Method>;
  const own = methods[name];
  if (own === undefined) return;
  methods[name] = function (this: object, ...args: unknown[]): unknown {
    before(this);
    return own.apply(this, args);
  };
}

function quietly(socket: Socket): void {
  socket.on('error', () => {});
  socket.destroy();
}
