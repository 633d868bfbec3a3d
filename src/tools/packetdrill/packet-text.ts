import { ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../../wire/segment.ts';
import type { TcpOptionSpec } from './ast.ts';

/** Packets in the script's own notation, for messages. */

const hex = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

export function flagsText(flags: number): string {
  let s = '';
  if (flags & SYN) s += 'S';
  if (flags & FIN) s += 'F';
  if (flags & RST) s += 'R';
  if (flags & PSH) s += 'P';
  if (flags & ECE) s += 'E';
  if (flags & CWR) s += 'W';
  if (flags & AE) s += 'A';
  if (flags & URG) s += 'U';
  if (flags & ACK) s += '.';
  return s === '' ? '-' : s;
}

export function optionText(o: TcpOptionSpec): string {
  switch (o.kind) {
    case 'mss':
    case 'wscale':
      return `${o.kind} ${o.value}`;
    case 'TS':
      return `TS val ${o.val} ecr ${o.ecr}`;
    case 'sack':
      return ['sack', ...o.blocks.map(([l, r]) => `${l}:${r}`)].join(' ');
    case 'FO':
    case 'FOEXP':
    case 'md5':
      return o.bytes === null || o.bytes.length === 0 ? o.kind : `${o.kind} ${hex(o.bytes)}`;
    case 'ECN':
      return ['ECN', ...o.fields.map(f => `${f.name} ${f.value}`)].join(' ');
    case 'other':
      return o.text;
    default:
      return o.kind;
  }
}

export const optionsText = (options: readonly TcpOptionSpec[] | null): string =>
  options === null ? ' <...>' : options.length === 0 ? '' : ` <${options.map(optionText).join(',')}>`;

/** What a TCP packet says, sequence numbers already in the script's space. */
export interface TcpText {
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  readonly window: number | null;
  readonly urgent: number;
  readonly options: readonly TcpOptionSpec[] | null;
}

export function tcpText(p: TcpText): string {
  const end = (p.seq + p.length) >>> 0;
  const ack = p.flags & ACK || p.ack !== 0 ? ` ack ${p.ack}` : '';
  const window = p.window === null ? '' : ` win ${p.window}`;
  const urgent = p.urgent !== 0 ? ` urg ${p.urgent}` : '';
  return `${flagsText(p.flags)} ${p.seq}:${end}(${p.length})${ack}${window}${urgent}${optionsText(p.options)}`;
}

/** Seconds with microseconds, as scripts write them. */
export const secondsText = (micros: number): string => (micros / 1e6).toFixed(6);
