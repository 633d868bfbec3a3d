import { parseAddress } from '../../base/address.ts';
import type { Place } from './attempts.ts';
import { errors } from './errors.ts';
import type { ClientHandle } from './handle.ts';
import type { NetHost } from './host.ts';
import { NativeHandle } from './native-handle.ts';
import { TcpHandle } from './tcp-handle.ts';

export { TcpHandle };

/** A handle for a Unix socket, where the host hands paths to Node. */
export function pathHandle(host: NetHost, path: string): ClientHandle {
  if (host.paths) return new NativeHandle(null, path);
  throw errors.notHere(
    `'${path}' is a path and not a TCP port: connect to it with require('node:net'), which has Unix sockets`,
  );
}

/** Another handle for an address that the host does not carry; null for all others. */
export function outsideHandle(host: NetHost, place: Place, instead: ClientHandle): ClientHandle | null {
  if (host.outside === undefined || instead instanceof NativeHandle) return null;
  const address = parseAddress(place.address);
  if (address === null || !host.outside(address)) return null;
  const handle = new NativeHandle();
  if (!instead.hasRef()) handle.unref();
  const name = instead.getsockname();
  if (typeof name !== 'number') handle.bind(name.address, name.port);
  instead.close(() => {});
  return handle;
}
