import { Address, ANY6 } from '../base/address.ts';
import { MICROS_PER_MS, type Micros, NEVER } from '../base/time.ts';
import { CSUM_GOOD } from '../wire/frame.ts';
import {
  ICMP6_NEIGHBOR_ADVERT,
  ICMP6_NEIGHBOR_SOLICIT,
  ICMP6_REDIRECT,
  ICMP6_ROUTER_ADVERT,
  ICMP6_ROUTER_SOLICIT,
  type Icmp6Message,
  PROTOCOL_ICMP6,
} from '../wire/icmp6.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import {
  decodeNd,
  NdMessage,
  putNeighborAdvert,
  putNeighborSolicit,
  solicitedNode,
} from '../wire/neighbor-discovery.ts';
import { OK } from '../wire/reason.ts';
import type { Device, InterfaceAddress } from './device.ts';
import type { IpEnv } from './env.ts';
import { type Neighbor, type NeighborTable, NUD_FAILED, NUD_INCOMPLETE } from './neighbor.ts';
import type { IpNetwork } from './network.ts';
import { samePrefix } from './prefix.ts';

const HOP_LIMIT = 255;
/** Longest messages we send: 24 bytes and one link-layer option. */
const ROOM = 32;

/** An address whose uniqueness is being asked for (RFC 4862 §5.4). */
interface Tentative {
  readonly device: Device;
  readonly entry: InterfaceAddress;
  probesLeft: number;
  next: Micros;
}

/** Neighbour discovery for IPv6 (RFC 4861 §7, RFC 4862 §5.4): solicitations, advertisements, duplicate detection. */
export class NeighborDiscovery {
  private readonly env: IpEnv;
  private readonly net: IpNetwork;
  private readonly table: NeighborTable;
  private readonly message = new NdMessage();
  private readonly tentative: Tentative[] = [];
  /** Addresses that were found to belong to another host, for people to look at. */
  readonly duplicates: string[] = [];

  constructor(env: IpEnv, net: IpNetwork, table: NeighborTable) {
    this.env = env;
    this.net = net;
    this.table = table;
  }

  /** A message for this host, already known to be ICMPv6 with a good checksum. */
  receive(device: Device, bytes: Uint8Array, m: Icmp6Message, h: Ipv6Header): void {
    const { mib } = this.env;
    const nd = this.message;
    const reason = decodeNd(bytes, m, h.source, h.destination, h.hopLimit, nd);
    if (reason !== OK) {
      mib.Icmp6InErrors++;
      mib.drops.count(reason);
      return;
    }
    switch (m.type) {
      case ICMP6_NEIGHBOR_SOLICIT:
        mib.Icmp6InNeighborSolicits++;
        this.solicited(device, h);
        break;
      case ICMP6_NEIGHBOR_ADVERT:
        mib.Icmp6InNeighborAdvertisements++;
        this.advertised(device, h);
        break;
      case ICMP6_ROUTER_SOLICIT:
        mib.Icmp6InRouterSolicits++;
        break;
      case ICMP6_ROUTER_ADVERT:
        mib.Icmp6InRouterAdvertisements++;
        break;
      case ICMP6_REDIRECT:
        // Not followed: routes are what the host was configured with.
        mib.Icmp6InRedirects++;
        break;
    }
  }

  /** Asks for a neighbour's hardware address: at its solicited-node group, or at itself if `unicast`. */
  ask(n: Neighbor, unicast: boolean): void {
    const { device } = n;
    const path = this.net.path(n.address, null);
    const source = typeof path === 'number' || path.device !== device ? this.linkLocal(device) : path.source;
    if (source === null) return;
    const destination = unicast ? n.address : scoped(solicitedNode(n.address), device.index);
    this.solicit(device, source, destination, n.address);
  }

  /** Starts duplicate address detection: `entry.tentative` ends when nobody has claimed the address. */
  probe(device: Device, entry: InterfaceAddress): void {
    const probesLeft = this.env.sysctl.ipv6_dad_transmits;
    if (probesLeft === 0 || device.medium !== 'ethernet') {
      entry.tentative = false;
      return;
    }
    entry.tentative = true;
    this.tentative.push({ device, entry, probesLeft, next: this.env.now });
  }

  /** Tells the link that an address is here. */
  announce(device: Device, address: Address): void {
    this.advertise(device, address, scoped(ALL_NODES, device.index), address, false);
  }

  deadline(): Micros {
    let next = NEVER;
    for (const t of this.tentative) if (t.next < next) next = t.next;
    return next;
  }

  /** @returns how many probes or decisions were due */
  expire(now: Micros): number {
    let fired = 0;
    for (let i = this.tentative.length - 1; i >= 0; i--) {
      const t = this.tentative[i]!;
      if (t.next > now) continue;
      fired++;
      if (t.probesLeft === 0 || !t.device.isUp) {
        this.tentative.splice(i, 1);
        t.entry.tentative = false;
        this.net.changed();
        continue;
      }
      t.probesLeft--;
      t.next = now + this.env.sysctl.neigh_retrans_time_ms * MICROS_PER_MS;
      const { address } = t.entry;
      this.solicit(t.device, ANY6, scoped(solicitedNode(address), t.device.index), address);
    }
    return fired;
  }

  /** Forgets what concerns an interface, or one address of it. */
  forget(device: Device, entry: InterfaceAddress | null): void {
    for (let i = this.tentative.length - 1; i >= 0; i--) {
      const t = this.tentative[i]!;
      if (t.device === device && (entry === null || t.entry === entry)) this.tentative.splice(i, 1);
    }
  }

  clear(): void {
    this.tentative.length = 0;
    this.duplicates.length = 0;
  }

  private solicited(device: Device, h: Ipv6Header): void {
    const nd = this.message;
    const own = device.addresses.find(a => !a.address.is4 && a.address.equals(nd.target));
    if (own === undefined) return;
    if (own.tentative) {
      // Somebody else asks for the same address at the same time (RFC 4862 §5.4.3).
      if (h.source.isAny) this.duplicate(device, own);
      return;
    }
    if (h.source.isAny) {
      this.advertise(device, nd.target.clone(), scoped(ALL_NODES, device.index), nd.target.clone(), false);
      return;
    }
    if (nd.hasSourceLink && device.mac !== null) {
      const known = this.table.find(device, h.source);
      const n = known ?? (isOnLink(device, h.source) ? this.table.obtain(device, h.source) : null);
      if (n !== null) this.table.learn(n, nd.sourceLink, false, true);
    }
    this.advertise(device, nd.target.clone(), h.source.clone(), nd.target.clone(), true);
  }

  private advertised(device: Device, h: Ipv6Header): void {
    const nd = this.message;
    const own = device.addresses.find(a => !a.address.is4 && a.address.equals(nd.target));
    if (own !== undefined) {
      if (own.tentative) this.duplicate(device, own);
      return;
    }
    const n = this.table.find(device, nd.target);
    if (n === null) return;
    if (nd.hasTargetLink) {
      // RFC 4861 §7.2.5: while nothing is known, the first answer is taken whatever its flags.
      const unknown = n.state === NUD_INCOMPLETE || n.state === NUD_FAILED;
      this.table.learn(n, nd.targetLink, nd.solicited && !h.destination.isMulticast, unknown || nd.override);
    } else if (nd.solicited && n.state !== NUD_INCOMPLETE && n.state !== NUD_FAILED) this.table.confirm(n);
    n.isRouter = nd.router;
  }

  private duplicate(device: Device, entry: InterfaceAddress): void {
    this.forget(device, entry);
    if (this.duplicates.length < 64) this.duplicates.push(`${entry.address} on ${device.name}`);
  }

  private solicit(device: Device, source: Address, destination: Address, target: Address): void {
    const path = this.net.directPath(device, source, destination);
    if (path === null) return;
    const frame = this.net.frame(ROOM);
    const link = source.isAny ? null : device.mac;
    frame.end = putNeighborSolicit(frame.bytes, frame.start, source, destination, target, link);
    frame.csum = CSUM_GOOD;
    this.env.mib.Icmp6OutMsgs++;
    this.env.mib.Icmp6OutNeighborSolicits++;
    this.net.send(path, frame, source, destination, PROTOCOL_ICMP6, 0, HOP_LIMIT);
  }

  private advertise(
    device: Device,
    source: Address,
    destination: Address,
    target: Address,
    asked: boolean,
  ): void {
    const path = this.net.directPath(device, source, destination);
    if (path === null) return;
    const frame = this.net.frame(ROOM);
    const router = this.env.sysctl.ipv6_forwarding !== 0;
    frame.end = putNeighborAdvert(
      frame.bytes,
      frame.start,
      source,
      destination,
      target,
      device.mac,
      router,
      asked,
      true,
    );
    frame.csum = CSUM_GOOD;
    this.env.mib.Icmp6OutMsgs++;
    this.env.mib.Icmp6OutNeighborAdvertisements++;
    this.net.send(path, frame, source, destination, PROTOCOL_ICMP6, 0, HOP_LIMIT);
  }

  private linkLocal(device: Device): Address | null {
    const fit = device.addresses.find(a => !a.address.is4 && !a.tentative && a.address.isLinkLocal);
    return (fit ?? device.addresses.find(a => !a.address.is4 && !a.tentative))?.address ?? null;
  }
}

function isOnLink(device: Device, address: Address): boolean {
  return (
    address.isLinkLocal ||
    device.addresses.some(a => !a.address.is4 && samePrefix(a.address, address, a.length))
  );
}

const ALL_NODES = new Address(0xff020000, 0, 0, 1);

const scoped = (x: Address, index: number): Address => new Address(x.a, x.b, x.c, x.d, index);
