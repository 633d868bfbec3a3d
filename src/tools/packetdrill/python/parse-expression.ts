import type { FormatPart, Parameter, PyExpr } from './ast.ts';
import { type PyToken, type PyTokenKind, tokenizePython } from './tokens.ts';
import { PythonError } from './values.ts';

/** Binary operators from loosest to tightest, below comparisons. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];
const COMPARISONS = new Set(['<', '>', '<=', '>=', '==', '!=']);
const MAX_DEPTH = 200;

/** Expressions by recursive descent, in the order of the language reference's §6. */
export class ExpressionParser {
  private readonly tokens: readonly PyToken[];
  protected position = 0;
  private depth = 0;

  constructor(tokens: readonly PyToken[]) {
    this.tokens = tokens;
  }

  protected get token(): PyToken {
    return this.peek(0);
  }

  protected peek(ahead: number): PyToken {
    return this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)]!;
  }

  protected at(kind: PyTokenKind): boolean {
    return this.token.kind === kind;
  }

  protected take(): PyToken {
    const t = this.token;
    if (t.kind !== 'end') this.position++;
    return t;
  }

  protected isOp(text: string): boolean {
    return (this.token.kind === 'op' || this.token.kind === 'name') && this.token.text === text;
  }

  protected accept(text: string): boolean {
    if (!this.isOp(text)) return false;
    this.position++;
    return true;
  }

  protected expect(text: string): void {
    if (!this.accept(text)) this.fail(`'${text}' is expected`);
  }

  protected name(): string {
    if (!this.at('name')) this.fail('a name is expected');
    return this.take().text;
  }

  protected fail(message: string): never {
    const t = this.token;
    const found = t.kind === 'end' || t.kind === 'newline' ? 'the end of the line' : `'${t.text}'`;
    throw new PythonError('SyntaxError', `${message}, found ${found}`, t.line);
  }

  protected textSince(from: number): string {
    return this.tokens
      .slice(from, this.position)
      .map(t => (t.kind === 'string' || t.kind === 'fstring' ? `'${t.text}'` : t.text))
      .join(' ')
      .replace(/ ?([().,[\]]) ?/g, '$1')
      .replace(/,(?=\S)/g, ', ');
  }

  /** One expression, or several separated by commas: a tuple. */
  protected expressionList(): PyExpr {
    const first = this.expression();
    if (!this.isOp(',')) return first;
    const items = [first];
    while (this.accept(',')) {
      if (this.at('newline') || this.at('end') || this.isOp(')') || this.isOp('=') || this.isOp(':')) break;
      items.push(this.expression());
    }
    return { kind: 'tuple', items };
  }

  /** Targets of `for`: names without `in`. */
  protected targetList(): PyExpr {
    const first = this.postfix();
    if (!this.isOp(',')) return first;
    const items = [first];
    while (this.accept(',')) items.push(this.postfix());
    return { kind: 'tuple', items };
  }

  /** Parameters of def and lambda, up to (not with) the closing token. */
  protected parameters(close: string): Parameter[] {
    const parameters: Parameter[] = [];
    while (!this.isOp(close)) {
      this.accept('*');
      const name = this.name();
      if (close !== ':' && this.accept(':')) this.expression();
      parameters.push({ name, fallback: this.accept('=') ? this.expression() : null });
      if (!this.accept(',')) break;
    }
    return parameters;
  }

  protected expression(): PyExpr {
    if (++this.depth > MAX_DEPTH) this.fail('too deeply nested');
    try {
      if (this.accept('lambda')) {
        const parameters = this.parameters(':');
        this.expect(':');
        return { kind: 'lambda', parameters, body: this.expression() };
      }
      const then = this.or();
      if (!this.accept('if')) return then;
      const test = this.or();
      this.expect('else');
      return { kind: 'conditional', test, then, otherwise: this.expression() };
    } finally {
      this.depth--;
    }
  }

  private or(): PyExpr {
    let left = this.and();
    while (this.accept('or')) left = { kind: 'bool', operator: 'or', left, right: this.and() };
    return left;
  }

  private and(): PyExpr {
    let left = this.not();
    while (this.accept('and')) left = { kind: 'bool', operator: 'and', left, right: this.not() };
    return left;
  }

  private not(): PyExpr {
    return this.accept('not') ? { kind: 'unary', operator: 'not', operand: this.not() } : this.comparison();
  }

  private comparison(): PyExpr {
    const first = this.binary(0);
    const rest: (readonly [string, PyExpr])[] = [];
    for (;;) {
      const operator = this.comparisonOperator();
      if (operator === null) return rest.length === 0 ? first : { kind: 'compare', first, rest };
      rest.push([operator, this.binary(0)]);
    }
  }

  private comparisonOperator(): string | null {
    const t = this.token;
    if (t.kind === 'op' && COMPARISONS.has(t.text)) return this.take().text;
    if (this.accept('in')) return 'in';
    if (this.accept('is')) return this.accept('not') ? 'is not' : 'is';
    if (t.kind === 'name' && t.text === 'not' && this.peek(1).text === 'in') {
      this.position += 2;
      return 'not in';
    }
    return null;
  }

  private binary(level: number): PyExpr {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    while (this.at('op') && operators.includes(this.token.text)) {
      const operator = this.take().text;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
    return left;
  }

  private unary(): PyExpr {
    for (const operator of ['-', '+', '~'] as const)
      if (this.at('op') && this.accept(operator)) return { kind: 'unary', operator, operand: this.unary() };
    const base = this.postfix();
    return this.accept('**') ? { kind: 'binary', operator: '**', left: base, right: this.unary() } : base;
  }

  protected postfix(): PyExpr {
    let value = this.atom();
    for (;;) {
      if (this.accept('(')) value = this.call(value);
      else if (this.accept('[')) value = this.subscript(value);
      else if (this.accept('.')) value = { kind: 'attribute', object: value, name: this.name() };
      else return value;
    }
  }

  private call(target: PyExpr): PyExpr {
    const args: PyExpr[] = [];
    const keywords: (readonly [string, PyExpr])[] = [];
    while (!this.accept(')')) {
      if (this.at('name') && this.peek(1).kind === 'op' && this.peek(1).text === '=') {
        const name = this.name();
        this.expect('=');
        keywords.push([name, this.expression()]);
      } else args.push(this.comprehension('list', this.expression()));
      if (!this.accept(',') && !this.isOp(')')) this.fail("',' or ')' is expected");
    }
    return { kind: 'call', target, args, keywords };
  }

  private subscript(object: PyExpr): PyExpr {
    const bound = (): PyExpr | null => (this.isOp(':') || this.isOp(']') ? null : this.expression());
    const from = bound();
    if (from !== null && this.isOp(',')) {
      const items = [from];
      while (this.accept(',')) items.push(this.expression());
      this.expect(']');
      return { kind: 'index', object, index: { kind: 'tuple', items } };
    }
    if (from !== null && this.accept(']')) return { kind: 'index', object, index: from };
    this.expect(':');
    const to = bound();
    const step = this.accept(':') ? bound() : null;
    this.expect(']');
    return { kind: 'slice', object, from, to, step };
  }

  /** `element for target in source if …`, when a `for` follows; else the element. */
  private comprehension(of: 'list' | 'set', element: PyExpr): PyExpr {
    if (!this.accept('for')) return element;
    const target = this.targetList();
    this.expect('in');
    const source = this.or();
    const conditions: PyExpr[] = [];
    while (this.accept('if')) conditions.push(this.or());
    return { kind: 'comprehension', of, element, target, source, conditions };
  }

  private atom(): PyExpr {
    const t = this.take();
    switch (t.kind) {
      case 'number':
        return { kind: 'constant', value: Number(t.text) };
      case 'string':
      case 'fstring':
        return this.strings(t);
      case 'name':
        if (t.text === 'True' || t.text === 'False') return { kind: 'constant', value: t.text === 'True' };
        if (t.text === 'None') return { kind: 'constant', value: null };
        return { kind: 'name', name: t.text };
      case 'op':
        if (t.text === '(') return this.parenthesised();
        if (t.text === '[') {
          if (this.accept(']')) return { kind: 'list', items: [] };
          const first = this.comprehension('list', this.expression());
          return first.kind === 'comprehension'
            ? this.closed(first, ']')
            : { kind: 'list', items: this.items(first, ']') };
        }
        if (t.text === '{') return this.braces();
    }
    this.position--;
    return this.fail('a value is expected');
  }

  private parenthesised(): PyExpr {
    if (this.accept(')')) return { kind: 'tuple', items: [] };
    const first = this.comprehension('list', this.expression());
    if (this.accept(')')) return first;
    return { kind: 'tuple', items: this.items(first, ')') };
  }

  private closed(value: PyExpr, close: string): PyExpr {
    this.expect(close);
    return value;
  }

  private items(first: PyExpr, close: string): PyExpr[] {
    const items = [first];
    while (!this.accept(close)) {
      this.expect(',');
      if (!this.isOp(close)) items.push(this.expression());
    }
    return items;
  }

  private braces(): PyExpr {
    if (this.accept('}')) return { kind: 'dict', entries: [] };
    const first = this.expression();
    if (!this.isOp(':')) {
      const inner = this.comprehension('set', first);
      return inner.kind === 'comprehension'
        ? this.closed(inner, '}')
        : { kind: 'set', items: this.items(inner, '}') };
    }
    const entries: (readonly [PyExpr, PyExpr])[] = [];
    let key = first;
    for (;;) {
      this.expect(':');
      entries.push([key, this.expression()]);
      if (this.accept('}')) return { kind: 'dict', entries };
      this.expect(',');
      if (this.accept('}')) return { kind: 'dict', entries };
      key = this.expression();
    }
  }

  /** Adjacent literals concatenate. */
  private strings(first: PyToken): PyExpr {
    const parts: (string | FormatPart)[] = [];
    let t = first;
    for (;;) {
      if (t.kind === 'string') parts.push(t.text);
      else parts.push(...fstringParts(t.text, t.line));
      if (!this.at('string') && !this.at('fstring')) break;
      t = this.take();
    }
    if (parts.every(p => typeof p === 'string')) return { kind: 'constant', value: parts.join('') };
    return { kind: 'fstring', parts };
  }
}

/** The inside of one f-string, cut into text and values. */
function fstringParts(body: string, line: number): (string | FormatPart)[] {
  const parts: (string | FormatPart)[] = [];
  let plain = '';
  for (let i = 0; i < body.length; i++) {
    const c = body[i]!;
    if ((c === '{' || c === '}') && body[i + 1] === c) {
      plain += c;
      i++;
    } else if (c === '{') {
      const end = closingBrace(body, i + 1, line);
      parts.push(plain, formatPart(body.slice(i + 1, end), line));
      plain = '';
      i = end;
    } else plain += c;
  }
  parts.push(plain);
  return parts.filter(p => p !== '');
}

function closingBrace(body: string, from: number, line: number): number {
  let depth = 1;
  for (let i = from; i < body.length; i++) {
    if (body[i] === '{') depth++;
    else if (body[i] === '}' && --depth === 0) return i;
  }
  throw new PythonError('SyntaxError', "f-string: '}' is expected", line);
}

function formatPart(inside: string, line: number): FormatPart {
  // The specification begins at the first ':' or '!' outside brackets and quotes ('!=' is an operator).
  let depth = 0;
  let quote = '';
  let end = inside.length;
  for (let i = 0; i < inside.length; i++) {
    const c = inside[i]!;
    if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === '"' || c === "'") quote = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    else if (depth === 0 && (c === ':' || (c === '!' && inside[i + 1] !== '='))) {
      end = i;
      break;
    }
  }
  let source = inside.slice(0, end);
  const conversion = inside[end] === '!' ? (inside[end + 1] ?? '') : '';
  const rest = conversion === '' ? inside.slice(end) : inside.slice(end + 2);
  const label = /[^=!<>]=\s*$/.test(source) ? source : '';
  if (label !== '') source = source.replace(/=\s*$/, '');
  const value = new SingleExpression(tokenizePython(source)).whole(line);
  return { value, label, conversion, spec: rest.startsWith(':') ? rest.slice(1) : '' };
}

class SingleExpression extends ExpressionParser {
  whole(line: number): PyExpr {
    const value = this.expressionList();
    if (!this.at('newline') && !this.at('end'))
      throw new PythonError('SyntaxError', 'f-string: one expression is expected', line);
    return value;
  }
}
