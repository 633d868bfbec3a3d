import { type Address, ANY4, ANY6, LOOPBACK4, parseAddress } from '../../base/address.ts';

/** An address of the sockets API as an object. */
export interface SocketAddress {
  /** A name, or an IPv4 or IPv6 address; brackets around the latter are allowed. */
  readonly hostname: string;
  readonly port: number;
}

/** 'host:port' ('[::1]:80' for IPv6), or an object. */
export type AnySocketAddress = string | SocketAddress;

/** @throws TypeError that says what was expected */
export function parseSocketAddress(address: AnySocketAddress): SocketAddress {
  if (typeof address !== 'string') {
    const { hostname, port } = address ?? {};
    if (typeof hostname !== 'string') throw bad(address, "an object with 'hostname' and 'port'");
    return { hostname: bare(hostname), port: checkPort(port, address) };
  }
  const m = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (m === null) throw bad(address, "'host:port', with brackets around an IPv6 address ('[::1]:80')");
  return { hostname: m[1] ?? m[2] ?? '', port: checkPort(Number(m[3]), address) };
}

/** 'host:port', with brackets where they are needed. */
export const formatSocketAddress = (hostname: string, port: number): string =>
  hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;

/** The address that a name says by itself: a number, or 'localhost'. Null if it must be looked up. */
export function literalAddress(hostname: string): Address | null {
  if (/^localhost\.?$/i.test(hostname)) return LOOPBACK4;
  return parseAddress(hostname);
}

/** Where to listen: also '' and '*', which stand for every address of the host. Null if it is a name. */
export function listenAddress(hostname: string): Address | null {
  if (hostname === '' || hostname === '*') return ANY4;
  return hostname === '::' ? ANY6 : literalAddress(hostname);
}

const bare = (hostname: string): string =>
  hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;

function checkPort(port: unknown, address: unknown): number {
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65535)
    throw bad(address, 'a port between 0 and 65535');
  return port;
}

function bad(address: unknown, expected: string): TypeError {
  const found = typeof address === 'string' ? `'${address}'` : (JSON.stringify(address) ?? String(address));
  return new TypeError(`address: expected ${expected}, found ${found}`);
}
