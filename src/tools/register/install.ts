import http from 'node:http';
import http2 from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';
import nodeNet from 'node:net';
import tls from 'node:tls';
import type { NetHost } from '../../api/net/host.ts';
import { native } from '../../api/net/native.ts';
import { createNet } from '../../api/net/net.ts';
import { leadDown } from './below.ts';
import { serverClass, socketClass } from './dispatch.ts';
import { adaptListener, patchTls } from './tls.ts';

/**
 * Makes the whole process's `net` act on a host. Node's own users of `net` look its members up in the module
 * object when they need them, and its servers find their parent class by their prototypes: both are changed
 * here, nothing else. What has been taken out of `net` before stays what it was.
 */
export function install(host: NetHost): void {
  const net = createNet(host);
  const Socket = socketClass(net);
  const Server = serverClass(net, adaptListener);
  const { connect } = net;
  Object.assign(nodeNet, {
    Socket,
    Stream: Socket,
    Server,
    connect,
    createConnection: connect,
    createServer: (options?: unknown, listener?: unknown) =>
      new (Server as unknown as new (...a: unknown[]) => object)(options, listener),
  });
  for (const child of [http.Server, tls.Server, http2Server()]) {
    if (Object.getPrototypeOf(child) !== native.Server) continue;
    Object.setPrototypeOf(child, Server);
    Object.setPrototypeOf(child.prototype, Server.prototype);
  }
  // Node 20 keeps the function that it found when it started.
  const agent = http.Agent.prototype as { createConnection?: unknown };
  if (agent.createConnection === native.connect) agent.createConnection = connect;
  leadDown();
  patchTls(nodeNet);
  syncBuiltinESMExports();
}

/** The class of servers that `http2.createServer` makes, which it does not export. */
function http2Server(): { prototype: object } {
  return http2.createServer().constructor as unknown as { prototype: object };
}
