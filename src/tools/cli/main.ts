import { type CommandSpec, type Io, parse } from './command.ts';
import { CliError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, usage } from './error.ts';
import { commandHelp, overview } from './help.ts';
import { nearest } from './nearest.ts';
import { choosePaint, printable } from './paint.ts';
import { version } from './version.ts';

/** A command that is loaded when it is asked for, so that `lastack ss` does not pay for `lastack up`. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandSpec>;
}

/** Runs a command line; every error has become text and an exit code. */
export async function main(
  argv: readonly string[],
  io: Io,
  commands: readonly CommandEntry[],
): Promise<number> {
  try {
    return await dispatch(argv, io, commands);
  } catch (e) {
    if (e instanceof CliError) {
      io.err(`lastack: ${printable(e.message, 2000)}\n`);
      for (const line of e.hint === '' ? [] : e.hint.split('\n')) io.err(`  ${line}\n`);
      return e.code;
    }
    // Nothing of this kind is expected: a bug of ours.
    io.err(
      `lastack: unexpected error, please report it:\n${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`,
    );
    return EXIT_FAILED;
  }
}

async function dispatch(argv: readonly string[], io: Io, commands: readonly CommandEntry[]): Promise<number> {
  const [name, ...rest] = argv;
  const paint = choosePaint(null, io.tty, io.env);
  if (name === undefined) {
    io.err(overview(commands, version(), paint));
    return EXIT_USAGE;
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    io.out(`lastack ${version()}\n`);
    return EXIT_OK;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    const about = rest.find(w => !w.startsWith('-'));
    if (about === undefined) io.out(overview(commands, version(), paint));
    else io.out(commandHelp(await find(about, commands).load(), paint));
    return EXIT_OK;
  }
  const command = await find(name, commands).load();
  if (asksForHelp(rest)) {
    io.out(commandHelp(command, paint));
    return EXIT_OK;
  }
  return command.runWords?.(rest, io) ?? command.run(parse(command, rest), io);
}

/** --help wins over whatever else is on the line, even if that is wrong. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const options = end < 0 ? words : words.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}

function find(name: string, commands: readonly CommandEntry[]): CommandEntry {
  const found = commands.find(c => c.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    commands.map(c => c.name),
  );
  throw usage(
    `no command is called '${name}'`,
    near
      ? `did you mean 'lastack ${near}'?`
      : `there are ${commands.map(c => c.name).join(', ')}; see 'lastack help'`,
  );
}
