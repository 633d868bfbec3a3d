import type { Address } from '../base/address.ts';
import { EADDRINUSE, EINVAL, EMFILE } from '../base/errno.ts';
import type { Network } from '../tcp/path.ts';
import { u16 } from '../wire/bytes.ts';
import { IcmpError, icmpErrno } from '../wire/icmp-error.ts';
import { decodeQuote4, decodeQuote6 } from '../wire/icmp-quote.ts';
import {
  decodeIcmp4,
  ICMP_ECHO,
  ICMP_ECHO_REPLY,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  Icmp4Message,
  PROTOCOL_ICMP,
  UNREACHABLE_FRAGMENTATION_NEEDED,
} from '../wire/icmp4.ts';
import {
  decodeIcmp6,
  ICMP6_ECHO,
  ICMP6_ECHO_REPLY,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
  Icmp6Message,
  PROTOCOL_ICMP6,
} from '../wire/icmp6.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import type { Ipv6Header } from '../wire/ipv6.ts';
import { isNd } from '../wire/neighbor-discovery.ts';
import { ICMP_CHECKSUM, OK, reasonName } from '../wire/reason.ts';
import { PROTOCOL_TCP } from '../wire/tcp.ts';
import type { IcmpEnv } from './env.ts';
import { IcmpOutput } from './output.ts';
import { PingEndpoint } from './ping.ts';

/** Ping endpoints that one host may have. */
const MAX_PINGS = 1024;

/** Where ICMP passes on what is not its own. */
export interface IcmpUpper {
  /** An error about a TCP segment or UDP datagram of ours; the object is refilled by the next one. */
  icmpError(error: IcmpError): void;
  /** A neighbour discovery message. */
  neighborDiscovery(
    bytes: Uint8Array,
    message: Icmp6Message,
    header: Ipv6Header,
    interfaceIndex: number,
  ): void;
  /** Guess of the MTU when a router named none, from the length of the packet that did not fit (RFC 1191 §5). */
  plateau(length: number): number;
}

/** The network as ICMP needs it. */
export interface IcmpNetwork extends Network {
  /** Set while this host accepts TCP in the name of others: errors about that quote their addresses. */
  readonly intercept: unknown;
}

/** ICMP and ICMPv6 (RFC 792, RFC 4443): answers echoes, takes errors apart, sends errors through `output`. */
export class Icmp {
  readonly output: IcmpOutput;
  private readonly env: IcmpEnv;
  private readonly net: IcmpNetwork;
  private readonly upper: IcmpUpper;
  private readonly m4 = new Icmp4Message();
  private readonly m6 = new Icmp6Message();
  private readonly error = new IcmpError();
  private readonly pings = new Map<number, PingEndpoint>();

  constructor(env: IcmpEnv, net: IcmpNetwork, upper: IcmpUpper) {
    this.env = env;
    this.net = net;
    this.upper = upper;
    this.output = new IcmpOutput(env, net);
  }

  /** An ICMP message for this host, in `bytes[h.at..h.end)`. */
  receive4(bytes: Uint8Array, h: Ipv4Header): void {
    const { mib } = this.env;
    const m = this.m4;
    mib.IcmpInMsgs++;
    const reason = decodeIcmp4(bytes, h.at, h.end, m);
    if (reason !== OK) {
      mib.IcmpInErrors++;
      if (reason === ICMP_CHECKSUM) mib.IcmpInCsumErrors++;
      mib.countDrop(reasonName(reason));
      return;
    }
    switch (m.type) {
      case ICMP_ECHO:
        mib.IcmpInEchos++;
        this.answer4(bytes, h, m);
        return;
      case ICMP_ECHO_REPLY:
        mib.IcmpInEchoReps++;
        this.reply(m.id, m.sequence, m.end - m.at, h.ttl, h.source);
        return;
      case ICMP_UNREACHABLE:
        mib.IcmpInDestUnreachs++;
        break;
      case ICMP_TIME_EXCEEDED:
        mib.IcmpInTimeExcds++;
        break;
      case ICMP_PARAMETER_PROBLEM:
        mib.IcmpInParmProbs++;
        break;
      case ICMP_SOURCE_QUENCH:
        // RFC 6633: ignored. The counter shows that somebody tries.
        mib.IcmpInSrcQuenchs++;
        return;
      case ICMP_REDIRECT:
        mib.IcmpInRedirects++;
        return;
      default:
        return;
    }
    this.error4(bytes, h, m);
  }

  /** An ICMPv6 message for this host. */
  receive6(bytes: Uint8Array, h: Ipv6Header, interfaceIndex: number): void {
    const { mib } = this.env;
    const m = this.m6;
    mib.Icmp6InMsgs++;
    const reason = decodeIcmp6(bytes, h.at, h.end, h.source, h.destination, m);
    if (reason !== OK) {
      mib.Icmp6InErrors++;
      if (reason === ICMP_CHECKSUM) mib.Icmp6InCsumErrors++;
      mib.countDrop(reasonName(reason));
      return;
    }
    if (isNd(m.type)) {
      this.upper.neighborDiscovery(bytes, m, h, interfaceIndex);
      return;
    }
    switch (m.type) {
      case ICMP6_ECHO:
        mib.Icmp6InEchos++;
        this.answer6(bytes, h, m);
        return;
      case ICMP6_ECHO_REPLY:
        mib.Icmp6InEchoReplies++;
        this.reply(m.id, m.sequence, m.end - m.at, h.hopLimit, h.source);
        return;
      case ICMP6_UNREACHABLE:
        mib.Icmp6InDestUnreachs++;
        break;
      case ICMP6_PACKET_TOO_BIG:
        mib.Icmp6InPktTooBigs++;
        break;
      case ICMP6_TIME_EXCEEDED:
        mib.Icmp6InTimeExcds++;
        break;
      case ICMP6_PARAMETER_PROBLEM:
        mib.Icmp6InParmProblems++;
        break;
      default:
        return;
    }
    this.error6(bytes, h, m, interfaceIndex);
  }

  /**
   * A ping endpoint.
   * @param id identifier 1..65535, 0 to choose one
   * @returns −EINVAL, −EADDRINUSE, or −EMFILE at the limit
   */
  openPing(id = 0): PingEndpoint | number {
    if (!(id >= 0 && id <= 65535)) return -EINVAL;
    if (this.pings.size >= MAX_PINGS) return -EMFILE;
    if (id !== 0 && this.pings.has(id)) return -EADDRINUSE;
    while (id === 0 || this.pings.has(id)) id = 1 + this.env.random.below(65535);
    const p = new PingEndpoint(this, id);
    this.pings.set(id, p);
    return p;
  }

  closePing(p: PingEndpoint): void {
    if (this.pings.get(p.id) === p) this.pings.delete(p.id);
  }

  close(): void {
    this.pings.clear();
  }

  private answer4(bytes: Uint8Array, h: Ipv4Header, m: Icmp4Message): void {
    const { sysctl } = this.env;
    const group = this.net.isBroadcast(h.destination);
    if (sysctl.icmp_echo_ignore_all !== 0 || (group && sysctl.icmp_echo_ignore_broadcasts !== 0)) return;
    if (!this.output.mayReply(h.source, ICMP_ECHO_REPLY)) return;
    const source = group ? null : h.destination;
    this.output.echo(ICMP_ECHO_REPLY, m.word, bytes, m.at, m.end - m.at, source, h.source, h.tos);
  }

  private answer6(bytes: Uint8Array, h: Ipv6Header, m: Icmp6Message): void {
    if (this.env.sysctl.ipv6_icmp_echo_ignore_all !== 0 || h.source.isAny) return;
    if (!this.output.mayReply(h.source, ICMP6_ECHO_REPLY)) return;
    const source = h.destination.isMulticast ? null : h.destination;
    this.output.echo(ICMP6_ECHO_REPLY, m.word, bytes, m.at, m.end - m.at, source, h.source, h.trafficClass);
  }

  private reply(id: number, sequence: number, length: number, ttl: number, source: Address): void {
    const p = this.pings.get(id);
    if (p !== undefined) p.push({ source: source.clone(), sequence, length, ttl, at: this.env.now });
  }

  private error4(bytes: Uint8Array, h: Ipv4Header, m: Icmp4Message): void {
    const e = this.error;
    // RFC 1122 §3.2.2.1 and RFC 5927: an error must quote enough, and name us as the sender of what it quotes.
    if (
      this.net.isBroadcast(h.destination) ||
      decodeQuote4(bytes, m.at, m.end, e) !== OK ||
      !this.isOurs(e)
    ) {
      this.env.mib.IcmpInErrors++;
      this.env.mib.countDrop('icmp-quote');
      return;
    }
    e.family = 4;
    e.type = m.type;
    e.code = m.code;
    e.mtu = 0;
    if (m.type === ICMP_UNREACHABLE && m.code === UNREACHABLE_FRAGMENTATION_NEEDED) {
      e.mtu = m.mtu !== 0 ? m.mtu : this.upper.plateau(u16(bytes, m.at + 2));
    }
    this.dispatch(bytes, e, h.source, PROTOCOL_ICMP, ICMP_ECHO);
  }

  private error6(bytes: Uint8Array, h: Ipv6Header, m: Icmp6Message, scope: number): void {
    const e = this.error;
    if (decodeQuote6(bytes, m.at, m.end, scope, e) !== OK || e.source.is4 || !this.isOurs(e)) {
      this.env.mib.Icmp6InErrors++;
      this.env.mib.countDrop('icmp-quote');
      return;
    }
    e.family = 6;
    e.type = m.type;
    e.code = m.code;
    e.mtu = m.type === ICMP6_PACKET_TOO_BIG ? Math.min(m.mtu, 0x7fffffff) : 0;
    this.dispatch(bytes, e, h.source, PROTOCOL_ICMP6, ICMP6_ECHO);
  }

  /** Whether the quoted packet can be one that this host has sent. */
  private isOurs(e: IcmpError): boolean {
    return this.net.isLocal(e.source) || (this.net.intercept !== null && e.protocol === PROTOCOL_TCP);
  }

  private dispatch(bytes: Uint8Array, e: IcmpError, from: Address, own: number, echo: number): void {
    if (e.protocol !== own) {
      this.upper.icmpError(e);
      return;
    }
    // An error about an echo of ours: identifier and sequence number are the word behind type, code, checksum.
    const p = bytes[e.at] === echo ? this.pings.get(e.seq >>> 16) : undefined;
    if (p === undefined) return;
    const { family, type, code } = e;
    const errno = icmpErrno(family, type, code);
    const source = from.clone();
    p.fail({ source, sequence: e.seq & 0xffff, family, type, code, errno, at: this.env.now });
  }
}
