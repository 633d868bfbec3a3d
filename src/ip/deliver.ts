import type { Icmp } from '../icmp/icmp.ts';
import type { UdpHost } from '../udp/udp.ts';
import { CSUM_UNKNOWN, type Frame } from '../wire/frame.ts';
import { ICMP_UNREACHABLE, PROTOCOL_ICMP, UNREACHABLE_PORT, UNREACHABLE_PROTOCOL } from '../wire/icmp4.ts';
import {
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_UNREACHABLE,
  PROTOCOL_ICMP6,
  UNREACHABLE6_PORT,
} from '../wire/icmp6.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import { type Ipv6Header, NEXT_NONE, PROBLEM_NEXT_HEADER } from '../wire/ipv6.ts';
import { OK, TCP_CHECKSUM } from '../wire/reason.ts';
import { Segment } from '../wire/segment.ts';
import { decodeTcpFrame, PROTOCOL_TCP } from '../wire/tcp.ts';
import { PROTOCOL_UDP } from '../wire/udp.ts';
import type { Device } from './device.ts';
import type { IpEnv } from './env.ts';
import type { TcpInput } from './upper.ts';

/** Hands whole datagrams for this host to TCP, UDP or ICMP, and refuses what none of them is for. */
export class Deliver {
  private readonly env: IpEnv;
  private readonly tcp: TcpInput;
  private readonly udp: UdpHost;
  private readonly icmp: Icmp;
  private readonly segment = new Segment();

  constructor(env: IpEnv, tcp: TcpInput, udp: UdpHost, icmp: Icmp) {
    this.env = env;
    this.tcp = tcp;
    this.udp = udp;
    this.icmp = icmp;
  }

  deliver4(
    device: Device,
    bytes: Uint8Array,
    at: number,
    h: Ipv4Header,
    group: boolean,
    linkGroup: boolean,
    frame: Frame,
  ): void {
    const { mib } = this.env;
    switch (h.protocol) {
      case PROTOCOL_TCP: {
        // RFC 9293 MUST-57: TCP is between two hosts; to a group there is no answer.
        if (group) {
          mib.IpInDiscards++;
          return;
        }
        mib.IpInDelivers++;
        const s = this.segment;
        s.source.assign(h.source);
        s.destination.assign(h.destination);
        s.tos = h.tos;
        s.ttl = h.ttl;
        this.toTcp(device, h.at, h.end, frame);
        return;
      }
      case PROTOCOL_UDP: {
        mib.IpInDelivers++;
        const good = frame.csum !== CSUM_UNKNOWN;
        const { source, destination, tos, ttl } = h;
        if (
          !this.udp.receive(bytes, h.at, h.end, source, destination, group, good, device.index, tos, ttl) &&
          !linkGroup
        ) {
          this.icmp.output.error4(bytes, at, h.end, ICMP_UNREACHABLE, UNREACHABLE_PORT, 0);
        }
        return;
      }
      case PROTOCOL_ICMP:
        mib.IpInDelivers++;
        this.icmp.receive4(bytes, h);
        return;
      default:
        mib.IpInUnknownProtos++;
        mib.countDrop('ip-protocol');
        if (!linkGroup) this.icmp.output.error4(bytes, at, h.end, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL, 0);
    }
  }

  /** The same for IPv6. */
  deliver6(device: Device, bytes: Uint8Array, at: number, h: Ipv6Header, group: boolean, frame: Frame): void {
    const { mib } = this.env;
    switch (h.protocol) {
      case PROTOCOL_TCP: {
        if (group) {
          mib.Ip6InDiscards++;
          return;
        }
        mib.Ip6InDelivers++;
        const s = this.segment;
        s.source.assign(h.source);
        s.destination.assign(h.destination);
        s.tos = h.trafficClass;
        s.ttl = h.hopLimit;
        this.toTcp(device, h.at, h.end, frame);
        return;
      }
      case PROTOCOL_UDP: {
        mib.Ip6InDelivers++;
        const good = frame.csum !== CSUM_UNKNOWN;
        const { source, destination, trafficClass, hopLimit } = h;
        if (
          !this.udp.receive(
            bytes,
            h.at,
            h.end,
            source,
            destination,
            group,
            good,
            device.index,
            trafficClass,
            hopLimit,
          )
        ) {
          this.error6(device, bytes, at, h, ICMP6_UNREACHABLE, UNREACHABLE6_PORT, 0);
        }
        return;
      }
      case PROTOCOL_ICMP6:
        mib.Ip6InDelivers++;
        this.icmp.receive6(bytes, h, device.index);
        return;
      case NEXT_NONE:
        return;
      default:
        mib.Ip6InUnknownProtos++;
        mib.countDrop('ip-protocol');
        this.error6(device, bytes, at, h, ICMP6_PARAMETER_PROBLEM, PROBLEM_NEXT_HEADER, h.nextHeaderAt - at);
    }
  }

  private toTcp(device: Device, at: number, end: number, frame: Frame): void {
    const s = this.segment;
    const { mib } = this.env;
    s.interfaceIndex = device.index;
    s.count = 1;
    s.attached = frame.attached > 0 ? frame : null;
    const reason = decodeTcpFrame(frame, at, end, s);
    if (reason === OK) {
      const size = frame.gsoSize;
      if (size > 0 && s.length > size) {
        s.count = Math.ceil(s.length / size);
        s.segmentSize = size;
      }
      this.tcp.receive(s);
      return;
    }
    // TCP counts what it gets; what it never sees has come in all the same.
    mib.TcpInSegs += s.count;
    mib.TcpInErrs++;
    if (reason === TCP_CHECKSUM) mib.TcpInCsumErrors++;
    mib.drops.count(reason);
  }

  private error6(
    device: Device,
    bytes: Uint8Array,
    at: number,
    h: Ipv6Header,
    type: number,
    code: number,
    word: number,
  ): void {
    this.icmp.output.error6(bytes, at, h.end, type, code, word, h.protocol, h.at, device.index);
  }
}
