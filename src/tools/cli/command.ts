import { parseArgs } from 'node:util';
import { usage } from './error.ts';
import { nearest } from './nearest.ts';

/** One option of a command, as the help shows it and the parser reads it. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** How the help writes the value, such as `PERCENT`. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the command's name, one line for each form. */
  readonly usage: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Command line and what it is good for. */
  readonly examples: readonly (readonly [string, string])[];
  /** Further paragraphs of the help. */
  readonly notes?: readonly string[];
  run(args: Args, io: Io): Promise<number>;
  /** For a command that reads its words itself. */
  runWords?(words: readonly string[], io: Io): Promise<number>;
}

/** Where a command reads from and writes to; tests give their own. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Standard output is a terminal. */
  readonly tty: boolean;
  /** Width of the terminal, or 0 when there is none. */
  readonly columns: number;
  readonly rows: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the person wants the command to end (Ctrl-C, SIGTERM, a closed pipe). */
  readonly signal: AbortSignal;
  /** Resolves when standard output has room again; at once if it has. */
  drained(): Promise<void>;
}

/** The parsed command line: ask for options by their long names. */
export class Args {
  readonly positionals: readonly string[];
  private readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

  constructor(values: Args['values'], positionals: readonly string[]) {
    this.values = values;
    this.positionals = positionals;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** The option's text, or null if it was not given. */
  text(name: string): string | null {
    const v = this.values[name];
    return typeof v === 'string' ? v : null;
  }

  /** All texts of an option that may be repeated. */
  texts(name: string): string[] {
    const v = this.values[name];
    return Array.isArray(v) ? v.filter(x => typeof x === 'string') : [];
  }
}

/** Reads a command line; what is wrong with it becomes a `CliError` that says what to write instead. */
export function parse(command: CommandSpec, argv: readonly string[]): Args {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: boolean }> = {
    help: { type: 'boolean', short: 'h' },
  };
  for (const [name, o] of Object.entries(command.options)) {
    options[name] = { type: o.type, multiple: o.multiple ?? false, ...(o.short ? { short: o.short } : {}) };
  }
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string | boolean | (string | boolean)[]> = {};
  const positionals: string[] = [];
  for (const t of tokens) {
    if (t.kind === 'positional') positionals.push(t.value);
    if (t.kind !== 'option') continue;
    const spec = Object.hasOwn(options, t.name) ? options[t.name] : undefined;
    if (spec === undefined) throw unknownOption(command, t.rawName, Object.keys(options));
    if (spec.type === 'boolean' && t.value !== undefined) {
      throw usage(`${t.rawName} takes no value`, `write ${t.rawName} alone`);
    }
    if (spec.type === 'string' && (t.value === undefined || (!t.inlineValue && /^-[^\d]/.test(t.value)))) {
      const placeholder = command.options[t.name]?.value ?? 'VALUE';
      throw usage(
        `${t.rawName} needs a value`,
        `write ${t.rawName} ${placeholder}; see 'lastack ${command.name} --help'`,
      );
    }
    const value = t.value ?? true;
    if (spec.multiple) {
      const list = values[t.name];
      if (Array.isArray(list)) list.push(value);
      else values[t.name] = [value];
    } else values[t.name] = value;
  }
  return new Args(values, positionals);
}

function unknownOption(command: CommandSpec, raw: string, names: string[]): Error {
  const near = raw.startsWith('--') ? nearest(raw.slice(2), names) : null;
  return usage(
    `${command.name} has no option ${raw}`,
    near ? `did you mean --${near}?` : `'lastack ${command.name} --help' lists them`,
  );
}
