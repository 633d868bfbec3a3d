import { type State, stateName, TIME_WAIT } from '../../src/tcp/state.ts';
import { escapeXml } from '../../src/tools/cli/escape.ts';
import { ACK, FIN, PSH, RST, SYN, URG } from '../../src/wire/segment.ts';
import { type EventLog, FATES, MARK_AGAIN, SEGMENT } from '../engine/log.ts';

export type Lang = 'en' | 'zh';

/** The few words of a ladder. */
export const WORDS = {
  again: { en: 'again', zh: '重传' },
  lost: { en: 'lost', zh: '丢失' },
  timer: { en: 'timer', zh: '定时器' },
  arrow: { en: 'a segment, from sending to arrival', zh: '报文段，从发送到到达' },
  wait: { en: 'TIME_WAIT', zh: 'TIME_WAIT' },
  after: { en: 'after', zh: '历时' },
  before: { en: 'rows above are left out', zh: '行（之前）未画出' },
  behind: { en: 'rows below are left out', zh: '行（之后）未画出' },
  numbers: {
    en: 'seq and ack count from the initial numbers',
    zh: 'seq 和 ack 从初始序列号算起',
  },
} as const;

const FLAGS: readonly (readonly [number, string])[] = [
  [SYN, 'SYN'],
  [FIN, 'FIN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [URG, 'URG'],
  [64, 'ECE'],
  [128, 'CWR'],
  [ACK, 'ACK'],
];

/** What a segment says: flags, numbers, window, and the SACK blocks if there are any. */
export function segmentText(log: EventLog, row: number): string {
  const c = log.columns;
  const flags = c.flags[row]!;
  const names = FLAGS.filter(([bit]) => flags & bit).map(([, name]) => name);
  const sack = /sack (\S+)/.exec(optionsOf(log, row))?.[0];
  return [
    names.join('+') || '—',
    `seq ${c.seq[row]}`,
    ...(flags & ACK ? [`ack ${c.ack[row]}`] : []),
    ...(c.length[row]! > 0 ? [`len ${c.length[row]}`] : []),
    ...(flags & RST ? [] : [`win ${c.window[row]}`]),
    ...(sack === undefined ? [] : [sack]),
  ].join(' ');
}

/** A row's options, and the reason of its fate, as the log keeps them. */
export const optionsOf = (log: EventLog, row: number): string => log.textOf(row).split('|')[0] ?? '';
export const reasonOf = (log: EventLog, row: number): string => log.textOf(row).split('|')[1] ?? '';

/** `↻ rto`: it was sent before, and what made it go again; '' otherwise. */
export function againText(log: EventLog, row: number, lang: Lang): string {
  if (log.columns.kind[row] !== SEGMENT || !(log.columns.marks[row]! & MARK_AGAIN)) return '';
  return ` ↻ ${log.whyOf(row) || WORDS.again[lang]}`;
}

/** What was done to a frame on the wire, beside losing it: `delayed`, `duplicated` … */
export function fateText(log: EventLog, row: number): string {
  const fate = FATES[log.columns.fate[row]!] ?? 'delivered';
  return fate === 'delivered' || fate === 'dropped' ? '' : ` (${fate})`;
}

/** The new state; behind a TIME_WAIT, how long it lasted. */
export function stateText(log: EventLog, row: number, since: number, lang: Lang): string {
  const { from, to, time } = log.columns;
  const name = stateName(to[row]! as State);
  return from[row] === TIME_WAIT && since >= 0
    ? `${name} · ${WORDS.after[lang]} ${spanText(time[row]! - time[since]!)}`
    : name;
}

/** Seconds to the microsecond where that says more than to the millisecond. */
export function clockText(micros: number): string {
  const t = Math.round(micros);
  return (t / 1e6).toFixed(t % 1000 === 0 ? 3 : 6);
}

export function spanText(micros: number): string {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  const [n, unit] = micros < 1e6 ? [micros / 1000, 'ms'] : [micros / 1e6, 's'];
  return `${Number(n.toFixed(n < 10 ? 2 : 1))} ${unit}`;
}

/** Characters as wide as a Latin one of a monospaced font; those of East Asia count twice, nearly. */
export function columnsOf(text: string): number {
  let n = 0;
  for (const c of text)
    n += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(c)
      ? 1.75
      : 1;
  return n;
}

/** The text, cut to what there is room for. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let out = '';
  let n = 0;
  for (const c of text) {
    n += columnsOf(c);
    if (n > columns - 1) break;
    out += c;
  }
  return `${out}…`;
}

/** A text for XML: what no document may hold is replaced, the rest escaped. */
export function xml(text: string): string {
  let out = '';
  for (const c of text) {
    const code = c.codePointAt(0)!;
    const bad =
      (code < 32 && code !== 9 && code !== 10 && code !== 13) ||
      (code >= 0xd800 && code < 0xe000) ||
      (code >= 0xfffe && code < 0x10000);
    out += bad ? '\ufffd' : c;
  }
  return escapeXml(out);
}
