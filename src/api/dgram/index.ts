/**
 * `lastack/dgram`: `node:dgram` on a lastack host. `createDgram(host)` gives one for any host; the module's own
 * exports act on the loopback host of `lastack/net`, so that both see the same 127.0.0.1.
 */
import type { SocketOptions as NodeOptions, Socket as NodeSocket, RemoteInfo, SocketType } from 'node:dgram';
import type { NetHost } from '../net/host.ts';
import { loopback } from '../net/index.ts';
import { Socket as HostSocket } from './socket.ts';

export type { NetHost, RemoteInfo };

/** The exports of `node:dgram`, for one host. */
export interface Dgram {
  createSocket(
    type: SocketType | NodeOptions,
    listener?: (message: Buffer, from: RemoteInfo) => void,
  ): NodeSocket;
  Socket: new (
    type: SocketType | NodeOptions,
    listener?: (message: Buffer, from: RemoteInfo) => void,
  ) => NodeSocket;
}

/** A `dgram` whose sockets are the host's. */
export function createDgram(host: NetHost): Dgram {
  const Socket = class extends HostSocket {
    constructor(type: SocketType | NodeOptions, listener?: unknown) {
      super(host, type, listener);
    }
  } as unknown as Dgram['Socket'];
  Object.defineProperty(Socket, 'name', { value: 'Socket' });
  return { Socket, createSocket: (type, listener) => new Socket(type, listener) };
}

const dgram = createDgram(loopback);

export const { createSocket, Socket } = dgram;
export default dgram;
