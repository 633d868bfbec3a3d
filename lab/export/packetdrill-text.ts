import { errnoName } from '../../src/base/errno.ts';
import * as constants from '../../src/socket/constants.ts';
import type { TcpOptionSpec } from '../../src/tools/packetdrill/ast.ts';
import { secondsText, tcpText } from '../../src/tools/packetdrill/packet-text.ts';
import type { LivePacket, LiveTcp } from '../../src/tools/packetdrill/packet-view.ts';
import { ACK, SYN } from '../../src/wire/segment.ts';
import type { CallItem } from './witness.ts';

/** Initial sequence numbers of the host itself and of its peer; null as long as no SYN has told. */
export interface Origins {
  own: number | null;
  peer: number | null;
}

const ECN = ['', '[ect1] ', '[ect0] ', '[ce] '] as const;

/** A segment in the numbers of a script: a SYN is 0, what follows counts from it. */
export function segmentText(
  direction: '<' | '>',
  packet: LivePacket,
  tcp: LiveTcp,
  origins: Origins,
  ports = '',
): string {
  const [mine, other] = direction === '>' ? (['own', 'peer'] as const) : (['peer', 'own'] as const);
  const seqBase = origins[mine] ?? 0;
  const ackBase = origins[other] ?? 0;
  const relative = (n: number, base: number): number => (n - base) >>> 0;
  const options = tcp.options.map(
    (o): TcpOptionSpec =>
      o.kind === 'sack'
        ? {
            kind: 'sack',
            blocks: o.blocks.map(([l, r]) => [relative(l, ackBase), relative(r, ackBase)] as const),
          }
        : o,
  );
  const text = tcpText({
    flags: tcp.flags,
    seq: relative(tcp.seq, seqBase),
    length: tcp.length,
    ack: tcp.flags & ACK ? relative(tcp.ack, ackBase) : 0,
    window: tcp.window,
    urgent: tcp.urgent,
    options,
  });
  return `${direction} ${ECN[packet.tos & 3]}${ports}${text}`;
}

/** Takes note of the initial numbers that a SYN tells. @returns false if they are those of another connection */
export function learn(direction: '<' | '>', tcp: LiveTcp, origins: Origins): boolean {
  if ((tcp.flags & SYN) === 0) return true;
  const which = direction === '>' ? 'own' : 'peer';
  origins[which] ??= tcp.seq;
  return origins[which] === tcp.seq;
}

/** The options that a scenario can set. */
const LEVELS: Readonly<Record<number, readonly [name: string, options: readonly string[]]>> = {
  [constants.SOL_SOCKET]: [
    'SOL_SOCKET',
    ['SO_KEEPALIVE', 'SO_REUSEADDR', 'SO_RCVBUF', 'SO_SNDBUF', 'SO_LINGER'],
  ],
  [constants.SOL_TCP]: [
    'SOL_TCP',
    [
      'TCP_NODELAY',
      'TCP_KEEPIDLE',
      'TCP_KEEPINTVL',
      'TCP_KEEPCNT',
      'TCP_LINGER2',
      'TCP_DEFER_ACCEPT',
      'TCP_USER_TIMEOUT',
    ],
  ],
};
const NUMBERS: Readonly<Record<string, unknown>> = constants;

function setsockoptText({ args, option }: CallItem): string {
  const [fd, level = 0, name = 0, value = 0] = args;
  const [levelName, names] = LEVELS[Number(level)] ?? [String(level), []];
  const words = `${fd}, ${levelName}, ${names.find(n => NUMBERS[n] === name) ?? name}`;
  if (typeof option === 'object' && option !== null && 'onoff' in option)
    return `setsockopt(${words}, {onoff=${option.onoff}, linger=${option.linger}}, 8)`;
  return `setsockopt(${words}, [${value}], 4)`;
}

const HOW: Readonly<Record<string, string>> = { rd: 'SHUT_RD', wr: 'SHUT_WR', rdwr: 'SHUT_RDWR' };

/** A call without its result. */
export function callText(call: CallItem, flags = '0'): string {
  const [fd, second = 0] = call.args;
  switch (call.name) {
    case 'socket':
      return 'socket(..., SOCK_STREAM, IPPROTO_TCP)';
    case 'setsockopt':
      return setsockoptText(call);
    case 'listen':
      return `listen(${fd}, ${second})`;
    case 'shutdown':
      return `shutdown(${fd}, ${HOW[String(second)] ?? 'SHUT_RDWR'})`;
    case 'recv':
    case 'send':
      return `${call.name}(${fd}, ..., ${second}, ${flags})`;
    case 'close':
      return `close(${fd})`;
    default:
      return `${call.name}(${fd}, ..., ...)`;
  }
}

export const resultText = (result: number): string => (result < 0 ? `-1 ${errnoName(result)}` : `${result}`);

/** What stands before an event: seconds from the scenario's beginning. */
export const timeText = (time: number): string => secondsText(time);

/** A setting as sysctl(8) takes it, null if it holds something that no command line should. */
export function sysctlText(name: string, value: string): string | null {
  if (!/^[\w./-]+$/.test(name) || !/^[\w .-]*$/.test(value)) return null;
  const full = /[./]/.test(name) ? name : `net.ipv4.${name}`;
  return `sysctl -q -w "${full}=${value}"`;
}
