import { ROWS, type SysctlKey, type SysctlRow, type TextForm } from './sysctl-rows.ts';
import { SysctlValues } from './sysctl-values.ts';

export { SysctlValues };

/** The congestion controls that `tcp_congestion_control` accepts. */
export const CONGESTION_CONTROLS: readonly string[] = ['reno', 'cubic', 'bbr'];

export type SysctlResult = { ok: true } | { ok: false; error: string };

export const SYSCTL_KEYS = Object.keys(ROWS) as SysctlKey[];
export const fullName = (key: SysctlKey): string => ROWS[key].full ?? `net.ipv4.${key}`;

/** Every accepted spelling, in lower case with dots, to the field. */
const SPELLINGS = new Map<string, SysctlKey>();
for (const key of SYSCTL_KEYS) {
  const full = fullName(key);
  SPELLINGS.set(key, key);
  SPELLINGS.set(full, key);
  SPELLINGS.set(full.replace(/\.all\./, '.default.'), key);
  SPELLINGS.set(full.replace(/^net\./, ''), key);
  if (full.startsWith('net.ipv4.neigh.')) SPELLINGS.set(full.replace('net.ipv4.', 'net.ipv6.'), key);
}

/** The knobs of one host, with Linux's names, defaults and ranges, changeable at run time. */
export class Sysctl {
  readonly values: Readonly<SysctlValues>;
  private readonly writable = new SysctlValues();
  private readonly defaults = new SysctlValues();

  /** What was wrong with the initial settings; those were left at their defaults. */
  readonly errors: readonly string[];

  /** @param initial settings by short or full name */
  constructor(initial: Readonly<Record<string, string | number>> = {}) {
    this.values = this.writable;
    const errors: string[] = [];
    for (const [name, value] of Object.entries(initial)) {
      const result = this.set(name, String(value));
      if (!result.ok) errors.push(result.error);
    }
    this.errors = errors;
  }

  /** The value as text (numbers of a pair or triple parted by a tab, as in /proc/sys); null for an unknown name. */
  get(name: string): string | null {
    const key = resolve(name);
    return key === null ? null : textOf(this.writable[key]);
  }

  /**
   * Sets a value from text, as `sysctl -w` does. Names may be short (`tcp_fin_timeout`) or full, with dots or
   * slashes, with or without /proc/sys. Numbers may be decimal or hexadecimal (0x…).
   */
  set(name: string, text: string): SysctlResult {
    const key = resolve(name);
    if (key === null) return { ok: false, error: unknown(name) };
    const row = ROWS[key];
    const old = this.writable[key];
    const parsed = typeof old === 'string' ? parseText(text, row) : parseNumbers(text, row, old);
    if (parsed === null) {
      return {
        ok: false,
        error: `${fullName(key)}: bad value '${clip(text)}', expected ${expected(row, old)}`,
      };
    }
    (this.writable as unknown as Record<string, SysctlValues[SysctlKey]>)[key] = parsed;
    return { ok: true };
  }

  /** Back to the default. */
  reset(name: string): SysctlResult {
    const key = resolve(name);
    return key === null ? { ok: false, error: unknown(name) } : this.set(key, textOf(this.defaults[key]));
  }
}

function resolve(name: string): SysctlKey | null {
  if (name.length > 200) return null;
  let n = name.trim().toLowerCase();
  if (n.includes('/')) n = n.replace(/^\/?proc\/sys\//, '').replace(/\//g, '.');
  return SPELLINGS.get(n) ?? null;
}

export function textOf(value: SysctlValues[SysctlKey]): string {
  return typeof value === 'object' ? value.join('\t') : String(value);
}

function parseNumbers(
  text: string,
  row: SysctlRow,
  old: SysctlValues[SysctlKey],
): SysctlValues[SysctlKey] | null {
  const wanted = typeof old === 'object' ? old.length : 1;
  const words = text.trim().split(/\s+/);
  if (words.length !== wanted) return null;
  const numbers: number[] = [];
  for (const word of words) {
    if (!/^(-?\d{1,16}|0[xX][0-9a-fA-F]{1,13})$/.test(word)) return null;
    const n = Number(word);
    if (n < row.low || n > row.high) return null;
    numbers.push(n);
  }
  const [a = 0, b = 0, c = 0] = numbers;
  if (wanted === 1) return a;
  if (wanted === 3) return [a, b, c];
  return a <= b ? [a, b] : null;
}

function parseText(text: string, row: SysctlRow): string | null {
  const t = text.trim();
  return row.form !== undefined && FORMS[row.form].test(t) && t.length <= 1024 ? t : null;
}

const KEY = '[0-9a-fA-F]{1,8}(-[0-9a-fA-F]{1,8}){3}';
const FORMS: Record<TextForm, RegExp> = {
  congestion: new RegExp(`^(${CONGESTION_CONTROLS.join('|')})$`),
  fastopenKey: new RegExp(`^${KEY}(,${KEY})?$`),
  ports: /^(\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*)?$/,
};
const FORM_TEXT: Record<TextForm, string> = {
  congestion: CONGESTION_CONTROLS.join(' or '),
  fastopenKey: 'one or two keys as xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx, comma between',
  ports: 'ports and ranges as 8080,9000-9100',
};

export function rangeOf(row: SysctlRow): string {
  return row.form !== undefined ? FORM_TEXT[row.form] : `${row.low}..${row.high}`;
}

function expected(row: SysctlRow, old: SysctlValues[SysctlKey]): string {
  if (typeof old === 'string') return rangeOf(row);
  const unit = row.unit === '' ? '' : ` ${row.unit}`;
  if (typeof old === 'number') return `a whole number ${rangeOf(row)}${unit}`;
  const order = old.length === 2 ? ', the first not above the second' : '';
  return `${old.length} whole numbers ${rangeOf(row)}${unit}${order}`;
}

function unknown(name: string): string {
  const near = nearest(name);
  return `unknown sysctl '${clip(name)}'${near === null ? '' : `, did you mean ${near}?`}`;
}

/** The full name that takes the fewest edits from `name` in its last part, if they are few. */
function nearest(name: string): string | null {
  const word = clip(name)
    .toLowerCase()
    .split(/[./]/)
    .filter(part => part !== '')
    .slice(-1)[0];
  if (word === undefined) return null;
  let best: string | null = null;
  let least = Math.max(2, word.length >> 2) + 1;
  for (const [spelling, key] of SPELLINGS) {
    const d = editDistance(word, spelling.split('.').slice(-1)[0] ?? '');
    if (d < least) {
      least = d;
      best = fullName(key);
    }
  }
  return best;
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + cost));
    }
    row = next;
  }
  return row[b.length]!;
}

function clip(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 64)}…`;
}
