/**
 * TCP as the web writes it: the `connect` of WinterTC's sockets API (https://sockets-api.proposal.wintertc.org)
 * with streams for the two halves, and `listen` for the other side. Nothing here needs Node.
 */
export { SocketError } from '../bsd.ts';
export type { AnySocketAddress, SocketAddress } from './address.ts';
export { Listener, type ListenOptions } from './listener.ts';
export { Socket, type SocketInfo, type SocketOptions } from './socket.ts';
export {
  type ConnectOptions,
  createSockets,
  type Lookup,
  type SocketsApi,
  type SocketsHost,
} from './sockets.ts';
