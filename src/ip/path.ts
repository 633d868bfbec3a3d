import type { Address } from '../base/address.ts';
import type { Path } from '../tcp/path.ts';
import type { Mac } from '../wire/ethernet.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';
import type { Neighbor } from './neighbor.ts';
import type { MtuException } from './path-mtu.ts';
import type { Route } from './route.ts';

/** Largest IPv4 datagram, and largest IPv6 one (its length field leaves the header out). */
const MAX_DATAGRAM_4 = 65535;
const MAX_DATAGRAM_6 = 65535 + 40;

/** Told by all paths of a host whether the tables that they were made from have changed. */
export interface Generation {
  generation: number;
}

/** The way to one destination from one source address. */
export class IpPath implements Path {
  readonly source: Address;
  readonly destination: Address;
  readonly device: Device;
  readonly nextHop: Address;
  readonly linkMtu: number;
  readonly advmss: number;
  readonly initcwnd: number;
  readonly loopback: boolean;
  readonly gsoMax: number;
  readonly checksumOffload: boolean;
  readonly scatter: boolean;
  readonly is4: boolean;
  /** Link header wanted. */
  readonly ethernet: boolean;
  /** Destination is broadcast or multicast: this is its hardware address. */
  readonly groupMac: Mac | null;
  /** The next hop's entry once something has been sent; `neighbor.gone` says that it must be asked for anew. */
  neighbor: Neighbor | null = null;
  exception: MtuException | null;
  /** Identification of the next fragmentable datagram. */
  nextId: number;
  /** Thrown out of the cache to make room. */
  evicted = false;
  /** The cache's: hash, next in the bucket, and whether `source` was asked for or chosen. */
  hash = 0;
  next: IpPath | null = null;
  readonly sourceGiven: boolean;
  private readonly env: IpEnv;
  private readonly tables: Generation;
  private readonly generation: number;

  constructor(
    env: IpEnv,
    tables: Generation,
    source: Address,
    destination: Address,
    device: Device,
    nextHop: Address,
    route: Route | null,
    groupMac: Mac | null,
    exception: MtuException | null,
    id: number,
    sourceGiven: boolean,
  ) {
    this.env = env;
    this.tables = tables;
    this.generation = tables.generation;
    this.source = source;
    this.destination = destination;
    this.device = device;
    this.nextHop = nextHop;
    this.is4 = destination.is4;
    const most = this.is4 ? MAX_DATAGRAM_4 : MAX_DATAGRAM_6;
    const mtu = route !== null && route.mtu !== 0 ? Math.min(route.mtu, device.mtu) : device.mtu;
    this.linkMtu = Math.min(mtu, most);
    this.advmss = route?.advmss ?? 0;
    this.initcwnd = route?.initcwnd ?? 0;
    this.loopback = device.loopback;
    this.gsoMax = device.gsoMax;
    this.checksumOffload = device.checksumOffload;
    this.scatter = device.scatter;
    this.ethernet = device.medium === 'ethernet';
    this.groupMac = groupMac;
    this.exception = exception;
    this.nextId = id;
    this.sourceGiven = sourceGiven;
  }

  get mtu(): number {
    const e = this.exception;
    return e !== null && e.mtu < this.linkMtu && e.expires > this.env.now ? e.mtu : this.linkMtu;
  }

  get valid(): boolean {
    return this.generation === this.tables.generation && !this.evicted;
  }

  /** The interface's queue is nearly full: a burst sent now may be dropped. */
  get paced(): boolean {
    return this.device.paced;
  }

  get congested(): boolean {
    return this.device.isCongested;
  }
}
