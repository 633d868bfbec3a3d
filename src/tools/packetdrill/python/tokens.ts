import { PythonError } from './values.ts';

export type PyTokenKind =
  | 'name'
  | 'number'
  | 'string'
  | 'fstring'
  | 'op'
  | 'newline'
  | 'indent'
  | 'dedent'
  | 'end';

export interface PyToken {
  readonly kind: PyTokenKind;
  readonly text: string;
  /** Line within the snippet, from 1. */
  readonly line: number;
}

/** Longer ones first. */
const OPERATORS =
  '**= //= >>= <<= ** // << >> <= >= == != += -= *= /= %= &= |= ^= -> := + - * / % @ & | ^ ~ < > ( ) [ ] { } , : . ; ='.split(
    ' ',
  );

const NUMBER =
  /0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const NAME = /[A-Za-z_]\w*/y;
const STRING = /([rRbBuUfF]{0,2})("""|'''|"|')/y;

/**
 * Cuts a Python snippet into tokens with INDENT and DEDENT, as the language reference has it (§2.1).
 * The first line's indentation counts as none, so that a snippet may be indented as a whole.
 * @throws PythonError on what is no token
 */
export function tokenizePython(source: string): PyToken[] {
  const tokens: PyToken[] = [];
  const indents: number[] = [];
  let at = 0;
  let line = 1;
  let depth = 0;
  let fresh = true;
  const push = (kind: PyTokenKind, text: string): void => {
    tokens.push({ kind, text, line });
  };
  while (at < source.length) {
    if (fresh && depth === 0) {
      let column = 0;
      for (; source[at] === ' ' || source[at] === '\t'; at++)
        column = source[at] === '\t' ? (column | 7) + 1 : column + 1;
      const c = source[at];
      if (c === '\n' || c === '\r' || c === '#' || c === undefined) {
        while (at < source.length && source[at] !== '\n') at++;
        at++;
        line++;
        continue;
      }
      indent(indents, column, tokens, push);
      fresh = false;
    }
    const c = source[at]!;
    if (c === '\n') {
      if (depth === 0) {
        push('newline', '\n');
        fresh = true;
      }
      at++;
      line++;
    } else if (c === ' ' || c === '\t' || c === '\r') at++;
    else if (c === '#') while (at < source.length && source[at] !== '\n') at++;
    else if (c === '\\' && source[at + 1] === '\n') {
      at += 2;
      line++;
    } else {
      const end = takeOne(source, at, line, push);
      const text = source.slice(at, end);
      if (text === '(' || text === '[' || text === '{') depth++;
      else if ((text === ')' || text === ']' || text === '}') && depth > 0) depth--;
      for (const ch of text) if (ch === '\n') line++;
      at = end;
    }
  }
  if (!fresh) push('newline', '\n');
  while (indents.length > 1) {
    indents.pop();
    push('dedent', '');
  }
  push('end', '');
  return tokens;
}

function indent(
  indents: number[],
  column: number,
  tokens: readonly PyToken[],
  push: (kind: PyTokenKind, text: string) => void,
): void {
  const top = indents.at(-1);
  if (top === undefined) indents.push(column);
  else if (column > top) {
    if (tokens.at(-2)?.text === ':') {
      indents.push(column);
      push('indent', '');
    } else indents[indents.length - 1] = column; // the first line stood right after `%{`
  } else {
    while (indents.length > 1 && indents.at(-1)! > column) {
      indents.pop();
      push('dedent', '');
    }
    if (indents.length === 1) indents[0] = column;
  }
}

/** Takes one token that is neither blank nor newline; gives the offset behind it. */
function takeOne(
  source: string,
  at: number,
  line: number,
  push: (kind: PyTokenKind, text: string) => void,
): number {
  STRING.lastIndex = at;
  const quote = STRING.exec(source);
  if (quote) return takeString(source, at, quote, line, push);
  NAME.lastIndex = at;
  const name = NAME.exec(source)?.[0];
  if (name !== undefined) {
    push('name', name);
    return at + name.length;
  }
  const c = source[at]!;
  if (/\d/.test(c) || (c === '.' && /\d/.test(source[at + 1] ?? ''))) {
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(source)?.[0] ?? c;
    push('number', number.replaceAll('_', ''));
    return at + number.length;
  }
  const op = OPERATORS.find(o => source.startsWith(o, at));
  if (op === undefined) throw new PythonError('SyntaxError', `'${c}' is no Python`, line);
  push('op', op);
  return at + op.length;
}

function takeString(
  source: string,
  at: number,
  match: RegExpExecArray,
  line: number,
  push: (kind: PyTokenKind, text: string) => void,
): number {
  const prefix = match[1]!.toLowerCase();
  const quote = match[2]!;
  const raw = prefix.includes('r');
  const start = at + match[0].length;
  let end = start;
  while (!source.startsWith(quote, end)) {
    if (end >= source.length || (quote.length === 1 && source[end] === '\n'))
      throw new PythonError('SyntaxError', 'this string has no end', line);
    end += source[end] === '\\' ? 2 : 1;
  }
  const body = source.slice(start, end);
  push(prefix.includes('f') ? 'fstring' : 'string', raw ? body : pythonEscapes(body));
  return end + quote.length;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '0': '\0',
};

const pythonEscapes = (text: string): string =>
  text.replace(/\\(?:x([0-9a-fA-F]{2})|(\n)|(.))/g, (all, hex?: string, nl?: string, c?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (nl !== undefined) return '';
    return ESCAPES[c ?? ''] ?? all;
  });
