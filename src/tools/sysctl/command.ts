import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_FAILED, EXIT_OK, usage } from '../cli/error.ts';
import { choosePaint } from '../cli/paint.ts';
import { ask, askAll } from '../control/client.ts';
import { INSTANCE_OPTIONS } from '../control/options.ts';
import type { SysctlItem } from '../control/protocol.ts';

export const sysctlCommand: CommandSpec = {
  name: 'sysctl',
  summary: "reads and sets a running instance's knobs, by Linux's names",
  usage: ['NAME…', '-w NAME=VALUE…', '-a'],
  options: {
    write: { type: 'boolean', short: 'w', help: 'set (NAME=VALUE sets without it too)' },
    all: { type: 'boolean', short: 'a', help: 'list every knob' },
    values: { type: 'boolean', short: 'n', help: 'only the values' },
    describe: { type: 'boolean', short: 'd', help: 'say what each knob does, its default and its range' },
    json: { type: 'boolean', help: 'as JSON' },
    instance: INSTANCE_OPTIONS['instance']!,
    host: { type: 'string', value: 'A|B', help: 'one host; without it, both are read and both are set' },
  },
  examples: [
    ['lastack sysctl net.ipv4.tcp_fin_timeout', 'of both hosts'],
    ['lastack sysctl tcp_fin_timeout', 'short names do too'],
    [
      'lastack sysctl -w net.ipv4.tcp_fin_timeout=5 --host A',
      "orphans in A's FIN_WAIT_2 are given up after 5 s",
    ],
    ['lastack sysctl -w lastack.msl=60', 'TIME_WAIT of 120 s, as textbooks have it'],
    ['lastack sysctl -ad | less', 'all of them, explained'],
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const host = args.text('host');
  const where = host === null ? {} : { host };
  const instance = args.text('instance');
  const words = args.positionals;
  if (words.length === 0 && !args.flag('all')) {
    throw usage('sysctl: which one?', 'name one, such as net.ipv4.tcp_fin_timeout, or write -a for all');
  }
  const reads: string[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 0) {
      if (args.flag('write')) throw usage(`sysctl -w ${word}`, `write ${word}=VALUE`);
      reads.push(word);
      continue;
    }
    const [name, value] = [word.slice(0, at).trim(), word.slice(at + 1).trim()];
    const reply = await ask(io.env, instance, { ask: 'sysctl-set', ...where, name, value });
    for await (const item of reply.items) show(item as SysctlItem, args, io);
  }
  if (reads.length === 0 && !args.flag('all')) return EXIT_OK;
  const names = args.flag('all') ? {} : { names: reads };
  const items = (await askAll(io.env, instance, { ask: 'sysctl', ...where, ...names })) as SysctlItem[];
  if (args.flag('json')) io.out(`${JSON.stringify(items, null, 2)}\n`);
  else for (const item of items) show(item, args, io);
  return items.length > 0 ? EXIT_OK : EXIT_FAILED;
}

function show(item: SysctlItem, args: Args, io: Io): void {
  if (args.flag('json') && !args.flag('write')) return;
  if (args.flag('values')) {
    io.out(`${item.value}\n`);
    return;
  }
  const host = args.text('host') === null ? `${item.host}: ` : '';
  io.out(`${host}${item.name} = ${item.value}\n`);
  if (!args.flag('describe')) return;
  const paint = choosePaint(null, io.tty, io.env);
  const unit = item.unit === '' ? '' : ` ${item.unit}`;
  io.out(paint.dim(`    ${item.description} (default ${item.default}${unit}; ${item.range}${unit})\n`));
}
