import type * as nodeNet from 'node:net';
import { normalize } from './args.ts';
import { connectNew } from './connect.ts';
import { kNet, type NetContext } from './context.ts';
import type { NetHost } from './host.ts';
import { lookupLocal } from './lookup.ts';
import { native } from './native.ts';
import { makeServer } from './server.ts';
import { makeSocket } from './socket-setup.ts';

/** The whole of `node:net`, over a lastack host. */
export type Net = typeof nodeNet;

/** `node:net` over a lastack host: servers listen on its addresses, sockets connect from them. */
export function createNet(host: NetHost): Net {
  const context = { host, lookup: host.lookup ?? lookupLocal() } as NetContext;
  const Socket = makeSocket(context, kNet);
  const Server = makeServer(context);
  context.Socket = Socket;
  context.Server = Server;
  const connect = (...args: unknown[]): unknown => connectNew(Socket, args);
  const net = {
    ...native,
    _normalizeArgs: normalize,
    connect,
    createConnection: connect,
    createServer: (options?: unknown, listener?: unknown): unknown => new Server(options, listener),
    Server,
    Socket,
    Stream: Socket,
  };
  return net as unknown as Net;
}
