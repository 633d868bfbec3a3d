import type { Parameter, PyExpr, PyStatement } from './ast.ts';
import { attribute, builtins, key, module } from './builtins.ts';
import { formatSpec, percentFormat } from './format.ts';
import { arithmetic, collectNames, holds } from './operators.ts';
import { parsePython } from './parse.ts';
import {
  isCallable,
  isDict,
  isList,
  iterate,
  list,
  numeric,
  type PyCallable,
  PythonError,
  type PyValue,
  raise,
  repr,
  text,
  truth,
  typeName,
} from './values.ts';

/** Steps that one snippet may take, depth of its calls, characters of one string: nothing hangs or grows. */
const MAX_STEPS = 1_000_000;
const MAX_CALLS = 60;
const MAX_TEXT = 1_000_000;
const MAX_OUTPUT = 1_000;

class Leave {
  readonly how: 'break' | 'continue' | 'return';
  readonly value: PyValue;
  constructor(how: Leave['how'], value: PyValue = null) {
    this.how = how;
    this.value = value;
  }
}

/**
 * Runs the Python snippets of one script: variables persist from one to the next, as in the one process
 * that the reference tool starts. Only values, operators, functions and printing exist.
 */
export class Python {
  readonly output: string[] = [];
  private readonly globals = new Map<string, PyValue>();
  private readonly builtins: Map<string, PyValue>;
  private locals: Map<string, PyValue> | null = null;
  private globalNames = new Set<string>();
  private steps = 0;
  private calls = 0;

  constructor() {
    this.builtins = builtins(line => {
      if (this.output.length < MAX_OUTPUT) this.output.push(line);
    });
  }

  set(name: string, value: PyValue): void {
    this.globals.set(name, value);
  }

  get(name: string): PyValue | undefined {
    return this.globals.get(name);
  }

  /**
   * Runs a snippet.
   * @throws PythonError: a syntax error, a failed assertion, or any other exception nobody caught
   */
  run(source: string): void {
    this.steps = 0;
    this.calls = 0;
    this.locals = null;
    const statements = parsePython(source);
    try {
      const left = this.block(statements);
      if (left !== null) raise('SyntaxError', `'${left.how}' outside of a function or loop`);
    } catch (e) {
      if (e instanceof RangeError) throw new PythonError('RecursionError', 'too deeply nested', 0);
      throw e;
    }
  }

  private step(): void {
    if (++this.steps > MAX_STEPS) raise('TimeoutError', 'this code runs too long');
  }

  private block(statements: readonly PyStatement[]): Leave | null {
    for (const s of statements) {
      try {
        this.step();
        const left = this.statement(s);
        if (left !== null) return left;
      } catch (e) {
        if (e instanceof PythonError && e.line === 0) e.line = s.line;
        throw e;
      }
    }
    return null;
  }

  private statement(s: PyStatement): Leave | null {
    switch (s.kind) {
      case 'expression':
        this.evaluate(s.value);
        return null;
      case 'assign': {
        const value = this.evaluate(s.value);
        for (const t of s.targets) this.assign(t, value);
        return null;
      }
      case 'augment':
        this.assign(s.target, this.binary(s.operator, this.evaluate(s.target), this.evaluate(s.value)));
        return null;
      case 'assert':
        if (!truth(this.evaluate(s.test)))
          raise(
            'AssertionError',
            `${s.text}${s.message === null ? '' : `: ${text(this.evaluate(s.message))}`}${this.values(s.test)}`,
          );
        return null;
      case 'if':
        return this.block(truth(this.evaluate(s.test)) ? s.then : s.otherwise);
      case 'while':
        while (truth(this.evaluate(s.test))) {
          this.step();
          const left = this.block(s.body);
          if (left?.how === 'break') break;
          if (left?.how === 'return') return left;
        }
        return null;
      case 'for':
        for (const item of [...iterate(this.evaluate(s.source))]) {
          this.assign(s.target, item);
          const left = this.block(s.body);
          if (left?.how === 'break') break;
          if (left?.how === 'return') return left;
        }
        return null;
      case 'def':
        this.store(
          s.name,
          this.makeFunction(s.name, s.parameters, () => this.block(s.body)?.value ?? null),
        );
        return null;
      case 'try':
        return this.attempt(s);
      case 'return':
        return new Leave('return', s.value === null ? null : this.evaluate(s.value));
      case 'raise':
        return raise('Exception', s.value === null ? '' : text(this.evaluate(s.value)));
      case 'import':
        for (const name of s.names)
          this.store(
            name,
            module(name, line => this.output.push(line)),
          );
        return null;
      case 'global':
        for (const name of s.names) this.globalNames.add(name);
        return null;
      case 'delete':
        for (const t of s.targets) if (t.kind === 'name') (this.locals ?? this.globals).delete(t.name);
        return null;
      case 'break':
      case 'continue':
        return new Leave(s.kind);
      case 'pass':
        return null;
    }
  }

  private attempt(s: PyStatement & { kind: 'try' }): Leave | null {
    let left: Leave | null = null;
    try {
      left = this.block(s.body);
    } catch (e) {
      if (!(e instanceof PythonError)) throw e;
      const handler = s.handlers.find(
        h => h.types.length === 0 || h.types.includes(e.type) || h.types.includes('Exception'),
      );
      if (handler === undefined || e.type === 'TimeoutError') throw e;
      if (handler.name !== null) this.store(handler.name, e.message);
      left = this.block(handler.body);
    } finally {
      this.block(s.after);
    }
    return left;
  }

  /** `; tcpi_rto = 204000`: the values of the names that a failed assertion mentions. */
  private values(test: PyExpr): string {
    const names = new Set<string>();
    collectNames(test, names);
    const shown = [...names]
      .map(n => [n, this.find(n)] as const)
      .filter(([, v]) => v !== undefined && !isCallable(v));
    return shown.length === 0 ? '' : `; ${shown.map(([n, v]) => `${n} = ${repr(v ?? null)}`).join(', ')}`;
  }

  private find(name: string): PyValue | undefined {
    return this.locals?.get(name) ?? this.globals.get(name) ?? this.builtins.get(name);
  }

  private store(name: string, value: PyValue): void {
    if (this.locals !== null && !this.globalNames.has(name)) this.locals.set(name, value);
    else this.globals.set(name, value);
  }

  private assign(target: PyExpr, value: PyValue): void {
    if (target.kind === 'name') this.store(target.name, value);
    else if (target.kind === 'tuple' || target.kind === 'list') {
      const items = iterate(value);
      if (items.length !== target.items.length)
        raise('ValueError', `${target.items.length} values are wanted, there are ${items.length}`);
      for (const [i, t] of target.items.entries()) this.assign(t, items[i]!);
    } else if (target.kind === 'index') {
      const object = this.evaluate(target.object);
      const index = this.evaluate(target.index);
      if (isDict(object)) object.entries.set(key(index), value);
      else if (isList(object)) object.items[this.position(object.items.length, index)] = value;
      else raise('TypeError', `'${typeName(object)}' object does not support item assignment`);
    } else raise('SyntaxError', 'this cannot be assigned to');
  }

  private makeFunction(name: string, parameters: readonly Parameter[], body: () => PyValue): PyCallable {
    const fallbacks = parameters.map(p => (p.fallback === null ? undefined : this.evaluate(p.fallback)));
    const closure = this.locals;
    return {
      kind: 'function',
      name,
      call: (args, keywords) => {
        if (args.length > parameters.length)
          raise('TypeError', `${name}() takes ${parameters.length} arguments`);
        const frame = new Map(closure ?? []);
        for (const [i, p] of parameters.entries()) {
          const v = args[i] ?? keywords.get(p.name) ?? fallbacks[i];
          if (v === undefined && args[i] === undefined)
            raise('TypeError', `${name}() misses its argument '${p.name}'`);
          frame.set(p.name, v ?? null);
        }
        return this.inFrame(frame, body);
      },
    };
  }

  private inFrame(frame: Map<string, PyValue>, body: () => PyValue): PyValue {
    if (++this.calls > MAX_CALLS) raise('RecursionError', 'calls are nested too deeply');
    const { locals, globalNames } = this;
    this.locals = frame;
    this.globalNames = new Set();
    try {
      return body();
    } finally {
      this.locals = locals;
      this.globalNames = globalNames;
      this.calls--;
    }
  }

  private evaluate(e: PyExpr): PyValue {
    this.step();
    switch (e.kind) {
      case 'constant':
        return e.value;
      case 'name': {
        const v = this.find(e.name);
        return v === undefined ? raise('NameError', `name '${e.name}' is not defined`) : v;
      }
      case 'fstring':
        return e.parts
          .map(p =>
            typeof p === 'string'
              ? p
              : p.label +
                this.formatted(p.value, p.label !== '' && p.spec === '' ? 'r' : p.conversion, p.spec),
          )
          .join('');
      case 'list':
      case 'tuple':
      case 'set':
        return list(
          e.items.map(x => this.evaluate(x)),
          e.kind,
        );
      case 'dict':
        return {
          kind: 'dict',
          entries: new Map(e.entries.map(([k, v]) => [key(this.evaluate(k)), this.evaluate(v)])),
        };
      case 'comprehension':
        return this.comprehension(e);
      case 'unary':
        return this.unary(e.operator, this.evaluate(e.operand));
      case 'binary':
        return this.binary(e.operator, this.evaluate(e.left), this.evaluate(e.right));
      case 'bool': {
        const left = this.evaluate(e.left);
        return truth(left) === (e.operator === 'or') ? left : this.evaluate(e.right);
      }
      case 'compare': {
        let left = this.evaluate(e.first);
        for (const [operator, operand] of e.rest) {
          const right = this.evaluate(operand);
          if (!holds(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case 'conditional':
        return this.evaluate(truth(this.evaluate(e.test)) ? e.then : e.otherwise);
      case 'call': {
        const target = this.evaluate(e.target);
        if (!isCallable(target)) return raise('TypeError', `'${typeName(target)}' object is not callable`);
        const keywords = new Map(e.keywords.map(([k, v]) => [k, this.evaluate(v)]));
        return target.call(
          e.args.map(a => this.evaluate(a)),
          keywords,
        );
      }
      case 'attribute':
        return attribute(this.evaluate(e.object), e.name);
      case 'index':
        return this.index(this.evaluate(e.object), this.evaluate(e.index));
      case 'slice':
        return this.slice(e);
      case 'lambda':
        return this.makeFunction('<lambda>', e.parameters, () => this.evaluate(e.body));
    }
  }

  private formatted(value: PyExpr, conversion: string, spec: string): string {
    const v = this.evaluate(value);
    const inner = spec.replace(/\{(\w+)\}/g, (_, n: string) => text(this.find(n) ?? ''));
    return formatSpec(conversion === 'r' ? repr(v) : v, inner);
  }

  private comprehension(e: PyExpr & { kind: 'comprehension' }): PyValue {
    const items: PyValue[] = [];
    const source = [...iterate(this.evaluate(e.source))];
    this.inFrame(new Map(this.locals ?? []), () => {
      for (const item of source) {
        this.assign(e.target, item);
        if (e.conditions.every(c => truth(this.evaluate(c)))) items.push(this.evaluate(e.element));
      }
      return null;
    });
    return list(items, e.of);
  }

  private unary(operator: string, v: PyValue): PyValue {
    if (operator === 'not') return !truth(v);
    const n = numeric(v, operator);
    return operator === '-' ? -n : operator === '~' ? -n - 1 : n;
  }

  private binary(operator: string, a: PyValue, b: PyValue): PyValue {
    if (operator === '%' && typeof a === 'string') return percentFormat(a, b);
    if (operator === '+' && typeof a === 'string' && typeof b === 'string') return this.bounded(a + b);
    if (operator === '+' && isList(a) && isList(b)) return list([...a.items, ...b.items], a.kind);
    if (operator === '*' && typeof a === 'string' && typeof b === 'number') {
      if (b * a.length > MAX_TEXT) raise('MemoryError', 'this string is too long');
      return a.repeat(Math.max(0, b));
    }
    return arithmetic(operator, numeric(a, operator), numeric(b, operator));
  }

  private bounded(s: string): string {
    return s.length > MAX_TEXT ? raise('MemoryError', 'this string is too long') : s;
  }

  private position(length: number, index: PyValue): number {
    const n = numeric(index, 'index');
    const i = n < 0 ? n + length : n;
    return i >= 0 && i < length ? i : raise('IndexError', 'index out of range');
  }

  private index(object: PyValue, index: PyValue): PyValue {
    if (isDict(object)) return object.entries.get(key(index)) ?? raise('KeyError', repr(index));
    if (typeof object === 'string') return object[this.position(object.length, index)]!;
    if (isList(object)) return object.items[this.position(object.items.length, index)]!;
    return raise('TypeError', `'${typeName(object)}' object is not subscriptable`);
  }

  private slice(e: PyExpr & { kind: 'slice' }): PyValue {
    const object = this.evaluate(e.object);
    const bound = (x: PyExpr | null): number | undefined =>
      x === null ? undefined : numeric(this.evaluate(x), 'slice');
    const [from, to, step] = [bound(e.from), bound(e.to), bound(e.step) ?? 1];
    if (step !== 1 && step !== -1) return raise('ValueError', 'only steps of 1 and -1 are understood');
    if (typeof object === 'string') {
      const cut = object.slice(from ?? 0, to);
      return step === 1 ? cut : [...cut].reverse().join('');
    }
    if (!isList(object)) return raise('TypeError', `'${typeName(object)}' object is not subscriptable`);
    const cut = object.items.slice(from ?? 0, to);
    return list(step === 1 ? cut : cut.reverse(), object.kind);
  }
}
