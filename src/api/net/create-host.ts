import { randomBytes } from 'node:crypto';
import { errnoName } from '../../base/errno.ts';
import { seededRandom } from '../../base/random.ts';
import type { CloseReport } from '../../driver/driver.ts';
import { NodeDriver, NodeLoop } from '../../driver/node.ts';
import type { Link } from '../../link/link.ts';
import { Stack } from '../../stack/stack.ts';
import type { LookupFunction, NetHost } from './host.ts';

/** A link of a host and the addresses that the host has on it. */
export interface HostLink {
  readonly link: Link;
  /** Default `eth0`, `eth1` and so on. */
  readonly name?: string;
  /** With prefix length: `10.0.0.1/24`. */
  readonly addresses?: readonly string[];
  /** The router of the default route through this link; `''` if all addresses are reached without one. */
  readonly gateway?: string;
}

export interface HostOptions {
  /** For `lastack ss`. @default 'host' */
  readonly name?: string;
  /** Addresses with prefix length on the first link, or without links on `lo`, beside 127.0.0.0/8 and ::1. */
  readonly addresses?: readonly string[];
  readonly links?: readonly (Link | HostLink)[];
  /** Shared by all hosts and links of a thread, so that their work is done in one turn. */
  readonly loop?: NodeLoop;
  /** Linux's names, `net.ipv4.tcp_fin_timeout` for example. */
  readonly sysctl?: Readonly<Record<string, string | number>>;
  /** Makes ports and sequence numbers the same in every run; without it nobody can guess them. */
  readonly seed?: number | string;
  readonly lookup?: LookupFunction;
}

/** A host of its own: a stack on Node's event loop, made for `createNet`. */
export interface Host extends NetHost {
  readonly name: string;
  readonly stack: Stack;
  readonly driver: NodeDriver;
  readonly loop: NodeLoop;
  /** Who opened a descriptor, for `lastack ss`. */
  ownerOf(fd: number): string | null;
  /** Ends all connections within 5 seconds and says which it could not. */
  close(): Promise<CloseReport>;
}

/**
 * Makes a host with its links, addresses and routes.
 * @throws Error if an address is wrong or taken
 */
export function createHost(options: HostOptions = {}): Host {
  const {
    name = 'host',
    loop = new NodeLoop(),
    sysctl = {},
    seed = randomBytes(32).toString('hex'),
  } = options;
  const stack = new Stack({ name, random: seededRandom(seed), sysctl, start: loop.now() });
  const driver = new NodeDriver(stack, loop);
  const links = (options.links ?? []).map(l => ('link' in l ? l : { link: l }));
  links.forEach((l: HostLink, i) => {
    const { link } = l;
    const { medium, mtu, offloads } = link;
    const ifc = stack.addInterface({ name: l.name ?? `eth${i}`, medium, mtu, ...offloads });
    const addresses = [...(l.addresses ?? []), ...(i === 0 ? (options.addresses ?? []) : [])];
    for (const a of addresses) check(ifc.addAddress(a), `address ${a}`);
    if (l.gateway !== undefined) {
      const via = l.gateway === '' ? {} : { via: l.gateway };
      check(stack.routes.add({ destination: 'default', interface: ifc, ...via }), 'default route');
    }
    driver.attach(ifc, link);
  });
  if (links.length === 0)
    for (const a of options.addresses ?? []) check(stack.lo.addAddress(a), `address ${a}`);
  const owners = new Map<number, string>();
  return {
    name,
    stack,
    driver,
    loop,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    opened: (fd, owner) => owners.set(fd, owner),
    ownerOf: fd => owners.get(fd) ?? null,
    close: () => driver.close(),
  };
}

function check(result: number, what: string): void {
  if (result < 0) throw new Error(`${what}: ${errnoName(result)}`);
}
