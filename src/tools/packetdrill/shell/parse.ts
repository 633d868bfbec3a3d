/**
 * The part of the shell's grammar that scripts' commands use (POSIX.1-2017 §2.9), as a tree. Nothing here
 * or in the interpreter ever runs a program.
 */
export type ShellNode =
  | { readonly kind: 'list'; readonly items: readonly ShellNode[] }
  | { readonly kind: 'and' | 'or'; readonly left: ShellNode; readonly right: ShellNode }
  | { readonly kind: 'not'; readonly body: ShellNode }
  | { readonly kind: 'pipe'; readonly stages: readonly ShellNode[] }
  | {
      readonly kind: 'if';
      readonly test: ShellNode;
      readonly then: ShellNode;
      readonly otherwise: ShellNode | null;
    }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly words: readonly string[];
      readonly body: ShellNode;
    }
  | { readonly kind: 'group'; readonly body: ShellNode; readonly redirects: readonly Redirect[] }
  | {
      readonly kind: 'command';
      readonly assignments: readonly (readonly [name: string, word: string])[];
      /** Words as written, quotes and `$` included: expanded when run. */
      readonly words: readonly string[];
      readonly redirects: readonly Redirect[];
    };

export interface Redirect {
  /** Which descriptor: 1 output, 2 errors, 0 input. */
  readonly descriptor: number;
  readonly append: boolean;
  readonly target: string;
}

export class ShellSyntaxError extends Error {}

interface Piece {
  readonly kind: 'word' | 'operator';
  readonly text: string;
}

const OPERATOR = /&&|\|\||;;|[;&|()\n]|(?:\d?(?:>>|>&|<&|>\||>|<)|&>)/y;

/** Cuts a command into words (raw) and operators; comments vanish, `\` at a line's end joins. */
function pieces(source: string): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  while (at < source.length) {
    const c = source[at]!;
    if (c === ' ' || c === '\t' || c === '\r') at++;
    else if (c === '\\' && source[at + 1] === '\n') at += 2;
    else if (c === '#') {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else {
      OPERATOR.lastIndex = at;
      const op = OPERATOR.exec(source)?.[0];
      if (op !== undefined) {
        out.push({ kind: 'operator', text: op });
        at += op.length;
      } else {
        const end = wordEnd(source, at);
        out.push({ kind: 'word', text: source.slice(at, end) });
        at = end;
      }
    }
  }
  return out;
}

/** The offset behind the word that begins at `at`: quotes and `$(…)` hold it together. */
export function wordEnd(source: string, at: number): number {
  let i = at;
  while (i < source.length) {
    const c = source[i]!;
    if (c === '\\') i += 2;
    else if (c === "'") i = closing(source, i + 1, "'");
    else if (c === '"') i = doubleQuoteEnd(source, i + 1);
    else if (c === '$' && (source[i + 1] === '(' || source[i + 1] === '{')) i = bracketEnd(source, i + 1);
    else if (/[\s;&|()<>]/.test(c)) break;
    else i++;
  }
  return Math.min(i, source.length);
}

function closing(source: string, from: number, quote: string): number {
  const end = source.indexOf(quote, from);
  if (end < 0) throw new ShellSyntaxError(`a ${quote} is not closed`);
  return end + 1;
}

function doubleQuoteEnd(source: string, from: number): number {
  let i = from;
  while (source[i] !== '"') {
    if (i >= source.length) throw new ShellSyntaxError('a " is not closed');
    if (source[i] === '\\') i += 2;
    else if (source[i] === '$' && source[i + 1] === '(') i = bracketEnd(source, i + 1);
    else i++;
  }
  return i + 1;
}

/** The offset behind the bracket that matches the one at `at`. */
export function bracketEnd(source: string, at: number): number {
  const open = source[at]!;
  const close = open === '(' ? ')' : '}';
  let depth = 0;
  for (let i = at; i < source.length; i++) {
    const c = source[i]!;
    if (c === '\\') i++;
    else if (c === "'") i = closing(source, i + 1, "'") - 1;
    else if (c === '"') i = doubleQuoteEnd(source, i + 1) - 1;
    else if (c === open) depth++;
    else if (c === close && --depth === 0) return i + 1;
  }
  throw new ShellSyntaxError(`a ${open} is not closed`);
}

/**
 * Parses a command as given to `sh -c`.
 * @throws ShellSyntaxError
 */
export function parseShell(source: string): ShellNode {
  const p = new ShellParser(pieces(source));
  const list = p.list([]);
  if (!p.done) throw new ShellSyntaxError(`'${p.current}' is not expected`);
  return list;
}

class ShellParser {
  private readonly all: readonly Piece[];
  private at = 0;
  private depth = 0;

  constructor(all: readonly Piece[]) {
    this.all = all;
  }

  get done(): boolean {
    return this.at >= this.all.length;
  }

  get current(): string {
    return this.all[this.at]?.text ?? '';
  }

  private isWord(text: string): boolean {
    const p = this.all[this.at];
    return p?.kind === 'word' && p.text === text;
  }

  private isOperator(text: string): boolean {
    const p = this.all[this.at];
    return p?.kind === 'operator' && p.text === text;
  }

  private accept(text: string): boolean {
    if (!this.isOperator(text) && !this.isWord(text)) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw new ShellSyntaxError(`'${text}' is expected, found '${this.current}'`);
  }

  private skipSeparators(): void {
    while (this.accept(';') || this.accept('\n') || this.accept('&'));
  }

  /** Commands up to one of the closing words or the end. */
  list(close: readonly string[]): ShellNode {
    if (++this.depth > 50) throw new ShellSyntaxError('nested too deeply');
    const items: ShellNode[] = [];
    this.skipSeparators();
    while (!this.done && !this.isOperator(')') && !close.some(w => this.isWord(w))) {
      items.push(this.andOr());
      const before = this.at;
      this.skipSeparators();
      if (this.at === before) break;
    }
    this.depth--;
    return items.length === 1 ? items[0]! : { kind: 'list', items };
  }

  private andOr(): ShellNode {
    let left = this.pipeline();
    for (;;) {
      const kind = this.accept('&&') ? 'and' : this.accept('||') ? 'or' : null;
      if (kind === null) return left;
      while (this.accept('\n'));
      left = { kind, left, right: this.pipeline() };
    }
  }

  private pipeline(): ShellNode {
    if (this.accept('!')) return { kind: 'not', body: this.pipeline() };
    const stages = [this.command()];
    while (this.accept('|')) {
      while (this.accept('\n'));
      stages.push(this.command());
    }
    return stages.length === 1 ? stages[0]! : { kind: 'pipe', stages };
  }

  private command(): ShellNode {
    if (this.accept('(')) return this.group(')');
    if (this.isWord('{')) {
      this.at++;
      return this.group('}');
    }
    if (this.isWord('if')) {
      this.at++;
      return this.conditional();
    }
    if (this.isWord('for')) {
      this.at++;
      return this.loop();
    }
    return this.simple();
  }

  private group(close: string): ShellNode {
    const body = this.list(close === '}' ? ['}'] : []);
    this.expect(close);
    const redirects: Redirect[] = [];
    while (this.redirect(redirects));
    return { kind: 'group', body, redirects };
  }

  private conditional(): ShellNode {
    const test = this.list(['then']);
    this.expect('then');
    const then = this.list(['elif', 'else', 'fi']);
    let otherwise: ShellNode | null = null;
    if (this.accept('elif')) return { kind: 'if', test, then, otherwise: this.conditional() };
    if (this.accept('else')) otherwise = this.list(['fi']);
    this.expect('fi');
    return { kind: 'if', test, then, otherwise };
  }

  private loop(): ShellNode {
    const name = this.current;
    this.at++;
    const words: string[] = [];
    if (this.accept('in')) while (this.all[this.at]?.kind === 'word') words.push(this.all[this.at++]!.text);
    this.skipSeparators();
    this.expect('do');
    const body = this.list(['done']);
    this.expect('done');
    return { kind: 'for', name, words, body };
  }

  private redirect(into: Redirect[]): boolean {
    const p = this.all[this.at];
    if (p?.kind !== 'operator' || !/[<>]/.test(p.text)) return false;
    this.at++;
    const target = this.all[this.at];
    if (target?.kind !== 'word') throw new ShellSyntaxError(`a file is expected after '${p.text}'`);
    this.at++;
    const digit = /^\d/.exec(p.text)?.[0];
    const descriptor = digit !== undefined ? Number(digit) : p.text.includes('<') ? 0 : 1;
    const duplicate = p.text.endsWith('&');
    into.push({
      descriptor,
      append: p.text.includes('>>'),
      target: duplicate ? `&${target.text}` : target.text,
    });
    return true;
  }

  private simple(): ShellNode {
    const assignments: (readonly [string, string])[] = [];
    const words: string[] = [];
    const redirects: Redirect[] = [];
    while (!this.done) {
      if (this.redirect(redirects)) continue;
      const p = this.all[this.at]!;
      if (p.kind === 'operator') break;
      this.at++;
      const assignment = words.length === 0 ? /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(p.text) : null;
      if (assignment) assignments.push([assignment[1]!, assignment[2]!]);
      else words.push(p.text);
    }
    if (words.length + assignments.length + redirects.length === 0)
      throw new ShellSyntaxError(`a command is expected, found '${this.current}'`);
    return { kind: 'command', assignments, words, redirects };
  }
}
