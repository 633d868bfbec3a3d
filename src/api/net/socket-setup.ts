import { Duplex } from 'node:stream';
import type { DuplexCall, NetContext } from './context.ts';
import { errors } from './errors.ts';
import { native } from './native.ts';
import { adopt } from './reading.ts';
import { BaseSocket, type SocketOptions } from './socket.ts';
import { kState, parseOnRead } from './socket-state.ts';
import { asNode } from './validate.ts';

/** What `new net.Socket(options)` does to the fresh object. */
export function setUp(socket: BaseSocket, given: SocketOptions | number | undefined): void {
  if (typeof given === 'number') throw noDescriptors();
  checkOptions(given);
  const options: SocketOptions = { ...given };
  if (options.fd !== undefined && options.handle === undefined) throw noDescriptors();
  const duplex: SocketOptions = {
    ...options,
    allowHalfOpen: Boolean(options.allowHalfOpen),
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  };
  socket.connecting = false;
  socket._hadError = false;
  socket._parent = null;
  socket._host = null;
  Object.defineProperty(socket, kState, {
    value: {
      handle: options.handle ?? null,
      timer: null,
      onread: parseOnRead(options.onread),
      noDelay: Boolean(options.noDelay),
      keepAlive: Boolean(options.keepAlive),
      keepAliveDelay: ~~((options.keepAliveInitialDelay ?? 0) / 1000),
      bytesRead: 0,
      bytesWritten: 0,
      lastQueue: 0,
    },
    enumerable: false,
  });
  Reflect.apply(Duplex as unknown as DuplexCall, socket, [duplex]);
  socket.on('end', ended);
  socket._pendingData = null;
  socket._pendingEncoding = '';
  socket.server = null;
  socket._server = null;
  const { handle } = options;
  if (handle === undefined) return;
  adopt(socket, handle);
  if (options.readable === false) return;
  if (options.pauseOnCreate) {
    handle.reading = false;
    handle.readStop();
    socket.pause();
  } else if (!options.manualStart) socket.read(0);
}

const noDescriptors = (): Error =>
  errors.notHere(
    "descriptors of the kernel are not lastack's: open it with new (require('node:net').Socket)({ fd })",
  );

function checkOptions(o: SocketOptions | undefined): void {
  if (!o) return;
  const delay = o.keepAliveInitialDelay;
  const bad = o.objectMode || o.readableObjectMode || o.writableObjectMode;
  if (bad || (delay !== undefined && typeof delay !== 'number')) asNode(() => new native.Socket(o as object));
  if (delay !== undefined && delay < 0) o.keepAliveInitialDelay = 0;
}

/** The peer has ended its half, and this socket is not one that lives half. */
function ended(this: BaseSocket): void {
  if (!this.allowHalfOpen) this.write = writeAfterEnd as typeof this.write;
}

function writeAfterEnd(
  this: BaseSocket,
  chunk: unknown,
  encoding?: BufferEncoding | ((error?: Error | null) => void),
  callback?: (error?: Error | null) => void,
): boolean {
  if (!this.writableEnded) {
    return Reflect.apply(Duplex.prototype.write, this, [chunk, encoding, callback]) as boolean;
  }
  const done = typeof encoding === 'function' ? encoding : callback;
  const error = errors.endedByPeer();
  if (typeof done === 'function') process.nextTick(done, error);
  this.destroy(error);
  return false;
}

/** The class `Socket` of one `net`; as Node's, it may also be called without `new`. */
export function makeSocket(net: NetContext, tag: symbol): NetContext['Socket'] {
  function Socket(this: unknown, options?: SocketOptions | number): unknown {
    if (!(this instanceof Socket)) return new made(options);
    setUp(this as unknown as BaseSocket, options);
    return undefined;
  }
  const made = Socket as unknown as NetContext['Socket'];
  Object.setPrototypeOf(Socket, Duplex);
  Socket.prototype = Object.create(BaseSocket.prototype, {
    constructor: { value: Socket, writable: true, configurable: true, enumerable: false },
    [tag]: { value: net },
  });
  return made;
}
