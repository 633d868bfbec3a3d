import { Duplex, type DuplexOptions } from 'node:stream';
import { connectSocket } from './connect.ts';
import { kNet, type NetContext } from './context.ts';
import { callFailed, errors } from './errors.ts';
import type { Name, StreamHandle } from './handle.ts';
import type { LookupFunction } from './host.ts';
import { native } from './native.ts';
import { startReading, stopReading } from './reading.ts';
import type { BaseServer } from './server.ts';
import { kState, type SocketState } from './socket-state.ts';
import { asNode, isDuration, isFunction } from './validate.ts';
import { since } from './version.ts';
import { byteLength, type Chunk, toBytes, totalLength } from './write-data.ts';

/** Options of `new net.Socket`; `handle` and what follows are for this folder. */
export interface SocketOptions extends DuplexOptions {
  fd?: number;
  onread?: unknown;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  lookup?: LookupFunction;
  handle?: StreamHandle;
  readable?: boolean;
  writable?: boolean;
  pauseOnCreate?: boolean;
  manualStart?: boolean;
}

/** −ENOTCONN: a half that never was needs no end. */
const NOT_CONNECTED = -107;

/** Node 20 lets an end() without any connect() wait for one. */
const END_WAITS = !since(22);
/** Node 20 tells of a write that destroy() cuts off as if it were done. */
const TELLS_CANCELLED = since(22);

type Callback = (error?: Error | null) => void;
type Names = Partial<Name>;

/** `net.Socket` without a host: `createNet` makes the class that programs see. */
export class BaseSocket extends Duplex {
  declare [kNet]: NetContext;
  declare [kState]: SocketState;
  declare connecting: boolean;
  declare timeout?: number;
  declare _hadError: boolean;
  declare _parent: BaseSocket | null;
  declare _host: string | null;
  declare _peername: Name | null;
  declare _sockname: Names | null;
  declare _pendingData: Chunk | readonly { chunk: Chunk; encoding: BufferEncoding }[] | null;
  declare _pendingEncoding: string;
  declare server: BaseServer | null;
  declare _server: BaseServer | null;
  declare autoSelectFamilyAttemptedAddresses?: string[];
  declare resetAndClosing?: boolean;

  get _handle(): StreamHandle | null {
    return this[kState].handle;
  }

  set _handle(handle: StreamHandle | null) {
    this[kState].handle = handle;
  }

  // Reading

  override _read(n: number): void {
    const h = this._handle;
    if (this.connecting || h === null) this.once('connect', () => this._read(n));
    else if (!h.reading) startReading(this, h);
  }

  override pause(): this {
    const h = this._handle;
    if (this[kState].onread !== null && !this.connecting && h?.reading) {
      h.reading = false;
      if (!this.destroyed) stopReading(this, h);
    }
    return super.pause();
  }

  override resume(): this {
    this.wakeReader();
    return super.resume();
  }

  override read(n?: number): unknown {
    this.wakeReader();
    return super.read(n);
  }

  /** With `onread` nothing is buffered: what asks for bytes asks the handle. */
  private wakeReader(): void {
    const h = this._handle;
    if (this[kState].onread !== null && !this.connecting && h !== null && !h.reading) startReading(this, h);
  }

  // Writing

  override _write(chunk: Chunk, encoding: BufferEncoding, done: Callback): void {
    this._writeGeneric(false, chunk, encoding, done);
  }

  override _writev(chunks: { chunk: Chunk; encoding: BufferEncoding }[], done: Callback): void {
    this._writeGeneric(true, chunks, '', done);
  }

  _writeGeneric(
    many: boolean,
    data: Chunk | readonly { chunk: Chunk; encoding: BufferEncoding }[],
    encoding: string,
    done: Callback,
  ): void {
    if (this.connecting) {
      this._pendingData = data;
      this._pendingEncoding = encoding;
      const closed = (): void => done(errors.closedBeforeConnection());
      this.once('connect', () => {
        this.off('close', closed);
        this._writeGeneric(many, data, encoding, done);
      });
      this.once('close', closed);
      return;
    }
    this._pendingData = null;
    this._pendingEncoding = '';
    const h = this._handle;
    if (h === null) {
      done(errors.socketClosed());
      return;
    }
    this._unrefTimer();
    const r = h.write(toBytes(data, encoding), status => {
      if (this.destroyed) done(status < 0 && TELLS_CANCELLED ? callFailed(status, 'write') : null);
      else if (status < 0) done(callFailed(status, 'write'));
      else {
        this._unrefTimer();
        this[kState].lastQueue = 0;
        done(null);
      }
    });
    if (r < 0) done(callFailed(r, 'write'));
    else if (r === 0) done();
  }

  override _final(done: Callback): void {
    const h = this._handle;
    if (this.connecting || (h === null && END_WAITS)) {
      this.once('connect', () => this._final(done));
      return;
    }
    if (h === null) {
      done();
      return;
    }
    const r = h.shutdown(() => done());
    if (r === NOT_CONNECTED) done();
    else if (r < 0) done(callFailed(r, 'shutdown'));
  }

  // Ending

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  resetAndDestroy(): this {
    if (this._handle === null) this.destroy(errors.socketClosed());
    else if (this.connecting) this.once('connect', () => this._reset());
    else this._reset();
    return this;
  }

  _reset(): void {
    this.resetAndClosing = true;
    this.destroy();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.connecting = false;
    for (let s: BaseSocket | null = this; s !== null; s = s._parent) {
      const state: SocketState | undefined = s[kState];
      if (state?.timer) clearTimeout(state.timer);
      if (state) state.timer = null;
    }
    const h = this._handle;
    const state = this[kState];
    if (h === null) {
      done(error);
      process.nextTick(() => this.emit('close'));
    } else {
      const failed = error !== null && error !== undefined;
      state.bytesRead = h.bytesRead;
      state.bytesWritten = h.bytesWritten;
      const closed = (): void => {
        this.emit('close', failed);
      };
      if (this.resetAndClosing) {
        this.resetAndClosing = false;
        const r = h.reset(closed);
        if (r < 0) this.emit('error', callFailed(r, 'reset'));
      } else h.close(closed);
      h.received = () => {};
      this._handle = null;
      this._sockname = null;
      done(error);
    }
    if (this._server !== null) {
      this._server._connections--;
      this._server._emitCloseIfDrained();
    }
  }

  // Options

  setTimeout(ms: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = ms;
    if (!isDuration(ms) || (callback !== undefined && !isFunction(callback)))
      asNode(() => new native.Socket().setTimeout(ms, callback));
    const state = this[kState];
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = null;
    if (ms === 0) {
      if (callback !== undefined) this.removeListener('timeout', callback);
    } else {
      state.timer = setTimeout(() => this._onTimeout(), ms);
      state.timer.unref();
      if (callback !== undefined) this.once('timeout', callback);
    }
    return this;
  }

  _onTimeout(): void {
    const h = this._handle;
    const state = this[kState];
    // A long write that makes progress is no silence.
    if (h !== null && state.lastQueue > 0 && h.writeQueueSize !== state.lastQueue) {
      state.lastQueue = h.writeQueueSize;
      this._unrefTimer();
      return;
    }
    if (h !== null) state.lastQueue = h.writeQueueSize;
    this.emit('timeout');
  }

  /** Begins to count the silence anew. */
  _unrefTimer(): void {
    for (let s: BaseSocket | null = this; s !== null; s = s._parent) {
      const state: SocketState | undefined = s[kState];
      state?.timer?.refresh();
    }
  }

  setNoDelay(enable?: boolean): this {
    const on = enable === undefined ? true : Boolean(enable);
    const state = this[kState];
    const h = this._handle;
    if (h === null || on !== state.noDelay) {
      state.noDelay = on;
      if (h !== null && !this.connecting) h.setNoDelay(on);
    }
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    const on = Boolean(enable);
    const delay = ~~((initialDelay ?? 0) / 1000);
    const state = this[kState];
    const changed = on !== state.keepAlive || (on && delay !== state.keepAliveDelay);
    state.keepAlive = on;
    state.keepAliveDelay = delay;
    const h = this._handle;
    if (h !== null && changed && !this.connecting) h.setKeepAlive(on, delay);
    return this;
  }

  ref(): this {
    const h = this._handle;
    if (h === null) this.once('connect', this.ref);
    else h.ref();
    return this;
  }

  unref(): this {
    const h = this._handle;
    if (h === null) this.once('connect', this.unref);
    else h.unref();
    return this;
  }

  connect(...args: unknown[]): this {
    connectSocket(this, args);
    return this;
  }

  // What can be seen of it

  address(): Names {
    return this._getsockname();
  }

  get _connecting(): boolean {
    return this.connecting;
  }

  get pending(): boolean {
    return this._handle === null || this.connecting;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bufferSize(): number | undefined {
    return this._handle === null ? undefined : this.writableLength;
  }

  get bytesRead(): number {
    return this._handle?.bytesRead ?? this[kState].bytesRead;
  }

  get _bytesDispatched(): number {
    return this._handle?.bytesWritten ?? this[kState].bytesWritten;
  }

  get bytesWritten(): number {
    const waiting = (this as { writableBuffer?: readonly { chunk: Chunk; encoding: string }[] })
      .writableBuffer;
    let n = this._bytesDispatched;
    for (const w of waiting ?? []) n += byteLength(w.chunk, w.encoding);
    if (this._pendingData) n += totalLength(this._pendingData, this._pendingEncoding);
    return n;
  }

  _getpeername(): Names {
    const h = this._handle;
    if (h === null || this.connecting) return this._peername ?? {};
    if (!this._peername) {
      const name = h.getpeername();
      if (typeof name === 'number') return {};
      this._peername = name;
    }
    return this._peername;
  }

  _getsockname(): Names {
    const h = this._handle;
    if (h === null) return {};
    if (!this._sockname) {
      const name = h.getsockname();
      this._sockname = typeof name === 'number' ? {} : name;
    }
    return this._sockname;
  }

  get remoteAddress(): string | undefined {
    return this._getpeername().address;
  }

  get remoteFamily(): string | undefined {
    return this._getpeername().family;
  }

  get remotePort(): number | undefined {
    return this._getpeername().port;
  }

  get localAddress(): string | undefined {
    return this._getsockname().address;
  }

  get localPort(): number | undefined {
    return this._getsockname().port;
  }

  get localFamily(): string | undefined {
    return this._getsockname().family;
  }
}
