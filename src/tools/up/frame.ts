import { type State, stateName } from '../../tcp/state.ts';
import { clip, columnsOf, type Paint } from '../cli/paint.ts';
import { grouped, shortTime } from '../cli/units.ts';
import { SS_NAMES } from '../ss/names.ts';
import { ladderText, paintState } from '../trace/ladder.ts';
import type { ConversationLog } from '../trace/log.ts';
import type { Finding } from '../watch/finding.ts';

/** One connection of the table. */
export interface ConnectionLine {
  readonly id: number;
  readonly from: string;
  readonly inner: string;
  readonly target: string;
  /** States of A's and B's end; null where there is none any more. */
  readonly a: State | null;
  readonly b: State | null;
  readonly in: number;
  readonly out: number;
  /** Seconds. */
  readonly age: number;
  readonly outcome: string;
}

/** What one picture of the terminal shows. */
export interface FrameFacts {
  readonly fronts: readonly string[];
  readonly wire: string;
  /** Seconds since the start. */
  readonly uptime: number;
  readonly open: number;
  readonly accepted: number;
  readonly failed: number;
  readonly in: number;
  readonly out: number;
  readonly hosts: readonly { readonly name: string; readonly states: readonly number[] }[];
  readonly directions: readonly {
    readonly name: string;
    readonly carried: number;
    readonly lost: number;
    readonly reasons: readonly (readonly [string, number])[];
  }[];
  /** Newest first. */
  readonly connections: readonly ConnectionLine[];
  readonly newest: ConversationLog | null;
  readonly findings: readonly Finding[];
}

const TABLE_ROWS = 6;

/** The picture as lines, at most `height` of at most `width` columns. */
export function frameLines(f: FrameFacts, width: number, height: number, paint: Paint): string[] {
  const rule = paint.dim('─'.repeat(width));
  const lines = [rule, headLine(f, paint), ...countLines(f, paint)];
  for (const finding of f.findings.slice(0, 2)) {
    lines.push(
      paint.yellow(`! ${finding.host}: ${finding.what}`),
      paint.dim(`  ${finding.cause}; ${finding.remedy}`),
    );
  }
  lines.push(...tableLines(f, width, height, paint));
  const foot = paint.dim(
    "Ctrl-C ends · elsewhere: 'npx lastack ss -tano', 'npx lastack trace live', 'npx lastack sysctl -ad'",
  );
  const room = height - lines.length - 2;
  if (f.newest !== null && room >= 6) lines.push('', ...ladderLines(f.newest, width, room - 1, paint));
  return [...lines.slice(0, Math.max(1, height - 1)), foot].map(l => clip(l, width));
}

function headLine(f: FrameFacts, paint: Paint): string {
  return `${paint.bold('lastack')}  ${f.fronts.map(t => paint.cyan(t)).join('  ')}  ${paint.dim(`up ${clock(f.uptime)}`)}  ${f.wire}`;
}

function countLines(f: FrameFacts, paint: Paint): string[] {
  const failed = f.failed > 0 ? `  ${paint.red(`${grouped(f.failed)} failed`)}` : '';
  const first = `${grouped(f.open)} open  ${grouped(f.accepted)} so far${failed}  ${size(f.in)} in  ${size(f.out)} out`;
  const wires = f.directions.map(d => {
    const lost =
      d.lost > 0 ? paint.red(`${grouped(d.lost)} lost`) + paint.dim(` (${reasons(d.reasons)})`) : '0 lost';
    return `${d.name} ${grouped(d.carried)} packets, ${lost}`;
  });
  return [
    `${first}   ${wires.join('   ')}`,
    f.hosts.map(h => `${paint.bold(h.name)} ${stateCounts(h.states, paint)}`).join('    '),
  ];
}

const reasons = (list: readonly (readonly [string, number])[]): string =>
  list
    .slice(0, 3)
    .map(([reason, n]) => `${grouped(n)} ${reason}`)
    .join(', ');

function stateCounts(states: readonly number[], paint: Paint): string {
  const parts: string[] = [];
  for (let s = 1; s <= 11; s++) {
    const n = states[s] ?? 0;
    if (n > 0 && s !== 7) parts.push(`${paintState(paint, s as State, SS_NAMES[s as State])} ${grouped(n)}`);
  }
  return parts.join(' ') || paint.dim('nothing');
}

function tableLines(f: FrameFacts, width: number, height: number, paint: Paint): string[] {
  const rows = Math.min(TABLE_ROWS, Math.max(0, height - 12), f.connections.length);
  if (rows === 0) return [];
  const cells = f.connections
    .slice(0, rows)
    .map(c => [
      `#${c.id + 1}`,
      c.from,
      c.inner,
      c.target,
      c.a === null ? '–' : stateName(c.a),
      c.b === null ? '–' : stateName(c.b),
      size(c.in),
      size(c.out),
      shortTime(c.age * 1e6),
      c.outcome,
    ]);
  const heads = ['', 'client', 'inner, from A', 'to', 'A', 'B', 'in', 'out', 'age', ''];
  const widths = heads.map((h, i) => cells.reduce((w, c) => Math.max(w, columnsOf(c[i]!)), h.length));
  const line = (c: readonly string[]): string[] =>
    c.map((x, i) => (i === 6 || i === 7 || i === 8 ? x.padStart(widths[i]!) : x.padEnd(widths[i]!)));
  const out = [paint.dim(clip(line(heads).join('  '), width))];
  f.connections.slice(0, rows).forEach((c, i) => {
    const row = line(cells[i]!);
    if (c.a !== null) row[4] = paintState(paint, c.a, row[4]!);
    if (c.b !== null) row[5] = paintState(paint, c.b, row[5]!);
    if (c.outcome !== '' && c.outcome !== 'closed') row[9] = paint.red(row[9]!);
    out.push(row.join('  '));
  });
  const more = f.open - rows;
  if (more > 0) out.push(paint.dim(`   and ${grouped(more)} more`));
  return out;
}

/** The ladder, shortened in its middle if there is no room for all of it. */
function ladderLines(log: ConversationLog, width: number, room: number, paint: Paint): string[] {
  const lines = ladderText(log, { width: Math.min(width, 120), paint });
  if (lines.length <= room) return lines;
  const head = Math.min(5, room >> 1);
  const tail = room - head - 1;
  return [
    ...lines.slice(0, head),
    paint.dim(`${' '.repeat(24)} ⋮  ${lines.length - head - tail} more lines`),
    ...lines.slice(-tail),
  ];
}

/** 1536 → 1.5 kB */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let n = bytes / 1000;
  let i = 0;
  while (n >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

function clock(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return s < 3600
    ? `${Math.floor(s / 60)}:${two(s % 60)}`
    : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
