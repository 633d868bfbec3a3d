import { type Address, parseAddress } from '../../base/address.ts';
import { ECONNABORTED } from '../../base/errno.ts';
import { AF_INET, AF_INET6, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET } from '../../socket/constants.ts';
import type { BsdDriver } from '../bsd.ts';
import {
  type AnySocketAddress,
  formatSocketAddress,
  listenAddress,
  literalAddress,
  parseSocketAddress,
  type SocketAddress,
} from './address.ts';
import { failure, Handle } from './handle.ts';
import { Listener, type ListenOptions } from './listener.ts';
import { checkOptions, infoOf, Socket, type SocketInfo, type SocketOptions } from './socket.ts';

/** One address of a name, as Node's `dns.lookup` gives it. */
export interface FoundAddress {
  readonly address: string;
  readonly family: number;
}

/** A name lookup with the shape of Node's `dns.lookup`; always asked for all addresses. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: Error | null, addresses: string | FoundAddress[], family?: number) => void,
) => void;

/** What the API runs on: a driver, and how names are looked up; without `lookup` there are only numbers. */
export interface SocketsHost {
  readonly driver: BsdDriver;
  readonly lookup?: Lookup;
}

export interface ConnectOptions extends SocketOptions {
  /** Gives the attempt up, or resets the connection, when it is aborted. */
  readonly signal?: AbortSignal;
}

/** The sockets API of one host. */
export interface SocketsApi {
  /**
   * Begins to connect; `opened` says how it went.
   * @param address 'host:port' or { hostname, port }
   * @throws TypeError if the address can't be read or TLS is asked for
   */
  connect(address: AnySocketAddress, options?: ConnectOptions): Socket;
  /**
   * Listens, at once.
   * @param address as for `connect`; port 0 lets the host choose, '' or '*' is every IPv4 address
   * @throws TypeError as `connect` does, and for names; SocketError EADDRINUSE, EADDRNOTAVAIL, …
   */
  listen(address: AnySocketAddress, options?: ListenOptions): Listener;
}

/** The sockets API on a host, or on a driver alone. */
export function createSockets(host: SocketsHost | BsdDriver): SocketsApi {
  const { driver, lookup } = 'driver' in host ? host : { driver: host, lookup: undefined };
  return {
    connect: (address, options = {}) => connect(driver, lookup, address, options),
    listen: (address, options = {}) => listen(driver, address, options),
  };
}

function connect(
  driver: BsdDriver,
  lookup: Lookup | undefined,
  address: AnySocketAddress,
  options: ConnectOptions,
): Socket {
  const to = parseSocketAddress(address);
  checkOptions(options);
  const { signal } = options;
  const handle = new Handle(driver);
  const about = formatSocketAddress(to.hostname, to.port);
  const socket = new Socket(
    { handle, about, connected: signal?.aborted ? Promise.reject(signal.reason) : attempts() },
    options,
  );
  if (signal !== undefined && !signal.aborted) {
    const abort = (): void => socket.reset(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const forget = (): void => signal.removeEventListener('abort', abort);
    socket.closed.then(forget, forget);
  }
  return socket;

  /** Tries the addresses one after the other. */
  async function attempts(): Promise<SocketInfo> {
    const literal = literalAddress(to.hostname);
    const list = literal !== null ? [literal] : await find(lookup, to);
    for (const [i, at] of list.entries()) {
      const errno = await attempt(driver, handle, at, to.port);
      if (errno === 0) {
        const sockets = driver.enter();
        const local = sockets.getsockname(handle.fd);
        const remote = sockets.getpeername(handle.fd);
        if (typeof local === 'object' && typeof remote === 'object') return infoOf(local, remote);
        throw failure('connect', handle.takeError() || ECONNABORTED, about);
      }
      if (handle.closed || i === list.length - 1) throw failure('connect', errno, about);
    }
    throw nameless(to.hostname, 'it has no addresses');
  }
}

/** @returns 0, or a positive errno */
async function attempt(driver: BsdDriver, handle: Handle, address: Address, port: number): Promise<number> {
  if (handle.closed) return ECONNABORTED;
  const sockets = driver.enter();
  const fd = sockets.socket(address.is4 ? AF_INET : AF_INET6, SOCK_STREAM);
  if (fd < 0) return -fd;
  handle.fd = fd;
  const result = await handle.wait(sockets.begin.connect(fd, address, port));
  if (handle.closed) return ECONNABORTED;
  if (result === 0) return 0;
  handle.fd = -1;
  driver.enter().close(fd);
  return -result;
}

function listen(driver: BsdDriver, address: AnySocketAddress, options: ListenOptions): Listener {
  const at = parseSocketAddress(address);
  const ip = listenAddress(at.hostname);
  if (ip === null)
    throw new TypeError(`listen: expected an IPv4 or IPv6 address, '' or '*', found '${at.hostname}'`);
  const handle = new Handle(driver);
  const sockets = driver.enter();
  const about = formatSocketAddress(at.hostname, at.port);
  const check = (syscall: string, result: number): number => {
    if (result >= 0) return result;
    handle.close();
    throw failure(syscall, -result, about);
  };
  handle.fd = check('socket', sockets.socket(ip.is4 ? AF_INET : AF_INET6, SOCK_STREAM));
  sockets.setsockopt(handle.fd, SOL_SOCKET, SO_REUSEADDR, 1);
  check('bind', sockets.bind(handle.fd, ip, at.port));
  check('listen', sockets.listen(handle.fd, options.backlog ?? 511));
  const name = sockets.getsockname(handle.fd);
  const listener = new Listener(
    driver,
    handle,
    typeof name === 'number' ? { address: ip, port: 0 } : name,
    options,
  );
  if (options.signal?.aborted) listener.close();
  return listener;
}

async function find(lookup: Lookup | undefined, to: SocketAddress): Promise<readonly Address[]> {
  if (lookup === undefined) throw nameless(to.hostname, 'this host looks no names up: give an address');
  const found = await new Promise<string | FoundAddress[]>((resolve, reject) =>
    lookup(to.hostname, { all: true }, (error, addresses) => {
      if (error) reject(error);
      else resolve(addresses);
    }),
  );
  const texts = typeof found === 'string' ? [found] : found.map(f => f.address);
  const list = texts.map(parseAddress).filter(a => a !== null);
  if (list.length === 0) throw nameless(to.hostname, 'it has no addresses');
  return list;
}

/** As Node's lookup fails. */
const nameless = (hostname: string, why: string): Error =>
  Object.assign(new Error(`connect ${hostname}: ENOTFOUND, ${why}`), { code: 'ENOTFOUND', hostname });
