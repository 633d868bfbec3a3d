import type { Place } from './attempts.ts';
import { errors } from './errors.ts';
import type { ClientHandle } from './handle.ts';
import type { NetHost } from './host.ts';
import { TcpHandle } from './tcp-handle.ts';

export { TcpHandle };

/** A handle for a Unix socket, where the host hands paths to Node. */
export function pathHandle(_host: NetHost, path: string): ClientHandle {
  throw errors.notHere(
    `'${path}' is a path and not a TCP port: connect to it with require('node:net'), which has Unix sockets`,
  );
}

/** Another handle for an address that the host does not carry; null for all others. */
export function outsideHandle(_host: NetHost, _place: Place, _instead: ClientHandle): ClientHandle | null {
  return null;
}
