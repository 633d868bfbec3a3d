import type { PyExpr } from './ast.ts';
import { compare, contains, equal, type PyValue, raise } from './values.ts';

/** Adds the names that an expression mentions. */
export function collectNames(e: PyExpr, names: Set<string>): void {
  if (e.kind === 'name') names.add(e.name);
  for (const part of Object.values(e) as unknown[]) {
    for (const x of Array.isArray(part) ? part.flat(2) : [part])
      if (typeof x === 'object' && x !== null && 'kind' in x) collectNames(x as PyExpr, names);
  }
}

/** One comparison. */
export function holds(operator: string, a: PyValue, b: PyValue): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return equal(a, b);
    case '!=':
    case 'is not':
      return !equal(a, b);
    case 'in':
      return contains(a, b);
    case 'not in':
      return !contains(a, b);
    case '<':
      return compare(a, b) < 0;
    case '<=':
      return compare(a, b) <= 0;
    case '>':
      return compare(a, b) > 0;
    default:
      return compare(a, b) >= 0;
  }
}

/** One binary operator on numbers. */
export function arithmetic(operator: string, a: number, b: number): number {
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%'))
    raise('ZeroDivisionError', 'division by zero');
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      return a - b * Math.floor(a / b);
    case '**':
      return a ** b;
    default:
      return bitwise(operator, a, b);
  }
}

function bitwise(operator: string, a: number, b: number): number {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b))
    return raise('TypeError', `'${operator}' wants integers`);
  const [x, y] = [BigInt(a), BigInt(b)];
  switch (operator) {
    case '&':
      return Number(x & y);
    case '|':
      return Number(x | y);
    case '^':
      return Number(x ^ y);
    case '<<':
      return b < 0 || b > 1000 ? raise('ValueError', 'shift count') : Number(x << y);
    default:
      return b < 0 ? raise('ValueError', 'negative shift count') : Number(x >> y);
  }
}
