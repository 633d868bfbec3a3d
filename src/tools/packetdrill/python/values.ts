/**
 * Values of the small Python that scripts assert with. Numbers are doubles (tcp_info's 64-bit counters
 * stay exact up to 2^53); there are no classes, files or modules, so that a script can reach nothing.
 */
export type PyValue = number | string | boolean | null | PyList | PyDict | PyCallable;

/** A list, a tuple (`tuple`) or a set (`set`). */
export interface PyList {
  readonly kind: 'list' | 'tuple' | 'set';
  readonly items: PyValue[];
}

export interface PyDict {
  readonly kind: 'dict';
  readonly entries: Map<string | number | boolean | null, PyValue>;
}

export interface PyCallable {
  readonly kind: 'function';
  readonly name: string;
  readonly call: (args: PyValue[], keywords: ReadonlyMap<string, PyValue>) => PyValue;
}

/** An exception that reached the top of a snippet; `line` counts within the snippet, from 1. */
export class PythonError extends Error {
  readonly type: string;
  line: number;

  constructor(type: string, message: string, line: number) {
    super(message);
    this.name = 'PythonError';
    this.type = type;
    this.line = line;
  }
}

export const raise = (type: string, message: string): never => {
  throw new PythonError(type, message, 0);
};

export const isList = (v: PyValue): v is PyList =>
  typeof v === 'object' && v !== null && (v.kind === 'list' || v.kind === 'tuple' || v.kind === 'set');
export const isDict = (v: PyValue): v is PyDict => typeof v === 'object' && v !== null && v.kind === 'dict';
export const isCallable = (v: PyValue): v is PyCallable =>
  typeof v === 'object' && v !== null && v.kind === 'function';

export const list = (items: PyValue[], kind: PyList['kind'] = 'list'): PyList => ({ kind, items });

export function truth(v: PyValue): boolean {
  if (isList(v)) return v.items.length > 0;
  if (isDict(v)) return v.entries.size > 0;
  return Boolean(v);
}

export function typeName(v: PyValue): string {
  if (v === null) return 'NoneType';
  if (typeof v === 'boolean') return 'bool';
  if (typeof v === 'string') return 'str';
  if (typeof v === 'number') return Number.isInteger(v) ? 'int' : 'float';
  return v.kind;
}

/** A number, with True and False as 1 and 0; anything else is a TypeError. */
export function numeric(v: PyValue, what: string): number {
  if (typeof v === 'number') return v;
  if (typeof v === 'boolean') return v ? 1 : 0;
  return raise('TypeError', `${what}: a number is wanted, not ${typeName(v)}`);
}

/** str(v). */
export function text(v: PyValue): string {
  return typeof v === 'string' ? v : repr(v);
}

/** repr(v). */
export function repr(v: PyValue, depth = 0): string {
  if (depth > 20) return '...';
  if (v === null) return 'None';
  if (typeof v === 'boolean') return v ? 'True' : 'False';
  if (typeof v === 'string') return `'${v.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
  if (typeof v === 'number') return String(v);
  if (isDict(v)) return `{${[...v.entries].map(([k, x]) => `${repr(k)}: ${repr(x, depth + 1)}`).join(', ')}}`;
  if (isCallable(v)) return `<function ${v.name}>`;
  const inside = v.items.map(x => repr(x, depth + 1)).join(', ');
  if (v.kind === 'list') return `[${inside}]`;
  if (v.kind === 'set') return v.items.length ? `{${inside}}` : 'set()';
  return v.items.length === 1 ? `(${inside},)` : `(${inside})`;
}

export function equal(a: PyValue, b: PyValue): boolean {
  if (typeof a === 'boolean') a = a ? 1 : 0;
  if (typeof b === 'boolean') b = b ? 1 : 0;
  if (isList(a) && isList(b)) {
    if (a.kind !== b.kind || a.items.length !== b.items.length) return false;
    const other = b.items;
    return a.kind === 'set'
      ? a.items.every(x => other.some(y => equal(x, y)))
      : a.items.every((x, i) => equal(x, other[i] ?? null));
  }
  if (isDict(a) && isDict(b)) {
    const other = b.entries;
    return (
      a.entries.size === other.size &&
      [...a.entries].every(([k, x]) => other.has(k) && equal(x, other.get(k) ?? null))
    );
  }
  return a === b;
}

/** −1, 0 or 1; values that have no order are a TypeError. */
export function compare(a: PyValue, b: PyValue): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  if (isList(a) && isList(b)) {
    for (let i = 0; i < Math.min(a.items.length, b.items.length); i++) {
      const c = compare(a.items[i]!, b.items[i]!);
      if (c !== 0) return c;
    }
    return Math.sign(a.items.length - b.items.length);
  }
  const x = numeric(a, 'comparison');
  const y = numeric(b, 'comparison');
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The items that iteration over v gives. */
export function iterate(v: PyValue): PyValue[] {
  if (typeof v === 'string') return [...v];
  if (isList(v)) return v.items;
  if (isDict(v)) return [...v.entries.keys()];
  return raise('TypeError', `'${typeName(v)}' object is not iterable`);
}

export function contains(item: PyValue, container: PyValue): boolean {
  if (typeof container === 'string') {
    if (typeof item !== 'string') raise('TypeError', "'in <string>' requires string as left operand");
    return container.includes(String(item));
  }
  return iterate(container).some(x => equal(x, item));
}
