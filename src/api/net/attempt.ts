import type { Place } from './attempts.ts';
import { kNet } from './context.ts';
import { errors, placeFailed, type SystemError } from './errors.ts';
import type { ClientHandle } from './handle.ts';
import { native } from './native.ts';
import { adopt } from './reading.ts';
import type { BaseSocket } from './socket.ts';
import { kState } from './socket-state.ts';
import { outsideHandle } from './transport.ts';
import { since } from './version.ts';

const ANY = { 4: '0.0.0.0', 6: '::' } as const;
const EADDRINUSE = -98;
const EINVAL = -22;

/** Binds as `localAddress` and `localPort` ask. @returns false if it failed and the socket is destroyed */
export function bindLocal(
  socket: BaseSocket,
  place: Place,
  localAddress: string | undefined,
  localPort: number | undefined,
): boolean {
  const error = bindError(socket._handle as ClientHandle, place, localAddress, localPort);
  if (error === null) return true;
  socket.destroy(error);
  return false;
}

/** Binds a handle if it is asked for; the error if that fails. */
export function bindError(
  handle: ClientHandle,
  place: Place,
  localAddress: string | undefined,
  localPort: number | undefined,
): SystemError | null {
  if (!localAddress && !localPort) return null;
  const address = localAddress || ANY[place.family === 6 ? 6 : 4];
  const fits = native.isIP(address) === place.family;
  let r = fits ? handle.bind(address, localPort ?? 0) : EINVAL;
  if (r === 0 && localPort) {
    const name = handle.getsockname();
    if (typeof name !== 'number' && name.port !== localPort) r = EADDRINUSE;
  }
  return r < 0 ? placeFailed(r, 'bind', address, localPort) : null;
}

/** The part of `net.BlockList` that is used here. */
export interface Blocks {
  check(address: string, family?: string): boolean;
}

const HAS_BLOCK_LIST = since(22, 13);

/** Whether a block list holds the address. */
export function isBlocked(place: Place, list: Blocks | undefined): boolean {
  if (!HAS_BLOCK_LIST || list === undefined) return false;
  return list.check(place.address, `ipv${place.family}`);
}

/** Connects the socket's handle to its one address. */
export function attempt(socket: BaseSocket, place: Place, blocked?: Blocks): void {
  const { address, port, family } = place;
  let handle = socket._handle as ClientHandle;
  const other = outsideHandle(socket[kNet].host, place, handle);
  if (other !== null) {
    adopt(socket, other);
    handle = other;
  }
  if (port !== undefined) socket.emit('connectionAttempt', address, port, family);
  if (!socket.connecting || socket._handle !== handle) return;
  if (isBlocked(place, blocked)) {
    socket.destroy(errors.ipBlocked(address));
    return;
  }
  const r = handle.connect(address, port ?? 0, status => {
    if (socket.destroyed) return;
    if (status === 0) connected(socket, handle);
    else {
      const error = connectError(status, place, handle);
      if (port !== undefined) socket.emit('connectionAttemptFailed', address, port, family, error);
      socket.connecting = false;
      socket.destroy(error);
    }
  });
  if (r < 0) {
    const name = socket._getsockname();
    const remark = name.address === undefined ? '' : `${name.address}:${name.port}`;
    socket.destroy(placeFailed(r, 'connect', address, port, remark));
  }
}

/** The error of a connect() that failed later. */
export function connectError(status: number, place: Place, handle: ClientHandle | null): SystemError {
  const local = place.local ? handle?.getsockname() : undefined;
  const known = typeof local === 'object' && local.port > 0;
  const remark = known ? `${local.address}:${local.port}` : '';
  const error = placeFailed(status, 'connect', place.address, place.port, remark);
  if (known) {
    error.localAddress = local.address;
    error.localPort = local.port;
  }
  return error;
}

/** The handshake is done: options are set, events follow, reading begins. */
export function connected(socket: BaseSocket, handle: ClientHandle): void {
  const state = socket[kState];
  socket.connecting = false;
  socket._sockname = null;
  socket._unrefTimer();
  if (state.noDelay) handle.setNoDelay(true);
  if (state.keepAlive) handle.setKeepAlive(true, state.keepAliveDelay);
  socket.emit('connect');
  socket.emit('ready');
  if (!socket.isPaused()) socket.read(0);
}
