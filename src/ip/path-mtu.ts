import type { Address } from '../base/address.ts';
import type { SipKey } from '../base/siphash.ts';
import { MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import { AddressMap } from './address-map.ts';
import type { IpEnv } from './env.ts';

/** The most destinations for which a lowered path MTU is remembered; the oldest goes first. */
export const MAX_EXCEPTIONS = 2048;
/** IPv6's smallest link MTU (RFC 8200 §5): no path is taken to be narrower. */
export const IPV6_MIN_MTU = 1280;
/** RFC 791: every IPv4 link carries 68 bytes. */
export const IPV4_MIN_MTU = 68;

/** RFC 1191 §7: what to try when a router names no MTU. */
const PLATEAUS = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, IPV4_MIN_MTU];

/** A destination whose path is narrower than its first link. */
export class MtuException {
  readonly destination: Address;
  mtu: number;
  expires: Micros;

  constructor(destination: Address, mtu: number, expires: Micros) {
    this.destination = destination;
    this.mtu = mtu;
    this.expires = expires;
  }
}

/** The path MTUs that ICMP has taught (RFC 1191, RFC 8201), by destination. They expire, and never rise before. */
export class PathMtuCache {
  private readonly env: IpEnv;
  private readonly map: AddressMap<MtuException>;
  /** Oldest first. */
  private readonly order: MtuException[] = [];

  constructor(env: IpEnv, key: SipKey) {
    this.env = env;
    this.map = new AddressMap(key);
  }

  /** The exception for a destination, expired ones included (readers compare `expires` with the time). */
  get(destination: Address): MtuException | null {
    return this.map.get(destination);
  }

  /**
   * Lowers the MTU towards `destination`, which whoever calls has checked against what it sent (RFC 5927).
   * Values under the floor (`route_min_pmtu`, 1280 for IPv6) count as the floor; larger than `present` is ignored.
   * @param present the path's MTU now
   * @returns the entry if it is new, null if there was one or nothing changed
   */
  lower(destination: Address, mtu: number, present: number): MtuException | null {
    const { now, sysctl } = this.env;
    const floor = destination.is4 ? sysctl.route_min_pmtu : IPV6_MIN_MTU;
    const wanted = Math.min(Math.max(mtu, floor), present);
    if (mtu > present || (wanted === present && present > mtu)) return null;
    const lasts = destination.is4 ? sysctl.route_mtu_expires : sysctl.ipv6_route_mtu_expires;
    const expires = now + lasts * MICROS_PER_SECOND;
    const known = this.map.get(destination);
    if (known !== null) {
      known.mtu = wanted;
      known.expires = expires;
      return null;
    }
    if (this.order.length >= MAX_EXCEPTIONS) {
      const oldest = this.order.shift();
      if (oldest !== undefined) {
        oldest.expires = now;
        this.map.delete(oldest.destination);
      }
    }
    const e = new MtuException(destination.clone(), wanted, expires);
    this.order.push(e);
    this.map.set(e.destination, e);
    return e;
  }

  /** How many are remembered. */
  get size(): number {
    return this.order.length;
  }

  clear(): void {
    this.order.length = 0;
    this.map.clear();
  }
}

/** The next plateau below the length of a packet that did not fit (RFC 1191 §5, old-style messages). */
export function plateauBelow(length: number): number {
  for (const p of PLATEAUS) if (p < length) return p;
  return IPV4_MIN_MTU;
}
