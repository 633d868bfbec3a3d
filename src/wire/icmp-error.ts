import {
  EACCES,
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from '../base/errno.ts';
import { IcmpQuote } from './icmp-quote.ts';
import { ICMP_PARAMETER_PROBLEM, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from './icmp4.ts';
import {
  ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMETER_PROBLEM,
  ICMP6_TIME_EXCEEDED,
  ICMP6_UNREACHABLE,
} from './icmp6.ts';

/**
 * An ICMP error that has arrived, with what could be read of the packet that it quotes. One object a host,
 * refilled each time. `source` and the ports are the quoted packet's: `source` is ours. Nothing in it is to be
 * believed before the quoted packet has been found to be one that we sent (RFC 5927).
 */
export class IcmpError extends IcmpQuote {
  /** 4 or 6: whose types and codes. */
  family = 4;
  type = 0;
  code = 0;
  /** "Fragmentation needed" and "packet too big": the MTU to use, guessed from the quoted length if it names none; else 0. */
  mtu = 0;
}

/** Linux's errno for each code of "destination unreachable" and whether it ends a connection attempt. */
const UNREACHABLE_4: readonly (readonly [number, boolean])[] = [
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [ENOPROTOOPT, true],
  [ECONNREFUSED, true],
  [EMSGSIZE, false],
  [EOPNOTSUPP, false],
  [ENETUNREACH, true],
  [EHOSTDOWN, true],
  [ENONET, true],
  [ENETUNREACH, true],
  [EHOSTUNREACH, true],
  [ENETUNREACH, false],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
  [EHOSTUNREACH, true],
];

const UNREACHABLE_6: readonly (readonly [number, boolean])[] = [
  [ENETUNREACH, false],
  [EACCES, true],
  [EHOSTUNREACH, false],
  [EHOSTUNREACH, false],
  [ECONNREFUSED, true],
  [EACCES, true],
  [EACCES, true],
];

/**
 * The errno that Linux makes of an ICMP error (net/ipv4/icmp.c, net/ipv6/icmp.c), 0 for one that is ignored.
 * @param family 4 or 6
 */
export function icmpErrno(family: number, type: number, code: number): number {
  if (family === 4) {
    if (type === ICMP_UNREACHABLE) return UNREACHABLE_4[code]?.[0] ?? EHOSTUNREACH;
    if (type === ICMP_TIME_EXCEEDED) return code === 0 ? EHOSTUNREACH : 0;
    return type === ICMP_PARAMETER_PROBLEM ? EPROTO : 0;
  }
  if (type === ICMP6_UNREACHABLE) return UNREACHABLE_6[code]?.[0] ?? EPROTO;
  if (type === ICMP6_PACKET_TOO_BIG) return EMSGSIZE;
  if (type === ICMP6_PARAMETER_PROBLEM) return EPROTO;
  return type === ICMP6_TIME_EXCEEDED ? EHOSTUNREACH : 0;
}

/** Whether Linux passes the error to a connected UDP socket even without IP_RECVERR. */
export function isHardError(family: number, type: number, code: number): boolean {
  if (family === 4) {
    if (type === ICMP_UNREACHABLE) return UNREACHABLE_4[code]?.[1] ?? false;
    return type === ICMP_PARAMETER_PROBLEM;
  }
  if (type === ICMP6_UNREACHABLE) return UNREACHABLE_6[code]?.[1] ?? false;
  return type === ICMP6_PARAMETER_PROBLEM;
}
