import { callFailed } from './errors.ts';
import { EOF, type StreamHandle } from './handle.ts';
import type { BaseSocket } from './socket.ts';
import { kState, nextBuffer } from './socket-state.ts';

/** Joins a handle to its socket. */
export function adopt(socket: BaseSocket, handle: StreamHandle): void {
  socket._handle = handle;
  const { onread } = socket[kState];
  handle.received = (status, chunk) => received(socket, handle, status, chunk);
  handle.readInto = null;
  if (onread === null) return;
  nextBuffer(onread);
  if (onread.buffer !== null) handle.readInto = () => onread.buffer!;
}

function received(socket: BaseSocket, handle: StreamHandle, status: number, chunk: Buffer | null): void {
  socket._unrefTimer();
  // What comes on an idle connection of an http.Agent answers nothing that was asked.
  if (status !== 0 && (handle.onread as { name?: string } | undefined)?.name === 'freeSocketOnReadGuard') {
    socket.destroy();
    return;
  }
  if (status > 0) {
    if (socket.destroyed) return;
    if (!taken(socket, status, chunk)) {
      handle.reading = false;
      if (!socket.destroyed) stopReading(socket, handle);
    }
    return;
  }
  if (status === 0) return;
  if (status !== EOF) {
    socket.destroy(callFailed(status, 'read'));
    return;
  }
  socket.push(null);
  socket.read(0);
}

/** Hands over bytes. @returns whether more are wanted */
function taken(socket: BaseSocket, n: number, chunk: Buffer | null): boolean {
  const { onread } = socket[kState];
  if (onread === null || onread.buffer === null) return socket.push(chunk);
  const more = onread.callback.call(socket, n, onread.buffer) !== false;
  nextBuffer(onread);
  return more;
}

export function startReading(socket: BaseSocket, handle: StreamHandle): void {
  handle.reading = true;
  const r = handle.readStart();
  if (r < 0) socket.destroy(callFailed(r, 'read'));
}

export function stopReading(socket: BaseSocket, handle: StreamHandle): void {
  const r = handle.readStop();
  if (r < 0) socket.destroy(callFailed(r, 'read'));
}
