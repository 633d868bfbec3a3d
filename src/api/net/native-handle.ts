import type { Server as NodeServer, Socket as NodeSocket } from 'node:net';
import { EBADF, errnoNumber } from '../../base/errno.ts';
import {
  type ClientHandle,
  type Done,
  ECANCELED,
  EOF,
  type Name,
  type ServerHandle,
  type StreamHandle,
} from './handle.ts';
import { native } from './native.ts';
import { later, nothing } from './tcp-handle.ts';

/** A status for an error of Node's. */
function statusOf(error: NodeJS.ErrnoException): number {
  if (typeof error.errno === 'number' && error.errno < 0) return error.errno;
  return -(errnoNumber(error.code ?? '') || EIO);
}

const EIO = 5;

/** A connection of the kernel's, through Node's own `net`: to addresses outside, and to paths. */
export class NativeHandle implements ClientHandle {
  received: (status: number, chunk: Buffer | null) => void = () => {};
  onread?: unknown;
  readInto: (() => Uint8Array) | null = null;
  reading = false;
  readonly fd = -1;
  private readonly socket: NodeSocket;
  private local: { localAddress?: string; localPort?: number } = {};
  private connecting: Done | null = null;
  private over = false;
  private readonly path: string | null;

  /** @param socket one that is connected already @param path where to connect, if not to an address */
  constructor(socket: NodeSocket | null = null, path: string | null = null) {
    this.socket = socket ?? new native.Socket({ allowHalfOpen: true });
    this.path = path;
    this.socket.pause();
    this.socket.on('error', e => this.failed(e));
    this.socket.on('data', chunk => this.arrived(chunk));
    this.socket.on('end', () => this.end(EOF));
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }

  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }

  get writeQueueSize(): number {
    return this.socket.writableLength;
  }

  bind(address: string, port: number): number {
    this.local = { localAddress: address, ...(port === 0 ? {} : { localPort: port }) };
    return 0;
  }

  connect(address: string, port: number, done: Done): number {
    this.connecting = done;
    this.socket.once('connect', () => {
      this.connecting = null;
      done(0);
    });
    if (this.path !== null) this.socket.connect({ path: this.path });
    else this.socket.connect({ host: address, port, ...this.local });
    return 0;
  }

  readStart(): number {
    this.reading = true;
    if (!this.over) this.socket.resume();
    return 0;
  }

  readStop(): number {
    this.reading = false;
    this.socket.pause();
    return 0;
  }

  write(chunks: readonly Uint8Array[], done: Done): number {
    this.socket.cork();
    chunks.forEach((c, i) => {
      if (i < chunks.length - 1) this.socket.write(c);
      else this.socket.write(c, e => done(e ? statusOf(e) : 0));
    });
    this.socket.uncork();
    return chunks.length === 0 ? 0 : 1;
  }

  shutdown(done: Done): number {
    this.socket.end(() => done(0));
    return 0;
  }

  close(done: () => void = nothing): void {
    this.finish(done);
    this.socket.destroy();
  }

  reset(done: () => void): number {
    this.finish(done);
    this.socket.resetAndDestroy();
    return 0;
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  getAsyncId(): number {
    return (this.socket as { _handle?: { getAsyncId?(): number } | null })._handle?.getAsyncId?.() ?? -1;
  }

  hasRef(): boolean {
    return !this.socket.destroyed;
  }

  getsockname(): Name | number {
    return nameFrom(this.socket.localAddress, this.socket.localFamily, this.socket.localPort);
  }

  getpeername(): Name | number {
    return nameFrom(this.socket.remoteAddress, this.socket.remoteFamily, this.socket.remotePort);
  }

  setNoDelay(on: boolean): number {
    this.socket.setNoDelay(on);
    return 0;
  }

  setKeepAlive(on: boolean, delay: number): number {
    this.socket.setKeepAlive(on, delay * 1000);
    return 0;
  }

  private arrived(chunk: Buffer): void {
    const into = this.readInto;
    if (into === null) {
      this.received(chunk.length, chunk);
      return;
    }
    for (let at = 0; at < chunk.length && !this.over; ) {
      const buffer = into();
      const n = Math.min(buffer.length, chunk.length - at);
      if (n === 0) return;
      buffer.set(chunk.subarray(at, at + n));
      at += n;
      this.received(n, null);
    }
  }

  private failed(error: NodeJS.ErrnoException): void {
    const done = this.connecting;
    this.connecting = null;
    if (done !== null) done(statusOf(error));
    else this.end(statusOf(error));
  }

  private end(status: number): void {
    if (this.over) return;
    this.over = true;
    this.reading = false;
    this.received(status, null);
  }

  private finish(done: () => void): void {
    this.over = true;
    this.reading = false;
    const cancelled = this.connecting;
    this.connecting = null;
    later(() => {
      cancelled?.(ECANCELED);
      done();
    });
  }
}

/** A server of the kernel's, for paths and descriptors. */
export class NativeServerHandle implements ServerHandle {
  onconnection: (status: number, client: StreamHandle | null) => void = () => {};
  readonly fd = -1;
  private readonly server: NodeServer;

  constructor(options: object, listening: () => void, failed: (error: Error) => void) {
    this.server = new native.Server({ allowHalfOpen: true, pauseOnConnect: true });
    this.server.on('connection', s => this.onconnection(0, new NativeHandle(s)));
    this.server.on('error', failed);
    this.server.listen(options, listening);
  }

  getsockname(): Name | number {
    const a = this.server.address();
    return a === null || typeof a === 'string' ? -EBADF : nameFrom(a.address, a.family, a.port);
  }

  close(done: () => void = nothing): void {
    this.server.close();
    later(done);
  }

  ref(): void {
    this.server.ref();
  }

  unref(): void {
    this.server.unref();
  }

  hasRef(): boolean {
    return this.server.listening;
  }
}

function nameFrom(address?: string, family?: string, port?: number): Name | number {
  if (address === undefined || port === undefined) return -EBADF;
  return { address, family: family === 'IPv6' ? 'IPv6' : 'IPv4', port };
}
