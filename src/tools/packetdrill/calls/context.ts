import type { Address } from '../../../base/address.ts';
import type { Micros } from '../../../base/time.ts';
import type { Pending } from '../../../socket/pending.ts';
import type { Sockets } from '../../../socket/sockets.ts';
import type { CallSpec, Expr } from '../ast.ts';
import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import { numberOf } from '../symbols.ts';

/** A call that has been made: over, or waiting. */
export interface Issued {
  /** The waiting call; null if `result` is its result already. */
  readonly pending: Pending | null;
  readonly result: number;
  /** The result that the script sees, of the one that the call gave (ioctl's int is an argument there). */
  readonly visible?: (result: number) => number;
  /** What to check when it is over, besides result and errno: a complaint, or null. */
  readonly check?: (result: number) => string | null;
  /** The result is a descriptor: any will do, and the script's number stands for it from now on. */
  readonly descriptor?: (fd: number, label: number) => string | null;
}

export const over = (result: number, check?: Issued['check']): Issued =>
  check === undefined ? { pending: null, result } : { pending: null, result, check };

export const waiting = (p: Pending, check?: Issued['check']): Issued => {
  const pending = p.done ? null : p;
  return check === undefined ? { pending, result: p.result } : { pending, result: p.result, check };
};

/** What calls need of the run they belong to. */
export interface CallContext {
  readonly sockets: Sockets;
  readonly config: Config;
  /** The stack's time when the script began. */
  readonly start: Micros;
  /** The script's descriptors → ours. */
  readonly labels: Map<number, number>;
  /** A socket has been made, listens, connects, was taken from a listener, or has been disconnected. */
  made(fd: number): void;
  listening(fd: number): void;
  connecting(fd: number): void;
  accepted(fd: number): string | null;
  disconnected(fd: number): void;
  closed(fd: number): void;
  note(text: string): void;
}

/** The arguments of one call, asked for by position. */
export class Arguments {
  readonly spec: CallSpec;
  private readonly line: number;
  private readonly labels: ReadonlyMap<number, number>;

  constructor(spec: CallSpec, line: number, labels: ReadonlyMap<number, number>) {
    this.spec = spec;
    this.line = line;
    this.labels = labels;
  }

  fail(message: string): never {
    throw new Problem(this.line, `${this.spec.name}(): ${message}`);
  }

  get count(): number {
    return this.spec.args.length;
  }

  at(i: number): Expr {
    return this.spec.args[i] ?? this.fail(`argument ${i + 1} is missing`);
  }

  has(i: number): boolean {
    return this.spec.args[i] !== undefined;
  }

  isEllipsis(i: number): boolean {
    return this.spec.args[i]?.kind === 'ellipsis';
  }

  /** NULL or a plain 0 where a pointer should be. */
  isNull(i: number): boolean {
    return isNull(this.at(i));
  }

  isWord(i: number, name: string): boolean {
    const a = this.spec.args[i];
    return a?.kind === 'word' && a.name === name;
  }

  number(i: number): number {
    return this.value(this.at(i), `argument ${i + 1}`);
  }

  value(e: Expr, what: string): number {
    const n = numberOf(e);
    if (typeof n === 'number') return n;
    return this.fail(n ?? `${what} should be a number`);
  }

  /** Our descriptor for the script's; one that it never got, or closed, is no descriptor. */
  fd(i: number): number {
    return this.descriptor(this.number(i));
  }

  descriptor(label: number): number {
    return this.labels.get(label) ?? -1;
  }

  /** A buffer of `n` bytes: zeros for `...`, null for NULL. */
  buffer(e: Expr, n: number): Uint8Array | null {
    if (isNull(e)) return null;
    const bytes = new Uint8Array(Math.max(0, n));
    if (e.kind === 'string') bytes.set(latin1(e.value).subarray(0, bytes.length));
    return bytes;
  }

  /** The members of a struct literal by name; positional ones as #0, #1 … */
  fields(e: Expr): Map<string, Expr> {
    if (e.kind !== 'struct') return this.fail('a struct is expected, such as {name=value}');
    return new Map(e.fields.map((f, n) => [f.name ?? `#${n}`, f.value]));
  }

  list(e: Expr): readonly Expr[] {
    return e.kind === 'list' ? e.items : this.fail('a list is expected, such as [value]');
  }
}

export const isNull = (e: Expr): boolean =>
  (e.kind === 'word' && e.name === 'NULL') || (e.kind === 'integer' && e.value === 0);

export const latin1 = (s: string): Uint8Array => Uint8Array.from(s, c => c.charCodeAt(0) & 255);

/** The address that a call's `...` stands for. */
export const remoteOf = (config: Config): Address => config.remoteIp;

export type Handler = (c: CallContext, a: Arguments) => Issued;
export type HandlerTable = Readonly<Record<string, Handler>>;
