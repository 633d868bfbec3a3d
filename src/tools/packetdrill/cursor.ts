import type { Token, TokenKind } from './lexer.ts';
import { Problem } from './problem.ts';

/** A place in a list of tokens, with the small questions that the parsers ask. */
export class Cursor {
  readonly source: string;
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(source: string, tokens: readonly Token[]) {
    this.source = source;
    this.tokens = tokens;
  }

  get token(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  get position(): number {
    return this.at;
  }

  seek(position: number): void {
    this.at = position;
  }

  /** The current token, and moves on. */
  take(): Token {
    const t = this.token;
    if (t.kind !== 'end') this.at++;
    return t;
  }

  is(kind: TokenKind): boolean {
    return this.token.kind === kind;
  }

  isSymbol(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text;
  }

  isWord(text: string): boolean {
    return this.token.kind === 'word' && this.token.text === text;
  }

  /** Takes a symbol or word if it is the one given. */
  accept(text: string): boolean {
    if (!this.isSymbol(text) && !this.isWord(text)) return false;
    this.at++;
    return true;
  }

  expect(text: string): Token {
    const t = this.token;
    if (!this.accept(text)) this.fail(`'${text}' is expected here`);
    return t;
  }

  expectKind(kind: TokenKind, what: string): Token {
    if (this.token.kind !== kind) this.fail(`${what} is expected here`);
    return this.take();
  }

  integer(what: string): number {
    return this.expectKind('integer', what).number;
  }

  /** Source text from a token taken earlier up to the last one taken, blanks squeezed. */
  textSince(from: Token): string {
    const last = this.tokens[this.at - 1];
    return last === undefined ? '' : this.source.slice(from.start, last.end).replace(/\s+/g, ' ');
  }

  fail(message: string): never {
    const t = this.token;
    const found = t.kind === 'end' ? 'the end of the script' : `'${t.text.slice(0, 40)}'`;
    throw new Problem(t.line, `${message}, found ${found}`, { column: t.column });
  }
}
