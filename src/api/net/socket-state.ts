import type { StreamHandle } from './handle.ts';

/** Where a socket keeps what is no property of Node's sockets. */
export const kState = Symbol('lastack.state');

/** What `onread` gave: a buffer, or a function that makes one for each read. */
export interface OnRead {
  buffer: Uint8Array | null;
  readonly next: (() => unknown) | null;
  readonly callback: (n: number, buffer: Uint8Array) => unknown;
}

export interface SocketState {
  handle: StreamHandle | null;
  timer: NodeJS.Timeout | null;
  onread: OnRead | null;
  noDelay: boolean;
  keepAlive: boolean;
  /** Seconds. */
  keepAliveDelay: number;
  /** Counts of a handle that is gone. */
  bytesRead: number;
  bytesWritten: number;
  /** What waited to be written when the timer last ran out. */
  lastQueue: number;
}

interface OnReadOptions {
  buffer?: unknown;
  callback?: unknown;
}

/** `options.onread` if it is one. */
export function parseOnRead(o: unknown): OnRead | null {
  if (typeof o !== 'object' || o === null) return null;
  const { buffer, callback } = o as OnReadOptions;
  if (typeof callback !== 'function') return null;
  const call = callback as OnRead['callback'];
  if (typeof buffer === 'function') return { buffer: null, next: buffer as () => unknown, callback: call };
  return buffer instanceof Uint8Array ? { buffer, next: null, callback: call } : null;
}

/** The buffer for the next read, null if the function gave none. */
export function nextBuffer(o: OnRead): void {
  if (o.next === null) return;
  const b = o.next();
  if (b instanceof Uint8Array) o.buffer = b;
}
