import type { Address } from '../base/address.ts';
import { DeadlineHeap } from '../base/deadlines.ts';
import type { SipKey } from '../base/siphash.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros } from '../base/time.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, Mac, putEthernet } from '../wire/ethernet.ts';
import type { Frame } from '../wire/frame.ts';
import { AddressMap } from './address-map.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';

/** Neighbour states (RFC 4861 §7.3.2), for ARP too, with Linux's FAILED. */
export const NUD_INCOMPLETE = 1;
export const NUD_REACHABLE = 2;
export const NUD_STALE = 3;
export const NUD_DELAY = 4;
export const NUD_PROBE = 5;
export const NUD_FAILED = 6;

const NAMES = ['NONE', 'INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED'];
export const nudName = (state: number): string => NAMES[state] ?? 'NONE';

/** A FAILED entry answers with an error for this long before the next packet makes it ask again. */
const FAILED_HOLD = 100 * MICROS_PER_MS;
/** A table that is only getting full is swept no more often than this. */
const COLLECT_PAUSE = 5 * MICROS_PER_SECOND;

export class Neighbor {
  readonly address: Address;
  readonly device: Device;
  readonly id: number;
  state = NUD_INCOMPLETE;
  mac = new Mac(0, 0);
  isRouter = false;
  /** Removed from the table: ask the table again. */
  gone = false;
  /** Until when the last confirmation makes it REACHABLE. */
  reachableUntil: Micros = 0;
  usedAt: Micros;
  updatedAt: Micros;
  probes = 0;
  /** IP datagrams that wait for the address, oldest first. */
  readonly waiting: Frame[] = [];
  waitingBytes = 0;

  constructor(address: Address, device: Device, id: number, now: Micros) {
    this.address = address;
    this.device = device;
    this.id = id;
    this.usedAt = now;
    this.updatedAt = now;
  }
}

/** What the table asks of the layer around it. */
export interface NeighborHost {
  /** Send an ARP request or neighbour solicitation; to the known hardware address if `unicast`. */
  solicit(neighbor: Neighbor, unicast: boolean): void;
  /** A datagram could not be sent since its next hop does not answer; takes the frame over. */
  unreachable(neighbor: Neighbor, frame: Frame): void;
}

/**
 * The hardware addresses of the hosts on our links: ARP's and neighbour discovery's one state machine (RFC 4861
 * §7.3, RFC 1122 §2.3.2). Entries are bounded by `neigh_gc_thresh3`, each one's queue by `neigh_unres_qlen_bytes`.
 */
export class NeighborTable {
  private readonly env: IpEnv;
  private readonly host: NeighborHost;
  private readonly key: SipKey;
  /** One map per interface index. */
  private readonly maps: (AddressMap<Neighbor> | undefined)[] = [];
  private readonly byId: (Neighbor | null)[] = [];
  private readonly freeIds: number[] = [];
  private readonly timers = new DeadlineHeap();
  size = 0;
  private collectAfter: Micros = 0;

  constructor(env: IpEnv, host: NeighborHost, key: SipKey) {
    this.env = env;
    this.host = host;
    this.key = key;
  }

  find(device: Device, address: Address): Neighbor | null {
    return this.maps[device.index]?.get(address) ?? null;
  }

  /** The entry for an address, made if absent; null if the table is full of entries in use. */
  obtain(device: Device, address: Address): Neighbor | null {
    return this.find(device, address) ?? this.create(device, address);
  }

  /** All entries, for people to look at. */
  *all(): Iterable<Neighbor> {
    for (const n of this.byId) if (n !== null) yield n;
  }

  /**
   * Puts the Ethernet header in front of an IP datagram and queues it, or holds it until the address is known.
   * Takes the frame over.
   */
  send(n: Neighbor, frame: Frame): boolean {
    const { now } = this.env;
    n.usedAt = now;
    if (n.state === NUD_REACHABLE) {
      if (now >= n.reachableUntil) n.state = NUD_STALE;
    }
    if (n.state === NUD_STALE) {
      n.state = NUD_DELAY;
      this.timers.set(n.id, now + this.env.sysctl.neigh_delay_first_probe_time * MICROS_PER_SECOND);
    }
    if (n.state !== NUD_INCOMPLETE && n.state !== NUD_FAILED) {
      return this.emit(n, frame);
    }
    if (n.state === NUD_FAILED) {
      if (now < n.updatedAt + FAILED_HOLD) {
        this.host.unreachable(n, frame);
        return true;
      }
      this.startResolving(n);
    } else if (!this.timers.isSet(n.id)) this.startResolving(n);
    this.hold(n, frame);
    return true;
  }

  /**
   * Somebody has said where an address is.
   * @param confirmed an answer to our own question: the neighbour is reachable
   * @param override may replace another hardware address that we know
   * @returns whether the entry took it
   */
  learn(n: Neighbor, mac: Mac, confirmed: boolean, override: boolean): boolean {
    if (mac.isMulticast || mac.isZero) return false;
    const { now, sysctl } = this.env;
    const known = n.state !== NUD_INCOMPLETE && n.state !== NUD_FAILED;
    const differs = known && !n.mac.equals(mac);
    if (differs && !override) {
      // RFC 4861 §7.2.5: without the override flag the new address is not taken; our belief weakens.
      if (n.state === NUD_REACHABLE) n.state = NUD_STALE;
      return false;
    }
    // An entry just changed is not changed again at once (two answers to one question).
    if (differs && !confirmed && now < n.updatedAt + sysctl.neigh_locktime * 10 * MICROS_PER_MS) return false;
    if (differs || !known) {
      n.mac = mac.clone();
      n.updatedAt = now;
    }
    if (confirmed) {
      n.state = NUD_REACHABLE;
      n.reachableUntil = now + this.reachableTime();
      n.probes = 0;
      this.timers.clear(n.id);
    } else if (!known || differs) {
      n.state = NUD_STALE;
      n.probes = 0;
      this.timers.clear(n.id);
    }
    if (n.waiting.length > 0) this.flush(n);
    return true;
  }

  /** An upper layer has had an answer from there: no probe is needed for a while. */
  confirm(n: Neighbor): void {
    if (n.state !== NUD_STALE && n.state !== NUD_DELAY && n.state !== NUD_PROBE && n.state !== NUD_REACHABLE)
      return;
    n.state = NUD_REACHABLE;
    n.reachableUntil = this.env.now + this.reachableTime();
    n.probes = 0;
    this.timers.clear(n.id);
  }

  /** An upper layer misses answers from there: the next packet asks whether it still lives. */
  suspect(n: Neighbor): void {
    if (n.state === NUD_REACHABLE) n.state = NUD_STALE;
  }

  remove(n: Neighbor): void {
    if (n.gone) return;
    n.gone = true;
    this.maps[n.device.index]?.delete(n.address);
    this.byId[n.id] = null;
    this.freeIds.push(n.id);
    this.timers.clear(n.id);
    this.size--;
    for (const frame of n.waiting) frame.release();
    n.waiting.length = 0;
    n.waitingBytes = 0;
  }

  removeOf(device: Device): void {
    for (const n of this.byId) if (n !== null && n.device === device) this.remove(n);
  }

  clear(): void {
    for (const n of this.byId) if (n !== null) this.remove(n);
  }

  deadline(): Micros {
    return this.timers.next();
  }

  /** @returns how many timers went off, at most `budget` */
  expire(now: Micros, budget: number): number {
    let fired = 0;
    while (fired < budget) {
      const id = this.timers.popDue(now);
      if (id < 0) break;
      fired++;
      const n = this.byId[id];
      if (n !== null && n !== undefined) this.onTimer(n);
    }
    return fired;
  }

  private onTimer(n: Neighbor): void {
    const { sysctl, now } = this.env;
    if (n.state === NUD_DELAY) {
      n.state = NUD_PROBE;
      n.probes = 0;
    }
    const most = n.state === NUD_PROBE ? sysctl.neigh_ucast_solicit : sysctl.neigh_mcast_solicit;
    if (n.state !== NUD_PROBE && n.state !== NUD_INCOMPLETE) return;
    if (n.probes >= most) {
      this.fail(n);
      return;
    }
    n.probes++;
    this.timers.set(n.id, now + sysctl.neigh_retrans_time_ms * MICROS_PER_MS);
    this.host.solicit(n, n.state === NUD_PROBE);
  }

  private startResolving(n: Neighbor): void {
    n.state = NUD_INCOMPLETE;
    n.updatedAt = this.env.now;
    n.probes = 0;
    this.onTimer(n);
  }

  private fail(n: Neighbor): void {
    n.state = NUD_FAILED;
    n.updatedAt = this.env.now;
    const frames = n.waiting.splice(0);
    n.waitingBytes = 0;
    for (const frame of frames) this.host.unreachable(n, frame);
  }

  private hold(n: Neighbor, frame: Frame): void {
    const most = this.env.sysctl.neigh_unres_qlen_bytes;
    n.waiting.push(frame);
    n.waitingBytes += frame.bytes.length;
    while (n.waitingBytes > most) {
      const oldest = n.waiting.shift();
      if (oldest === undefined) break;
      n.waitingBytes -= oldest.bytes.length;
      oldest.release();
      this.env.mib.countDrop('queue-full');
    }
  }

  private flush(n: Neighbor): void {
    const frames = n.waiting.splice(0);
    n.waitingBytes = 0;
    for (const frame of frames) this.send(n, frame);
  }

  private emit(n: Neighbor, frame: Frame): boolean {
    const type = frame.bytes[frame.start]! >>> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    frame.start -= 14;
    putEthernet(frame.bytes, frame.start, n.mac, n.device.mac!, type);
    return n.device.enqueue(frame) || !n.device.isUp;
  }

  /** RFC 4861 §6.3.2: between half and one and a half times the base. */
  private reachableTime(): Micros {
    const base = this.env.sysctl.neigh_base_reachable_time_ms * MICROS_PER_MS;
    return Math.floor(base / 2) + this.env.random.below(base + 1);
  }

  private create(device: Device, address: Address): Neighbor | null {
    const { neigh_gc_thresh2, neigh_gc_thresh3 } = this.env.sysctl;
    const { now } = this.env;
    if (this.size >= neigh_gc_thresh3 || (this.size >= neigh_gc_thresh2 && now >= this.collectAfter)) {
      this.collectAfter = now + COLLECT_PAUSE;
      this.collect();
    }
    if (this.size >= neigh_gc_thresh3) return null;
    const id = this.freeIds.pop() ?? this.byId.length;
    const n = new Neighbor(address.clone(), device, id, now);
    this.byId[id] = n;
    const map = (this.maps[device.index] ??= new AddressMap<Neighbor>(this.key));
    map.set(n.address, n);
    this.size++;
    return n;
  }

  /**
   * Makes room: throws out what failed or went unused for `neigh_gc_stale_time`; if the table is full, also the
   * entry that has been of no use for longest, an unanswered question before a known neighbour.
   */
  private collect(): void {
    const { now, sysctl } = this.env;
    const idle = now - sysctl.neigh_gc_stale_time * MICROS_PER_SECOND;
    let worst: Neighbor | null = null;
    for (const n of this.byId) {
      if (n === null) continue;
      const useless = n.state === NUD_FAILED || (n.usedAt < idle && n.state !== NUD_INCOMPLETE);
      if (useless) this.remove(n);
      else if (worst === null || this.isWorse(n, worst)) worst = n;
    }
    if (this.size >= sysctl.neigh_gc_thresh3 && worst !== null) this.remove(worst);
  }

  private isWorse(n: Neighbor, than: Neighbor): boolean {
    const a = n.state === NUD_INCOMPLETE;
    const b = than.state === NUD_INCOMPLETE;
    return a !== b ? a : n.usedAt < than.usedAt;
  }
}
