import { channel } from 'node:diagnostics_channel';
import { ADDRCONFIG, type LookupAddress, type LookupOptions } from 'node:dns';
import { type Arguments, isNormalized, normalize, type PlaceOptions } from './args.ts';
import { attempt, type Blocks, bindLocal } from './attempt.ts';
import { type Place, runAttempts, sortAddresses } from './attempts.ts';
import { kNet } from './context.ts';
import { errors } from './errors.ts';
import type { LookupFunction } from './host.ts';
import { native } from './native.ts';
import { adopt } from './reading.ts';
import type { BaseSocket } from './socket.ts';
import { pathHandle, TcpHandle } from './transport.ts';
import { asNode, isFunction, isPort } from './validate.ts';

/** Options of a connect() to a port. */
export interface ConnectOptions extends PlaceOptions {
  host?: string;
  port?: number | string;
  localAddress?: string;
  localPort?: number;
  family?: number | string;
  hints?: number;
  lookup?: LookupFunction;
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  blockList?: Blocks;
}

/** Attempts get at least so long. */
const SHORTEST_ATTEMPT = 10;

/** `socket.connect(…)`. */
export function connectSocket(socket: BaseSocket, args: readonly unknown[]): void {
  const [given, callback]: Arguments = isNormalized(args[0]) ? args[0] : normalize(args);
  const options = given as ConnectOptions;
  const net = socket[kNet];
  if (Object.hasOwn(socket, 'write')) Reflect.deleteProperty(socket, 'write');
  if (socket.destroyed) {
    (socket as BaseSocket & { _undestroy(): void })._undestroy();
    socket._handle = null;
    socket._peername = null;
    socket._sockname = null;
  }
  const path = options.path as unknown;
  if (path !== undefined && path !== null && path !== '') {
    if (typeof path !== 'string') asNode(() => new native.Socket().connect(given as { path: string }));
    connectPath(socket, path, callback);
    return;
  }
  if (socket._handle === null) adopt(socket, new TcpHandle(net.host));
  if (callback !== null) socket.once('connect', callback);
  socket._unrefTimer();
  socket.connecting = true;
  begin(socket, options);
}

function connectPath(socket: BaseSocket, path: string, callback: Arguments[1]): void {
  const { host } = socket[kNet];
  const handle = pathHandle(host, path);
  if (callback !== null) socket.once('connect', callback);
  adopt(socket, handle);
  socket._unrefTimer();
  socket.connecting = true;
  attempt(socket, { address: path, port: undefined, family: 0 });
}

/** Checks the options and finds the addresses. */
function begin(socket: BaseSocket, options: ConnectOptions): void {
  const { localAddress, localPort, autoSelectFamilyAttemptTimeout: patience } = options;
  const host = options.host || 'localhost';
  const wrong =
    (localAddress && native.isIP(localAddress) === 0) ||
    (localPort !== undefined && localPort !== null && typeof localPort !== 'number') ||
    (options.port !== undefined && !isPort(options.port)) ||
    (options.autoSelectFamily !== undefined &&
      options.autoSelectFamily !== null &&
      typeof options.autoSelectFamily !== 'boolean') ||
    (patience !== undefined && patience !== null && !(Number.isInteger(patience) && patience > 0)) ||
    (options.lookup !== undefined && options.lookup !== null && !isFunction(options.lookup));
  if (wrong || options.port === undefined) {
    socket.connecting = false;
    refuse(options);
  }
  const port = Number(options.port) | 0;
  const family = native.isIP(host);
  if (family !== 0) {
    process.nextTick(() => {
      if (socket.connecting) toOne(socket, options, { address: host, port, family });
    });
    return;
  }
  socket._host = host;
  lookUp(socket, options, host, port);
}

/** Throws Node's error for options that are wrong. */
function refuse(options: ConnectOptions): never {
  if (options.port === undefined)
    throw errors.missingArgs('The "options" or "port" or "path" argument must be specified');
  const { localAddress } = options;
  if (localAddress && native.isIP(localAddress) === 0) throw errors.invalidIp(localAddress);
  asNode(() => new native.Socket().on('error', () => {}).connect(options as { port: number }));
}

function lookUp(socket: BaseSocket, options: ConnectOptions, host: string, port: number): void {
  const asked = { family: numeric(options.family), hints: options.hints || 0 } as LookupOptions;
  const either = asked.family !== 4 && asked.family !== 6;
  if (process.platform !== 'win32' && either && asked.hints === 0) asked.hints = ADDRCONFIG;
  const lookup = options.lookup || socket[kNet].lookup;
  const many = options.autoSelectFamily ?? native.getDefaultAutoSelectFamily();
  if (many && either && !options.localAddress) {
    asked.all = true;
    lookup(host, asked, (error, found) => foundMany(socket, options, host, port, error, found));
    return;
  }
  lookup(host, asked, (error, address, family) => {
    socket.emit('lookup', error, address, family, host);
    if (!socket.connecting) return;
    const ip = address as string;
    if (error) fail(socket, error);
    else if (native.isIP(ip) === 0) fail(socket, errors.invalidIp(ip));
    else if (family !== 4 && family !== 6) fail(socket, errors.invalidFamily(family, host, options.port));
    else {
      socket._unrefTimer();
      toOne(socket, options, { address: ip, port, family });
    }
  });
}

function foundMany(
  socket: BaseSocket,
  options: ConnectOptions,
  host: string,
  port: number,
  error: Error | null,
  found: unknown,
): void {
  if (!socket.connecting) return;
  if (error) {
    socket.emit('lookup', error, undefined, undefined, host);
    fail(socket, error);
    return;
  }
  const list = (Array.isArray(found) ? found : []) as LookupAddress[];
  for (const { address, family } of list) {
    socket.emit('lookup', error, address, family, host);
    if (!socket.connecting) return;
  }
  const places = sortAddresses(list, port);
  const [first] = list;
  if (places.length === 0) {
    if (first === undefined || native.isIP(first.address) === 0)
      fail(socket, errors.invalidIp(first?.address ?? ''));
    else fail(socket, errors.invalidFamily(first.family, host, options.port));
    return;
  }
  socket._unrefTimer();
  const { localAddress, localPort } = options;
  if (places.length === 1) {
    toOne(socket, options, places[0]!);
    return;
  }
  socket.autoSelectFamilyAttemptedAddresses = [];
  const patience = options.autoSelectFamilyAttemptTimeout;
  const given = patience ?? native.getDefaultAutoSelectFamilyAttemptTimeout();
  const timeout = Math.max(given, SHORTEST_ATTEMPT);
  runAttempts(socket, places, { timeout, localAddress, localPort, blockList: options.blockList });
}

/** One address: bind if asked, then connect. */
function toOne(socket: BaseSocket, options: ConnectOptions, place: Place): void {
  if (!bindLocal(socket, place, options.localAddress, options.localPort)) return;
  attempt(socket, place, options.blockList);
}

function fail(socket: BaseSocket, error: Error): void {
  process.nextTick(() => socket.destroy(error));
}

function numeric(family: number | string | undefined): number | undefined {
  if (family === 'IPv4') return 4;
  if (family === 'IPv6') return 6;
  return family as number | undefined;
}

const opened = channel('net.client.socket');

/** `net.connect(…)` of a `net`. */
export function connectNew(
  Socket: new (options: object) => BaseSocket,
  args: readonly unknown[],
): BaseSocket {
  const normalized = normalize(args);
  const [options] = normalized;
  const socket = new Socket(options);
  if (opened.hasSubscribers) opened.publish({ socket });
  if (options['timeout']) socket.setTimeout(options['timeout'] as number);
  return socket.connect(normalized);
}
