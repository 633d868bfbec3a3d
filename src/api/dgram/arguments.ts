import nodeDgram from 'node:dgram';
import { errors } from '../net/errors.ts';

/** Node's own `createSocket`, whatever is made of the module later. */
const nativeSocket = nodeDgram.createSocket;

/**
 * Throws what Node's own `dgram` throws for the same arguments, so that messages are those of the Node that
 * runs. Call it only with arguments that are known to be wrong.
 */
export function asNode(run: (socket: nodeDgram.Socket) => unknown, type: 'udp4' | 'udp6' = 'udp4'): never {
  const socket = nativeSocket(type);
  socket.on('error', () => {});
  try {
    run(socket);
  } finally {
    socket.close();
  }
  throw errors.invalidArg('invalid argument');
}

/** Throws what `createSocket` throws for a type, or options, that are known to be wrong. */
export function refuse(type: unknown): never {
  nativeSocket(type as 'udp4').close();
  throw errors.invalidArg('invalid argument');
}

/** What may be sent as one datagram. */
export type Data = string | NodeJS.ArrayBufferView | readonly (string | NodeJS.ArrayBufferView)[];

export type SendCallback = (error: Error | null, bytes: number) => void;

/** A `send` whose arguments are sorted out. */
export interface Sending {
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly address: string;
  readonly callback: SendCallback | null;
}

/** The forms of `send(msg[, offset, length][, port][, address][, callback])`. @throws what Node's throws */
export function sendArguments(args: readonly unknown[], connected: boolean): Sending {
  let [data, offset, length, port, address, callback] = args;
  const wrong = (): never =>
    asNode(s => (s.send as (...a: unknown[]) => void).apply(s, connected ? withPort(args) : [...args]));
  if (!connected) {
    if (address || (port && typeof port !== 'function')) data = slice(data, offset, length, wrong);
    else [port, address, callback] = [offset, length, port];
  } else {
    if (typeof length === 'number') {
      data = slice(data, offset, length, wrong);
      if (typeof port === 'function') [callback, port] = [port, null];
    } else callback = offset;
    if (port || address) throw dgramErrors.isConnected();
  }
  const bytes = join(data) ?? wrong();
  if (!connected && !isPort(port)) wrong();
  if (typeof callback !== 'function') callback = undefined;
  if (typeof address === 'function') [callback, address] = [address, undefined];
  else if (address != null && typeof address !== 'string') wrong();
  return {
    bytes,
    port: Number(port),
    address: (address as string | undefined) ?? '',
    callback: (callback as SendCallback | undefined) ?? null,
  };
}

/** The arguments that an unconnected socket finds the same fault with. */
const withPort = (args: readonly unknown[]): unknown[] =>
  typeof args[2] === 'number' ? [args[0], args[1], args[2], 1] : [args[0], 1];

/** A port that may be sent to. */
export function isPort(port: unknown): port is number | string {
  if (typeof port !== 'number' && typeof port !== 'string') return false;
  if (typeof port === 'string' && port.trim() === '') return false;
  return +port === +port >>> 0 && +port > 0 && +port <= 0xffff;
}

function slice(data: unknown, offset: unknown, length: unknown, wrong: () => never): unknown {
  const view = typeof data === 'string' ? Buffer.from(data) : data;
  if (!ArrayBuffer.isView(view)) wrong();
  const whole = view as NodeJS.ArrayBufferView;
  const [from, n] = [Number(offset) >>> 0, Number(length) >>> 0];
  if (from > whole.byteLength || from + n > whole.byteLength) wrong();
  return Buffer.from(whole.buffer, whole.byteOffset + from, n);
}

/** One run of bytes that is the datagram's own; null if it is no data. */
function join(data: unknown): Uint8Array | null {
  const list: unknown[] = Array.isArray(data) ? data : [data];
  const parts: Uint8Array[] = [];
  for (const part of list) {
    if (typeof part === 'string') parts.push(Buffer.from(part));
    else if (ArrayBuffer.isView(part)) {
      parts.push(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    } else return null;
  }
  return Buffer.concat(parts);
}

function coded<T extends Error>(error: T, code: string): T & { code: string } {
  return Object.assign(error, { code });
}

/** Errors that Node's `dgram` makes itself. */
export const dgramErrors = {
  notRunning: () => coded(new Error('Not running'), 'ERR_SOCKET_DGRAM_NOT_RUNNING'),
  alreadyBound: () => coded(new Error('Socket is already bound'), 'ERR_SOCKET_ALREADY_BOUND'),
  isConnected: () => coded(new Error('Already connected'), 'ERR_SOCKET_DGRAM_IS_CONNECTED'),
  notConnected: () => coded(new Error('Not connected'), 'ERR_SOCKET_DGRAM_NOT_CONNECTED'),
};
