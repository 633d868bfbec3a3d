import { Address } from '../base/address.ts';
import type { Network } from '../tcp/path.ts';
import { copyBytes, u16 } from '../wire/bytes.ts';
import {
  ICMP_HEADER,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  isIcmp4Error,
  PROTOCOL_ICMP,
  putIcmp4,
} from '../wire/icmp4.ts';
import {
  ICMP6_HEADER,
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_REDIRECT,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
  PROTOCOL_ICMP6,
  putIcmp6,
} from '../wire/icmp6.ts';
import type { IcmpEnv } from './env.ts';
import { IcmpRateLimit } from './rate-limit.ts';

/** An IPv4 error is at most 576 bytes long (RFC 1812 §4.3.2.3), an IPv6 one 1280 (RFC 4443 §2.4 c). */
const QUOTE_4 = 576 - 20 - ICMP_HEADER;
const QUOTE_6 = 1280 - 40 - ICMP6_HEADER;
/** Linux sends errors with internetwork-control precedence (RFC 1812 §4.3.2.5). */
const PRECEDENCE = 0xc0;

/** Sends ICMP messages of both families, the errors only where the RFCs allow one and no faster than they allow. */
export class IcmpOutput {
  private readonly env: IcmpEnv;
  private readonly net: Network;
  private readonly limit: IcmpRateLimit;
  /** Scratch addresses of the offending packet. */
  private readonly offender = new Address(0, 0, 0, 0);
  private readonly target = new Address(0, 0, 0, 0);

  constructor(env: IcmpEnv, net: Network) {
    this.env = env;
    this.net = net;
    this.limit = new IcmpRateLimit(env);
  }

  /**
   * Answers the IPv4 datagram `bytes[at..end)` with an error, unless it must not be answered: RFC 1122 §3.2.2
   * (errors, later fragments, broadcasts, sources that name no single host).
   * @param word the second word of the message: next-hop MTU, or pointer << 24
   */
  error4(bytes: Uint8Array, at: number, end: number, type: number, code: number, word: number): void {
    if (end - at < 20) return;
    const { offender, target, net } = this;
    offender.assign4(bytes, at + 12);
    target.assign4(bytes, at + 16);
    if ((u16(bytes, at + 6) & 0x1fff) !== 0 || net.isBroadcast(target) || target.isAny) return;
    if (offender.isAny || net.isBroadcast(offender) || offender.d >>> 28 === 0xf) return;
    const header = (bytes[at]! & 15) << 2;
    if (bytes[at + 9] === PROTOCOL_ICMP) {
      // One that is too short to say what it is might be an error.
      if (at + header >= end || isIcmp4Error(bytes[at + header]!)) return;
    }
    if (!this.limit.allow4(type, offender)) {
      this.env.mib.countDrop('icmp-rate-limit');
      return;
    }
    const path = net.path(offender, net.isLocal(target) ? target : null);
    if (typeof path === 'number') return;
    const quote = Math.min(end - at, QUOTE_4);
    const frame = net.frame(ICMP_HEADER + quote);
    const to = frame.start;
    copyBytes(frame.bytes, to + ICMP_HEADER, bytes, at, quote);
    frame.end = to + ICMP_HEADER + quote;
    putIcmp4(frame.bytes, to, frame.end, type, code, word);
    this.count4(type);
    net.send(path, frame, path.source, offender, PROTOCOL_ICMP, PRECEDENCE | (bytes[at + 1]! & 0x1e), 0);
  }

  /**
   * Answers the IPv6 datagram `bytes[at..end)` with an error unless RFC 4443 §2.4 e forbids it.
   * @param protocol its upper-layer protocol, and `upperAt` where that begins (−1 if not found)
   * @param word MTU or pointer
   * @param scope index of the interface it came in by
   */
  error6(
    bytes: Uint8Array,
    at: number,
    end: number,
    type: number,
    code: number,
    word: number,
    protocol: number,
    upperAt: number,
    scope: number,
  ): void {
    if (end - at < 40) return;
    const { offender, target, net } = this;
    offender.assign6(bytes, at + 8, scope);
    target.assign6(bytes, at + 24, scope);
    const big = type === ICMP6_PACKET_TOO_BIG;
    const mayBeGroup = big || (type === ICMP6_PARAMETER_PROBLEM && code === 2);
    if (target.isMulticast && !mayBeGroup) return;
    if (offender.isAny || offender.isMulticast || offender.is4) return;
    if (protocol === PROTOCOL_ICMP6 && upperAt >= 0) {
      if (upperAt >= end || bytes[upperAt]! < 128 || bytes[upperAt] === ICMP6_REDIRECT) return;
    }
    if (!this.limit.allow6(offender, big)) {
      this.env.mib.countDrop('icmp-rate-limit');
      return;
    }
    const path = net.path(offender, net.isLocal(target) ? target : null);
    if (typeof path === 'number') return;
    const quote = Math.min(end - at, QUOTE_6);
    const frame = net.frame(ICMP6_HEADER + quote);
    const to = frame.start;
    copyBytes(frame.bytes, to + ICMP6_HEADER, bytes, at, quote);
    frame.end = to + ICMP6_HEADER + quote;
    putIcmp6(frame.bytes, to, frame.end, type, code, word, path.source, offender);
    this.count6(type);
    net.send(path, frame, path.source, offender, PROTOCOL_ICMP6, 0, 0);
  }

  /**
   * Sends an echo or its answer.
   * @param word identifier << 16 | sequence number
   * @param source null to choose one
   * @param ttl 0 for the host's default
   * @returns 0 or the negative errno of the path
   */
  echo(
    type: number,
    word: number,
    bytes: Uint8Array,
    at: number,
    n: number,
    source: Address | null,
    destination: Address,
    tos: number,
    ttl = 0,
  ): number {
    const { net } = this;
    const path = net.path(destination, source);
    if (typeof path === 'number') return path;
    const frame = net.frame(ICMP_HEADER + n);
    const to = frame.start;
    copyBytes(frame.bytes, to + ICMP_HEADER, bytes, at, n);
    frame.end = to + ICMP_HEADER + n;
    if (destination.is4) {
      putIcmp4(frame.bytes, to, frame.end, type, 0, word);
      this.count4(type);
      net.send(path, frame, path.source, destination, PROTOCOL_ICMP, tos, ttl);
    } else {
      putIcmp6(frame.bytes, to, frame.end, type, 0, word, path.source, destination);
      this.count6(type);
      net.send(path, frame, path.source, destination, PROTOCOL_ICMP6, tos, ttl);
    }
    return 0;
  }

  /** Whether an echo reply may be sent (IPv6 limits them, IPv4 by `icmp_ratemask` does not). */
  mayReply(destination: Address, type: number): boolean {
    return destination.is4 ? this.limit.allow4(type, destination) : this.limit.allow6(destination, false);
  }

  private count4(type: number): void {
    const { mib } = this.env;
    mib.IcmpOutMsgs++;
    if (type === 0) mib.IcmpOutEchoReps++;
    else if (type === 8) mib.IcmpOutEchos++;
    else if (type === ICMP_UNREACHABLE) mib.IcmpOutDestUnreachs++;
    else if (type === ICMP_TIME_EXCEEDED) mib.IcmpOutTimeExcds++;
    else if (type === ICMP_PARAMETER_PROBLEM) mib.IcmpOutParmProbs++;
  }

  private count6(type: number): void {
    const { mib } = this.env;
    mib.Icmp6OutMsgs++;
    if (type === 128) mib.Icmp6OutEchos++;
    else if (type === 129) mib.Icmp6OutEchoReplies++;
    else if (type === ICMP6_UNREACHABLE) mib.Icmp6OutDestUnreachs++;
    else if (type === ICMP6_PACKET_TOO_BIG) mib.Icmp6OutPktTooBigs++;
    else if (type === ICMP6_TIME_EXCEEDED) mib.Icmp6OutTimeExcds++;
    else if (type === ICMP6_PARAMETER_PROBLEM) mib.Icmp6OutParmProblems++;
  }
}
