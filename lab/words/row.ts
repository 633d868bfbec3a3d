import { stateName } from '../../src/tcp/state.ts';
import { ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.ts';
import {
  CALL,
  type EventLog,
  FATES,
  MARK_AGAIN,
  MARK_COPY,
  MARK_INJECTED,
  NOTE,
  SEGMENT,
  TIMER,
} from '../engine/log.ts';
import { callText } from './calls.ts';
import { noteText } from './notes.ts';
import { timerText } from './timers.ts';

const NAMES: readonly (readonly [number, string])[] = [
  [SYN, 'SYN'],
  [FIN, 'FIN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [URG, 'URG'],
  [ECE, 'ECE'],
  [CWR, 'CWR'],
  [AE, 'AE'],
  [ACK, 'ACK'],
];

/** `SYN+ACK`; `no flags` where there is none. */
export function flagsText(flags: number): string {
  const names = NAMES.filter(([bit]) => flags & bit).map(([, name]) => name);
  return names.length === 0 ? 'no flags' : names.join('+');
}

/** Options of a row as the log keeps them, and the reason of its fate. */
export function optionsAndReason(log: EventLog, row: number): readonly [options: string, reason: string] {
  const [options = '', reason = ''] = log.textOf(row).split('|');
  return [options, reason];
}

/** What stands on an arrow, most important first; numbers count from the initial ones. */
export function segmentParts(log: EventLog, row: number): string[] {
  const c = log.columns;
  const flags = c.flags[row]!;
  const length = c.length[row]!;
  const seq = c.seq[row]!;
  const parts = [flagsText(flags)];
  const bare = length === 0 && !(flags & (SYN | FIN | RST));
  if (length > 0) parts.push(`seq ${seq}–${seq + length}`);
  else if (!bare) parts.push(`seq ${seq}`);
  if (flags & ACK) parts.push(`ack ${c.ack[row]}`);
  if (length > 0) parts.push(`len ${length}`);
  if (c.window[row] === 0 && !(flags & RST)) parts.push('win 0');
  const [options] = optionsAndReason(log, row);
  const sack = /sack \S+/.exec(options);
  if (sack !== null) parts.push(sack[0]);
  else if (flags & SYN) {
    const mss = /mss=\d+/.exec(options);
    if (mss !== null) parts.push(mss[0].replace('=', ' '));
  }
  return parts;
}

/** The name of a row's fate among the words of the page. */
export function fateKey(log: EventLog, row: number): (typeof FATES)[number] {
  return FATES[log.columns.fate[row] ?? 0] ?? 'delivered';
}

/** The segment that a retransmission repeats, −1 if it is not known. */
export function repeated(log: EventLog, row: number): number {
  const c = log.columns;
  if (!((c.marks[row] ?? 0) & MARK_AGAIN)) return -1;
  const last = c.seq[row]! + c.length[row]!;
  for (let i = row - 1; i >= 0; i--) {
    if (c.kind[i] !== SEGMENT || c.conn[i] !== c.conn[row] || c.side[i] !== c.side[row]) continue;
    if (c.marks[i]! & (MARK_INJECTED | MARK_COPY) || (c.flags[i]! ^ c.flags[row]!) & (SYN | FIN)) continue;
    if (c.seq[i]! <= c.seq[row]! && c.seq[i]! + c.length[i]! >= last && !(c.marks[i]! & MARK_AGAIN)) return i;
  }
  return -1;
}

/** What a call, a note or a timer says. */
export function eventText(log: EventLog, row: number): string {
  const text = log.textOf(row);
  const kind = log.columns.kind[row];
  if (kind === TIMER) return timerText(text);
  if (kind === NOTE) return noteText(text);
  return kind === CALL ? callText(text) : text;
}

/** Seconds with as many places as the time needs, three at least. */
export function clockText(micros: number): string {
  const t = Math.round(micros);
  const places = t % 1000 === 0 ? 3 : t % 100 === 0 ? 4 : t % 10 === 0 ? 5 : 6;
  return (t / 1e6).toFixed(places);
}

/** A span for people: 250 µs, 20 ms, 1.5 s, 2 min. */
export function spanText(micros: number): string {
  if (micros < 999.5) return `${Math.round(micros)} µs`;
  if (micros < 999_950) return `${trim(micros / 1000)} ms`;
  if (micros < 120e6) return `${trim(micros / 1e6)} s`;
  return micros < 7200e6 ? `${trim(micros / 60e6)} min` : `${trim(micros / 3600e6)} h`;
}

const trim = (n: number): string => n.toFixed(n < 10 ? 2 : 1).replace(/\.?0+$/, '');

/** `ESTABLISHED → FIN_WAIT_1` */
export function transitionText(log: EventLog, row: number): string {
  const { from, to } = log.columns;
  return `${stateName(from[row]!)} → ${stateName(to[row]!)}`;
}
