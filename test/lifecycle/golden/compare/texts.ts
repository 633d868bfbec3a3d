/**
 * Lines of the script (results exact) and its tables and counters. In tables the rows are compared as a set,
 * since `ss` lists in the order of a hash, with states and queues exact and timers by kind and count; port
 * numbers of the ephemeral range by their parity, which Linux makes mean something (even: connect(), odd:
 * bind()). Counters are compared if the engine has them at all.
 */
import { parseShown, type ScriptEvent, type Timeline } from '../timeline.ts';
import type { Finding, Pairs } from './finding.ts';
import { sameShown } from './segments.ts';

/** Lines that may change places: those of two threads in the same moment. */
const NEIGHBOURS = 3;

export function compareScript(logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  const lines = (t: Timeline): ScriptEvent[] => t.events.filter((e): e is ScriptEvent => e.kind === 'script');
  const waiting = lines(simulated);
  for (const l of lines(logged)) {
    const i = waiting.slice(0, NEIGHBOURS).findIndex((s, k) => {
      if (k > 0 && s.t - waiting[0]!.t > 0.005) return false;
      return textDifference(l.text, s.text) === null;
    });
    if (i < 0) {
      const s = waiting[0] ?? null;
      const what = s ? textDifference(l.text, s.text) : 'the script did not come to this';
      return [{ t: l.t, what: `script: ${what}`, logged: l, simulated: s }];
    }
    pairs.set(l, waiting[i]!);
    waiting.splice(i, 1);
  }
  const extra = waiting[0];
  return extra ? [{ t: extra.t, what: 'script: a line too many', logged: null, simulated: extra }] : [];
}

/** What differs between two lines; null if nothing does. */
export function textDifference(logged: string, simulated: string): string | null {
  const [l, s] = [dissect(logged), dissect(simulated)];
  if (l.rest !== s.rest) return `'${l.rest}' in the log, '${s.rest}' in the run`;
  const [lr, sr] = [repliesOf(logged), repliesOf(simulated)];
  if (lr.length !== sr.length) return `${lr.length} replies in the log, ${sr.length} in the run`;
  for (let i = 0; i < lr.length; i++) if (!sameShown(lr[i]!, sr[i]!)) return `reply ${i + 1} differs`;
  return rowsDifference(l.rows, s.rows) ?? infoDifference(logged, simulated);
}

const REPLIES = /\[((?:'\[[^']*',? ?)*)\] ; A ss/;
const ROW =
  /\b(LISTEN|ESTAB|SYN-SENT|SYN-RECV|FIN-WAIT-[12]|TIME-WAIT|CLOSE-WAIT|LAST-ACK|CLOSING)\s+(\d+)\s+(\d+)\s+(\S+:\S+)\s+(\S+:\S+)(?:\s+timer:\((\w+),([^,]+),(\d+)\))?/g;
const INFO = /\b(?:ts sack |ts |sack )?(?:reno|cubic) .*$/s;

function repliesOf(text: string) {
  const m = REPLIES.exec(text);
  return [...(m?.[1] ?? '').matchAll(/'([^']*)'/g)].flatMap(r => parseShown(r[1]!)?.shown ?? []);
}

/** A line without its replies, rows and details, and the rows. */
function dissect(text: string): { rest: string; rows: string[] } {
  const rows = [...text.matchAll(ROW)].map(m => {
    const timer = m[6] === undefined ? '' : ` ${m[6]}/${m[8]}`;
    return `${m[1]} ${m[2]} ${m[3]} ${maskPorts(`${m[4]} ${m[5]}`)}${timer}`;
  });
  const rest = text
    .replace(INFO, '')
    .replace(REPLIES, '; A ss')
    .replace(ROW, '')
    .replace(/\[\(\d+,/, '[(fd,')
    .replace(/took \d+\.\d+ s/, 'took … s')
    .replace(/[\s|]+/g, ' ');
  return { rest: maskPorts(rest.trim()), rows };
}

const maskPorts = (text: string): string =>
  text.replace(/\b(3[2-9]\d{3}|[45]\d{4}|60\d{3})\b/g, p => (Number(p) % 2 ? 'odd' : 'even'));

function rowsDifference(logged: readonly string[], simulated: readonly string[]): string | null {
  const extra = [...simulated];
  for (const row of logged) {
    const i = extra.indexOf(row);
    if (i < 0)
      return `table: '${row}' in the log, ${extra.map(r => `'${r}'`).join(', ') || 'nothing'} in the run`;
    extra.splice(i, 1);
  }
  return extra.length > 0 ? `table: '${extra[0]}' is not in the log` : null;
}

/** Numbers of `ss -i` that do not depend on how fast the machine was. */
const COUNTS = [
  'backoff',
  'mss',
  'pmtu',
  'rcvmss',
  'advmss',
  'cwnd',
  'ssthresh',
  'bytes_sent',
  'bytes_retrans',
  'bytes_acked',
  'segs_out',
  'segs_in',
  'data_segs_out',
];

function infoDifference(logged: string, simulated: string): string | null {
  const l = INFO.exec(logged)?.[0];
  if (l === undefined) return null;
  const s = INFO.exec(simulated)?.[0] ?? '';
  const read = (text: string, name: string): string =>
    new RegExp(` ${name}:(\\d+)`).exec(text)?.[1] ?? 'none';
  for (const name of COUNTS)
    if (read(l, name) !== read(s, name))
      return `info: ${name} ${read(l, name)} in the log, ${read(s, name)} in the run`;
  const [lRto, sRto] = [Number(read(l, 'rto')), Number(read(s, 'rto'))];
  return Math.abs(lRto - sRto) > 8 ? `info: rto ${lRto} in the log, ${sRto} in the run` : null;
}

export function compareTail(logged: Timeline, simulated: Timeline): Finding[] {
  const what =
    tablesDifference(logged.tail, simulated.tail) ?? countersDifference(logged.tail, simulated.tail);
  return what === null ? [] : [{ t: Infinity, what: `at the end, ${what}`, logged: null, simulated: null }];
}

const COUNTER = /^(\w+)\s+(\d+)(?:\s+0\.0)?$/;

/** Tables by their headings, in order. */
function tablesDifference(logged: readonly string[], simulated: readonly string[]): string | null {
  const sections = (lines: readonly string[]): string[] =>
    lines
      .filter(line => !COUNTER.test(line))
      .join('\n')
      .split(/^(?=ss [AB])/m);
  const [l, s] = [sections(logged), sections(simulated)];
  for (let i = 0; i < l.length; i++) {
    const difference = textDifference(l[i]!, s[i] ?? '');
    if (difference !== null) return difference;
  }
  return null;
}

function countersDifference(logged: readonly string[], simulated: readonly string[]): string | null {
  const counters = (lines: readonly string[]): Map<string, string> =>
    new Map(
      lines.flatMap(line => [...line.matchAll(new RegExp(COUNTER, 'g'))].map(m => [m[1]!, m[2]!] as const)),
    );
  const mine = counters(simulated);
  for (const [name, value] of counters(logged)) {
    const simulatedValue = mine.get(name);
    if (simulatedValue !== undefined && simulatedValue !== value)
      return `${name} is ${value} in the log, ${simulatedValue} in the run`;
  }
  return null;
}
