import type { Address } from '../base/address.ts';
import { PROTOCOL_ICMP6 } from '../wire/icmp6.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import { isSolicitedNode } from '../wire/neighbor-discovery.ts';
import type { AddressTable } from './address-table.ts';
import type { Device } from './device.ts';

/**
 * Whether an IPv4 source can't be a datagram's sender (RFC 1122 §3.2.1.3, RFC 1812 §5.3.7): such a datagram is
 * dropped and never answered.
 */
export function isMartianSource4(h: Ipv4Header, device: Device, table: AddressTable): boolean {
  const s = h.source.d;
  // "This network" as a source is right only in a broadcast (DHCP).
  if (s >>> 24 === 0 && !(s === 0 && h.destination.d === -1)) return true;
  if (s >>> 28 === 0xe || table.isSubnetBroadcast(h.source)) return true;
  return !device.loopback && (s >>> 24 === 127 || table.isLocal(h.source));
}

/** Whether an IPv4 destination can't be on a link. */
export function isMartianDestination4(h: Ipv4Header, device: Device): boolean {
  const net = h.destination.d >>> 24;
  return net === 0 || (net === 127 && !device.loopback);
}

/** As for IPv4 (RFC 4291 §2.5.2, §2.5.3, §2.7; IPv4-mapped addresses have no business on a wire). */
export function isMartianSource6(h: Ipv6Header, device: Device, table: AddressTable): boolean {
  const { source } = h;
  if (source.isMulticast || source.is4) return true;
  // The unspecified address may ask whether an address is taken, and for a router.
  if (source.isAny) return h.protocol !== PROTOCOL_ICMP6 || !h.destination.isMulticast;
  return !device.loopback && (source.isLoopback || table.isLocal(source));
}

export function isMartianDestination6(h: Ipv6Header, device: Device): boolean {
  const { destination } = h;
  if (destination.is4 || destination.isAny) return true;
  if (device.loopback) return false;
  // Interface-local scope never leaves a host.
  return destination.isLoopback || (destination.isMulticast && ((destination.a >>> 16) & 15) <= 1);
}

/** Whether the host listens to an IPv6 group: all nodes, all routers if it is one, its solicited-node groups. */
export function isJoined(group: Address, device: Device, router: boolean): boolean {
  const scope = (group.a >>> 16) & 15;
  if ((group.a & 0xfff0ffff) === (0xff000000 | 0) && group.b === 0 && group.c === 0) {
    return (scope === 1 || scope === 2) && (group.d === 1 || (group.d === 2 && router));
  }
  if (!isSolicitedNode(group)) return false;
  for (const { address } of device.addresses) {
    if (!address.is4 && (address.d & 0xffffff) === (group.d & 0xffffff)) return true;
  }
  return false;
}
