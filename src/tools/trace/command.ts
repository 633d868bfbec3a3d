import { readFileSync, statSync } from 'node:fs';
import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { CliError, EXIT_FAILED, EXIT_MACHINE, EXIT_OK, errorCode, errorText, usage } from '../cli/error.ts';
import { printable } from '../cli/paint.ts';
import { integer } from '../cli/units.ts';
import { traceCapture } from './capture-file.ts';
import { type Conversation, hostAndPort } from './event.ts';
import { traceLive } from './live.ts';
import { FORMATS, type Format, render } from './render.ts';

/** Larger files are refused: they are read whole. */
const MAX_FILE = 1024 * 1024 * 1024;

export const traceCommand: CommandSpec = {
  name: 'trace',
  summary: 'connections as a ladder, a table or JSON, from a capture file or live',
  usage: ['FILE.pcapng|FILE.pcap', 'live'],
  options: {
    format: { type: 'string', short: 'f', value: 'ladder|table|json', help: 'default: ladder' },
    connection: { type: 'string', short: 'c', value: 'N', help: 'only the N-th connection, from 1' },
    list: { type: 'boolean', short: 'l', help: 'only list the connections' },
    all: { type: 'boolean', short: 'a', help: 'every segment; a ladder folds long runs of data otherwise' },
    verbose: {
      type: 'boolean',
      short: 'v',
      help: 'timers, losses, window changes and thrown away segments too (live)',
    },
    plain: { type: 'boolean', help: 'no explanations between the phases of a ladder' },
    last: { type: 'string', value: 'N', help: 'live: begin with the last N connections. Default: 1' },
    once: { type: 'boolean', help: 'live: show what there is and end' },
    width: {
      type: 'string',
      value: 'COLUMNS',
      help: 'width of a ladder. Default: that of the terminal, else 100',
    },
    color: { type: 'string', value: 'auto|always|never', help: 'default: auto' },
    instance: { type: 'string', value: 'PID', help: 'live: which running instance, if there are several' },
  },
  examples: [
    [
      'lastack trace capture.pcapng',
      'every TCP connection in the file, with the states that both ends went through',
    ],
    ['lastack trace capture.pcap --format table', 'the packet list that Wireshark shows'],
    ['lastack trace live', 'follow the running instance: the newest connection, then each one to come'],
    ['lastack trace live --once --last 5 --format json', 'the last five connections as JSON lines'],
  ],
  notes: [
    'A capture holds no states: they are inferred from the segments. A live trace knows them, and the timers.',
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const [source, ...rest] = args.positionals;
  if (source === undefined || rest.length > 0) {
    throw usage('trace: one source is expected', "a capture file, or 'live' for the running instance");
  }
  const format = FORMATS.find(f => f === (args.text('format') ?? 'ladder'));
  if (format === undefined) throw usage(`--format ${args.text('format')}`, `one of ${FORMATS.join(', ')}`);
  return source === 'live' ? traceLive(args, io, format) : traceFile(source, args, io, format);
}

async function traceFile(path: string, args: Args, io: Io, format: Format): Promise<number> {
  const trace = traceCapture(readFile(path));
  for (const e of trace.errors.slice(0, 10)) io.err(`lastack trace: ${printable(path)}: ${e}\n`);
  if (trace.conversations.length === 0) {
    const n = trace.packets;
    io.err(`lastack trace: no TCP connection in ${printable(path)} (${n} packet${n === 1 ? '' : 's'})\n`);
    return EXIT_FAILED;
  }
  let shown = trace.conversations;
  const one = args.text('connection');
  if (one !== null) {
    const n = integer('--connection', one, 1, trace.conversations.length);
    shown = trace.conversations.slice(n - 1, n);
  }
  if (args.flag('list')) {
    for (const c of shown) {
      const segments = c.events.filter(e => e.kind === 'segment').length;
      io.out(`${String(c.id + 1).padStart(5)}  ${endsOf(c)}  ${segments} segments\n`);
    }
    return EXIT_OK;
  }
  await render(shown, args, io, format);
  return trace.errors.length > 0 ? EXIT_FAILED : EXIT_OK;
}

const endsOf = (c: Conversation): string =>
  `${hostAndPort(c.left.address, c.left.port)} → ${hostAndPort(c.right.address, c.right.port)}`;

function readFile(path: string): Uint8Array {
  try {
    const s = statSync(path);
    if (s.isDirectory())
      throw new CliError(EXIT_MACHINE, `${printable(path)} is a directory`, 'name a capture file in it');
    if (s.size > MAX_FILE)
      throw new CliError(
        EXIT_MACHINE,
        `${printable(path)} is larger than 1 GiB`,
        'cut it with editcap or tcpdump first',
      );
    return readFileSync(path);
  } catch (e) {
    if (e instanceof CliError) throw e;
    if (errorCode(e) === 'ENOENT') {
      throw new CliError(
        EXIT_MACHINE,
        `no such file: ${printable(path)}`,
        "give a pcap or pcapng file, or 'live'",
      );
    }
    throw new CliError(EXIT_MACHINE, `cannot read ${printable(path)}: ${printable(errorText(e))}`);
  }
}
