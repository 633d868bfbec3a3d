/** What all benches do with their arguments. */

export interface Options {
  /** Names of what is to be measured; none for everything. */
  readonly words: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  /** The tables go into BENCHMARKS.md. */
  readonly write: boolean;
  /** The number after `--NAME`. */
  number(name: string): number | null;
}

/** What a bench knows. */
interface Known {
  /** What can be measured. */
  readonly names?: readonly string[];
  /** Options that are followed by a number. */
  readonly numbers?: readonly string[];
  readonly flags?: readonly string[];
}

const FLAGS = ['quick', 'json', 'write'];

/**
 * Reads them; with `--help`, or if one makes no sense, says how the bench is used and ends.
 */
export function options(usage: string, { names = [], numbers = [], flags = FLAGS }: Known = {}): Options {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  const refuse = (why: string): never => {
    console.error(`bench: ${why}\n\n${usage}`);
    process.exit(2);
  };
  const words: string[] = [];
  const set = new Set<string>();
  const given = new Map<string, number>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const name = arg.replace(/^--/, '');
    if (names.includes(arg)) words.push(arg);
    else if (arg !== name && flags.includes(name)) set.add(name);
    else if (arg !== name && numbers.includes(name)) {
      const n = Number(args[++i]);
      if (!(Number.isInteger(n) && n >= 1)) refuse(`${arg} wants a number, at least 1`);
      given.set(name, n);
    } else refuse(`no '${arg}'`);
  }
  const [quick, json, write] = [set.has('quick'), set.has('json'), set.has('write')];
  if (quick && write) refuse('figures of --quick are of no worth: they are not written');
  return { words, quick, json, write, number: name => given.get(name) ?? null };
}
