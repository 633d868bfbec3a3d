import { type Address, parseAddress } from '../../base/address.ts';
import type { Stack } from '../../stack/stack.ts';

/** A host that can ping: a stack on a driver. */
export interface PingHost {
  readonly name: string;
  readonly stack: Stack;
  readonly addresses: readonly Address[];
  /** Tells the stack the time, and arranges for what is done to it next. */
  enter(): unknown;
}

/** Who pings whom. */
export interface PingPair {
  readonly host: PingHost;
  readonly to: Address;
}

/**
 * Finds both ends.
 * @param to an address, or the name of one of the hosts
 * @param from name of the host that asks; without it the first that is not the one asked for
 * @returns a sentence if there is no such host
 */
export function pairOf(hosts: readonly PingHost[], to: string, from: string | null): PingPair | string {
  const names = hosts.map(h => h.name).join(' and ');
  const named = hosts.find(h => h.name.toLowerCase() === to.toLowerCase());
  const address = named?.addresses[0] ?? parseAddress(to);
  if (address === null || address === undefined)
    return `'${to}' is neither an address nor a host here; there are ${names}`;
  const owner = named ?? hosts.find(h => h.addresses.some(a => a.equals(address)));
  const host =
    from === null
      ? (hosts.find(h => h !== owner) ?? hosts[0])
      : hosts.find(h => h.name.toLowerCase() === from.toLowerCase());
  if (host === undefined) return `no host is called '${from}'; there are ${names}`;
  return { host, to: address };
}
