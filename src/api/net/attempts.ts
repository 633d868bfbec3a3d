import type { LookupAddress } from 'node:dns';
import { type Blocks, bindError, connectError, connected, isBlocked } from './attempt.ts';
import { kNet } from './context.ts';
import { ConnectAggregateError, errors, placeFailed } from './errors.ts';
import type { ClientHandle } from './handle.ts';
import { native } from './native.ts';
import { adopt } from './reading.ts';
import type { BaseSocket } from './socket.ts';
import { outsideHandle, TcpHandle } from './transport.ts';

/** Where an attempt goes. */
export interface Place {
  address: string;
  port: number | undefined;
  /** 4, 6, or 0 for a path. */
  family: number;
  /** Whether it was bound first. */
  local?: boolean;
}

/** What holds for all attempts. */
export interface AttemptOptions {
  /** Milliseconds until the next address is tried. */
  readonly timeout: number;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly blockList: Blocks | undefined;
}

const ECANCELED = -125;
const ETIMEDOUT = -110;

/** The addresses of both families in turn, beginning with the first's (RFC 8305 §4). */
export function sortAddresses(found: readonly LookupAddress[], port: number): Place[] {
  const first: Place[] = [];
  const second: Place[] = [];
  let leading = 0;
  for (const { address, family } of found) {
    if (native.isIP(address) === 0 || (family !== 4 && family !== 6)) continue;
    leading ||= family;
    const list = family === leading ? first : second;
    if (!list.some(p => p.address === address)) list.push({ address, port, family });
  }
  const all: Place[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (first[i] !== undefined) all.push(first[i]!);
    if (second[i] !== undefined) all.push(second[i]!);
  }
  return all;
}

/** Tries one address after the other (`autoSelectFamily`) until one answers. */
export function runAttempts(socket: BaseSocket, places: readonly Place[], options: AttemptOptions): void {
  const failures: Error[] = [];
  let current = 0;
  let timer: NodeJS.Timeout | null = null;

  const next = (cancelled = false): void => {
    if (timer !== null) clearTimeout(timer);
    if (!socket.connecting) return;
    if (cancelled || current === places.length) {
      socket.destroy(
        failures.length === 0 ? errors.connectionTimeout() : new ConnectAggregateError(failures),
      );
      return;
    }
    const number = current++;
    const place = places[number]!;
    const { host } = socket[kNet];
    if (number > 0) replace(socket, new TcpHandle(host));
    const other = outsideHandle(host, place, socket._handle as ClientHandle);
    if (other !== null) adopt(socket, other);
    const handle = socket._handle as ClientHandle;
    const { address, port, family } = place;
    const bad = bindError(handle, place, options.localAddress, options.localPort);
    if (bad !== null) {
      failures.push(bad);
      next();
      return;
    }
    if (isBlocked(place, options.blockList)) {
      failures.push(errors.ipBlocked(address));
      next();
      return;
    }
    socket.autoSelectFamilyAttemptedAddresses!.push(`${address}:${port}`);
    socket.emit('connectionAttempt', address, port, family);
    if (!socket.connecting) return;
    const r = handle.connect(address, port ?? 0, status => outcome(number, place, handle, status));
    if (r < 0) {
      const name = socket._getsockname();
      const remark = name.address === undefined ? '' : `${name.address}:${name.port}`;
      const error = placeFailed(r, 'connect', address, port, remark);
      failures.push(error);
      socket.emit('connectionAttemptFailed', address, port, family, error);
      next();
      return;
    }
    if (number < places.length - 1) timer = setTimeout(late, options.timeout, place, handle);
  };

  const late = (place: Place, handle: ClientHandle): void => {
    socket.emit('connectionAttemptTimeout', place.address, place.port, place.family);
    failures.push(connectError(ETIMEDOUT, place, handle));
    handle.close(() => {});
    next();
  };

  const outcome = (number: number, place: Place, handle: ClientHandle, status: number): void => {
    if (number !== current - 1 || socket._handle !== handle || socket.destroyed) return;
    if (timer !== null) clearTimeout(timer);
    if (status === 0) {
      connected(socket, handle);
      return;
    }
    const error = connectError(status, place, handle);
    failures.push(error);
    socket.emit('connectionAttemptFailed', place.address, place.port, place.family, error);
    next(status === ECANCELED);
  };

  if (socket.connecting) next();
}

/** Another handle for the next attempt, referenced as the last one was. */
function replace(socket: BaseSocket, handle: ClientHandle): void {
  const before = socket._handle;
  if (before !== null && !before.hasRef()) handle.unref();
  before?.close(() => {});
  adopt(socket, handle);
}
