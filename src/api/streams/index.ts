/**
 * TCP as the web writes it: the `connect` of WinterTC's sockets API (https://sockets-api.proposal.wintertc.org)
 * with streams for the two halves, and `listen` for the other side. Nothing here needs Node.
 */
import type { AnySocketAddress } from './address.ts';
import type { Listener, ListenOptions } from './listener.ts';
import { loopback } from './loopback.ts';
import type { Socket } from './socket.ts';
import type { ConnectOptions } from './sockets.ts';

export { SocketError } from '../bsd.ts';
export type { AnySocketAddress, SocketAddress } from './address.ts';
export { Listener, type ListenOptions } from './listener.ts';
export { loopback } from './loopback.ts';
export { Socket, type SocketInfo, type SocketOptions } from './socket.ts';
export {
  type ConnectOptions,
  createSockets,
  type FoundAddress,
  type Lookup,
  type SocketsApi,
  type SocketsHost,
} from './sockets.ts';

/** `connect` on a loopback host of this program's own; see `SocketsApi.connect`. */
export const connect = (address: AnySocketAddress, options?: ConnectOptions): Socket =>
  loopback().api.connect(address, options);

/** `listen` on the same; see `SocketsApi.listen`. */
export const listen = (address: AnySocketAddress, options?: ListenOptions): Listener =>
  loopback().api.listen(address, options);
