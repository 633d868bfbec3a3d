import { getSystemErrorMap } from 'node:util';
import { errnoName } from '../../base/errno.ts';
import { ECANCELED, EOF } from './handle.ts';

/** A system call's failure as Node shows it. */
export interface SystemError extends Error {
  errno: number;
  code: string;
  syscall: string;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

const texts = new Map([...getSystemErrorMap().values()].map(([name, text]) => [name, text]));

/** The name of a status: 'ECONNREFUSED'. */
export function codeOf(status: number): string {
  if (status === EOF) return 'EOF';
  if (status === ECANCELED) return 'ECANCELED';
  return errnoName(status);
}

function system(message: string, status: number, syscall: string): SystemError {
  return Object.assign(new Error(message), { errno: status, code: codeOf(status), syscall });
}

/** `read ECONNRESET`. */
export function callFailed(status: number, syscall: string): SystemError {
  return system(`${syscall} ${codeOf(status)}`, status, syscall);
}

/** `connect ECONNREFUSED 127.0.0.1:80`, with a remark behind. */
export function placeFailed(
  status: number,
  syscall: string,
  address: string,
  port: number | undefined,
  remark = '',
): SystemError {
  const place = port !== undefined && port > 0 ? `${address}:${port}` : address;
  const e = system(
    `${syscall} ${codeOf(status)} ${place}${remark === '' ? '' : ` - Local (${remark})`}`,
    status,
    syscall,
  );
  e.address = address;
  if (port) e.port = port;
  return e;
}

/** `listen EADDRINUSE: address already in use :::80`. */
export function listenFailed(status: number, address: string, port: number | undefined): SystemError {
  const code = codeOf(status);
  const place = port !== undefined && port > 0 ? ` ${address}:${port}` : address ? ` ${address}` : '';
  const error = new Error(`listen ${code}: ${texts.get(code) ?? 'unknown error'}${place}`);
  const e: SystemError = Object.assign(error, { code, errno: status, syscall: 'listen', address });
  if (port) e.port = port;
  return e;
}

type ErrorClass = new (message: string) => Error;

function coded(Base: ErrorClass, code: string, message: string): Error & { code: string } {
  const e = Object.assign(new Base(message), { code });
  const { name } = e;
  // The stack's first line names the code, the property `name` does not.
  e.stack = e.stack?.replace(name, `${name} [${code}]`) ?? '';
  Object.defineProperty(e, 'toString', {
    value: () => `${name} [${code}]: ${e.message}`,
    enumerable: false,
    configurable: true,
    writable: true,
  });
  return e;
}

/** The errors that Node's `net` makes itself. */
export const errors = {
  socketClosed: () => coded(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed'),
  closedBeforeConnection: () =>
    coded(
      Error,
      'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
      'Socket closed before the connection was established',
    ),
  connectionTimeout: () => coded(Error, 'ERR_SOCKET_CONNECTION_TIMEOUT', 'Socket connection timeout'),
  notRunning: () => coded(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.'),
  alreadyListening: () =>
    coded(
      Error,
      'ERR_SERVER_ALREADY_LISTEN',
      'Listen method has been called more than once without closing.',
    ),
  endedByPeer: () =>
    Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' }),
  ipBlocked: (ip: string) => coded(Error, 'ERR_IP_BLOCKED', `IP(${ip}) is blocked by net.BlockList`),
  invalidIp: (ip: unknown) => coded(TypeError, 'ERR_INVALID_IP_ADDRESS', `Invalid IP address: ${String(ip)}`),
  invalidFamily: (family: unknown, host: string, port: unknown) =>
    Object.assign(
      coded(
        RangeError,
        'ERR_INVALID_ADDRESS_FAMILY',
        `Invalid address family: ${String(family)} ${host}:${port}`,
      ),
      { host, port },
    ),
  missingArgs: (message: string) => coded(TypeError, 'ERR_MISSING_ARGS', message),
  invalidArg: (message: string) => coded(TypeError, 'ERR_INVALID_ARG_VALUE', message),
  /** What this stack does not have; says what to do instead. */
  notHere: (message: string) => coded(Error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', message),
};

/** The failures of all attempts together. */
export class ConnectAggregateError extends AggregateError {
  readonly code: unknown;

  constructor(all: readonly Error[]) {
    super([...all]);
    this.code = (all[0] as NodeJS.ErrnoException | undefined)?.code;
    Object.defineProperty(this, 'name', {
      value: 'AggregateError',
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }
}
