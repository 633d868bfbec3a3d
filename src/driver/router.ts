import { errnoName } from '../base/errno.ts';
import type { Random } from '../base/random.ts';
import type { Micros } from '../base/time.ts';
import type { Clock, Link } from '../link/link.ts';
import type { Interface } from '../stack/interface.ts';
import { Stack } from '../stack/stack.ts';
import { Driver } from './driver.ts';

/** One link of a router. */
export interface RouterLink {
  readonly link: Link;
  /** The router's own addresses there, with prefix lengths: `10.1.0.1/24`, `fd01::1/64`. */
  readonly addresses: readonly string[];
  /** @default 'eth0', 'eth1', … in the order of the list */
  readonly name?: string;
  /** Of an Ethernet link. @default a random, locally administered one */
  readonly mac?: string;
}

/** A route beside those of the links' own prefixes. */
export interface RouterRoute {
  /** `10.0.0.0/8`, `2001:db8::/32`, or `default`. */
  readonly destination: string;
  /** The next hop; without it everything there is on the link itself (right for a TUN). */
  readonly via?: string;
  /** Name of the interface. */
  readonly interface: string;
}

export interface RouterOptions {
  /** A driver's loop: `NodeLoop`, `WebLoop`. */
  readonly clock: Clock;
  readonly random: Random;
  readonly links: readonly RouterLink[];
  readonly routes?: readonly RouterRoute[];
  readonly name?: string;
  readonly sysctl?: Readonly<Record<string, string | number>>;
}

/**
 * A host that passes on what is for others: a stack with `ip_forward` and `ipv6_forwarding` on, and an
 * interface for each link, of whatever kind: a switch's port, a WebSocket, a tunnel, a TUN device. Narrower
 * links are met as RFC 1812 and RFC 8200 want: fragments where DF allows, else an ICMP error.
 *
 * It keeps no process alive by itself.
 */
export class Router {
  readonly stack: Stack;
  readonly driver: Driver;

  /** @throws RangeError for an option out of range, an address or a route that does not parse */
  constructor(options: RouterOptions) {
    const { clock, random, name = 'router', sysctl = {} } = options;
    const forwarding = { ip_forward: 1, ipv6_forwarding: 1, ...sysctl };
    this.stack = new Stack({ name, random, sysctl: forwarding, start: clock.now() });
    this.driver = new Driver(this.stack, clock);
    for (const [i, link] of options.links.entries()) this.add({ name: `eth${i}`, ...link });
    for (const route of options.routes ?? []) this.route(route);
  }

  /** Joins another link. @throws RangeError as the constructor does */
  add(link: RouterLink): Interface {
    const { medium, mtu, offloads } = link.link;
    const name = link.name ?? `eth${this.stack.interfaces.length - 1}`;
    const mac = link.mac === undefined ? {} : { mac: link.mac };
    const ifc = this.stack.addInterface({ name, medium, mtu, ...mac, ...offloads });
    for (const address of link.addresses) check(ifc.addAddress(address), `${name}: address ${address}`);
    this.driver.attach(ifc, link.link);
    return ifc;
  }

  /** @throws RangeError if there is no such interface or the route can't be */
  route(route: RouterRoute): void {
    const ifc = this.stack.interface(route.interface);
    if (ifc === null) throw new RangeError(`route ${route.destination}: no interface '${route.interface}'`);
    const { destination, via } = route;
    const added = this.stack.routes.add({
      destination,
      ...(via === undefined ? {} : { via }),
      interface: ifc,
    });
    check(added, `route ${destination}`);
  }

  /** Closes links and stack at once. @param timeout microseconds for connections of its own, if it has any */
  async close(timeout: Micros = 0): Promise<void> {
    await this.driver.close(timeout);
  }
}

function check(result: number, what: string): void {
  if (result < 0) throw new RangeError(`${what}: ${errnoName(-result)}`);
}
