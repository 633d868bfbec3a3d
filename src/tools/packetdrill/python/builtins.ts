import { braceFormat, formatSpec } from './format.ts';
import {
  compare,
  isCallable,
  isDict,
  isList,
  iterate,
  list,
  numeric,
  type PyCallable,
  type PyValue,
  raise,
  repr,
  text,
  truth,
  typeName,
} from './values.ts';

const MAX_RANGE = 100_000;

type Builtin = (args: PyValue[], keywords: ReadonlyMap<string, PyValue>) => PyValue;

/** Half to even, as Python 3 rounds. */
function roundEven(x: number, digits: number): number {
  const scale = 10 ** digits;
  const y = x * scale;
  const floor = Math.floor(y);
  const half = y - floor;
  const r = half > 0.5 || (half === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return r / scale;
}

function range(args: PyValue[]): PyValue {
  const n = args.map(a => numeric(a, 'range()'));
  const [from, to, step] = n.length === 1 ? [0, n[0]!, 1] : [n[0] ?? 0, n[1] ?? 0, n[2] ?? 1];
  if (step === 0) return raise('ValueError', 'range() arg 3 must not be zero');
  const items: number[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) {
    items.push(i);
    if (items.length > MAX_RANGE) return raise('MemoryError', 'this range is too long');
  }
  return list(items);
}

function extreme(args: PyValue[], sign: number, keywords: ReadonlyMap<string, PyValue>): PyValue {
  const items = args.length === 1 ? iterate(args[0]!) : args;
  if (items.length === 0) return keywords.get('default') ?? raise('ValueError', 'the sequence is empty');
  return items.reduce((best, x) => (compare(x, best) * sign > 0 ? x : best));
}

function toInteger(args: PyValue[]): PyValue {
  const v = args[0] ?? 0;
  if (typeof v !== 'string') return Math.trunc(numeric(v, 'int()'));
  const base = args[1] === undefined ? 10 : numeric(args[1], 'int()');
  const n = base === 0 || base === 10 ? Number(v) : Number.parseInt(v.replace(/^0[xXbBoO]/, ''), base);
  return v.trim() !== '' && Number.isInteger(n)
    ? n
    : raise('ValueError', `invalid literal for int(): ${repr(v)}`);
}

/** The built-in functions; `print` writes to `out`. */
export function builtins(out: (line: string) => void): Map<string, PyValue> {
  const table: Record<string, Builtin> = {
    abs: a => Math.abs(numeric(a[0] ?? null, 'abs()')),
    all: a => iterate(a[0] ?? null).every(truth),
    any: a => iterate(a[0] ?? null).some(truth),
    bin: a => formatSpec(a[0] ?? null, '#b'),
    bool: a => truth(a[0] ?? null),
    dict: () => ({ kind: 'dict', entries: new Map() }),
    divmod: a => {
      const [x, y] = [numeric(a[0] ?? null, 'divmod()'), numeric(a[1] ?? null, 'divmod()')];
      if (y === 0) return raise('ZeroDivisionError', 'division by zero');
      return list([Math.floor(x / y), x - y * Math.floor(x / y)], 'tuple');
    },
    enumerate: a => list(iterate(a[0] ?? null).map((x, i) => list([i, x], 'tuple'))),
    exit: a => (truth(a[0] ?? null) ? raise('SystemExit', text(a[0] ?? null)) : null),
    float: a => (typeof a[0] === 'string' ? Number(a[0]) : numeric(a[0] ?? 0, 'float()')),
    hex: a => formatSpec(a[0] ?? null, '#x'),
    int: toInteger,
    isinstance: (a): PyValue => {
      const types = a[1] !== undefined && isList(a[1]) ? a[1].items : [a[1] ?? null];
      return types.some(t => isCallable(t) && t.name === typeName(a[0] ?? null));
    },
    len: a => (typeof a[0] === 'string' ? a[0].length : iterate(a[0] ?? null).length),
    list: a => list(a[0] === undefined ? [] : [...iterate(a[0])]),
    max: (a, k) => extreme(a, 1, k),
    min: (a, k) => extreme(a, -1, k),
    print: (a, k) => {
      const sep = k.get('sep');
      out(a.map(text).join(typeof sep === 'string' ? sep : ' '));
      return null;
    },
    range,
    repr: a => repr(a[0] ?? null),
    round: a =>
      roundEven(numeric(a[0] ?? null, 'round()'), a[1] === undefined ? 0 : numeric(a[1], 'round()')),
    set: a => list(a[0] === undefined ? [] : [...new Set(iterate(a[0]))], 'set'),
    sorted: (a, k) => {
      const sign = truth(k.get('reverse') ?? false) ? -1 : 1;
      return list([...iterate(a[0] ?? null)].sort((x, y) => sign * compare(x, y)));
    },
    str: a => (a.length === 0 ? '' : text(a[0]!)),
    sum: a =>
      iterate(a[0] ?? null).reduce<number>((s, x) => s + numeric(x, 'sum()'), numeric(a[1] ?? 0, 'sum()')),
    tuple: a => list(a[0] === undefined ? [] : [...iterate(a[0])], 'tuple'),
    type: a => typeName(a[0] ?? null),
    zip: a => {
      const columns = a.map(iterate);
      const n = columns.length === 0 ? 0 : Math.min(...columns.map(c => c.length));
      return list(
        Array.from({ length: n }, (_, i) =>
          list(
            columns.map(c => c[i]!),
            'tuple',
          ),
        ),
      );
    },
  };
  for (const e of [
    'AssertionError',
    'Exception',
    'ValueError',
    'RuntimeError',
    'TypeError',
    'SystemExit',
    'KeyError',
  ])
    table[e] = a => `${e}: ${a.map(text).join(', ')}`;
  const names = new Map<string, PyValue>();
  for (const [name, call] of Object.entries(table)) names.set(name, { kind: 'function', name, call });
  return names;
}

const method = (name: string, call: Builtin): PyCallable => ({ kind: 'function', name, call });

/** Attributes: methods of strings, lists and dictionaries, and what `math` and `sys` are used for. */
export function attribute(object: PyValue, name: string): PyValue {
  if (typeof object === 'string') return stringMethod(object, name);
  if (isDict(object)) {
    const held = object.entries.get(name);
    if (held !== undefined) return held;
    const { entries } = object;
    if (name === 'get') return method(name, a => entries.get(key(a[0] ?? null)) ?? a[1] ?? null);
    if (name === 'keys') return method(name, () => list([...entries.keys()]));
    if (name === 'values') return method(name, () => list([...entries.values()]));
    if (name === 'items')
      return method(name, () => list([...entries].map(([k, v]) => list([k, v], 'tuple'))));
  }
  if (isList(object)) {
    const { items } = object;
    if (name === 'append' || name === 'add')
      return method(name, a => {
        if (items.length >= MAX_RANGE) raise('MemoryError', 'this list is too long');
        items.push(a[0] ?? null);
        return null;
      });
    if (name === 'pop') return method(name, () => items.pop() ?? raise('IndexError', 'pop from empty list'));
    if (name === 'count') return method(name, a => items.filter(x => x === a[0]).length);
    if (name === 'index') return method(name, a => items.indexOf(a[0] ?? null));
  }
  return raise('AttributeError', `'${typeName(object)}' object has no attribute '${name}'`);
}

function stringMethod(s: string, name: string): PyValue {
  const argument = (a: PyValue[], i: number): string =>
    typeof a[i] === 'string' ? a[i] : raise('TypeError', `${name}() wants a string`);
  const methods: Record<string, Builtin> = {
    format: (a, k) => braceFormat(s, a, k),
    join: a =>
      iterate(a[0] ?? null)
        .map(text)
        .join(s),
    split: a => list(a[0] === undefined ? s.trim().split(/\s+/) : s.split(argument(a, 0))),
    strip: () => s.trim(),
    lower: () => s.toLowerCase(),
    upper: () => s.toUpperCase(),
    startswith: a => s.startsWith(argument(a, 0)),
    endswith: a => s.endsWith(argument(a, 0)),
    replace: a => s.replaceAll(argument(a, 0), argument(a, 1)),
    find: a => s.indexOf(argument(a, 0)),
    count: a => s.split(argument(a, 0)).length - 1,
    isdigit: () => /^\d+$/.test(s),
  };
  const call = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return call ? method(name, call) : raise('AttributeError', `'str' object has no attribute '${name}'`);
}

/** A value as a dictionary key. */
export function key(v: PyValue): string | number | boolean | null {
  if (typeof v === 'object' && v !== null) return isCallable(v) ? v.name : repr(v);
  return v;
}

const math = (f: (...n: number[]) => number): PyCallable =>
  method('math', a => f(...a.map(x => numeric(x, 'math'))));

/** What `import` gives: a few harmless functions of `math`, an inert `sys`; others are empty. */
export function module(name: string, out: (line: string) => void): PyValue {
  const entries = new Map<string, PyValue>();
  if (name === 'math') {
    for (const f of ['floor', 'ceil', 'sqrt', 'log', 'log2', 'log10', 'exp', 'pow', 'cbrt', 'trunc'] as const)
      entries.set(
        f,
        math((...n) => Math[f](n[0] ?? 0, n[1] ?? 0)),
      );
    entries.set('fabs', math(Math.abs));
    entries.set('inf', Number.POSITIVE_INFINITY);
    entries.set('pi', Math.PI);
  } else if (name === 'sys') {
    const write = method('write', a => {
      out(text(a[0] ?? ''));
      return null;
    });
    const flush = method('flush', () => null);
    const stream: PyValue = {
      kind: 'dict',
      entries: new Map([
        ['write', write],
        ['flush', flush],
      ]),
    };
    entries
      .set('stdout', stream)
      .set('stderr', stream)
      .set('argv', list([]))
      .set('maxsize', Number.MAX_SAFE_INTEGER);
    entries.set(
      'exit',
      method('exit', a => (truth(a[0] ?? null) ? raise('SystemExit', text(a[0] ?? null)) : null)),
    );
  }
  return { kind: 'dict', entries };
}
