import type { Address } from '../base/address.ts';
import { EADDRINUSE, EADDRNOTAVAIL } from '../base/errno.ts';
import type { Random } from '../base/random.ts';
import { type SipKey, siphash } from '../base/siphash.ts';
import type { SysctlValues } from '../base/sysctl.ts';

/** Local ports: who holds them by bind(2), and which one connect(2) takes (lifecycle rules, section 9). */

export interface BindOptions {
  reuseAddr: boolean;
  reusePort: boolean;
  /** A wildcard that does not take the IPv4 port too. */
  v6only: boolean;
  owner: unknown;
  /** The address need not be this host's (IP_FREEBIND, IP_TRANSPARENT): the caller has judged. */
  foreign?: boolean;
}

/** A port held by an explicit bind. */
export class Bound {
  readonly address: Address;
  readonly port: number;
  reuseAddr: boolean;
  reusePort: boolean;
  readonly v6only: boolean;
  readonly owner: unknown;
  listening = false;

  constructor(address: Address, port: number, o: BindOptions) {
    this.address = address;
    this.port = port;
    this.reuseAddr = o.reuseAddr;
    this.reusePort = o.reusePort;
    this.v6only = o.v6only;
    this.owner = o.owner;
  }
}

/** Flows (connections and TIME_WAIT rows) on a port that no `Bound` stands for. */
export interface PortUsers {
  /**
   * Whether a flow on local `port` conflicts with a bind to `address`: one that has not SO_REUSEADDR,
   * or any if the binder has it not.
   */
  flowConflicts(address: Address, port: number, reuseAddr: boolean): boolean;
}

/** How many flows each port has, in pages made when needed: an object a port was 70 bytes a TIME_WAIT row. */
class FlowCounts {
  /** Ports with flows. */
  ports = 0;
  private readonly pages = new Array<Int32Array | null>(256).fill(null);

  of(port: number): number {
    const page = this.pages[port >>> 8]!;
    return page === null ? 0 : page[port & 255]!;
  }

  add(port: number): void {
    this.pages[port >>> 8] ??= new Int32Array(256);
    if (this.pages[port >>> 8]![port & 255]!++ === 0) this.ports++;
  }

  remove(port: number): void {
    if (this.of(port) > 0 && --this.pages[port >>> 8]![port & 255]! === 0) this.ports--;
  }
}

const NONE: readonly Bound[] = [];

/** Entries of the table that spreads ports per destination (RFC 6056 §3.3.4). */
const PERTURB = 4096;

export class Ports {
  private readonly bounds = new Map<number, Bound[]>();
  private readonly flows = new FlowCounts();
  private readonly sysctl: SysctlValues;
  private readonly random: Random;
  private readonly key: SipKey;
  private readonly users: PortUsers;
  private readonly isLocal: (a: Address) => boolean;
  private perturb: Int32Array | null = null;

  constructor(
    sysctl: SysctlValues,
    random: Random,
    key: SipKey,
    users: PortUsers,
    isLocal: (a: Address) => boolean,
  ) {
    this.sysctl = sysctl;
    this.random = random;
    this.key = key;
    this.users = users;
    this.isLocal = isLocal;
  }

  /**
   * Takes `port` at `address` (either may be the wildcard, 0 lets the host choose a port).
   * @returns the binding; −EADDRINUSE, or −EADDRNOTAVAIL for an address that is not ours
   */
  bind(address: Address, port: number, options: BindOptions): Bound | number {
    if (!address.isAny && !options.foreign && !this.isLocal(address)) return -EADDRNOTAVAIL;
    const chosen = port !== 0 ? port : this.choose(address, options);
    if (chosen === 0 || this.conflicts(address, chosen, options)) return -EADDRINUSE;
    const bound = new Bound(address.clone(), chosen, options);
    const there = this.bounds.get(chosen);
    if (there === undefined) this.bounds.set(chosen, [bound]);
    else there.push(bound);
    return bound;
  }

  release(bound: { readonly port: number }): void {
    const there = this.bounds.get(bound.port);
    if (there === undefined) return;
    const i = there.indexOf(bound as Bound);
    if (i >= 0) there.splice(i, 1);
    if (there.length === 0) this.bounds.delete(bound.port);
  }

  /** Whether a second listener may stand beside the others on this port. */
  mayListen(bound: Bound): boolean {
    for (const o of this.boundTo(bound.port)) {
      if (o === bound || !o.listening || !overlaps(o, bound.address, bound.v6only)) continue;
      if (!(o.reusePort && bound.reusePort)) return false;
    }
    return true;
  }

  addFlow(port: number): void {
    this.flows.add(port);
  }

  removeFlow(port: number): void {
    this.flows.remove(port);
  }

  /** Ports in use, for the watch on exhaustion. */
  get inUse(): number {
    let n = this.flows.ports;
    for (const port of this.bounds.keys()) if (this.flows.of(port) === 0) n++;
    return n;
  }

  /**
   * An ephemeral port for a connection to `remote`: ports that rise irregularly per destination, those
   * of the range's first parity before the others; `isFree` says whether the 4-tuple is.
   * @returns 0 if there is none
   */
  ephemeral(local: Address, remote: Address, remotePort: number, isFree: (port: number) => boolean): number {
    const [low, high] = this.sysctl.ip_local_port_range;
    const count = high - low + 1;
    const half = count & ~1;
    this.perturb ??= this.fill();
    const h = siphash(this.key, local.d, remote.a ^ remote.b, remote.c, remote.d, remotePort, 7);
    const slot = h & (PERTURB - 1);
    const offset = (((this.perturb[slot]! >>> 0) + (h >>> 12)) % Math.max(half, 1)) & ~1;
    let tries = 0;
    for (let parity = 0; parity < 2; parity++) {
      for (let i = 0; i < count; i += 2) {
        let o = (offset + i) % Math.max(half, 1);
        o = (o & ~1) + parity;
        if (low + o > high) continue;
        const port = low + o;
        tries++;
        // A port that somebody bound on purpose is his.
        if (this.bounds.has(port)) continue;
        if (!isFree(port)) continue;
        const step = Math.max(tries, this.random.below(8)) * 2 + 2;
        this.perturb[slot] = (this.perturb[slot]! + step) | 0;
        return port;
      }
    }
    return 0;
  }

  private fill(): Int32Array {
    const t = new Int32Array(PERTURB);
    for (let i = 0; i < PERTURB; i++) t[i] = this.random.u32();
    return t;
  }

  /** bind(0): a random port of the range, odd ones first; with SO_REUSEADDR in its lower half first. */
  private choose(address: Address, options: BindOptions): number {
    const [low, high] = this.sysctl.ip_local_port_range;
    const middle = low + ((high - low) >> 1);
    if (options.reuseAddr && high - low > 3) {
      const p = this.chooseIn(low, middle, address, options);
      if (p !== 0) return p;
    }
    return this.chooseIn(low, high, address, options);
  }

  private chooseIn(low: number, high: number, address: Address, o: BindOptions): number {
    const count = high - low + 1;
    const start = this.random.below(count);
    for (let parity = 1; parity >= 0; parity--) {
      for (let i = 0; i < count; i++) {
        const port = low + ((start + i) % count);
        if ((port & 1) !== parity) continue;
        // Whatever reuse would allow: a port chosen for the caller is free at his address.
        if (this.boundTo(port).some(other => overlaps(other, address, o.v6only))) continue;
        if (this.flows.of(port) === 0 || !this.users.flowConflicts(address, port, false)) return port;
      }
    }
    return 0;
  }

  private conflicts(address: Address, port: number, o: BindOptions): boolean {
    for (const other of this.boundTo(port)) {
      if (!overlaps(other, address, o.v6only)) continue;
      if (o.reuseAddr && other.reuseAddr && !other.listening) continue;
      if (o.reusePort && other.reusePort) continue;
      return true;
    }
    return this.flows.of(port) > 0 && this.users.flowConflicts(address, port, o.reuseAddr);
  }

  private boundTo(port: number): readonly Bound[] {
    return this.bounds.get(port) ?? NONE;
  }
}

/** Whether two local addresses meet: equal, or one of them a wildcard that covers the other's family. */
function overlaps(a: Bound, address: Address, v6only: boolean): boolean {
  if (a.address.isAny)
    return address.is4 === a.address.is4 || !(a.address.is4 ? v6only && address.isAny : a.v6only);
  if (address.isAny) return address.is4 === a.address.is4 || !(address.is4 || v6only);
  return a.address.equals(address);
}
