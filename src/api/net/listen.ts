import { type Arguments, normalize, toNumber } from './args.ts';
import { kNet } from './context.ts';
import { errors, listenFailed } from './errors.ts';
import { ListenHandle } from './listen-handle.ts';
import { native } from './native.ts';
import { NativeServerHandle } from './native-handle.ts';
import type { BaseServer } from './server.ts';
import { asNode, isAbortSignal, isPort } from './validate.ts';

/** What Node uses where nothing is said. */
const BACKLOG = 511;

/** Options of `server.listen`. */
interface ListenOptions {
  port?: unknown;
  host?: string;
  path?: unknown;
  fd?: unknown;
  backlog?: number;
  exclusive?: boolean;
  ipv6Only?: boolean;
  reusePort?: boolean;
  signal?: AbortSignal;
}

interface Wanted {
  readonly port: number;
  readonly backlog: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
}

/** `server.listen(…)` in all its forms. */
export function listen(server: BaseServer, args: readonly unknown[]): void {
  const [given, callback]: Arguments = normalize(args);
  if (server._handle !== null) throw errors.alreadyListening();
  server._listeningId++;
  const options = given as ListenOptions;
  if (callback !== null) server.once('listening', callback);
  const from = toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]);
  const backlog = (toNumber(options.backlog) || from) as number | false;
  const inner = options as { _handle?: unknown; handle?: unknown };
  if (inner._handle || inner.handle || (typeof options.fd === 'number' && options.fd >= 0)) {
    if (server[kNet].host.paths) {
      openNative(server, given, null);
      return;
    }
    throw errors.notHere(
      "handles and descriptors of the kernel are not lastack's: listen on a port, or use require('node:net')",
    );
  }
  const { signal } = options;
  if (signal !== undefined) {
    if (!isAbortSignal(signal)) asNode(() => new native.Server().listen({ port: 0, signal }));
    const abort = (): void => {
      server.close();
    };
    if (signal.aborted) process.nextTick(abort);
    else {
      signal.addEventListener('abort', abort, { once: true });
      server.once('close', () => signal.removeEventListener('abort', abort));
    }
  }
  const first = args[0];
  const none =
    args.length === 0 ||
    typeof first === 'function' ||
    (options.port === undefined && 'port' in options) ||
    options.port === null;
  const port = none ? 0 : options.port;
  if (typeof port === 'number' || typeof port === 'string') {
    if (!isPort(port)) asNode(() => new native.Server().listen(given as object));
    const wanted: Wanted = {
      port: Number(port) | 0,
      backlog: backlog || BACKLOG,
      ipv6Only: Boolean(options.ipv6Only),
      reusePort: Boolean(options.reusePort),
    };
    if (options.host) lookUp(server, options.host, wanted);
    else open(server, null, wanted, 4);
    return;
  }
  if (options.path && typeof options.path === 'string') {
    if (server[kNet].host.paths) {
      openNative(server, given, options.path);
      return;
    }
    throw errors.notHere(
      `'${options.path}' is a path and not a TCP port: listen on it with require('node:net'), which has Unix sockets`,
    );
  }
  asNode(() => new native.Server().listen(given as object));
}

/** What belongs to the kernel is listened on by Node's own `net`. */
function openNative(server: BaseServer, options: object, path: string | null): void {
  const handle = new NativeServerHandle(
    options,
    () => server.emit('listening'),
    error => {
      server._handle = null;
      server.emit('error', error);
    },
  );
  server._handle = handle;
  if (path !== null) server._pipeName = path;
  handle.onconnection = (status, client) => server._accepted(status, client);
  if (server._unref) server.unref();
}

function lookUp(server: BaseServer, host: string, wanted: Wanted): void {
  const family = native.isIP(host);
  const id = server._listeningId;
  if (family !== 0) {
    // Node asks dns.lookup also for addresses, which answers in a later tick.
    process.nextTick(() => {
      if (id === server._listeningId) open(server, host, wanted, family);
    });
    return;
  }
  server[kNet].lookup(host, {}, (error, address, found) => {
    if (id !== server._listeningId) return;
    if (error) server.emit('error', error);
    else open(server, address as string, wanted, found ?? native.isIP(address as string));
  });
}

function open(server: BaseServer, address: string | null, wanted: Wanted, family: number): void {
  const { host: own } = server[kNet];
  const host = own.servers ?? own;
  const { port, backlog } = wanted;
  let handle: ListenHandle | number;
  let at = address ?? '::';
  let type = family;
  if (address === null) {
    handle = ListenHandle.open(host, '::', port, backlog, wanted);
    type = 6;
    if (typeof handle === 'number' && handle !== EADDRINUSE) {
      at = '0.0.0.0';
      type = 4;
      handle = ListenHandle.open(host, at, port, backlog, wanted);
    }
  } else handle = ListenHandle.open(host, address, port, backlog, wanted);
  if (typeof handle === 'number') {
    const error = listenFailed(handle, at, port);
    process.nextTick(() => server.emit('error', error));
    return;
  }
  server._handle = handle;
  handle.onconnection = (status, client) => server._accepted(status, client);
  server._connectionKey = `${type}:${address}:${port}`;
  if (server._unref) server.unref();
  process.nextTick(() => {
    if (server._handle !== null) server.emit('listening');
  });
}

const EADDRINUSE = -98;
