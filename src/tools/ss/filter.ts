import { type Address, parseAddress } from '../../base/address.ts';
import { usage } from '../cli/error.ts';
import { nearest } from '../cli/nearest.ts';
import { STATE_FILTERS } from './names.ts';
import type { SocketRow } from './row.ts';

export type RowTest = (row: SocketRow) => boolean;

export interface Filter {
  /** States by `state` and `exclude`, as bits of 1 << state; null if none was named. */
  readonly states: number | null;
  readonly test: RowTest;
}

const EXAMPLES =
  "such as: state time-wait   or   'sport = :8080'   or   dst 10.77.0.1   or   '( dport = :80 and not src 10.0.0.0/8 )'";
const MAX_TOKENS = 200;

/**
 * The FILTER of ss(8): any number of `state NAME` and `exclude NAME`, then an expression of `src`, `dst`
 * (address, address/bits, either with :port), `sport`, `dport` (with = != < > <= >= or eq neq lt gt le ge),
 * joined by `and`, `or`, `not` and parentheses; terms side by side are joined by `and`.
 */
export function parseFilter(words: readonly string[]): Filter {
  const tokens = words
    .join(' ')
    .replace(/([()!&|]+|[<>=]=?|!=)/g, ' $1 ')
    .replace(/!\s+=/g, '!=')
    .split(/\s+/)
    .flatMap(t => (/^[()!]{2,}$/.test(t) ? [...t] : [t]))
    .filter(t => t !== '');
  if (tokens.length > MAX_TOKENS) throw usage('the filter is too long', EXAMPLES);
  return new Parser(tokens).filter();
}

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(tokens: readonly string[]) {
    this.tokens = tokens;
  }

  filter(): Filter {
    let states: number | null = null;
    for (;;) {
      const word = this.tokens[this.at];
      if (word !== 'state' && word !== 'exclude') break;
      this.at++;
      const bits = stateSet(this.tokens[this.at++]);
      if (word === 'state') states = (states ?? 0) | bits;
      else states = (states ?? STATE_FILTERS['all']!) & ~bits;
    }
    if (this.at === this.tokens.length) return { states, test: () => true };
    const test = this.or();
    if (this.at < this.tokens.length) throw this.wrong();
    return { states, test };
  }

  private or(): RowTest {
    let left = this.and();
    while (this.take('or', '|', '||')) {
      const a = left;
      const b = this.and();
      left = r => a(r) || b(r);
    }
    return left;
  }

  private and(): RowTest {
    let left = this.not();
    for (;;) {
      const word = this.tokens[this.at];
      if (word === undefined || word === ')' || word === 'or' || word === '|' || word === '||') return left;
      this.take('and', '&', '&&');
      const a = left;
      const b = this.not();
      left = r => a(r) && b(r);
    }
  }

  private not(): RowTest {
    if (this.take('not', '!')) {
      const inner = this.not();
      return r => !inner(r);
    }
    if (this.take('(')) {
      const inner = this.or();
      if (!this.take(')')) throw this.wrong();
      return inner;
    }
    return this.term();
  }

  private term(): RowTest {
    const word = this.tokens[this.at];
    if (word === 'src' || word === 'dst') {
      this.at++;
      this.take('=', '==', 'eq');
      const value = this.tokens[this.at++];
      if (value === undefined) throw this.wrong();
      const match = hostTest(value);
      return word === 'src' ? r => match(r.local, r.localPort) : r => match(r.peer, r.peerPort);
    }
    if (word === 'sport' || word === 'dport') {
      this.at++;
      const op = this.tokens[this.at++] ?? '';
      const compare = COMPARE[op];
      const m = /^:?(\d{1,5})$/.exec(this.tokens[this.at++] ?? '');
      if (compare === undefined || m === null)
        throw usage(`filter: ${word} needs a comparison with a port`, EXAMPLES);
      const n = Number(m[1]);
      return word === 'sport' ? r => compare(r.localPort, n) : r => compare(r.peerPort, n);
    }
    throw this.wrong();
  }

  private take(...words: string[]): boolean {
    const here = this.tokens[this.at];
    if (here === undefined || !words.includes(here)) return false;
    this.at++;
    return true;
  }

  private wrong(): Error {
    const word = this.tokens[this.at];
    return usage(
      word === undefined ? 'the filter ends too early' : `filter: '${word}' is not understood here`,
      EXAMPLES,
    );
  }
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  eq: (a, b) => a === b,
  '!=': (a, b) => a !== b,
  neq: (a, b) => a !== b,
  '<': (a, b) => a < b,
  lt: (a, b) => a < b,
  '>': (a, b) => a > b,
  gt: (a, b) => a > b,
  '<=': (a, b) => a <= b,
  le: (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  ge: (a, b) => a >= b,
};

function stateSet(name: string | undefined): number {
  const bits = name === undefined ? undefined : STATE_FILTERS[name.toLowerCase().replaceAll('_', '-')];
  if (bits !== undefined) return bits;
  const near = name === undefined ? null : nearest(name, Object.keys(STATE_FILTERS));
  throw usage(
    name === undefined ? 'state needs a name' : `no state is called '${name}'`,
    near ? `did you mean '${near}'?` : `one of ${Object.keys(STATE_FILTERS).join(', ')}`,
  );
}

/** `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1:80`, `[::1]:80`, `:80`, `*:80` */
function hostTest(text: string): (address: string, port: number) => boolean {
  const m = /^(?:\[([^\]]+)\]|([^:]*|[^[\]]*:[^[\]]*:[^[\]]*))(?::(\d{1,5}|\*))?$/.exec(text);
  const host = m?.[1] ?? m?.[2];
  if (!m || host === undefined) throw usage(`filter: '${text}' is no address`, EXAMPLES);
  const port = m[3] === undefined || m[3] === '*' ? -1 : Number(m[3]);
  const [name = '', bitsText] = host.split('/');
  if (name === '' || name === '*') return (_, p) => port < 0 || p === port;
  const want = parseAddress(name);
  if (want === null) throw usage(`filter: '${text}' is no address`, EXAMPLES);
  const most = want.is4 ? 32 : 128;
  const bits = bitsText === undefined ? most : Number(bitsText);
  if (!Number.isInteger(bits) || bits < 0 || bits > most)
    throw usage(`filter: '${text}': bad prefix length`, EXAMPLES);
  const prefix = want.is4 ? bits + 96 : bits;
  return (address, p) => {
    const a = parseAddress(address);
    return a !== null && samePrefix(a, want, prefix) && (port < 0 || p === port);
  };
}

function samePrefix(x: Address, y: Address, bits: number): boolean {
  const words = [x.a ^ y.a, x.b ^ y.b, x.c ^ y.c, x.d ^ y.d];
  return words.every((w, i) => {
    const n = Math.min(32, Math.max(0, bits - i * 32));
    return n === 0 || w >>> (32 - n) === 0;
  });
}
