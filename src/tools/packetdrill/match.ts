import { CWR, FIN, PSH } from '../../wire/segment.ts';
import type { IpSpec, TcpOptionSpec, TcpSpec } from './ast.ts';
import type { Flow } from './flow.ts';
import { flagsText, optionsText, optionText, type TcpText, tcpText } from './packet-text.ts';
import type { LivePacket, LiveTcp } from './packet-view.ts';

export interface MatchOptions {
  /** Tick of the timestamp clock; 0: timestamp values are not compared. */
  readonly tickMicros: number;
  readonly toleranceMicros: number;
}

/**
 * Compares an outbound TCP packet with the script's.
 * @returns what differs, one clause each; empty if nothing does
 */
export function compareTcp(
  spec: TcpSpec,
  ip: IpSpec,
  packet: LivePacket,
  live: LiveTcp,
  flow: Flow,
  options: MatchOptions,
): string[] {
  noteTimestamps(spec, live, flow);
  const got = flow.toScript(live);
  const wrong: string[] = [];
  const check = (what: string, expected: number | string, actual: number | string): void => {
    if (expected !== actual) wrong.push(`${what} ${actual} instead of ${expected}`);
  };
  if (packet.fault !== '') wrong.push(packet.fault);
  compareIp(ip, packet, flow, wrong);
  check('flags', flagsText(spec.flags), flagsText(got.flags));
  check('sequence number', spec.seq, got.seq);
  check('payload length', spec.length, got.length);
  check('acknowledgement', spec.ack, got.ack);
  if (spec.window !== null) check('window', spec.window, got.window ?? 0);
  check('urgent pointer', spec.urgent, got.urgent);
  if (!live.zero) wrong.push('payload is not what was written');
  if (spec.options !== null) compareOptions(spec.options, got.options ?? [], options, wrong);
  return wrong;
}

export function compareIp(ip: IpSpec, packet: LivePacket, flow: Flow, wrong: string[]): void {
  const ecn = packet.tos & 3;
  if (ip.ecn === 'ect01' ? ecn !== 1 && ecn !== 2 : ip.ecn !== null && ip.ecn !== ecn)
    wrong.push(`ECN bits ${ecn} instead of ${ip.ecn}`);
  if (ip.tos !== null && ip.tos !== packet.tos)
    wrong.push(`TOS 0x${packet.tos.toString(16)} instead of 0x${ip.tos.toString(16)}`);
  if (ip.ttl !== null && ip.ttl !== packet.ttl) wrong.push(`TTL ${packet.ttl} instead of ${ip.ttl}`);
  if (ip.flowLabel !== null && !flow.sameLabel(ip.flowLabel, packet.flowLabel))
    wrong.push(
      `flow label 0x${packet.flowLabel.toString(16)} is not the one that 0x${ip.flowLabel.toString(16)} stood for`,
    );
}

/** Pairs up the timestamps of both sides, before anything is mapped. */
function noteTimestamps(spec: TcpSpec, live: LiveTcp, flow: Flow): void {
  const script = spec.options?.find(o => o.kind === 'TS');
  const actual = live.options.find(o => o.kind === 'TS');
  if (script !== undefined && actual !== undefined) flow.noteTimestamp(script.val, actual.val);
}

function compareOptions(
  expected: readonly TcpOptionSpec[],
  actual: readonly TcpOptionSpec[],
  options: MatchOptions,
  wrong: string[],
): void {
  const same = expected.length === actual.length && expected.every((o, i) => sameOption(o, actual[i]!));
  if (!same) {
    wrong.push(`options${optionsText(actual) || ' none'} instead of${optionsText(expected) || ' none'}`);
    return;
  }
  if (options.tickMicros === 0) return;
  for (const [i, o] of expected.entries()) {
    const got = actual[i];
    if (o.kind !== 'TS' || got?.kind !== 'TS') continue;
    const off = Math.abs((got.val - o.val) | 0);
    if (off * options.tickMicros > options.toleranceMicros)
      wrong.push(`timestamp ${got.val} instead of ${o.val}`);
  }
}

function sameOption(a: TcpOptionSpec, b: TcpOptionSpec): boolean {
  if (a.kind === 'TS' || b.kind === 'TS') return a.kind === b.kind;
  if (a.kind === 'md5' && b.kind === 'md5') return a.bytes === null || optionText(a) === optionText(b);
  return optionText(a) === optionText(b);
}

/** The script's packet and the live one, both as text in the script's numbers. */
export const expectedText = (spec: TcpSpec, ip: IpSpec): string => `> ${ipText(ip)}${tcpText(spec)}`;

export function actualText(
  spec: TcpSpec | null,
  packet: LivePacket,
  live: LiveTcp,
  flow: Flow,
  ip: IpSpec,
): string {
  const got = flow.toScript(live);
  // What the script leaves out is not what went wrong.
  const shown: TcpText = spec?.window === null ? { ...got, window: null } : got;
  const tos = ip.ecn !== null || ip.tos !== null ? `[tos 0x${packet.tos.toString(16)}] ` : '';
  return `> ${tos}${tcpText(shown)}`;
}

function ipText(ip: IpSpec): string {
  const parts: string[] = [];
  if (ip.ecn !== null) parts.push(ip.ecn === 'ect01' ? 'ect01' : ['noecn', 'ect1', 'ect0', 'ce'][ip.ecn]!);
  if (ip.tos !== null) parts.push(`tos 0x${ip.tos.toString(16)}`);
  if (ip.ttl !== null) parts.push(`ttl ${ip.ttl}`);
  if (ip.flowLabel !== null) parts.push(`flowlabel 0x${ip.flowLabel.toString(16)}`);
  return parts.length === 0 ? '' : `[${parts.join(', ')}] `;
}

const LOOSE = PSH | FIN | CWR;

/**
 * Whether `next` may be joined to what was collected so far: the rest of what a stack with segmentation
 * offload would have sent as one packet.
 * @returns '' or why not
 */
export function cannotJoin(collected: readonly LiveTcp[], next: LiveTcp): string {
  const first = collected[0]!;
  const last = collected.at(-1)!;
  if (next.sourcePort !== first.sourcePort || next.destinationPort !== first.destinationPort)
    return 'the ports differ';
  if (next.seq !== (last.seq + last.length) >>> 0) return 'it does not continue the sequence';
  if (last.length !== first.length) return 'an earlier piece was shorter';
  if (next.length > first.length) return 'it is longer than the piece before';
  if ((next.flags & ~LOOSE) !== (first.flags & ~LOOSE) || last.flags & FIN) return 'the flags differ';
  if (next.ack !== first.ack || next.window !== first.window) return 'acknowledgement or window differ';
  if (
    next.options.length !== first.options.length ||
    next.options.some((o, i) => o.kind !== first.options[i]?.kind)
  )
    return 'the options differ';
  return '';
}

/** Pieces as the one packet they stand for: the first's header with the last's PSH and FIN. */
export function join(pieces: readonly LiveTcp[]): LiveTcp {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  return {
    ...first,
    flags: (first.flags & ~(PSH | FIN)) | (last.flags & (PSH | FIN)),
    length: pieces.reduce((n, p) => n + p.length, 0),
    zero: pieces.every(p => p.zero),
  };
}
