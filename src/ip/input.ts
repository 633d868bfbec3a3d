import type { Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import type { IcmpOutput } from '../icmp/output.ts';
import type { Frame } from '../wire/frame.ts';
import { EXCEEDED_REASSEMBLY, ICMP_PARAMETER_PROBLEM, ICMP_TIME_EXCEEDED } from '../wire/icmp4.ts';
import { ICMP6_PARAMETER_PROBLEM, ICMP6_TIME_EXCEEDED } from '../wire/icmp6.ts';
import { decodeIpv4, Ipv4Header } from '../wire/ipv4.ts';
import { decodeIpv6, Ipv6Header, NO_PROBLEM } from '../wire/ipv6.ts';
import { IP_CHECKSUM, IP_OPTION, OK, type Reason, reasonOf } from '../wire/reason.ts';
import { PROTOCOL_TCP } from '../wire/tcp.ts';
import type { Deliver } from './deliver.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';
import type { Forwarder } from './forward.ts';
import { KnownPairs } from './known-pairs.ts';
import {
  isJoined,
  isMartianDestination4,
  isMartianDestination6,
  isMartianSource4,
  isMartianSource6,
} from './martian.ts';
import type { IpNetwork } from './network.ts';
import { type Partial, Reassembler } from './reassemble.ts';

const MARTIAN = reasonOf('ip-martian');
const NOT_FOR_US = reasonOf('not-for-us');
/** An ICMPv6 error may quote this much of what was reassembled. */
const FIRST_PIECE = 1280;

/** The receiving half of IP: checks a datagram, then delivers it, puts it together or passes it on. */
export class IpInput {
  readonly fragments4: Reassembler;
  readonly fragments6: Reassembler;
  private readonly env: IpEnv;
  private readonly net: IpNetwork;
  private readonly deliver: Deliver;
  private readonly icmp: IcmpOutput;
  private readonly forwarder: Forwarder;
  private readonly h4 = new Ipv4Header();
  private readonly h6 = new Ipv6Header();
  private readonly known = new KnownPairs();

  constructor(env: IpEnv, net: IpNetwork, deliver: Deliver, icmp: IcmpOutput, forwarder: Forwarder) {
    this.env = env;
    this.net = net;
    this.deliver = deliver;
    this.icmp = icmp;
    this.forwarder = forwarder;
    this.fragments4 = new Reassembler(env, true);
    this.fragments6 = new Reassembler(env, false);
  }

  /**
   * Takes an IPv4 datagram that begins at `at` in the frame, and the frame with it.
   * @param linkGroup it came to a broadcast or multicast hardware address: never forwarded, never answered with an error
   */
  receive4(device: Device, frame: Frame, at: number, linkGroup: boolean): void {
    const { mib } = this.env;
    const { bytes } = frame;
    const h = this.h4;
    // Only TCP attaches payload: headers are all that is read here.
    const end = frame.end + frame.attached;
    mib.IpInReceives++;
    mib.IpExtInOctets += end - at;
    const reason = decodeIpv4(bytes, at, end, h);
    if (reason !== OK) {
      this.bad4(reason, device, bytes, at, frame.end, linkGroup);
      frame.release();
      return;
    }
    const known = this.isKnown(device, h);
    if (!known && this.isMartian4(device)) {
      mib.IpInAddrErrors++;
      mib.drops.count(MARTIAN);
      frame.release();
      return;
    }
    this.countEcn(h.tos & 3);
    const local = known || this.isOwn(device, h) || (!linkGroup && this.isIntercepted(device, h));
    if (!local && !this.isForUs4(h.destination)) {
      if (!linkGroup && this.env.sysctl.ip_forward !== 0) {
        this.forwarder.forward4(frame.gather(), at, h);
        return;
      }
      mib.IpInAddrErrors++;
      this.env.mib.drops.count(NOT_FOR_US);
      frame.release();
      return;
    }
    if (!h.isFragment) {
      this.deliver.deliver4(device, bytes, at, h, !local, linkGroup, frame);
      frame.release();
      return;
    }
    const whole = this.fragments4.add4(bytes, at, h, device.index);
    frame.release();
    if (whole === null) return;
    const again = decodeIpv4(whole.bytes, whole.start, whole.end, h);
    if (again === OK) this.deliver.deliver4(device, whole.bytes, whole.start, h, !local, linkGroup, whole);
    else this.bad4(again, device, whole.bytes, whole.start, whole.end, linkGroup);
    whole.release();
  }

  /** The same for IPv6. */
  receive6(device: Device, frame: Frame, at: number, linkGroup: boolean): void {
    const { mib } = this.env;
    const { bytes } = frame;
    const h = this.h6;
    const end = frame.end + frame.attached;
    mib.Ip6InReceives++;
    mib.Ip6InOctets += end - at;
    const reason = decodeIpv6(bytes, at, end, h, device.index);
    if (reason !== OK) {
      this.bad6(reason, device, bytes, at, frame.end);
      frame.release();
      return;
    }
    const known = this.isKnown(device, h);
    if (!known && this.isMartian6(device)) {
      mib.Ip6InAddrErrors++;
      mib.drops.count(MARTIAN);
      frame.release();
      return;
    }
    const group = h.destination.isMulticast;
    if (group) {
      mib.Ip6InMcastPkts++;
      mib.Ip6InMcastOctets += end - at;
    }
    const local = group
      ? isJoined(h.destination, device, this.forwarder.forwards6)
      : known || this.isOwn(device, h) || (!linkGroup && this.isIntercepted(device, h));
    if (!local) {
      if (!group && !linkGroup && this.forwarder.forwards6) {
        this.forwarder.forward6(frame.gather(), at, h);
        return;
      }
      mib.Ip6InAddrErrors++;
      mib.drops.count(NOT_FOR_US);
      frame.release();
      return;
    }
    if (!h.isFragment) {
      this.deliver.deliver6(device, bytes, at, h, group, frame);
      frame.release();
      return;
    }
    const whole = this.fragments6.add6(bytes, at, h, device.index);
    frame.release();
    if (whole === null) return;
    const again = decodeIpv6(whole.bytes, whole.start, whole.end, h, device.index);
    if (again === OK && !h.isFragment)
      this.deliver.deliver6(device, whole.bytes, whole.start, h, group, whole);
    else this.bad6(again, device, whole.bytes, whole.start, whole.end);
    whole.release();
  }

  deadline(): Micros {
    return Math.min(this.fragments4.deadline(), this.fragments6.deadline());
  }

  close(): void {
    this.fragments4.clear();
    this.fragments6.clear();
  }

  /** Gives up datagrams that stayed in pieces. @returns how many */
  expire(budget: number): number {
    const { now } = this.env;
    const n = this.fragments4.expire(now, budget, p => this.gaveUp(p));
    return n + this.fragments6.expire(now, budget - n, p => this.gaveUp(p));
  }

  private isMartian4(device: Device): boolean {
    return isMartianDestination4(this.h4, device) || isMartianSource4(this.h4, device, this.net.addresses);
  }

  private isMartian6(device: Device): boolean {
    return isMartianDestination6(this.h6, device) || isMartianSource6(this.h6, device, this.net.addresses);
  }

  /** Packets come in trains: what was found to be sane and for this host is so again. */
  private isKnown(device: Device, h: Ipv4Header | Ipv6Header): boolean {
    return this.known.has(h.source, h.destination, device.index, this.net.generation);
  }

  /** For one of this host's own addresses; its source has been judged. */
  private isOwn(device: Device, h: Ipv4Header | Ipv6Header): boolean {
    if (!this.net.isLocal(h.destination)) return false;
    // The unspecified address may ask for some things only.
    if (!h.source.isAny) this.known.add(h.source, h.destination, device.index, this.net.generation);
    return true;
  }

  /** TCP for somebody else that this host accepts in his name. */
  private isIntercepted(device: Device, h: Ipv4Header | Ipv6Header): boolean {
    const { intercept } = this.net;
    if (intercept === null || h.protocol !== PROTOCOL_TCP) return false;
    return intercept.takes(device, h.destination) && !this.net.isBroadcast(h.destination);
  }

  private isForUs4(destination: Address): boolean {
    const { mib } = this.env;
    if (destination.isMulticast) {
      mib.IpExtInMcastPkts++;
      return destination.d >>> 0 === 0xe0000001;
    }
    if (!this.net.isBroadcast(destination)) return false;
    mib.IpExtInBcastPkts++;
    return true;
  }

  private countEcn(ecn: number): void {
    const { mib } = this.env;
    if (ecn === 0) mib.IpExtInNoECTPkts++;
    else if (ecn === 1) mib.IpExtInECT1Pkts++;
    else if (ecn === 2) mib.IpExtInECT0Pkts++;
    else mib.IpExtInCEPkts++;
  }

  private bad4(
    reason: Reason,
    device: Device,
    bytes: Uint8Array,
    at: number,
    end: number,
    linkGroup: boolean,
  ): void {
    const { mib } = this.env;
    mib.IpInHdrErrors++;
    if (reason === IP_CHECKSUM) mib.IpExtInCsumErrors++;
    mib.drops.count(reason);
    const h = this.h4;
    if (reason !== IP_OPTION || linkGroup || !this.net.isLocal(h.destination)) return;
    if (this.isMartian4(device)) return;
    this.icmp.error4(bytes, at, Math.min(end, h.end), ICMP_PARAMETER_PROBLEM, 0, h.problemAt << 24);
  }

  private bad6(reason: Reason, device: Device, bytes: Uint8Array, at: number, end: number): void {
    const { mib } = this.env;
    const h = this.h6;
    mib.Ip6InHdrErrors++;
    mib.drops.count(reason);
    if (reason === OK || h.problemCode === NO_PROBLEM) return;
    if (this.isMartian6(device)) return;
    const forUs = h.destination.isMulticast
      ? isJoined(h.destination, device, this.forwarder.forwards6)
      : this.net.isLocal(h.destination);
    if (!forUs) return;
    const to = Math.min(end, h.end);
    const code = h.problemCode;
    // What comes behind the header in question is not known: it is not taken for ICMP.
    this.icmp.error6(bytes, at, to, ICMP6_PARAMETER_PROBLEM, code, h.problemAt - at, 0, -1, device.index);
  }

  /** RFC 792, RFC 8200 §4.5: told to the sender if the first piece had come. */
  private gaveUp(p: Partial): void {
    const first = p.pieces[0];
    if (p.header === null || first === undefined || first.from !== 0) return;
    const n = Math.min(first.bytes.length, FIRST_PIECE);
    const quote = new Uint8Array(p.header.length + n);
    quote.set(p.header);
    quote.set(first.bytes.subarray(0, n), p.header.length);
    const output = this.icmp;
    if (p.is4) {
      output.error4(quote, 0, quote.length, ICMP_TIME_EXCEEDED, EXCEEDED_REASSEMBLY, 0);
      return;
    }
    quote[p.nextAt] = p.nextHeader;
    const at = p.header.length;
    const type = ICMP6_TIME_EXCEEDED;
    output.error6(quote, 0, quote.length, type, EXCEEDED_REASSEMBLY, 0, p.nextHeader, at, p.interfaceIndex);
  }
}
