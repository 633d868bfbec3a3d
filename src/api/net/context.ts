import type { Duplex, DuplexOptions } from 'node:stream';
import type { LookupFunction, NetHost } from './host.ts';
import type { BaseServer } from './server.ts';
import type { BaseSocket, SocketOptions } from './socket.ts';

/** Where a socket or a server finds the `net` that it belongs to: on its prototype. */
export const kNet = Symbol('lastack.net');

export type SocketConstructor = (new (
  options?: SocketOptions | number,
) => BaseSocket) & {
  prototype: BaseSocket;
};
export type ServerConstructor = (new (
  options?: unknown,
  listener?: unknown,
) => BaseServer) & {
  prototype: BaseServer;
};

/** One `net`: a host, and the classes made for it. */
export interface NetContext {
  readonly host: NetHost;
  readonly lookup: LookupFunction;
  Socket: SocketConstructor;
  Server: ServerConstructor;
}

/** `Duplex`, whose constructor may be called on an object that exists. */
export type DuplexCall = (this: Duplex, options: DuplexOptions) => void;
