import { type Address, parseAddress } from '../../base/address.ts';
import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import type { ScriptOption } from './ast.ts';
import { Problem } from './problem.ts';

/** Socket domain and wire family; mapped is an AF_INET6 socket that speaks IPv4. */
export type Family = 'ipv4' | 'ipv6' | 'ipv4-mapped-ipv6';
export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6', 'ipv4-mapped-ipv6'];

export const isFamily = (text: string): text is Family => (FAMILIES as readonly string[]).includes(text);

/** What the options of script and command line come to. */
export interface Config {
  readonly family: Family;
  readonly localIp: Address;
  readonly remoteIp: Address;
  readonly bindPort: number;
  readonly connectPort: number;
  readonly mtu: number;
  /** Inbound packets longer than this are super-segments of it; 0: none are. */
  readonly mss: number;
  readonly toleranceMicros: Micros;
  readonly tolerancePercent: number;
  /** Tick of the timestamp clock; 0: outbound timestamps are not compared. */
  readonly tickMicros: Micros;
  readonly scaledEcho: boolean;
  readonly strictSegments: boolean;
  /** Jiffies per second of the machine under test. */
  readonly hz: number;
  /** Which mismatches only warn. */
  readonly lenientPackets: boolean;
  readonly lenientCalls: boolean;
}

/** Options that an environment gives before the script's own. */
export const environmentOptions = (family: Family): Readonly<Record<string, string>> =>
  family === 'ipv6'
    ? { mtu: '1520', local_ip: 'fd3d:0a0b:17d6::1', remote_ip: 'fd3d:fa7b:d17d::1' }
    : { mtu: '1500', local_ip: '192.168.0.1', remote_ip: '192.0.2.1' };

/** Words that an environment defines. */
export function environmentDefines(family: Family): Map<string, string> {
  const six = family === 'ipv6';
  return new Map([
    ['TFO_COOKIE', six ? 'c1d1e9742a47a9bc' : '3021b9d889017eeb'],
    ['TFO_COOKIE_ZERO', six ? '82af1a8f9a205c34' : 'b7c12350a90dc8f5'],
    ['CODE', six ? 'address_unreachable' : 'host_unreachable'],
    ['CMSG_LEVEL_IP', family === 'ipv4' ? 'SOL_IP' : 'SOL_IPV6'],
    ['CMSG_TYPE_RECVERR', family === 'ipv4' ? 'IP_RECVERR' : 'IPV6_RECVERR'],
  ]);
}

/**
 * The configuration for one run of a script.
 * @param overrides options of the command line, which win over the script's
 * @throws Problem on a value that cannot be
 */
export function configure(
  family: Family,
  script: readonly ScriptOption[],
  overrides: ReadonlyMap<string, string>,
): Config {
  const values = new Map<string, { value: string; line: number }>();
  for (const [name, value] of Object.entries(environmentOptions(family)))
    values.set(name, { value, line: 0 });
  for (const o of script) values.set(o.name, o);
  for (const [name, value] of overrides) values.set(name, { value, line: 0 });

  const bad = (name: string, wanted: string): never => {
    const { value, line } = values.get(name) ?? { value: '', line: 0 };
    throw new Problem(line, `--${name}=${value}: ${wanted} is wanted`);
  };
  const address = (name: string): Address => {
    const a = parseAddress(values.get(name)?.value ?? '');
    return a !== null && a.is4 === (family !== 'ipv6')
      ? a
      : bad(name, family === 'ipv6' ? 'an IPv6 address' : 'an IPv4 address');
  };
  const number = (name: string, fallback: number, low: number, high: number): number => {
    const text = values.get(name)?.value;
    if (text === undefined) return fallback;
    const n = Number(text);
    return text !== '' && n >= low && n <= high ? n : bad(name, `a number from ${low} to ${high}`);
  };
  const flag = (name: string): boolean => {
    const text = values.get(name)?.value;
    return text !== undefined && text !== '0' && text !== 'false';
  };
  const lenient = values.get('non_fatal')?.value ?? '';
  return {
    family,
    localIp: address('local_ip'),
    remoteIp: address('remote_ip'),
    bindPort: number('bind_port', 8080, 1, 65535),
    connectPort: number('connect_port', 8080, 1, 65535),
    mtu: number('mtu', 1500, 68, 65535),
    mss: number('mss', 0, 0, 65535),
    toleranceMicros: number('tolerance_usecs', 4000, 0, 3600 * MICROS_PER_SECOND),
    tolerancePercent: number('tolerance_percent', 12.5, 0, 1000),
    tickMicros: number('tcp_ts_tick_usecs', 0, 0, 10 * MICROS_PER_SECOND),
    scaledEcho: flag('tcp_ts_ecr_scaled'),
    strictSegments: flag('strict_segments'),
    hz: number('hz', 1000, 100, 1000),
    lenientPackets: /packet/.test(lenient),
    lenientCalls: /syscall/.test(lenient),
  };
}

/**
 * The families that a script runs in: the one of its `--ip_version`, else the one its file name ends with
 * (`v4.pkt`, `v6.pkt`), else all.
 */
export function familiesOf(options: readonly ScriptOption[], path: string): readonly Family[] {
  const own = options.findLast(o => o.name === 'ip_version')?.value;
  if (own !== undefined && isFamily(own)) return [own];
  if (/v4\.pkt$/.test(path)) return ['ipv4'];
  if (/v6\.pkt$/.test(path)) return ['ipv6'];
  return FAMILIES;
}
