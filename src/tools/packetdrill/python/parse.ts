import type { Handler, Parameter, PyExpr, PyStatement } from './ast.ts';
import { ExpressionParser } from './parse-expression.ts';
import { tokenizePython } from './tokens.ts';

const AUGMENTED = new Set(['+=', '-=', '*=', '/=', '//=', '%=', '**=', '&=', '|=', '^=', '<<=', '>>=']);

/**
 * Parses a snippet into statements.
 * @throws PythonError (SyntaxError, IndentationError)
 */
export function parsePython(source: string): PyStatement[] {
  return new StatementParser(source).program();
}

class StatementParser extends ExpressionParser {
  constructor(source: string) {
    super(tokenizePython(source));
  }

  program(): PyStatement[] {
    const out: PyStatement[] = [];
    while (!this.at('end')) {
      if (this.at('newline')) this.take();
      else this.statement(out);
    }
    return out;
  }

  private statement(out: PyStatement[]): void {
    const { line, text, kind } = this.token;
    if (kind === 'name') {
      switch (text) {
        case 'if':
          this.take();
          out.push(this.ifStatement(line));
          return;
        case 'while': {
          this.take();
          const test = this.expression();
          out.push({ kind: 'while', line, test, body: this.block() });
          return;
        }
        case 'for': {
          this.take();
          const target = this.targetList();
          this.expect('in');
          const source = this.expressionList();
          out.push({ kind: 'for', line, target, source, body: this.block() });
          return;
        }
        case 'def':
          this.take();
          out.push(this.definition(line));
          return;
        case 'try':
          this.take();
          out.push(this.tryStatement(line));
          return;
      }
    }
    this.simpleLine(out);
  }

  /** Simple statements separated by `;`, up to the end of the line. */
  private simpleLine(out: PyStatement[]): void {
    out.push(this.simple());
    while (this.accept(';')) if (!this.at('newline')) out.push(this.simple());
    if (this.at('newline')) this.take();
    else if (!this.at('end')) this.fail('the statement should end here');
  }

  private ifStatement(line: number): PyStatement {
    const test = this.expression();
    const then = this.block();
    let otherwise: PyStatement[] = [];
    const next = this.token.line;
    if (this.accept('elif')) otherwise = [this.ifStatement(next)];
    else if (this.accept('else')) otherwise = this.block();
    return { kind: 'if', line, test, then, otherwise };
  }

  private tryStatement(line: number): PyStatement {
    const body = this.block();
    const handlers: Handler[] = [];
    while (this.accept('except')) {
      const types: string[] = [];
      let name: string | null = null;
      if (!this.isOp(':')) {
        const parenthesised = this.accept('(');
        do types.push(this.name());
        while (this.accept(','));
        if (parenthesised) this.expect(')');
        if (this.accept('as')) name = this.name();
      }
      handlers.push({ types, name, body: this.block() });
    }
    const after = this.accept('finally') ? this.block() : [];
    return { kind: 'try', line, body, handlers, after };
  }

  private definition(line: number): PyStatement {
    const name = this.name();
    this.expect('(');
    const parameters = this.parameters(')');
    this.expect(')');
    if (this.accept('->')) this.expression();
    return { kind: 'def', line, name, parameters, body: this.block() };
  }

  private block(): PyStatement[] {
    this.expect(':');
    const body: PyStatement[] = [];
    if (!this.at('newline')) {
      this.simpleLine(body);
      return body;
    }
    while (this.at('newline')) this.take();
    if (!this.at('indent')) this.fail('an indented block is expected');
    this.take();
    while (!this.at('dedent') && !this.at('end')) {
      if (this.at('newline')) this.take();
      else this.statement(body);
    }
    if (this.at('dedent')) this.take();
    return body;
  }

  private simple(): PyStatement {
    const { line, text, kind } = this.token;
    if (kind === 'name') {
      switch (text) {
        case 'assert': {
          this.take();
          const from = this.position;
          const test = this.expression();
          const source = this.textSince(from);
          return {
            kind: 'assert',
            line,
            test,
            message: this.accept(',') ? this.expression() : null,
            text: source,
          };
        }
        case 'return':
        case 'raise': {
          this.take();
          const empty = this.at('newline') || this.isOp(';') || this.at('end');
          return { kind: text, line, value: empty ? null : this.expressionList() };
        }
        case 'pass':
        case 'break':
        case 'continue':
          this.take();
          return { kind: text, line };
        case 'import':
        case 'from':
          return this.importStatement(line);
        case 'global':
        case 'nonlocal':
          this.take();
          return { kind: 'global', line, names: this.names() };
        case 'del':
          this.take();
          return { kind: 'delete', line, targets: [this.expressionList()] };
        case 'print':
          // Python 2's print statement, which old scripts still have.
          if (
            this.peek(1).kind === 'string' ||
            this.peek(1).kind === 'name' ||
            this.peek(1).kind === 'number'
          ) {
            this.take();
            const argument = this.expressionList();
            return {
              kind: 'expression',
              line,
              value: {
                kind: 'call',
                target: { kind: 'name', name: 'print' },
                args: [argument],
                keywords: [],
              },
            };
          }
      }
    }
    return this.assignment(line);
  }

  private importStatement(line: number): PyStatement {
    const names: string[] = [];
    if (this.take().text === 'from') {
      this.name();
      while (this.accept('.')) this.name();
      this.expect('import');
      if (this.accept('*')) return { kind: 'import', line, names };
    }
    const parenthesised = this.accept('(');
    do {
      let name = this.name();
      while (this.accept('.')) this.name();
      if (this.accept('as')) name = this.name();
      names.push(name);
    } while (this.accept(','));
    if (parenthesised) this.expect(')');
    return { kind: 'import', line, names };
  }

  private names(): string[] {
    const names = [this.name()];
    while (this.accept(',')) names.push(this.name());
    return names;
  }

  private assignment(line: number): PyStatement {
    const first = this.expressionList();
    const { kind, text } = this.token;
    if (kind === 'op' && AUGMENTED.has(text)) {
      this.take();
      return {
        kind: 'augment',
        line,
        target: first,
        operator: text.slice(0, -1),
        value: this.expressionList(),
      };
    }
    if (this.accept(':')) {
      this.expression(); // an annotation
      if (!this.isOp('=')) return { kind: 'pass', line };
    }
    const targets: PyExpr[] = [];
    let value = first;
    while (this.accept('=')) {
      targets.push(value);
      value = this.expressionList();
    }
    return targets.length === 0
      ? { kind: 'expression', line, value }
      : { kind: 'assign', line, targets, value };
  }
}

export type { Parameter };
