import { type Files, failure, type Outcome, success } from './interpret.ts';

/** Commands on text alone: grep, echo, test, head, wc … with the options that scripts use. */

const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
const unlines = (l: readonly string[]): string => l.map(x => `${x}\n`).join('');

/** Options and operands: `-qE` is two flags; a flag in `withValue` takes the next word. */
function split(args: readonly string[], withValue: string): { flags: Map<string, string>; rest: string[] } {
  const flags = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const a = args[i]!;
    if (a === '--') rest.push(...args.slice(i + 1));
    if (a === '--') break;
    if (!/^-[A-Za-z0-9]/.test(a) || rest.length > 0) {
      if (a.startsWith('--')) flags.set(a.slice(2), '');
      else rest.push(a);
      continue;
    }
    for (let j = 1; j < a.length; j++) {
      const f = a[j]!;
      if (!withValue.includes(f)) flags.set(f, '');
      else {
        flags.set(f, a.slice(j + 1) || (args[++i] ?? ''));
        break;
      }
    }
  }
  return { flags, rest };
}

/** A POSIX basic or extended pattern as a JavaScript one; null if it is none. */
function pattern(source: string, extended: boolean, fixed: boolean, flags: string): RegExp | null {
  let js = source;
  if (fixed) js = source.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  else if (!extended)
    js = source.replace(
      /\\([+?(){}|])|([+?(){}|])/g,
      (_, special?: string, plain?: string) => special ?? `\\${plain}`,
    );
  js = js
    .replaceAll('[:space:]', '\\s')
    .replaceAll('[:digit:]', '0-9')
    .replaceAll('[:alpha:]', 'a-zA-Z')
    .replace(/\\[<>]/g, '\\b');
  try {
    return new RegExp(js, flags);
  } catch {
    return null;
  }
}

function grep(args: readonly string[], input: string, files: Files, extended: boolean): Outcome {
  const { flags, rest } = split(args, 'emAB');
  const source = flags.get('e') ?? rest.shift();
  if (source === undefined) return failure('grep: no pattern', 2);
  const word = flags.has('w') ? `\\b(?:${source})\\b` : source;
  const re = pattern(
    word,
    extended || flags.has('E') || flags.has('P') || flags.has('w'),
    flags.has('F'),
    flags.has('i') ? 'i' : '',
  );
  if (re === null) return failure(`grep: '${source}' is no pattern`, 2);
  let text = input;
  if (rest.length > 0) {
    const read = rest.map(f => files.read(f));
    const missing = rest.find((_, i) => read[i] === null);
    if (missing !== undefined) return failure(`grep: there is no file '${missing}'`, 2);
    text = read.join('');
  }
  const found = lines(text).filter(l => re.test(l) !== flags.has('v'));
  const status = found.length > 0 ? 0 : 1;
  const error = status === 0 ? '' : `grep: nothing matches '${source}'`;
  if (flags.has('q')) return { status, out: '', error };
  if (flags.has('c')) return { status, out: `${found.length}\n`, error };
  if (flags.has('o')) return { status, out: unlines(found.flatMap(l => re.exec(l)?.[0] ?? [])), error };
  return { status, out: unlines(found), error };
}

const COMPARE: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '-eq': (a, b) => Number(a) === Number(b),
  '-ne': (a, b) => Number(a) !== Number(b),
  '-lt': (a, b) => Number(a) < Number(b),
  '-le': (a, b) => Number(a) <= Number(b),
  '-gt': (a, b) => Number(a) > Number(b),
  '-ge': (a, b) => Number(a) >= Number(b),
};

function test(args: readonly string[], files: Files): boolean {
  const or = args.indexOf('-o');
  if (or > 0) return test(args.slice(0, or), files) || test(args.slice(or + 1), files);
  const and = args.findIndex(a => a === '-a' || a === '&&');
  if (and > 0) return test(args.slice(0, and), files) && test(args.slice(and + 1), files);
  const [a, b, c] = args;
  if (a === '!') return !test(args.slice(1), files);
  if (a === undefined) return false;
  if (b === undefined) return a !== '';
  if (c === undefined) {
    if (a === '-n') return b !== '';
    if (a === '-z') return b === '';
    if (/^-[efrswx]$/.test(a)) return files.read(b) !== null;
    return false;
  }
  return COMPARE[b]?.(a, c) ?? false;
}

function field(text: string, args: readonly string[]): string {
  const { flags } = split(args, 'dfc');
  const n = Number(/^\d+/.exec(flags.get('f') ?? '1')?.[0] ?? 1);
  return unlines(lines(text).map(l => l.split(flags.get('d') ?? '\t')[n - 1] ?? ''));
}

/** awk programs of the form `{print $2}` or `/pattern/ {print $2}`; null for others. */
function awk(program: string, text: string): string | null {
  const m = /^\s*(?:\/((?:[^/\\]|\\.)*)\/)?\s*\{\s*print\s*(\$\d+|\$NF)?\s*;?\s*\}\s*$/.exec(program);
  if (!m) return null;
  const re = m[1] === undefined ? null : pattern(m[1], true, false, '');
  const pick = (l: string): string => {
    const words = l.trim().split(/\s+/);
    if (m[2] === undefined || m[2] === '$0') return l;
    return (m[2] === '$NF' ? words.at(-1) : words[Number(m[2].slice(1)) - 1]) ?? '';
  };
  return unlines(
    lines(text)
      .filter(l => re === null || re.test(l))
      .map(pick),
  );
}

function printf(args: readonly string[]): string {
  let next = 1;
  return (args[0] ?? '')
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t')
    .replace(/%[-\d]*([sdx%])/g, (_, type: string) => (type === '%' ? '%' : (args[next++] ?? '')));
}

/** Runs a command on text; null if it is none of these. */
export function textCommand(
  name: string,
  args: readonly string[],
  input: string,
  files: Files,
): Outcome | null {
  switch (name) {
    case 'true':
    case ':':
    case 'set':
    case 'cd':
    case 'sleep':
    case 'usleep':
    case 'sync':
    case 'wait':
    case 'umask':
    case 'ulimit':
      return success();
    case 'false':
      return failure('false');
    case 'grep':
    case 'egrep':
    case 'fgrep':
      return grep(name === 'fgrep' ? ['-F', ...args] : args, input, files, name === 'egrep');
    case 'echo': {
      const bare = args[0] === '-n' || args[0] === '-e';
      return success(`${args.slice(bare ? 1 : 0).join(' ')}${args[0] === '-n' ? '' : '\n'}`);
    }
    case 'printf':
      return success(printf(args));
    case 'test':
    case '[':
    case '[[': {
      const operands = name === 'test' ? args : args.slice(0, -1);
      return test(operands, files) ? success() : failure(`test: ${operands.join(' ')} does not hold`);
    }
    case 'cat': {
      const read = args.filter(a => !/^-./.test(a)).map(f => files.read(f));
      if (read.includes(null)) return failure(`cat: there is no file '${args.join("', '")}'`);
      return success(read.length === 0 ? input : read.join(''));
    }
    case 'head':
    case 'tail': {
      const n = Number(/\d+/.exec(args.join(' '))?.[0] ?? 10);
      return success(unlines(name === 'head' ? lines(input).slice(0, n) : lines(input).slice(-n)));
    }
    case 'wc':
      return success(`${args.includes('-l') ? lines(input).length : input.length}\n`);
    case 'sort':
      return success(unlines(lines(input).sort()));
    case 'uniq':
      return success(unlines(lines(input).filter((l, i, all) => l !== all[i - 1])));
    case 'tr':
      return success(
        args[0] === '-d' ? [...input].filter(c => !(args[1] ?? '').includes(c)).join('') : input,
      );
    case 'cut':
      return success(field(input, args));
    case 'awk': {
      const out = awk(args.at(-1) ?? '', input);
      return out === null ? null : success(out);
    }
    default:
      return null;
  }
}
