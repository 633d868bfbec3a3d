import type { CallSpec, Expr, Field } from './ast.ts';
import type { Cursor } from './cursor.ts';

/** Parses `name(arg, …) = result [ERRNO] [(note)]`; the cursor stands on the name. */
export function parseCall(c: Cursor): CallSpec {
  const from = c.token;
  const name = c.expectKind('word', 'the name of a system call').text;
  c.expect('(');
  const args = parseList(c, ')');
  let result: Expr | null = null;
  let errno: string | null = null;
  let note: string | null = null;
  if (c.accept('=')) {
    if (!c.accept('?')) result = parseResult(c);
    if (c.token.kind === 'word' && !c.token.first) errno = c.take().text;
    if (c.isSymbol('(') && !c.token.first) note = skipNote(c);
  }
  return { name, args, result, errno, note, text: c.textSince(from) };
}

/** A result: no arithmetic, since the next event's time may begin with `+`. */
function parseResult(c: Cursor): Expr {
  let left = parseUnary(c);
  while (c.accept('|')) left = { kind: 'binary', operator: '|', left, right: parseUnary(c) };
  return left;
}

/** Takes `( … )` with whatever stands between, and gives the text between. */
function skipNote(c: Cursor): string {
  const open = c.take();
  for (let depth = 1; depth > 0; ) {
    if (c.token.kind === 'end') c.fail("')' is expected here");
    const t = c.take();
    if (t.kind !== 'symbol') continue;
    if (t.text === '(') depth++;
    else if (t.text === ')') depth--;
  }
  return c.textSince(open).slice(1, -1).trim();
}

/** Items separated by commas, up to and with the closing symbol. */
export function parseList(c: Cursor, close: string): Expr[] {
  const items: Expr[] = [];
  while (!c.accept(close)) {
    items.push(parseExpression(c));
    if (!c.accept(',') && !c.isSymbol(close)) c.fail(`',' or '${close}' is expected here`);
  }
  return items;
}

const BINARY: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<', '>'], ['+', '-'], ['*', '/', '%']];

export function parseExpression(c: Cursor): Expr {
  return parseBinary(c, 0);
}

function parseBinary(c: Cursor, level: number): Expr {
  const operators = BINARY[level];
  if (operators === undefined) return parseUnary(c);
  let left = parseBinary(c, level + 1);
  for (;;) {
    const t = c.token;
    if (t.kind !== 'symbol' || t.first || !operators.includes(t.text)) return left;
    if (t.text === '<' || t.text === '>') {
      // Only the shifts exist; a single one begins the next packet.
      if (c.peek(1).text !== t.text || c.peek(1).start !== t.end) return left;
      c.take();
    }
    c.take();
    const operator = t.text === '<' ? '<<' : t.text === '>' ? '>>' : t.text;
    left = { kind: 'binary', operator, left, right: parseBinary(c, level + 1) };
  }
}

function parseUnary(c: Cursor): Expr {
  const t = c.token;
  if (t.kind === 'symbol' && (t.text === '-' || t.text === '~' || t.text === '!' || t.text === '&')) {
    c.take();
    return { kind: 'unary', operator: t.text, operand: parseUnary(c) };
  }
  return parsePrimary(c);
}

function parsePrimary(c: Cursor): Expr {
  const t = c.token;
  switch (t.kind) {
    case 'integer':
    case 'float':
      c.take();
      return { kind: t.kind, value: t.number };
    case 'ellipsis':
      c.take();
      return { kind: 'ellipsis' };
    case 'string': {
      let value = '';
      while (c.token.kind === 'string') value += c.take().value;
      return { kind: 'string', value };
    }
    case 'address':
      c.take();
      return { kind: 'string', value: t.text };
    case 'word':
      c.take();
      // sizeof(struct tcp_info)
      if (t.text === 'struct' && c.is('word')) return { kind: 'word', name: `struct ${c.take().text}` };
      return c.accept('(')
        ? { kind: 'apply', name: t.text, args: parseList(c, ')') }
        : { kind: 'word', name: t.text };
    case 'symbol':
      if (c.accept('[')) return { kind: 'list', items: parseList(c, ']') };
      if (c.accept('{')) return parseStruct(c);
      if (c.accept('(')) {
        const inner = parseExpression(c);
        c.expect(')');
        return inner;
      }
  }
  return c.fail('a value is expected here');
}

function parseStruct(c: Cursor): Expr {
  const fields: Field[] = [];
  while (!c.accept('}')) {
    fields.push(parseField(c));
    if (!c.accept(',') && !c.isSymbol('}')) c.fail("',' or '}' is expected here");
  }
  return { kind: 'struct', fields };
}

/** `name=value`, `name(args)=value` or `value`. */
function parseField(c: Cursor): Field {
  if (c.token.kind === 'word') {
    const start = c.position;
    const name = c.take().text;
    const args = c.accept('(') ? parseList(c, ')') : [];
    if (c.accept('=')) return { name, args, value: parseExpression(c) };
    c.seek(start);
  }
  return { name: null, args: [], value: parseExpression(c) };
}
