import { Problem } from './problem.ts';

/** What a token is; every other character is a `symbol` of its own. */
export type TokenKind =
  | 'integer'
  | 'float'
  | 'word'
  | 'string'
  | 'backquoted'
  | 'code'
  | 'ellipsis'
  | 'address'
  | 'option'
  | 'symbol'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The text as written; for a defined word, what it was replaced by. */
  readonly text: string;
  /** Value of an integer or float; 0 otherwise. */
  readonly number: number;
  /** Decoded contents of a string, back-quoted text or code; else the text. */
  readonly value: string;
  readonly line: number;
  readonly column: number;
  /** Offsets in the source. */
  readonly start: number;
  readonly end: number;
  /** Whether nothing but blanks and comments precedes it on its line. */
  readonly first: boolean;
}

/** Earlier patterns win over later ones of the same length. */
const PATTERNS: readonly (readonly [RegExp, TokenKind])[] = [
  [/--[A-Za-z_][\w-]*(?:=(?:"[^"\n]*"|[^\s"]+)*)?/y, 'option'],
  [/-?\d+/y, 'integer'],
  [/-?\d*\.\d+/y, 'float'],
  [/0[xX][0-9a-fA-F]+/y, 'integer'],
  [/[a-zA-Z0-9_]+/y, 'word'],
  [/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/y, 'address'],
  [
    /(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?::(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}/y,
    'address',
  ],
];
const numberOf = (kind: TokenKind, text: string): number =>
  kind === 'integer' || kind === 'float' ? Number(text) : 0;
const DIRECTIVE = /#[ \t]*([A-Za-z]*)[ \t]*([^\n]*)/y;

/**
 * Cuts a script into tokens. Comments (`//` to the end of the line, and C's) vanish; the longest match
 * wins; words found in `defines` become what they stand for. Lines that begin with `#` are the
 * preprocessor lines of the FreeBSD dialect: `#ifdef`, `#ifndef`, `#else`, `#endif` and `#define` are
 * obeyed, others ignored.
 * @throws Problem on a string, back-quote, comment or code block that never ends
 */
export function tokenize(source: string, defines: ReadonlyMap<string, string>): Token[] {
  return new Lexer(source, new Map(defines)).all();
}

class Lexer {
  private readonly source: string;
  private readonly defines: Map<string, string>;
  private at = 0;
  private line = 1;
  private lineStart = 0;
  private first = true;
  /** One entry per open #ifdef: whether its text counts. */
  private readonly conditions: boolean[] = [];
  private readonly tokens: Token[] = [];

  constructor(source: string, defines: Map<string, string>) {
    this.source = source;
    this.defines = defines;
    if (source.startsWith('#!')) this.skipLine();
  }

  all(): Token[] {
    while (this.skipBlanks()) this.next();
    this.push('end', this.at, '', 0, '');
    return this.tokens;
  }

  private fail(message: string): never {
    throw new Problem(this.line, message, { column: this.at - this.lineStart + 1 });
  }

  private skipLine(): void {
    const end = this.source.indexOf('\n', this.at);
    this.at = end < 0 ? this.source.length : end;
  }

  /** Moves past blanks, comments and preprocessor lines; false at the end of the source. */
  private skipBlanks(): boolean {
    const { source } = this;
    for (;;) {
      const c = source[this.at];
      if (c === undefined) return false;
      if (c === '\n') this.newLine(this.at + 1);
      if (c === '\n' || c === ' ' || c === '\t' || c === '\r' || c === '\f' || c === '\v' || c === '\ufeff')
        this.at++;
      else if (source.startsWith('//', this.at)) this.skipLine();
      else if (source.startsWith('/*', this.at)) {
        const end = source.indexOf('*/', this.at + 2);
        if (end < 0) this.fail('this comment has no end: */ is missing');
        this.advance(end + 2);
      } else if (c === '#' && this.first) this.directive();
      else if (this.conditions.includes(false)) this.skipLine();
      else return true;
    }
  }

  private newLine(start: number): void {
    this.line++;
    this.lineStart = start;
    this.first = true;
  }

  /** Moves to an offset, counting the lines between. */
  private advance(to: number): void {
    for (
      let nl = this.source.indexOf('\n', this.at);
      nl >= 0 && nl < to;
      nl = this.source.indexOf('\n', nl + 1)
    ) {
      this.line++;
      this.lineStart = nl + 1;
    }
    this.at = to;
  }

  private directive(): void {
    DIRECTIVE.lastIndex = this.at;
    const m = DIRECTIVE.exec(this.source);
    const name = m?.[1] ?? '';
    const rest = (m?.[2] ?? '').trim();
    if (name === 'ifdef') this.conditions.push(this.defines.has(rest));
    else if (name === 'ifndef') this.conditions.push(!this.defines.has(rest));
    else if (name === 'else') this.conditions.push(!this.conditions.pop());
    else if (name === 'endif') this.conditions.pop();
    else if (name === 'define') {
      const space = rest.search(/\s/);
      this.defines.set(space < 0 ? rest : rest.slice(0, space), space < 0 ? '1' : rest.slice(space).trim());
    }
    this.skipLine();
  }

  private push(kind: TokenKind, end: number, text: string, number: number, value: string): void {
    const { line, at, lineStart, first } = this;
    this.tokens.push({ kind, text, number, value, line, column: at - lineStart + 1, start: at, end, first });
    this.advance(end);
    this.first = false;
  }

  private next(): void {
    const { source, at } = this;
    const c = source[at]!;
    if (c === '"') this.quoted('string', at + 1, '"');
    else if (c === '`') this.quoted('backquoted', at + 1, '`');
    else if (source.startsWith('%{', at)) this.code();
    else if (source.startsWith('...', at)) this.push('ellipsis', at + 3, '...', 0, '...');
    else this.longest();
  }

  /** The longest of the patterns that match here; the first of equals; else one character. */
  private longest(): void {
    const { source, at } = this;
    let kind: TokenKind = 'symbol';
    let length = 0;
    for (const [pattern, as] of PATTERNS) {
      pattern.lastIndex = at;
      const n = pattern.exec(source)?.[0].length ?? 0;
      if (n <= length) continue;
      kind = as;
      length = n;
    }
    if (length === 0) length = 1;
    const text = source.slice(at, at + length);
    const defined = kind === 'word' ? this.defines.get(text) : undefined;
    if (defined !== undefined) this.defined(defined, at + length);
    else this.push(kind, at + length, text, numberOf(kind, text), text);
  }

  private defined(text: string, end: number): void {
    const last = text.length - 1;
    if (last > 0 && text[0] === '"' && text[last] === '"')
      this.push('string', end, text, 0, decodeEscapes(text.slice(1, -1)));
    else if (last > 0 && text[0] === '`' && text[last] === '`')
      this.push('backquoted', end, text, 0, text.slice(1, -1));
    else if (/^-?\d+$|^0[xX][0-9a-fA-F]+$/.test(text)) this.push('integer', end, text, Number(text), text);
    else if (/^-?\d*\.\d+$/.test(text)) this.push('float', end, text, Number(text), text);
    else this.push('word', end, text, 0, text);
  }

  private quoted(kind: 'string' | 'backquoted', from: number, quote: string): void {
    const { source } = this;
    let i = from;
    while (i < source.length && source[i] !== quote) i += source[i] === '\\' ? 2 : 1;
    if (i >= source.length)
      this.fail(kind === 'string' ? 'this string has no end' : 'this back-quoted command has no end');
    const raw = source.slice(from, i);
    const value = kind === 'string' ? decodeEscapes(raw) : raw.replaceAll('\\`', '`');
    this.push(kind, i + 1, source.slice(from - 1, i + 1), 0, value);
  }

  private code(): void {
    const end = this.source.indexOf('}%', this.at);
    if (end < 0) this.fail('this code block has no end: }% is missing');
    this.push('code', end + 2, this.source.slice(this.at, end + 2), 0, this.source.slice(this.at + 2, end));
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };

/** Evaluates a string literal's escapes: \n \r \t \f \v \\ \" \xHH; an unknown one stands for itself. */
function decodeEscapes(raw: string): string {
  return raw.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|([\s\S]))/g,
    (_, hex: string | undefined, c: string | undefined) =>
      hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : (ESCAPES[c ?? ''] ?? c ?? ''),
  );
}
