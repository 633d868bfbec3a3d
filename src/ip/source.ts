import type { Address } from '../base/address.ts';
import type { Device } from './device.ts';
import { commonLength, samePrefix } from './prefix.ts';

// Scopes as in RFC 4007, so that a larger number reaches farther.
const SCOPE_HOST = 1;
const SCOPE_LINK = 2;
const SCOPE_GLOBAL = 14;

function scopeOf(x: Address): number {
  if (x.isMulticast) return x.is4 ? SCOPE_GLOBAL : (x.a >>> 16) & 15;
  if (x.isLoopback) return SCOPE_HOST;
  return x.isLinkLocal ? SCOPE_LINK : SCOPE_GLOBAL;
}

/**
 * Chooses the source address for a datagram that leaves by `device` (RFC 9293 MUST-44; RFC 1122 §3.3.4.3,
 * RFC 6724 §5). IPv4 takes the address whose subnet holds the next hop, else the first of sufficient scope;
 * IPv6 prefers matching scope, then the longest common prefix.
 * @param others the host's other interfaces, asked only if `device` has no fit address
 * @returns null if the host has no address of the family
 */
export function selectSource(
  destination: Address,
  nextHop: Address,
  device: Device,
  others: readonly Device[],
): Address | null {
  const found = destination.is4 ? select4(nextHop, device) : select6(destination, device);
  if (found !== null) return found;
  for (const other of others) {
    if (other === device || !other.isUp) continue;
    const more = destination.is4 ? select4(nextHop, other) : select6(destination, other);
    if (more !== null && scopeOf(more) === SCOPE_GLOBAL) return more;
  }
  return null;
}

function select4(nextHop: Address, device: Device): Address | null {
  const wanted = scopeOf(nextHop);
  let first: Address | null = null;
  for (const a of device.addresses) {
    if (!a.address.is4 || a.tentative) continue;
    if (samePrefix(a.address, nextHop, a.length)) return a.address;
    if (first === null && scopeOf(a.address) >= Math.min(wanted, SCOPE_GLOBAL)) first = a.address;
  }
  return first;
}

function select6(destination: Address, device: Device): Address | null {
  const wanted = scopeOf(destination);
  let best: Address | null = null;
  for (const a of device.addresses) {
    const x = a.address;
    if (x.is4 || a.tentative) continue;
    if (x.equals(destination)) return x;
    if (best === null || isBetter(x, best, destination, wanted)) best = x;
  }
  return best;
}

/** RFC 6724 §5, rules 2 (appropriate scope) and 8 (longest matching prefix). */
function isBetter(x: Address, y: Address, destination: Address, wanted: number): boolean {
  const sx = scopeOf(x);
  const sy = scopeOf(y);
  if (sx !== sy) return sx < sy ? sx >= wanted : sy < wanted;
  return commonLength(x, destination) > commonLength(y, destination);
}
