import { Mib } from '../base/mib.ts';
import type { Random } from '../base/random.ts';
import { Sysctl } from '../base/sysctl.ts';
import { MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { Icmp } from '../icmp/icmp.ts';
import { Deliver } from '../ip/deliver.ts';
import type { InterfaceAddress, Medium } from '../ip/device.ts';
import type { IpEnv } from '../ip/env.ts';
import { Forwarder } from '../ip/forward.ts';
import { IpInput } from '../ip/input.ts';
import { Intercept } from '../ip/intercept.ts';
import { Links } from '../ip/links.ts';
import type { NeighborTable } from '../ip/neighbor.ts';
import { IpNetwork } from '../ip/network.ts';
import { plateauBelow } from '../ip/path-mtu.ts';
import type { RouteTable } from '../ip/route.ts';
import { UdpHost } from '../udp/udp.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  EthernetHeader,
  Mac,
  parseMac,
} from '../wire/ethernet.ts';
import { type Frame, FramePool } from '../wire/frame.ts';
import type { IcmpError } from '../wire/icmp-error.ts';
import { OK } from '../wire/reason.ts';
import { PROTOCOL_TCP } from '../wire/tcp.ts';
import { PROTOCOL_UDP } from '../wire/udp.ts';
import { checkMtu, Interface, type InterfaceSettings, LOOPBACK } from './interface.ts';
import { TcpHost } from './tcp-host.ts';

/** Frames that one call delivers through lo. What is left is due at once. */
const LOOPBACK_BUDGET = 4096;
/** Timers that one `expire` fires if not told otherwise. */
const EXPIRE_BUDGET = 256;
/** How often one `transmit` asks TCP for more after its queue has been emptied. */
const OUTPUT_ROUNDS = 64;

export interface StackOptions {
  /** For messages. @default 'host' */
  name?: string;
  /** Jiffies per second. @default 1000 */
  hz?: number;
  /** Source of all the stack's randomness, keys included. */
  random: Random;
  /** Settings by short or full name. */
  sysctl?: Readonly<Record<string, string | number>>;
  /** The time at the start. @default 0 */
  start?: Micros;
}

export interface InterfaceOptions {
  /** Such as `eth0`; unique on the host. */
  name: string;
  /** What its frames begin with: an Ethernet header, or at once the IP header. */
  medium: Medium;
  /** Largest IP datagram in bytes, 68..65536. */
  mtu: number;
  /** `02:00:00:00:00:01`; Ethernet interfaces without one get a random, locally administered one. */
  mac?: string;
  /** Frames that may wait for the link. @default 1000 */
  txQueueLength?: number;
  /** The link completes TCP and UDP checksums, and vouches for those that it delivers. @default false */
  checksumOffload?: boolean;
  /** Largest payload of a super-segment that the link cuts up itself, 0 none, up to 64000. @default 0 */
  gsoMax?: number;
  /**
   * The link carries frames whose payload is attached by reference (`Frame.attached`), as between two stacks in one
   * process: it copies nothing. @default false
   */
  scatter?: boolean;
}

/**
 * A host: interfaces, IP, TCP and UDP, without I/O and without a clock. It is told of frames and of the time, and
 * asked for frames and for when it must be told the time again:
 *
 *     receive(ifc, frame, now)     a frame has come in
 *     transmit(ifc, now, sink)     frames go out while there are any and the sink takes them
 *     deadline()                   when to call expire; ≤ now: at once; NEVER: nothing to wait for
 *     expire(now)                  that time has come
 *
 * After each of `receive`, `expire` and any call on its sockets, `transmit` is due on every interface. Nothing here
 * calls back; which sockets have changed is asked of `tcp.takeChanged()` and `udp.takeChanged()`.
 */
export class Stack {
  readonly name: string;
  readonly hz: number;
  readonly sysctl: Sysctl;
  readonly mib = new Mib();
  readonly random: Random;
  readonly frames = new FramePool();
  readonly net: IpNetwork;
  readonly tcp: TcpHost;
  readonly udp: UdpHost;
  readonly icmp: Icmp;
  readonly routes: RouteTable;
  readonly neighbors: NeighborTable;
  /** All interfaces; the first is lo. */
  readonly interfaces: Interface[] = [];
  readonly lo: Interface;
  /** It has been closed and does nothing any more. */
  closed = false;
  private readonly env: IpEnv;
  private readonly links: Links;
  private readonly input: IpInput;
  private readonly ethernet = new EthernetHeader();
  private nextIndex = 1;

  constructor(options: StackOptions) {
    this.name = options.name ?? 'host';
    this.hz = options.hz ?? 1000;
    if (!(Number.isInteger(this.hz) && this.hz >= 1 && this.hz <= MICROS_PER_SECOND)) {
      throw new RangeError(`hz ${options.hz}: expected a whole number, 1..1000000`);
    }
    this.sysctl = new Sysctl(options.sysctl);
    this.random = options.random;
    const { mib, random, frames } = this;
    const env: IpEnv = { now: options.start ?? 0, sysctl: this.sysctl.values, mib, random, frames };
    this.env = env;
    this.net = new IpNetwork(env);
    this.routes = this.net.routes;
    this.icmp = new Icmp(env, this.net, {
      icmpError: e => this.icmpError(e),
      neighborDiscovery: (bytes, m, h, index) => this.links.neighborDiscovery(bytes, m, h, index),
      plateau: plateauBelow,
    });
    this.links = new Links(env, this.net, this.icmp.output, e => this.icmpError(e));
    this.neighbors = this.links.neighbors;
    this.tcp = new TcpHost({ sysctl: this.sysctl.values, mib, random, hz: this.hz, net: this.net });
    this.tcp.now = env.now;
    this.udp = new UdpHost(env, this.net);
    const deliver = new Deliver(env, this.tcp, this.udp, this.icmp);
    const { output } = this.icmp;
    this.input = new IpInput(env, this.net, deliver, output, new Forwarder(env, this.net, output));
    this.lo = this.makeInterface(LOOPBACK);
    this.lo.addAddress('127.0.0.1/8');
    this.lo.addAddress('::1/128');
  }

  /**
   * Accepts TCP in the name of whoever it is for, as Linux's TPROXY does: connections to any address and port
   * that reach this host, and that no listener of its own is meant by, go to the listener on `port`, if that
   * has IP_TRANSPARENT and a wildcard address; its sockets' getsockname gives the original destination. What is
   * routed here but meant for others gets a reset if no such listener is there.
   * @param interfaceName only what comes in by this one; without it, by any but lo
   * @throws RangeError for a port that is none, or an interface that is not there
   */
  intercept(port: number, interfaceName?: string): void {
    if (!(Number.isInteger(port) && port >= 1 && port <= 65535))
      throw new RangeError(`port ${port}: expected 1..65535`);
    const ifc = interfaceName === undefined ? null : this.interface(interfaceName);
    if (interfaceName !== undefined && ifc === null)
      throw new RangeError(`there is no interface '${interfaceName}'`);
    this.net.intercept = new Intercept(port, ifc);
  }

  /** Ends `intercept`. Connections that it brought can send nothing more once their path is looked up anew. */
  endIntercept(): void {
    this.net.intercept = null;
    this.net.changed();
  }

  /** The time as last told. */
  get now(): Micros {
    return this.env.now;
  }

  /**
   * @throws RangeError if an option is out of range or the name is taken
   */
  addInterface(options: InterfaceOptions): Interface {
    const { name, medium, mtu, txQueueLength = 1000, gsoMax = 0 } = options;
    const { checksumOffload = false, scatter = false } = options;
    if (name === '' || this.interface(name) !== null)
      throw new RangeError(`interface name '${name}' is taken or empty`);
    if (medium !== 'ethernet' && medium !== 'ip')
      throw new RangeError(`medium '${medium}': expected ethernet or ip`);
    checkMtu(mtu);
    if (!(txQueueLength >= 1)) throw new RangeError(`txQueueLength ${txQueueLength}: expected at least 1`);
    if (!(gsoMax >= 0 && gsoMax <= 64000)) throw new RangeError(`gsoMax ${gsoMax}: expected 0..64000`);
    let mac: Mac | null = null;
    if (medium === 'ethernet') {
      mac = options.mac === undefined ? this.randomMac() : parseMac(options.mac);
      if (mac === null || mac.isMulticast || mac.isZero) {
        throw new RangeError(
          `mac '${options.mac}': expected six bytes as 02:00:00:00:00:01, not a group address`,
        );
      }
    }
    const rest = { mtu, txQueueLength, gsoMax, checksumOffload, scatter };
    const ifc = this.makeInterface({ name, medium, loopback: false, mac, ...rest });
    // RFC 4291 appendix A: a link-local address made of the hardware address.
    if (mac !== null) ifc.addAddress(linkLocalOf(mac));
    return ifc;
  }

  /** The interface of a name, null if there is none. */
  interface(name: string): Interface | null {
    return this.interfaces.find(i => i.name === name) ?? null;
  }

  /** Tells the time without anything else having happened. It never goes back. */
  tick(now: Micros): void {
    if (now > this.env.now) {
      this.env.now = now;
      this.tcp.now = now;
    }
  }

  /** Takes a frame that has come in on `ifc`, and handles it. What is sent in answer waits for `transmit`. */
  receive(ifc: Interface, frame: Frame, now: Micros): void {
    this.tick(now);
    const { counters } = ifc;
    counters.rxPackets++;
    counters.rxBytes += frame.length;
    if (!ifc.isUp || this.closed) {
      counters.rxDropped++;
      this.mib.countDrop('interface-down');
      frame.release();
      return;
    }
    if (ifc.medium === 'ip') this.receiveIp(ifc, frame, frame.start, false);
    else this.receiveEthernet(ifc, frame);
  }

  /**
   * Lets TCP send, carries what goes through lo, and gives the interface's queued frames to `sink`, which owns each
   * frame that it takes; if it returns false the frame stays queued and transmit ends.
   */
  transmit(ifc: Interface, now: Micros, sink: (frame: Frame) => boolean): void {
    this.tick(now);
    if (this.closed) return;
    for (let round = 0; round < OUTPUT_ROUNDS; round++) {
      this.tcp.output();
      this.loop(LOOPBACK_BUDGET);
      if (ifc === this.lo) return;
      // TCP holds back when a queue is nearly full: with room again, it is asked again.
      const heldBack = ifc.isCongested;
      if (!ifc.drain(sink) || !heldBack) return;
    }
  }

  /** When `expire` must be called: NEVER if nothing waits for time; ≤ now means at once. */
  deadline(): Micros {
    if (this.closed) return NEVER;
    if (this.lo.queued > 0 || this.links.hasFailures) return this.env.now;
    return Math.min(this.tcp.deadline(), this.links.deadline(), this.input.deadline());
  }

  /** Does what is due at `now`; no more than about `budget` timers of each kind. What is left shows in `deadline()`. */
  expire(now: Micros, budget: number = EXPIRE_BUDGET): void {
    this.tick(now);
    if (this.closed) return;
    this.links.expire(budget);
    this.input.expire(budget);
    this.tcp.expire(this.env.now, budget);
    this.loop(LOOPBACK_BUDGET);
  }

  /** Frees everything at once, without a word to anybody: connections, queues, tables, timers. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.tcp.close();
    this.udp.close();
    this.icmp.close();
    this.links.close();
    this.input.close();
    for (const ifc of this.interfaces) ifc.flush();
    this.net.close();
    this.interfaces.length = 0;
  }

  private receiveEthernet(ifc: Interface, frame: Frame): void {
    const h = this.ethernet;
    const reason = decodeEthernet(frame.bytes, frame.start, frame.end, h);
    if (reason !== OK || h.vlan > 0) {
      ifc.counters.rxErrors++;
      if (reason === OK) this.mib.countDrop('ethernet-type');
      else this.mib.drops.count(reason);
      frame.release();
      return;
    }
    const group = h.destination.isMulticast;
    if (!group && !h.destination.equals(ifc.mac!)) {
      ifc.counters.rxDropped++;
      frame.release();
      return;
    }
    switch (h.type) {
      case ETHERTYPE_IPV4:
        this.input.receive4(ifc, frame, h.at, group);
        return;
      case ETHERTYPE_IPV6:
        this.input.receive6(ifc, frame, h.at, group);
        return;
      case ETHERTYPE_ARP:
        this.links.arp.receive(ifc, frame.bytes, h.at, frame.end);
        frame.release();
        return;
      default:
        this.mib.countDrop('ethernet-type');
        frame.release();
    }
  }

  private receiveIp(ifc: Interface, frame: Frame, at: number, group: boolean): void {
    if (frame.end > at && frame.bytes[at]! >>> 4 === 6) this.input.receive6(ifc, frame, at, group);
    else this.input.receive4(ifc, frame, at, group);
  }

  /** Delivers what waits in lo, and what that leads to, up to `budget` frames. Never called from within `receive`. */
  private loop(budget: number): void {
    const { lo } = this;
    while (lo.queued > 0) {
      let frame = lo.dequeue();
      while (frame !== null) {
        lo.counters.rxPackets++;
        lo.counters.rxBytes += frame.length;
        this.receiveIp(lo, frame, frame.start, false);
        if (--budget <= 0) return;
        frame = lo.dequeue();
      }
      this.tcp.output();
    }
  }

  private icmpError(e: IcmpError): void {
    if (e.protocol === PROTOCOL_TCP) this.tcp.icmpError(e);
    else if (e.protocol === PROTOCOL_UDP) this.udp.icmpError(e);
  }

  private makeInterface(settings: InterfaceSettings): Interface {
    const ifc = new Interface(
      {
        addressAdded: (ifc, entry, detect) => this.addressAdded(ifc, entry, detect),
        addressRemoved: (ifc, entry) => this.addressRemoved(ifc, entry),
        linkChanged: ifc => this.linkChanged(ifc),
        queueFull: () => this.mib.countDrop('queue-full'),
      },
      this.nextIndex++,
      settings,
    );
    this.interfaces.push(ifc);
    this.net.devices.push(ifc);
    this.net.changed();
    return ifc;
  }

  private addressAdded(ifc: Interface, entry: InterfaceAddress, detectDuplicates: boolean): void {
    if (!ifc.loopback && entry.length < 128) this.routes.addConnected(entry.address, entry.length, ifc);
    if (detectDuplicates && !entry.address.is4) this.links.discovery.probe(ifc, entry);
    this.net.changed();
  }

  private addressRemoved(ifc: Interface, entry: InterfaceAddress): void {
    this.links.discovery.forget(ifc, entry);
    this.routes.removeOf(ifc, entry.address);
    this.net.changed();
  }

  private linkChanged(ifc: Interface): void {
    if (!ifc.isUp) this.neighbors.removeOf(ifc);
    this.net.changed();
  }

  private randomMac(): Mac {
    return new Mac(0x0200 | this.random.below(256), this.random.u32());
  }
}

/** `fe80::` with the modified EUI-64 of a hardware address, as text with its length. */
function linkLocalOf(mac: Mac): string {
  const hex = (n: number): string => (n & 0xffff).toString(16);
  const a = mac.high ^ 0x0200;
  const b = ((mac.low >>> 24) << 8) | 0xff;
  const c = 0xfe00 | ((mac.low >>> 16) & 0xff);
  return `fe80::${hex(a)}:${hex(b)}:${hex(c)}:${hex(mac.low)}/64`;
}
