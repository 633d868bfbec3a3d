import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  LAST_ACK,
  LISTEN,
  type State,
  SYN_RECV,
  SYN_SENT,
  stateName,
  TIME_WAIT,
} from '../../tcp/state.ts';
import { ACK, FIN, PSH, RST, SYN, URG } from '../../wire/segment.ts';
import { wrap } from '../cli/help.ts';
import { columnsOf, type Paint } from '../cli/paint.ts';
import { type Conversation, hostAndPort } from './event.ts';
import { foldRows, isPureAck, type LadderRow, ladderRows, type RowOptions } from './rows.ts';

export interface LadderOptions extends RowOptions {
  /** Columns to fill, at least 72. */
  readonly width: number;
  readonly paint: Paint;
  /** Show every segment, however many. */
  readonly all?: boolean;
  /** Rows before which headings stand: see story.ts. */
  readonly headings?: (rows: readonly LadderRow[]) => ReadonlyMap<number, readonly [string, string]>;
}

const BLANK: LadderRow = {
  kind: 'fold',
  at: 0,
  toRight: true,
  left: null,
  right: null,
  segment: null,
  analysis: null,
  text: '',
  plain: false,
};
const TIME = 11;
const STATE = 11;

/** A connection as a ladder: time, the left host's states, arrows, the right host's states. */
export function ladderText(c: Conversation, options: LadderOptions): string[] {
  const all = ladderRows(c, options);
  const rows = options.all ? all : foldRows(all);
  const pen = new Pen(options.width, options.paint, beginOf(c), span(c));
  const out = [...pen.head(c), ...pen.before(c)];
  const headings = options.headings?.(rows);
  rows.forEach((row, i) => {
    const heading = headings?.get(i);
    if (heading !== undefined) out.push(...pen.heading(heading[0], heading[1]));
    out.push(...pen.row(row));
  });
  const last = headings?.get(rows.length);
  if (last !== undefined) out.push(...pen.heading(last[0], last[1]));
  return out;
}

/** Time 0 is when the first segment was sent. */
function beginOf(c: Conversation): Micros {
  return (c.events.find(e => e.kind === 'segment') ?? c.events[0])?.at ?? 0;
}

function span(c: Conversation): Micros {
  const last = c.events[c.events.length - 1];
  return last === undefined ? 0 : last.at - beginOf(c);
}

class Pen {
  private readonly paint: Paint;
  private readonly start: Micros;
  private readonly decimals: number;
  private readonly width: number;
  /** Columns between the two lifelines. */
  private readonly field: number;

  constructor(width: number, paint: Paint, start: Micros, span: Micros) {
    this.width = Math.max(72, Math.min(width, 132));
    this.field = this.width - TIME - STATE * 2 - 6;
    this.paint = paint;
    this.start = start;
    this.decimals = span < 100 * MICROS_PER_SECOND ? 6 : 3;
  }

  head(c: Conversation): string[] {
    const left = `${c.left.host}  ${hostAndPort(c.left.address, c.left.port)}`;
    const right = `${hostAndPort(c.right.address, c.right.port)}  ${c.right.host}`;
    const room = this.width - TIME - 2;
    const gap = Math.max(2, room - columnsOf(left) - columnsOf(right));
    return [
      `${this.paint.dim('seconds'.padStart(TIME))}  ${this.paint.bold(left)}${' '.repeat(gap)}${this.paint.bold(right)}`,
    ];
  }

  /** The states in which both ends were before the first segment, where they are known. */
  before(c: Conversation): string[] {
    const first = (host: string): State | null => {
      const e = c.events.find(x => x.kind === 'state' && x.host === host);
      return e?.kind === 'state' ? e.from : null;
    };
    const left = first(c.left.host);
    const right = first(c.right.host);
    if (left === null && right === null) return [];
    return this.row({ ...BLANK, left, right });
  }

  heading(title: string, text: string): string[] {
    const p = this.paint;
    const rule = '─'.repeat(Math.max(0, this.width - columnsOf(title) - 4));
    const lines = [`${p.dim('──')} ${p.bold(title)} ${p.dim(rule)}`];
    if (text !== '') for (const line of wrap(text, this.width - 3)) lines.push(`   ${p.dim(line)}`);
    return lines;
  }

  row(row: LadderRow): string[] {
    const time = ((row.at - this.start) / MICROS_PER_SECOND).toFixed(this.decimals).padStart(TIME);
    const left =
      row.left === null ? ' '.repeat(STATE) : this.state(row.left, stateName(row.left).padStart(STATE));
    const right = row.right === null ? '' : this.state(row.right, stateName(row.right));
    const bar = this.paint.dim('│');
    const showTime = row.kind !== 'fold';
    const line = `${this.paint.dim(showTime ? time : ' '.repeat(TIME))}  ${left} ${bar}${this.between(row)}${bar} ${right}`;
    return [line.trimEnd()];
  }

  private between(row: LadderRow): string {
    const p = this.paint;
    const f = this.field;
    if (row.kind === 'fold') return row.text === '' ? ' '.repeat(f) : p.dim(centred(`⋮  ${row.text}`, f));
    if (row.kind === 'event') {
      const text = shorten(row.text, f - 2);
      return p.dim(row.toRight ? ` ${text.padEnd(f - 1)}` : `${text.padStart(f - 1)} `);
    }
    const s = row.segment!;
    const lost = s.fate === 'lost' || s.fate === 'corrupted';
    if (row.kind === 'arrive') {
      const name = `${flags(row)} arrives`;
      const dots = '┄'.repeat(Math.max(0, f - name.length - 8));
      return this.tone(row, row.toRight ? `${dots}┄┄ ${name} ───▶` : `◀─── ${name} ┄┄${dots}`);
    }
    if (lost) return this.lost(row);
    const travelling = row.kind === 'depart' || s.fate === 'travelling';
    const label = fitParts(labelParts(row), f - 6);
    const rest = f - columnsOf(label) - 4;
    const line = travelling
      ? `${'─'.repeat(Math.max(0, rest >> 1))}${'┄'.repeat(rest - (rest >> 1) + 1)}`
      : '';
    if (row.toRight) return this.tone(row, `─ ${label} ${line || `${'─'.repeat(rest)}▶`}`);
    return this.tone(row, `${line ? [...line].reverse().join('') : `◀${'─'.repeat(rest)}`} ${label} ─`);
  }

  private lost(row: LadderRow): string {
    const s = row.segment!;
    const reason = shorten(
      s.fate === 'corrupted' ? 'corrupted' : (s.reason ?? 'lost'),
      Math.floor(this.field * 0.45),
    );
    const label = fitParts(labelParts(row), this.field - columnsOf(reason) - 9);
    const room = this.field - columnsOf(label) - columnsOf(reason) - 6;
    const dashes = Math.max(1, Math.min(room, Math.floor(this.field * 0.62) - columnsOf(label) - 4));
    const pad = ' '.repeat(Math.max(0, room - dashes));
    const red = this.paint.red;
    return row.toRight
      ? red(`─ ${label} ${'─'.repeat(dashes)}✗ ${reason} ${pad}`)
      : red(`${pad} ${reason} ✗${'─'.repeat(dashes)} ${label} ─`);
  }

  private tone(row: LadderRow, text: string): string {
    const s = row.segment!.segment;
    const p = this.paint;
    if (s.flags & RST) return p.magenta(text);
    if (s.flags & SYN) return p.green(text);
    if (row.analysis?.retransmission) return p.red(text);
    if (s.flags & FIN) return p.yellow(text);
    return s.length > 0 ? p.cyan(text) : text;
  }

  private state(state: State, text: string): string {
    return paintState(this.paint, state, text);
  }
}

/** A state's name in its colour: green alive, yellow on the way out, blue waiting. */
export function paintState(p: Paint, state: State, text: string): string {
  if (state === ESTABLISHED) return p.bold(p.green(text));
  if (state === SYN_SENT || state === SYN_RECV) return p.green(text);
  if (state === TIME_WAIT) return p.bold(p.blue(text));
  if (state === CLOSED) return p.dim(text);
  if (state === LISTEN) return p.cyan(text);
  return state === CLOSE_WAIT || state === LAST_ACK ? p.magenta(text) : p.yellow(text);
}

const flags = (row: LadderRow): string => {
  const f = row.segment!.segment.flags;
  const names: string[] = [];
  if (f & SYN) names.push('SYN');
  if (f & FIN) names.push('FIN');
  if (f & RST) names.push('RST');
  if (f & PSH) names.push('PSH');
  if (f & ACK) names.push('ACK');
  if (f & URG) names.push('URG');
  return names.join('+') || 'no flags';
};

/** What is written on an arrow, most important first. */
function labelParts(row: LadderRow): string[] {
  const e = row.segment!;
  const s = e.segment;
  const a = row.analysis;
  const parts = [flags(row)];
  if (a?.retransmission) parts[0] += ' again';
  else if (a?.keepAlive) parts[0] += ' keep-alive';
  else if (a?.windowUpdate) parts[0] += ' window update';
  else if (a && a.duplicateAck > 0) parts[0] += ' repeated';
  if (e.duplicate) parts[0] += ' (copy)';
  if (a && !isPureAck(e)) parts.push(`seq=${a.seq}`);
  if (s.length > 0) parts.push(`len=${s.length}`);
  if (a && s.flags & ACK) parts.push(`ack=${a.ack}`);
  if (a) for (const [l, r] of a.sack.slice(0, 2)) parts.push(`sack=${l}-${r}`);
  if (a?.zeroWindow) parts.push('win=0');
  else if (s.flags & SYN) parts.push(`win=${s.window}`);
  if (s.mss !== undefined) parts.push(`mss=${s.mss}`);
  if (s.windowScale !== undefined) parts.push(`ws=${s.windowScale}`);
  if (s.sackPermitted) parts.push('sack');
  if (s.flags & SYN && s.tsVal !== undefined) parts.push('ts');
  return parts;
}

/** As many of the parts as fit, never fewer than one. */
function fitParts(parts: readonly string[], room: number): string {
  let text = parts[0] ?? '';
  for (const part of parts.slice(1)) {
    if (columnsOf(text) + 1 + columnsOf(part) > room) break;
    text += ` ${part}`;
  }
  return shorten(text, room);
}

const shorten = (text: string, room: number): string => {
  const chars = [...text];
  return chars.length <= room ? text : `${chars.slice(0, Math.max(0, room - 1)).join('')}…`;
};

const centred = (text: string, room: number): string => {
  const t = shorten(text, room);
  const left = Math.max(0, (room - columnsOf(t)) >> 1);
  return ' '.repeat(left) + t + ' '.repeat(Math.max(0, room - columnsOf(t) - left));
};
