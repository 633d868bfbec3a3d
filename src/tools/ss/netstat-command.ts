import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_OK } from '../cli/error.ts';
import { ask } from '../control/client.ts';
import { INSTANCE_OPTIONS } from '../control/options.ts';
import { inNetstat, netstatText } from './netstat.ts';
import type { SocketRow } from './row.ts';

export const netstatCommand: CommandSpec = {
  name: 'netstat',
  summary: 'the same as netstat(8) shows it, and the counters (-s)',
  usage: ['[-a] [-t] [-n] [-o] [-p] [-l]', '-s'],
  options: {
    all: { type: 'boolean', short: 'a', help: 'listeners too' },
    listening: { type: 'boolean', short: 'l', help: 'only listeners' },
    tcp: { type: 'boolean', short: 't', help: 'TCP (nothing else is shown anyway)' },
    numeric: { type: 'boolean', short: 'n', help: 'numbers, no names (always so)' },
    timers: { type: 'boolean', short: 'o', help: 'timers: on, keepalive, timewait, probe, off' },
    programs: { type: 'boolean', short: 'p', help: 'which host and which application holds the socket' },
    wide: { type: 'boolean', short: 'W', help: 'addresses are never cut (always so)' },
    statistics: { type: 'boolean', short: 's', help: "counters by nstat's names, those that are 0 left out" },
    json: { type: 'boolean', help: 'the same as JSON' },
    ...INSTANCE_OPTIONS,
  },
  examples: [
    ['lastack netstat -tan', 'every connection, with state names as netstat writes them'],
    ['lastack netstat -n | grep TIME_WAIT', 'as people type it'],
    ['lastack netstat -s --host B', "host B's counters"],
  ],
  run,
};

interface Counters {
  readonly host: string;
  readonly counters: readonly (readonly [string, number])[];
}

async function run(args: Args, io: Io): Promise<number> {
  const host = args.text('host');
  const where = host === null ? {} : { host };
  if (args.flag('statistics')) return statistics(args, io, where);
  const reply = await ask(io.env, args.text('instance'), { ask: 'sockets', ...where });
  const options = {
    all: args.flag('all'),
    listening: args.flag('listening'),
    timers: args.flag('timers'),
    programs: args.flag('programs'),
    pid: Number(reply.head['pid']),
  };
  const rows: SocketRow[] = [];
  for await (const item of reply.items) {
    const row = item as SocketRow;
    if (inNetstat(row, options)) rows.push(row);
  }
  if (args.flag('json')) {
    io.out(`${JSON.stringify(rows, null, 2)}\n`);
    return EXIT_OK;
  }
  for (const line of netstatText(rows, options)) {
    io.out(`${line}\n`);
    await io.drained();
  }
  return EXIT_OK;
}

async function statistics(args: Args, io: Io, where: { host?: string }): Promise<number> {
  const reply = await ask(io.env, args.text('instance'), { ask: 'counters', ...where });
  const hosts: Counters[] = [];
  for await (const item of reply.items) hosts.push(item as Counters);
  if (args.flag('json')) {
    io.out(
      `${JSON.stringify(Object.fromEntries(hosts.map(h => [h.host, Object.fromEntries(h.counters)])), null, 2)}\n`,
    );
    return EXIT_OK;
  }
  for (const h of hosts) {
    io.out(`Host ${h.host}\n`);
    for (const [name, n] of h.counters) if (n !== 0) io.out(`${name.padEnd(32)}${String(n).padEnd(16)}0.0\n`);
  }
  return EXIT_OK;
}
