import { channel } from 'node:diagnostics_channel';
import { captureRejectionSymbol, EventEmitter } from 'node:events';
import { promisify } from 'node:util';
import { kNet, type NetContext } from './context.ts';
import { callFailed, errors } from './errors.ts';
import type { Name, ServerHandle, StreamHandle } from './handle.ts';
import { listen } from './listen.ts';
import { native } from './native.ts';
import type { BaseSocket } from './socket.ts';
import { since } from './version.ts';

/** Node 20 takes a limit of 0 for none. */
const LIMIT_MAY_BE_0 = since(21);
const HAS_BLOCK_LIST = since(22, 13);

/** Node's symbol, which older type libraries lack. */
const asyncDispose: unique symbol = Symbol.asyncDispose as never;

const accepted = channel('net.server.socket');

/** Options of `new net.Server`. */
export interface ServerOptions {
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  highWaterMark?: number;
  blockList?: { check(address: string, family?: string): boolean };
}

/** `net.Server` without a host: `createNet` makes the class that programs see. */
export class BaseServer extends EventEmitter {
  declare [kNet]: NetContext;
  declare _connections: number;
  declare _handle: ServerHandle | null;
  declare _unref: boolean;
  /** Changes with each listen() and close(): a lookup for an older one is of no interest. */
  declare _listeningId: number;
  declare _connectionKey?: string;
  declare _pipeName?: string;
  declare allowHalfOpen: boolean;
  declare pauseOnConnect: boolean;
  declare noDelay: boolean;
  declare keepAlive: boolean;
  declare keepAliveInitialDelay: number;
  declare highWaterMark: number | undefined;
  declare blockList?: ServerOptions['blockList'];
  declare maxConnections?: number;

  get listening(): boolean {
    return this._handle !== null;
  }

  listen(...args: unknown[]): this {
    listen(this, args);
    return this;
  }

  address(): Name | string | null {
    if (this._handle === null) return null;
    if (this._pipeName !== undefined) return this._pipeName;
    const name = this._handle.getsockname();
    if (typeof name === 'number') throw callFailed(name, 'address');
    return name;
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this._connections);
    return this;
  }

  close(callback?: (error?: Error) => void): this {
    if (typeof callback === 'function') {
      if (this._handle === null) this.once('close', () => callback(errors.notRunning()));
      else this.once('close', callback);
    }
    this._listeningId++;
    if (this._handle !== null) {
      this._handle.close(() => {});
      this._handle = null;
      delete this._pipeName;
    }
    this._emitCloseIfDrained();
    return this;
  }

  _emitCloseIfDrained(): void {
    if (this._handle !== null || this._connections > 0) return;
    process.nextTick(() => {
      this.emit('close');
    });
  }

  /** A listener for 'connection' that rejects costs its connection only (`captureRejections`). */
  override [captureRejectionSymbol](error: Error, event: string, socket?: BaseSocket): void {
    if (event === 'connection') socket?.destroy(error);
    else this.emit('error', error);
  }

  async [asyncDispose](): Promise<void> {
    if (this._handle === null) return;
    await promisify((done: (error?: Error) => void) => this.close(done))();
  }

  ref(): this {
    this._unref = false;
    this._handle?.ref();
    return this;
  }

  unref(): this {
    this._unref = true;
    this._handle?.unref();
    return this;
  }

  /** Takes what the handle accepts. */
  _accepted(status: number, handle: StreamHandle | null): void {
    if (status < 0 || handle === null) {
      this.emit('error', callFailed(status, 'accept'));
      return;
    }
    const limit = this.maxConnections;
    const limited = LIMIT_MAY_BE_0 ? limit != null : Boolean(limit);
    const full = limited && this._connections >= limit!;
    if (full || this.isBlocked(handle)) {
      const data = full ? namesOf(handle) : null;
      handle.close(() => {});
      if (data !== null) this.emit('drop', data);
      return;
    }
    const socket = new this[kNet].Socket({
      handle,
      allowHalfOpen: this.allowHalfOpen,
      pauseOnCreate: this.pauseOnConnect,
      readable: true,
      writable: true,
      ...(this.highWaterMark === undefined
        ? {}
        : { readableHighWaterMark: this.highWaterMark, writableHighWaterMark: this.highWaterMark }),
    });
    if (this.noDelay) socket.setNoDelay(true);
    if (this.keepAlive) socket.setKeepAlive(true, this.keepAliveInitialDelay);
    this._connections++;
    socket.server = this;
    socket._server = this;
    this.emit('connection', socket);
    if (accepted.hasSubscribers) accepted.publish({ socket });
  }

  private isBlocked(handle: StreamHandle): boolean {
    if (this.blockList === undefined || !HAS_BLOCK_LIST) return false;
    const name = handle.getpeername();
    return typeof name !== 'number' && this.blockList.check(name.address, name.family.toLowerCase());
  }
}

/** Both ends of a connection that is dropped, as 'drop' tells them. */
function namesOf(handle: StreamHandle): Record<string, string | number> {
  const data: Record<string, string | number> = {};
  for (const [side, name] of [
    ['local', handle.getsockname()],
    ['remote', handle.getpeername()],
  ] as const) {
    if (typeof name === 'number') continue;
    data[`${side}Address`] = name.address;
    data[`${side}Port`] = name.port;
    data[`${side}Family`] = name.family;
  }
  return data;
}

/** What `new net.Server(options, listener)` does to the fresh object. */
export function setUpServer(server: BaseServer, first: unknown, second: unknown): void {
  Reflect.apply(EventEmitter as unknown as (this: EventEmitter) => void, server, []);
  let options: ServerOptions = {};
  if (typeof first === 'function') {
    server.on('connection', first as (s: BaseSocket) => void);
  } else if (first === null || first === undefined || typeof first === 'object') {
    options = { ...(first as ServerOptions | null | undefined) };
    if (typeof second === 'function') server.on('connection', second as (s: BaseSocket) => void);
  } else refuse(first);
  const delay = options.keepAliveInitialDelay;
  if ((delay !== undefined && typeof delay !== 'number') || wrongMark(options.highWaterMark)) refuse(first);
  server._connections = 0;
  server._handle = null;
  server._unref = false;
  server._listeningId = 1;
  server.allowHalfOpen = options.allowHalfOpen || false;
  server.pauseOnConnect = Boolean(options.pauseOnConnect);
  server.noDelay = Boolean(options.noDelay);
  server.keepAlive = Boolean(options.keepAlive);
  server.keepAliveInitialDelay = Math.max(0, ~~(delay ?? 0));
  server.highWaterMark = options.highWaterMark;
  if (options.blockList !== undefined) server.blockList = options.blockList;
}

const wrongMark = (n: unknown): boolean => n !== undefined && n !== null && typeof n !== 'number';

function refuse(options: unknown): never {
  new native.Server(options as object);
  throw errors.invalidArg('invalid options');
}

/** The class `Server` of one `net`; as Node's, it may also be called without `new`. */
export function makeServer(net: NetContext): NetContext['Server'] {
  function Server(this: unknown, options?: unknown, listener?: unknown): unknown {
    if (!(this instanceof Server)) return new made(options, listener);
    setUpServer(this as unknown as BaseServer, options, listener);
    return undefined;
  }
  const made = Server as unknown as NetContext['Server'];
  Object.setPrototypeOf(Server, EventEmitter);
  Server.prototype = Object.create(BaseServer.prototype, {
    constructor: { value: Server, writable: true, configurable: true, enumerable: false },
    [kNet]: { value: net },
  });
  return made;
}
