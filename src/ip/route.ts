import { Address, ANY4, ANY6, parseAddress } from '../base/address.ts';
import { EEXIST, EINVAL, ENETDOWN, ENETUNREACH, ENOENT, ENOSPC } from '../base/errno.ts';
import type { Device } from './device.ts';
import { networkOf, type Prefix, parsePrefix, prefixText, samePrefix } from './prefix.ts';

/** The most routes a host may have. */
export const MAX_ROUTES = 16384;

/** What one may say about a route. */
export interface RouteOptions {
  /** `10.0.0.0/8`, `2001:db8::/32`, an address, or `default` (of `via`'s family, IPv4 without one). */
  destination: string | Prefix;
  /** The next hop; without it the destination is on the link. */
  via?: string | Address;
  interface: Device;
  /** Smaller MTU for this route, 0 or absent for the interface's. */
  mtu?: number;
  /** MSS to announce, 0 or absent for the one that the MTU gives. */
  advmss?: number;
  /** Initial congestion window in segments, 0 or absent for the default. */
  initcwnd?: number;
  /** Preferred source address. */
  source?: string | Address;
  /** Among equal prefixes the lowest wins. */
  metric?: number;
}

export class Route {
  readonly address: Address;
  /** Bits of 128. */
  readonly length: number;
  readonly gateway: Address | null;
  readonly device: Device;
  readonly mtu: number;
  readonly advmss: number;
  readonly initcwnd: number;
  readonly source: Address | null;
  readonly metric: number;
  /** Made from an interface's address, and gone with it. */
  readonly connected: boolean;

  constructor(
    prefix: Prefix,
    gateway: Address | null,
    source: Address | null,
    o: RouteOptions,
    connected: boolean,
  ) {
    this.address = networkOf(prefix.address, prefix.length);
    this.length = prefix.length;
    this.gateway = gateway;
    this.device = o.interface;
    this.mtu = o.mtu ?? 0;
    this.advmss = o.advmss ?? 0;
    this.initcwnd = o.initcwnd ?? 0;
    this.source = source;
    this.metric = o.metric ?? 0;
    this.connected = connected;
  }

  /** As `ip route` prints it. */
  toString(): string {
    let text = prefixText(this);
    if (this.gateway !== null) text += ` via ${this.gateway}`;
    text += ` dev ${this.device.name}`;
    if (this.source !== null) text += ` src ${this.source}`;
    if (this.metric !== 0) text += ` metric ${this.metric}`;
    if (this.mtu !== 0) text += ` mtu ${this.mtu}`;
    if (this.advmss !== 0) text += ` advmss ${this.advmss}`;
    if (this.initcwnd !== 0) text += ` initcwnd ${this.initcwnd}`;
    return text;
  }
}

/** The routes of a host, both families in one table: the longest prefix wins, then the lowest metric. */
export class RouteTable {
  /** Best first: by falling length, then rising metric, then order of arrival. */
  private readonly list: Route[] = [];
  private readonly onchange: () => void;

  /** @param onchange called after each change, so that paths made from the table can be thrown away */
  constructor(onchange: () => void) {
    this.onchange = onchange;
  }

  /**
   * Adds a route.
   * @returns 0; −EINVAL for text that does not parse or families that do not agree, −EEXIST if the prefix is
   * there with this metric and next hop, −ENETUNREACH if the gateway is not on the interface's link,
   * −ENETDOWN if the interface is down, −ENOSPC at MAX_ROUTES
   */
  add(options: RouteOptions): number {
    let gateway = addressOf(options.via);
    const source = addressOf(options.source);
    if (gateway?.isLinkLocal && !gateway.is4) {
      gateway = new Address(gateway.a, gateway.b, gateway.c, gateway.d, options.interface.index);
    }
    if (gateway === undefined || source === undefined) return -EINVAL;
    const prefix = prefixOf(options.destination, gateway);
    if (prefix === null) return -EINVAL;
    const is4 = prefix.address.is4;
    if ((gateway !== null && gateway.is4 !== is4) || (source !== null && source.is4 !== is4)) return -EINVAL;
    for (const n of [options.mtu, options.advmss, options.initcwnd, options.metric]) {
      if (n !== undefined && !(Number.isInteger(n) && n >= 0)) return -EINVAL;
    }
    if (!options.interface.isUp) return -ENETDOWN;
    if (gateway !== null && !this.isOnLink(gateway, options.interface)) return -ENETUNREACH;
    return this.insert(new Route(prefix, gateway, source, options, false));
  }

  /** The route of an interface's own subnet; it replaces nothing and is never refused twice. */
  addConnected(address: Address, length: number, device: Device): void {
    this.insert(new Route({ address, length }, null, address, { destination: '', interface: device }, true));
  }

  /** @returns 0, −EINVAL, or −ENOENT if there is no such route */
  remove(destination: string | Prefix, device?: Device, via?: string | Address): number {
    const gateway = addressOf(via);
    if (gateway === undefined) return -EINVAL;
    const prefix = prefixOf(destination, gateway);
    if (prefix === null) return -EINVAL;
    const address = networkOf(prefix.address, prefix.length);
    const at = this.list.findIndex(
      r =>
        r.length === prefix.length &&
        r.address.equals(address) &&
        (device === undefined || r.device === device) &&
        (gateway === null || r.gateway?.equals(gateway) === true),
    );
    if (at < 0) return -ENOENT;
    this.list.splice(at, 1);
    this.onchange();
    return 0;
  }

  /** Removes what hangs on an interface; with `address`, only the connected route of that address. */
  removeOf(device: Device, address: Address | null): void {
    for (let i = this.list.length - 1; i >= 0; i--) {
      const r = this.list[i]!;
      if (r.device !== device) continue;
      const gone = address === null || r.source?.equals(address) === true;
      if (gone) this.list.splice(i, 1);
    }
    this.onchange();
  }

  /**
   * The best route whose interface is up.
   * @param device only routes out of this interface, if given
   */
  lookup(destination: Address, device: Device | null = null): Route | null {
    for (let i = 0; i < this.list.length; i++) {
      const r = this.list[i]!;
      if (
        samePrefix(r.address, destination, r.length) &&
        r.device.isUp &&
        (device === null || r.device === device) &&
        (r.length >= 96 || !destination.is4)
      )
        return r;
    }
    return null;
  }

  /** All routes, best first. */
  all(): readonly Route[] {
    return this.list;
  }

  clear(): void {
    this.list.length = 0;
    this.onchange();
  }

  private insert(route: Route): number {
    if (this.list.length >= MAX_ROUTES) return -ENOSPC;
    let at = 0;
    for (; at < this.list.length; at++) {
      const r = this.list[at]!;
      if (r.length < route.length || (r.length === route.length && r.metric > route.metric)) break;
      if (r.length !== route.length || r.metric !== route.metric || !r.address.equals(route.address))
        continue;
      const same = r.gateway === null ? route.gateway === null : route.gateway?.equals(r.gateway) === true;
      if (same && r.device === route.device && (!route.connected || r.source?.equals(route.source!) === true))
        return -EEXIST;
    }
    this.list.splice(at, 0, route);
    this.onchange();
    return 0;
  }

  private isOnLink(gateway: Address, device: Device): boolean {
    if (gateway.isLinkLocal && !gateway.is4) return true;
    const r = this.lookup(gateway, device);
    // A point-to-point link needs no subnet: whatever is sent into it arrives at its other end.
    return device.medium === 'ip' || (r !== null && r.gateway === null);
  }
}

function addressOf(x: string | Address | undefined): Address | null | undefined {
  if (x === undefined) return null;
  if (x instanceof Address) return x;
  return parseAddress(x) ?? undefined;
}

function prefixOf(x: string | Prefix, gateway: Address | null): Prefix | null {
  if (typeof x !== 'string') return x;
  if (x !== 'default') return parsePrefix(x);
  return gateway !== null && !gateway.is4 ? { address: ANY6, length: 0 } : { address: ANY4, length: 96 };
}
