import { bracketEnd, parseShell, type ShellNode, ShellSyntaxError } from './parse.ts';

/** What a command printed and its exit status (0 success). */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  /** What it complained about. */
  readonly error: string;
}

export const success = (out = ''): Outcome => ({ status: 0, out, error: '' });
export const failure = (error: string, status = 1): Outcome => ({ status, out: '', error });

/** Runs one command of the interpreter's; null if there is none of that name. */
export type CommandTable = (name: string, args: readonly string[], input: string) => Outcome | null;

/** Files that commands may read and write, all of them pretended. */
export interface Files {
  read(path: string): string | null;
  write(path: string, text: string, append: boolean): string | null;
}

const MAX_STEPS = 10_000;
const MAX_OUTPUT = 1_000_000;

/**
 * Runs a back-quoted command of a script: interpreted on pretended files and commands, nothing of the
 * machine is touched.
 */
export function runShell(
  source: string,
  table: CommandTable,
  files: Files,
  variables: ReadonlyMap<string, string>,
): Outcome {
  try {
    return new Shell(table, files, new Map(variables)).run(parseShell(source), '');
  } catch (e) {
    if (e instanceof ShellSyntaxError) return failure(e.message, 2);
    throw e;
  }
}

class Shell {
  private readonly table: CommandTable;
  private readonly files: Files;
  private readonly variables: Map<string, string>;
  private steps = 0;
  private status = 0;
  private exited = false;

  constructor(table: CommandTable, files: Files, variables: Map<string, string>) {
    this.table = table;
    this.files = files;
    this.variables = variables;
  }

  run(node: ShellNode, input: string): Outcome {
    if (++this.steps > MAX_STEPS) throw new ShellSyntaxError('this command runs too long');
    const outcome = this.evaluate(node, input);
    this.status = outcome.status;
    return outcome.out.length > MAX_OUTPUT ? { ...outcome, out: outcome.out.slice(0, MAX_OUTPUT) } : outcome;
  }

  private evaluate(node: ShellNode, input: string): Outcome {
    switch (node.kind) {
      case 'list':
        return node.items.reduce<Outcome>(
          (so, item) => (this.exited ? so : joined(so, this.run(item, input))),
          success(),
        );
      case 'and':
      case 'or': {
        const left = this.run(node.left, input);
        return (left.status === 0) === (node.kind === 'and') && !this.exited
          ? joined(left, this.run(node.right, input))
          : left;
      }
      case 'not': {
        const body = this.run(node.body, input);
        return { ...body, status: body.status === 0 ? 1 : 0 };
      }
      case 'pipe':
        return this.pipe(node.stages, input);
      case 'if': {
        const test = this.run(node.test, input);
        const branch = test.status === 0 ? node.then : node.otherwise;
        return branch === null ? success(test.out) : joined(test, this.run(branch, input));
      }
      case 'for': {
        let so = success();
        for (const value of node.words.flatMap(w => this.words(w))) {
          this.variables.set(node.name, value);
          so = joined(so, this.run(node.body, input));
        }
        return so;
      }
      case 'group':
        return this.redirected(this.run(node.body, input), node.redirects);
      case 'command':
        return this.command(node, input);
    }
  }

  private pipe(stages: readonly ShellNode[], input: string): Outcome {
    let last = success(input);
    let errors = '';
    for (const stage of stages) {
      last = this.run(stage, last.out);
      if (last.error !== '') errors = errors === '' ? last.error : `${errors}; ${last.error}`;
    }
    return { ...last, error: errors };
  }

  private command(node: ShellNode & { kind: 'command' }, input: string): Outcome {
    for (const r of node.redirects) {
      if (r.descriptor !== 0) continue;
      const text = this.files.read(this.word(r.target));
      if (text === null) return failure(`there is no file '${r.target}'`);
      input = text;
    }
    const words = node.words.flatMap(w => this.words(w));
    const name = words[0];
    if (name === undefined) {
      for (const [n, w] of node.assignments) this.variables.set(n, this.word(w));
      return this.redirected(success(), node.redirects);
    }
    return this.redirected(this.call(name, words.slice(1), input), node.redirects);
  }

  private call(name: string, args: readonly string[], input: string): Outcome {
    switch (name) {
      case 'exit':
      case 'return':
        this.exited = true;
        return { status: Number(args[0] ?? this.status) & 255, out: '', error: '' };
      case 'export':
        for (const a of args) {
          const eq = a.indexOf('=');
          if (eq > 0) this.variables.set(a.slice(0, eq), a.slice(eq + 1));
        }
        return success();
      case 'eval':
      case 'sh':
      case 'bash': {
        const text = name === 'eval' ? args.join(' ') : args[0] === '-c' ? (args[1] ?? '') : null;
        if (text !== null) return this.run(parseShell(text), input);
        return args[0] === undefined ? success() : this.call(args[0], args.slice(1), input);
      }
      case 'sudo':
      case 'command':
      case 'time':
        return args[0] === undefined ? success() : this.call(args[0], args.slice(1), input);
      default:
        return this.table(name, args, input) ?? failure(`'${name}' is no command that the runner knows`, 127);
    }
  }

  private redirected(
    outcome: Outcome,
    redirects: readonly { descriptor: number; append: boolean; target: string }[],
  ): Outcome {
    let { status, out, error } = outcome;
    for (const r of redirects) {
      if (r.target === '&1') continue; // 2>&1: errors are words here, not text
      if (r.descriptor === 1) {
        const target = this.word(r.target.replace(/^&(?!\d)/, ''));
        if (target !== '&2') {
          const wrong = this.files.write(target, out, r.append);
          if (wrong !== null) {
            status = 1;
            error = wrong;
          }
        }
        out = '';
      } else if (r.descriptor === 2 && status === 0) error = '';
    }
    return { status, out, error };
  }

  private word(raw: string): string {
    return this.expand(raw).join('');
  }

  /** A word after expansion; unquoted expansions split at blanks. */
  private words(raw: string): string[] {
    if (!/[$'"\\]/.test(raw)) return [raw];
    if (!/["']/.test(raw) && raw.startsWith('$'))
      return this.word(raw)
        .split(/\s+/)
        .filter(w => w !== '');
    return [this.word(raw)];
  }

  private expand(raw: string): string[] {
    const out: string[] = [];
    let quoted = false;
    for (let i = 0; i < raw.length; i++) {
      const c = raw[i]!;
      if (c === "'" && !quoted) {
        const end = raw.indexOf("'", i + 1);
        out.push(raw.slice(i + 1, end));
        i = end;
      } else if (c === '"') quoted = !quoted;
      else if (c === '\\' && (!quoted || /["\\$`\n]/.test(raw[i + 1] ?? ''))) out.push(raw[++i] ?? '');
      else if (c === '$') {
        const end = variableEnd(raw, i);
        out.push(this.substitute(raw.slice(i, end)));
        i = end - 1;
      } else out.push(c);
    }
    return out;
  }

  private substitute(text: string): string {
    if (text.startsWith('$((')) return String(this.arithmetic(text.slice(3, -2)));
    if (text.startsWith('$(')) return this.run(parseShell(text.slice(2, -1)), '').out.replace(/\n+$/, '');
    const m = /^\$\{?([A-Za-z_]\w*|\d|[?#@*$!])(?::-([\s\S]*))?\}?$/.exec(text);
    if (!m) return text;
    if (m[1] === '?') return String(this.status);
    return this.variables.get(m[1]!) ?? m[2] ?? '';
  }

  private arithmetic(source: string): number {
    const tokens = source.match(/\d+|[A-Za-z_]\w*|<<|>>|[-+*/%()$]/g)?.filter(t => t !== '$') ?? [];
    let at = 0;
    const primary = (): number => {
      const t = tokens[at++] ?? '0';
      if (t === '(') {
        const n = sum();
        at++;
        return n;
      }
      if (t === '-') return -primary();
      return /^\d/.test(t) ? Number(t) : Number(this.variables.get(t) ?? 0);
    };
    const product = (): number => {
      let n = primary();
      for (let op = tokens[at]; op === '*' || op === '/' || op === '%'; op = tokens[at]) {
        at++;
        const m = primary();
        n = op === '*' ? n * m : m === 0 ? 0 : op === '/' ? Math.trunc(n / m) : n % m;
      }
      return n;
    };
    const sum = (): number => {
      let n = product();
      for (let op = tokens[at]; op === '+' || op === '-' || op === '<<' || op === '>>'; op = tokens[at]) {
        at++;
        const m = product();
        n = op === '+' ? n + m : op === '-' ? n - m : op === '<<' ? n * 2 ** m : Math.floor(n / 2 ** m);
      }
      return n;
    };
    return sum();
  }
}

function variableEnd(raw: string, at: number): number {
  const next = raw[at + 1];
  if (next === '(' || next === '{') return bracketEnd(raw, at + 1);
  const m = /^(?:[A-Za-z_]\w*|[\d?#@*$!])/.exec(raw.slice(at + 1));
  return at + 1 + (m?.[0].length ?? 0);
}

function joined(a: Outcome, b: Outcome): Outcome {
  return {
    status: b.status,
    out: a.out + b.out,
    error: b.error === '' ? (b.status === 0 ? '' : a.error) : b.error,
  };
}
