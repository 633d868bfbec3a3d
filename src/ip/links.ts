import { randomKey } from '../base/random.ts';
import type { Micros } from '../base/time.ts';
import type { IcmpOutput } from '../icmp/output.ts';
import type { Frame } from '../wire/frame.ts';
import { IcmpError } from '../wire/icmp-error.ts';
import { decodeQuote4, decodeQuote6 } from '../wire/icmp-quote.ts';
import { ICMP_UNREACHABLE, UNREACHABLE_HOST } from '../wire/icmp4.ts';
import { ICMP6_UNREACHABLE, type Icmp6Message, UNREACHABLE6_ADDRESS } from '../wire/icmp6.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import { OK } from '../wire/reason.ts';
import { Arp } from './arp.ts';
import type { IpEnv } from './env.ts';
import { NeighborDiscovery } from './nd.ts';
import { type Neighbor, type NeighborHost, NeighborTable } from './neighbor.ts';
import type { IpNetwork } from './network.ts';

/** Undeliverable datagrams whose senders are still to be told; more are dropped in silence. */
const MAX_FAILURES = 128;

/** Everything about neighbours on links: the table, ARP, neighbour discovery, and what happens if nobody answers. */
export class Links implements NeighborHost {
  readonly neighbors: NeighborTable;
  readonly arp: Arp;
  readonly discovery: NeighborDiscovery;
  private readonly env: IpEnv;
  private readonly net: IpNetwork;
  private readonly icmp: IcmpOutput;
  private readonly tell: (error: IcmpError) => void;
  private readonly error = new IcmpError();
  /** Datagrams that could not be sent, each with the index of its interface. */
  private failures: Frame[] = [];
  private failedOn: number[] = [];

  /** @param tell given errors about our own datagrams, as if ICMP had brought them */
  constructor(env: IpEnv, net: IpNetwork, icmp: IcmpOutput, tell: (error: IcmpError) => void) {
    this.env = env;
    this.net = net;
    this.icmp = icmp;
    this.tell = tell;
    this.neighbors = new NeighborTable(env, this, randomKey(env.random));
    this.arp = new Arp(env, net, this.neighbors);
    this.discovery = new NeighborDiscovery(env, net, this.neighbors);
    net.neighbors = this.neighbors;
  }

  solicit(n: Neighbor, unicast: boolean): void {
    if (n.address.is4) this.arp.ask(n, unicast);
    else this.discovery.ask(n, unicast);
  }

  /** Only noted: this may happen in the midst of TCP's sending, which must not be entered from here. */
  unreachable(n: Neighbor, frame: Frame): void {
    this.env.mib.countDrop('neighbor-unreachable');
    if (this.failures.length >= MAX_FAILURES) {
      frame.release();
      return;
    }
    this.failures.push(frame);
    this.failedOn.push(n.device.index);
  }

  /** Senders of undeliverable datagrams wait to be told: call `expire`. */
  get hasFailures(): boolean {
    return this.failures.length > 0;
  }

  neighborDiscovery(bytes: Uint8Array, m: Icmp6Message, h: Ipv6Header, index: number): void {
    const device = this.net.devices.find(d => d.index === index);
    if (device !== undefined) this.discovery.receive(device, bytes, m, h);
  }

  deadline(): Micros {
    return Math.min(this.neighbors.deadline(), this.discovery.deadline());
  }

  expire(budget: number): void {
    this.neighbors.expire(this.env.now, budget);
    this.discovery.expire(this.env.now);
    if (this.failures.length === 0) return;
    const frames = this.failures;
    const indices = this.failedOn;
    this.failures = [];
    this.failedOn = [];
    for (let i = 0; i < frames.length; i++) {
      this.report(frames[i]!, indices[i]!);
      frames[i]!.release();
    }
  }

  close(): void {
    for (const frame of this.failures) frame.release();
    this.failures = [];
    this.failedOn = [];
    this.discovery.clear();
    this.neighbors.clear();
  }

  /** "Host unreachable": to our own transport if the datagram was ours, else to its sender (RFC 1812 §5.2.7.1). */
  private report(frame: Frame, index: number): void {
    const { bytes, start, end } = frame;
    const e = this.error;
    e.mtu = 0;
    if (bytes[start]! >>> 4 === 6) {
      const read = decodeQuote6(bytes, start, end, index, e) === OK;
      if (read && this.net.isLocal(e.source)) {
        e.family = 6;
        e.type = ICMP6_UNREACHABLE;
        e.code = UNREACHABLE6_ADDRESS;
        this.tell(e);
      } else if (read) {
        const code = UNREACHABLE6_ADDRESS;
        this.icmp.error6(bytes, start, end, ICMP6_UNREACHABLE, code, 0, e.protocol, e.at, index);
      }
      return;
    }
    if (decodeQuote4(bytes, start, end, e) === OK && this.net.isLocal(e.source)) {
      e.family = 4;
      e.type = ICMP_UNREACHABLE;
      e.code = UNREACHABLE_HOST;
      this.tell(e);
    } else this.icmp.error4(bytes, start, end, ICMP_UNREACHABLE, UNREACHABLE_HOST, 0);
  }
}
