import { EINVAL, ENOPROTOOPT, EOPNOTSUPP } from '../base/errno.ts';
import { AF_INET, SOL_IP, SOL_IPV6, SOL_SOCKET, SOL_TCP } from './constants.ts';
import {
  inputBytes,
  int32,
  type OptionInput,
  type OptionTable,
  readInt32,
  type SocketOption,
} from './option.ts';
import { IP_OPTIONS, IPV6_OPTIONS } from './options-ip.ts';
import { SOCKET_OPTIONS } from './options-socket.ts';
import { TCP_OPTIONS } from './options-tcp.ts';
import type { Socket } from './socket.ts';
import { TcpSocket } from './tcp-socket.ts';

/** The table of a level, or what Linux answers for the wrong kind of socket. */
function table(s: Socket, level: number, setting: boolean): OptionTable | number {
  switch (level) {
    case SOL_SOCKET:
      return SOCKET_OPTIONS;
    case SOL_TCP:
      // The table's functions take a TcpSocket, which this is.
      return s instanceof TcpSocket ? (TCP_OPTIONS as OptionTable) : -EOPNOTSUPP;
    case SOL_IP:
      return IP_OPTIONS;
    case SOL_IPV6:
      if (s.family !== AF_INET) return IPV6_OPTIONS;
      return setting ? -ENOPROTOOPT : -EOPNOTSUPP;
    default:
      return -ENOPROTOOPT;
  }
}

function find(s: Socket, level: number, name: number, setting: boolean): SocketOption | number {
  const t = table(s, level, setting);
  return typeof t === 'number' ? t : (t.get(name) ?? -ENOPROTOOPT);
}

/** An int from option bytes: four of them, except that SOL_IP takes a single byte too. */
function toInt(level: number, bytes: Uint8Array): number | null {
  if (bytes.length >= 4) return readInt32(bytes);
  if (level !== SOL_IP) return null;
  return bytes[0] ?? 0;
}

/** setsockopt(2): 0 or −errno. */
export function setOption(s: Socket, level: number, name: number, value: OptionInput): number {
  const o = find(s, level, name, true);
  if (typeof o === 'number') return o;
  let r: number;
  if (o.setBytes !== undefined) r = o.setBytes(s, inputBytes(value));
  else if (o.set === undefined) return -ENOPROTOOPT;
  else {
    const n = typeof value === 'number' ? value | 0 : toInt(level, inputBytes(value));
    if (n === null) return -EINVAL;
    r = o.set(s, n);
  }
  if (r === 0) s.optionChanged(level, name);
  return r;
}

/**
 * getsockopt(2) of an int. −errno, or the value: it may itself be negative (TCP_LINGER2 −1), so ask for
 * the bytes where that matters. Options of 32 unsigned bits come as 0..2³²−1.
 */
export function getOption(s: Socket, level: number, name: number): number {
  const o = find(s, level, name, false);
  if (typeof o === 'number') return o;
  if (o.get !== undefined) return o.get(s);
  if (o.getBytes === undefined) return -ENOPROTOOPT;
  const b = o.getBytes(s);
  return typeof b === 'number' ? b : readInt32(b);
}

/** getsockopt(2): the bytes, cut to `length`, or −errno. An int into fewer than four bytes of SOL_IP gives one. */
export function getOptionBytes(
  s: Socket,
  level: number,
  name: number,
  length = Number.POSITIVE_INFINITY,
): Uint8Array | number {
  if (!(length >= 0)) return -EINVAL;
  const o = find(s, level, name, false);
  if (typeof o === 'number') return o;
  if (o.get !== undefined) {
    const v = o.get(s);
    if (level === SOL_IP && length < 4)
      return int32(v).subarray(0, Math.min(length, v >= 0 && v < 256 ? 1 : length));
    if (v < 0 && level !== SOL_TCP && level !== SOL_SOCKET) return v;
    return int32(v).subarray(0, Math.min(4, length));
  }
  if (o.getBytes === undefined) return -ENOPROTOOPT;
  const b = o.getBytes(s);
  return typeof b === 'number' || b.length <= length ? b : b.subarray(0, length);
}
