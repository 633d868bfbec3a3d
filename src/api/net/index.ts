/**
 * `lastack/net`: the whole of `node:net` on a lastack host. `createNet(host)` gives one for any host; the
 * module's own exports act on a loopback host of their own (127.0.0.0/8, ::1, `localhost`).
 */
import { createHost } from './create-host.ts';
import { createNet, type Net } from './net.ts';

export { createHost, type Host, type HostLink, type HostOptions } from './create-host.ts';
export type { LookupFunction, NetDriver, NetHost } from './host.ts';
export { createNet, type Net } from './net.ts';

/** The host that this module's own exports act on. */
export const loopback = createHost({ name: 'loopback' });

const net: Net = createNet(loopback);

export const {
  Server,
  Socket,
  Stream,
  connect,
  createConnection,
  createServer,
  BlockList,
  SocketAddress,
  isIP,
  isIPv4,
  isIPv6,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = net as Net & { Stream: Net['Socket'] };

export default net;
