import { EHOSTUNREACH } from '../base/errno.ts';
import type { IcmpOutput } from '../icmp/output.ts';
import { put16, u16 } from '../wire/bytes.ts';
import { adjust } from '../wire/checksum.ts';
import type { Frame } from '../wire/frame.ts';
import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED } from '../wire/icmp4.ts';
import { ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_UNREACHABLE } from '../wire/icmp6.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import type { IpEnv } from './env.ts';
import { completeChecksum, fragment4, mayFragment } from './fragment.ts';
import { segmentInSoftware } from './gso.ts';
import type { IpNetwork } from './network.ts';
import type { IpPath } from './path.ts';

/** Passes on datagrams for others (RFC 1812 §5.3, RFC 8200), when `ip_forward` or `ipv6_forwarding` says so. */
export class Forwarder {
  private readonly env: IpEnv;
  private readonly net: IpNetwork;
  private readonly icmp: IcmpOutput;

  constructor(env: IpEnv, net: IpNetwork, icmp: IcmpOutput) {
    this.env = env;
    this.net = net;
    this.icmp = icmp;
  }

  get forwards6(): boolean {
    return this.env.sysctl.ipv6_forwarding !== 0;
  }

  /** Takes over the frame, whose datagram begins at `at`. */
  forward4(shared: Frame, at: number, h: Ipv4Header): void {
    const { mib } = this.env;
    const net = h.destination.d >>> 24;
    if (net === 0 || net >= 224 || h.destination.isLinkLocal) {
      this.refuse(shared, 'not-for-us');
      return;
    }
    if (h.ttl <= 1) {
      mib.IpInHdrErrors++;
      this.icmp.error4(shared.bytes, at, h.end, ICMP_TIME_EXCEEDED, 0, 0);
      this.refuse(shared, 'ttl-exceeded');
      return;
    }
    const p = this.net.path(h.destination, null);
    if (typeof p === 'number') {
      mib.IpOutNoRoutes++;
      this.icmp.error4(shared.bytes, at, h.end, ICMP_UNREACHABLE, p === -EHOSTUNREACH ? 1 : 0, 0);
      this.refuse(shared, 'no-route');
      return;
    }
    // A router goes by its links; what hosts were told about paths is theirs (ip_forward_use_pmtu = 0).
    const mtu = this.env.sysctl.ip_forward_use_pmtu !== 0 ? p.mtu : p.linkMtu;
    const big = shared.gsoSize === 0 && h.totalLength > mtu;
    const frame = this.writable(shared, at, h.end);
    const { bytes, start } = frame;
    if (big && !mayFragment(frame)) {
      mib.IpFragFails++;
      this.icmp.error4(bytes, start, frame.end, ICMP_UNREACHABLE, UNREACHABLE_FRAGMENTATION_NEEDED, mtu);
      this.refuse(frame, 'mtu-exceeded');
      return;
    }
    mib.IpForwDatagrams++;
    const before = u16(bytes, start + 8);
    bytes[start + 8]!--;
    put16(bytes, start + 10, adjust(u16(bytes, start + 10), before, before - 0x100));
    if (!big) {
      this.emitSuper(p, frame, h.headerLength, h.protocol);
      return;
    }
    completeChecksum(frame, start + h.headerLength, h.protocol);
    mib.IpFragOKs++;
    mib.IpFragCreates += fragment4(this.env.frames, frame, mtu, piece => this.net.emit(p, piece));
  }

  /** The same for IPv6, where a router never fragments. */
  forward6(shared: Frame, at: number, h: Ipv6Header): void {
    const { mib } = this.env;
    const index = h.destination.scope | h.source.scope;
    // Link-local addresses stay on their link (RFC 4291 §2.5.6).
    if (h.destination.isLinkLocal || h.source.isLinkLocal || h.source.isAny || h.destination.isLoopback) {
      this.refuse(shared, 'not-for-us');
      return;
    }
    if (h.hopLimit <= 1) {
      mib.Ip6InHdrErrors++;
      this.error6(shared.bytes, at, h, ICMP6_TIME_EXCEEDED, 0, 0, index);
      this.refuse(shared, 'ttl-exceeded');
      return;
    }
    const p = this.net.path(h.destination, null);
    if (typeof p === 'number') {
      mib.Ip6InNoRoutes++;
      this.error6(shared.bytes, at, h, ICMP6_UNREACHABLE, p === -EHOSTUNREACH ? 3 : 0, 0, index);
      this.refuse(shared, 'no-route');
      return;
    }
    if (shared.gsoSize === 0 && h.end - at > p.linkMtu) {
      mib.Ip6InTooBigErrors++;
      mib.Ip6FragFails++;
      this.error6(shared.bytes, at, h, ICMP6_PACKET_TOO_BIG, 0, p.linkMtu, index);
      this.refuse(shared, 'mtu-exceeded');
      return;
    }
    mib.Ip6OutForwDatagrams++;
    const upper = h.at - at;
    const frame = this.writable(shared, at, h.end);
    frame.bytes[frame.start + 7]!--;
    this.emitSuper(p, frame, upper, h.protocol);
  }

  /** A super-segment whole if the interface takes such, else in pieces. */
  private emitSuper(p: IpPath, frame: Frame, upper: number, protocol: number): void {
    if (p.gsoMax > 0 || frame.gsoSize === 0) {
      if (!p.checksumOffload) completeChecksum(frame, frame.start + upper, protocol);
      this.net.emit(p, frame);
      return;
    }
    segmentInSoftware(this.env.frames, frame, upper, protocol, piece => this.net.emit(p, piece));
  }

  /** A frame that may be changed: this one if nobody else holds it. Starts at the datagram, ends where it ends. */
  private writable(frame: Frame, at: number, end: number): Frame {
    let own = frame;
    // Headroom is needed for the next link's header.
    if (frame.refs > 1 || at < 14) {
      const { bytes } = frame;
      own = this.env.frames.from(bytes.subarray(at, end));
      own.csum = frame.csum;
      own.gsoSize = frame.gsoSize;
      frame.release();
      return own;
    }
    own.start = at;
    own.end = end;
    return own;
  }

  private error6(
    bytes: Uint8Array,
    at: number,
    h: Ipv6Header,
    type: number,
    code: number,
    word: number,
    index: number,
  ): void {
    this.icmp.error6(bytes, at, h.end, type, code, word, h.isFragment ? 0 : h.protocol, h.at, index);
  }

  private refuse(frame: Frame, why: 'not-for-us' | 'ttl-exceeded' | 'no-route' | 'mtu-exceeded'): void {
    this.env.mib.countDrop(why);
    frame.release();
  }
}
