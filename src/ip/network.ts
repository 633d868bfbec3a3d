import { type Address, LOOPBACK4, LOOPBACK6 } from '../base/address.ts';
import { EADDRNOTAVAIL, EHOSTUNREACH, ENETDOWN, ENETUNREACH } from '../base/errno.ts';
import { randomKey, type SipKey } from '../base/random.ts';
import type { Network, Path } from '../tcp/path.ts';
import {
  BROADCAST_MAC,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type Mac,
  multicastMac,
  putEthernet,
} from '../wire/ethernet.ts';
import { type Frame, HEADROOM } from '../wire/frame.ts';
import { IP_DF, IPV4_HEADER, putIpv4 } from '../wire/ipv4.ts';
import { IPV6_HEADER, putIpv6 } from '../wire/ipv6.ts';
import { AddressTable } from './address-table.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';
import { completeChecksum, firstId, fragment4, fragment6 } from './fragment.ts';
import type { Intercept } from './intercept.ts';
import type { NeighborTable } from './neighbor.ts';
import { IpPath } from './path.ts';
import { PathCache } from './path-cache.ts';
import { PathMtuCache } from './path-mtu.ts';
import { type Route, RouteTable } from './route.ts';
import { selectSource } from './source.ts';

/** IP_MTU_DISCOVER (ip(7)): never DF; DF and fragment here if too big; DF and refuse; DF and ignore the path MTU. */
export const PMTUDISC_DONT = 0;
export const PMTUDISC_WANT = 1;
export const PMTUDISC_DO = 2;
export const PMTUDISC_PROBE = 3;

/** The sending half of IP: chooses paths, writes headers, fragments, hands to interfaces. */
export class IpNetwork implements Network {
  readonly env: IpEnv;
  /** All interfaces, lo first. */
  readonly devices: Device[] = [];
  readonly addresses: AddressTable;
  readonly routes: RouteTable;
  readonly mtus: PathMtuCache;
  /** Rises with each change of routes, addresses or interfaces: paths made before are no longer valid. */
  generation = 1;
  /** Set once, by the stack: IPv6 and IPv4 neighbours on Ethernet links. */
  neighbors: NeighborTable | null = null;
  /** TCP for addresses of others that this host accepts; null for none. */
  intercept: Intercept | null = null;
  private readonly paths: PathCache;
  private readonly idKey: SipKey;

  constructor(env: IpEnv) {
    this.env = env;
    const key = randomKey(env.random);
    this.idKey = randomKey(env.random);
    this.addresses = new AddressTable(key, this.devices);
    this.paths = new PathCache(key);
    this.mtus = new PathMtuCache(env, key);
    this.routes = new RouteTable(() => this.changed());
  }

  /** Routes, addresses or an interface have changed. */
  changed(): void {
    this.generation++;
    this.paths.clear();
    this.addresses.changed();
  }

  path(destination: Address, source: Address | null): IpPath | number {
    const wanted = source === null || source.isAny ? null : source;
    return this.paths.get(destination, wanted) ?? this.makePath(destination.clone(), wanted);
  }

  frame(size: number): Frame {
    return this.env.frames.take(HEADROOM + size);
  }

  isLocal(address: Address): boolean {
    return this.addresses.isLocal(address);
  }

  isBroadcast(address: Address): boolean {
    return this.addresses.isBroadcast(address);
  }

  /**
   * A router has said that packets towards the path's destination are too big, and whoever calls believes it
   * (RFC 5927: the quoted packet is one of ours in flight). The path's `mtu` shows it at once.
   */
  lowerMtu(path: Path, mtu: number): void {
    const p = path as IpPath;
    const e = this.mtus.lower(p.destination, mtu, p.mtu);
    if (e === null) return;
    if (p.destination.equals(e.destination)) p.exception = e;
    this.paths.forDestination(e.destination, other => {
      other.exception = e;
    });
  }

  suspect(path: Path): void {
    const p = path as IpPath;
    if (p.neighbor !== null) this.neighbors?.suspect(p.neighbor);
    this.paths.remove(p);
  }

  confirm(path: Path): void {
    const { neighbor } = path as IpPath;
    if (neighbor !== null) this.neighbors?.confirm(neighbor);
  }

  /**
   * @param discovery one of PMTUDISC_*; for TCP DONT or WANT
   */
  send(
    path: Path,
    frame: Frame,
    source: Address,
    destination: Address,
    protocol: number,
    tos: number,
    ttl: number,
    discovery: number = PMTUDISC_WANT,
  ): boolean {
    const p = path as IpPath;
    if (p.is4) return this.send4(p, frame, source, destination, protocol, tos, ttl, discovery);
    return this.send6(p, frame, source, destination, protocol, tos, ttl, discovery);
  }

  private send4(
    p: IpPath,
    frame: Frame,
    source: Address,
    destination: Address,
    protocol: number,
    tos: number,
    ttl: number,
    discovery: number,
  ): boolean {
    const { mib, sysctl } = this.env;
    const total = frame.length + IPV4_HEADER;
    mib.IpOutRequests++;
    mib.IpExtOutOctets += total;
    const tooBig = frame.gsoSize === 0 && total > (discovery === PMTUDISC_PROBE ? p.linkMtu : p.mtu);
    const df =
      discovery >= PMTUDISC_DO || (discovery === PMTUDISC_WANT && !tooBig && sysctl.ip_no_pmtu_disc === 0);
    frame.start -= IPV4_HEADER;
    // RFC 6864: a datagram that is not cut needs no identification.
    const id = df ? 0 : p.nextId++ & 0xffff;
    const hops = ttl !== 0 ? ttl : sysctl.ip_default_ttl;
    // A super-segment may exceed the length field; the link that cuts it writes each length.
    putIpv4(frame.bytes, frame.start, total, tos, id, df ? IP_DF : 0, hops, protocol, source, destination);
    if (!tooBig) return this.emit(p, frame);
    if (df || total > 65535) {
      mib.IpFragFails++;
      this.discard4(frame);
      return true;
    }
    const whole = frame.gather();
    completeChecksum(whole, whole.start + IPV4_HEADER, protocol);
    mib.IpFragOKs++;
    mib.IpFragCreates += fragment4(this.env.frames, whole, p.mtu, piece => void this.emit(p, piece));
    return true;
  }

  private send6(
    p: IpPath,
    frame: Frame,
    source: Address,
    destination: Address,
    protocol: number,
    tos: number,
    ttl: number,
    discovery: number,
  ): boolean {
    const { mib, sysctl } = this.env;
    const payload = frame.length;
    mib.Ip6OutRequests++;
    mib.Ip6OutOctets += payload + IPV6_HEADER;
    const limit = discovery === PMTUDISC_PROBE ? p.linkMtu : p.mtu;
    const tooBig = frame.gsoSize === 0 && payload + IPV6_HEADER > limit;
    const label = sysctl.auto_flowlabels !== 0 ? this.flowLabel(p, frame) : 0;
    frame.start -= IPV6_HEADER;
    const hops = ttl !== 0 ? ttl : sysctl.ipv6_hop_limit;
    putIpv6(frame.bytes, frame.start, payload, tos, label, protocol, hops, source, destination);
    if (!tooBig) return this.emit(p, frame);
    if (discovery >= PMTUDISC_DO || payload > 65535) {
      mib.Ip6FragFails++;
      mib.Ip6OutDiscards++;
      mib.countDrop('mtu-exceeded');
      frame.release();
      return true;
    }
    const whole = frame.gather();
    completeChecksum(whole, whole.start + IPV6_HEADER, protocol);
    mib.Ip6FragOKs++;
    const id = p.nextId++ | 0;
    mib.Ip6FragCreates += fragment6(this.env.frames, whole, p.mtu, id, piece => void this.emit(p, piece));
    return true;
  }

  /**
   * Hands a complete datagram to the path's interface, behind a link header if that wants one. Takes the frame over.
   * @returns false if the interface had no room for it; what a dead interface swallows counts as sent
   */
  emit(p: IpPath, frame: Frame): boolean {
    if (p.is4) this.env.mib.IpOutTransmits++;
    else this.env.mib.Ip6OutTransmits++;
    const device = p.device;
    if (!p.ethernet) return device.enqueue(frame) || !device.isUp;
    if (p.groupMac !== null) {
      frame.start -= 14;
      putEthernet(frame.bytes, frame.start, p.groupMac, device.mac!, p.is4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
      return device.enqueue(frame) || !device.isUp;
    }
    let n = p.neighbor;
    if (n === null || n.gone) {
      n = this.neighbors?.obtain(device, p.nextHop) ?? null;
      p.neighbor = n;
      if (n === null) {
        this.env.mib.countDrop('neighbor-unreachable');
        frame.release();
        return true;
      }
    }
    return this.neighbors!.send(n, frame);
  }

  /** A path that is not looked up and not kept: out of `device` to a neighbour or group; null if it is down. */
  directPath(device: Device, source: Address, destination: Address): IpPath | null {
    if (!device.isUp) return null;
    const group = this.groupMac(destination);
    return new IpPath(this.env, this, source, destination, device, destination, null, group, null, 0, true);
  }

  close(): void {
    this.paths.clear();
    this.mtus.clear();
    this.devices.length = 0;
    this.routes.clear();
  }

  private discard4(frame: Frame): void {
    this.env.mib.IpOutDiscards++;
    this.env.mib.countDrop('mtu-exceeded');
    frame.release();
  }

  /** RFC 6437 §3: one label a flow, from the ports (which TCP and UDP have first) and a secret of the path. */
  private flowLabel(p: IpPath, frame: Frame): number {
    const { bytes, start } = frame;
    const ports =
      (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
    return (Math.imul(ports ^ p.hash, 0x9e3779b1) >>> 12) & 0xfffff;
  }

  private makePath(destination: Address, source: Address | null): IpPath | number {
    if (source !== null && source.is4 !== destination.is4) return -ENETUNREACH;
    if (source !== null && !this.mayUse(source)) return -EADDRNOTAVAIL;
    const lo = this.devices[0];
    if (this.addresses.isLocal(destination)) {
      if (lo === undefined || !lo.isUp) return -ENETDOWN;
      return this.keep(destination, source ?? destination, lo, destination, null, null, source !== null);
    }
    if (destination.isAny) return -ENETUNREACH;
    const route = this.routes.lookup(destination, this.scopeDevice(destination));
    const group = this.groupMac(destination);
    const device = route?.device ?? (group !== null ? this.groupDevice(destination, source) : null);
    if (device === null) return destination.scope !== 0 ? -EHOSTUNREACH : -ENETUNREACH;
    // Nobody outside may see a loopback address.
    if (source?.isLoopback && !device.loopback) return -ENETUNREACH;
    const nextHop = route?.gateway ?? destination;
    const chosen = source ?? route?.source ?? selectSource(destination, nextHop, device, this.devices);
    if (chosen === null) return -EADDRNOTAVAIL;
    return this.keep(destination, chosen, device, nextHop, route, group, source !== null);
  }

  /** Whether a packet may leave with this source address. */
  private mayUse(source: Address): boolean {
    return (
      this.addresses.isLocal(source) || this.env.sysctl.ip_nonlocal_bind !== 0 || this.intercept !== null
    );
  }

  private keep(
    destination: Address,
    source: Address,
    device: Device,
    nextHop: Address,
    route: Route | null,
    group: Mac | null,
    given: boolean,
  ): IpPath {
    const from = source.clone();
    const id = firstId(this.idKey, { source: from, destination });
    const e = this.mtus.get(destination);
    const p = new IpPath(this.env, this, from, destination, device, nextHop, route, group, e, id, given);
    this.paths.add(p);
    return p;
  }

  private scopeDevice(destination: Address): Device | null {
    return destination.scope === 0 ? null : (this.devices.find(d => d.index === destination.scope) ?? null);
  }

  private groupMac(destination: Address): Mac | null {
    if (destination.isMulticast) return multicastMac(destination);
    return this.addresses.isSubnetBroadcast(destination) ? BROADCAST_MAC : null;
  }

  /** Where a datagram to a group leaves if no route says so. */
  private groupDevice(destination: Address, source: Address | null): Device | null {
    const scoped = this.scopeDevice(destination);
    if (scoped !== null) return scoped.isUp ? scoped : null;
    const owner = source === null ? null : this.addresses.deviceOf(source);
    if (owner?.isUp) return owner;
    return this.devices.find(d => d.isUp && !d.loopback) ?? null;
  }
}

/** The loopback addresses, which lo has from the start. */
export const LOOPBACKS: readonly [Address, number][] = [
  [LOOPBACK4, 96 + 8],
  [LOOPBACK6, 128],
];
