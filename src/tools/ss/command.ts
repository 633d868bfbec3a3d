import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_OK, usage } from '../cli/error.ts';
import { ask, askAll } from '../control/client.ts';
import { INSTANCE_OPTIONS } from '../control/options.ts';
import type { Finding } from '../watch/finding.ts';
import { parseFilter } from './filter.ts';
import { ssText } from './format.ts';
import { SS_ALL, SS_DEFAULT, SS_LISTENING } from './names.ts';
import type { SocketRow } from './row.ts';
import { type HostSummary, summaryText } from './summary.ts';

export const ssCommand: CommandSpec = {
  name: 'ss',
  summary: 'the sockets of a running instance, as ss(8) shows them',
  usage: ['[options] [FILTER]', '-s'],
  options: {
    all: { type: 'boolean', short: 'a', help: 'listeners, SYN-RECV and TIME-WAIT too' },
    listening: { type: 'boolean', short: 'l', help: 'only listeners' },
    tcp: { type: 'boolean', short: 't', help: 'TCP (nothing else is shown anyway)' },
    numeric: { type: 'boolean', short: 'n', help: 'numbers, no names (always so)' },
    options: {
      type: 'boolean',
      short: 'o',
      help: 'timers: timer:(on,200ms,0), (timewait,59sec,0), (keepalive,…), (persist,…)',
    },
    info: {
      type: 'boolean',
      short: 'i',
      help: "TCP's own numbers: rto, rtt, cwnd, bytes, retrans, lost, busy …",
    },
    memory: { type: 'boolean', short: 'm', help: 'buffers: skmem:(r…,rb…,t0,tb…,f0,w…,o0,bl0,d0)' },
    processes: { type: 'boolean', short: 'p', help: 'which host and which application holds the socket' },
    extended: {
      type: 'boolean',
      short: 'e',
      help: 'host, orphans, shut-down halves (<-> open, --> receive half shut, <-- send half shut)',
    },
    ipv4: { type: 'boolean', short: '4', help: 'only IPv4' },
    ipv6: { type: 'boolean', short: '6', help: 'only IPv6' },
    summary: { type: 'boolean', short: 's', help: 'sums, and what the watch has found' },
    'no-header': { type: 'boolean', short: 'H', help: 'no heading' },
    oneline: { type: 'boolean', short: 'O', help: 'one line per socket' },
    json: { type: 'boolean', help: 'the same as JSON' },
    ...INSTANCE_OPTIONS,
  },
  examples: [
    ['lastack ss -tan', 'every connection of both hosts, TIME-WAIT included'],
    ['lastack ss -tan | grep TIME-WAIT', 'as people type it'],
    [
      'lastack ss -tanoi state fin-wait-1',
      'those that wait for the ACK of their FIN, with timers and numbers',
    ],
    ["lastack ss -o state time-wait '( sport = :8080 or dport = :8080 )'", 'a filter of ports'],
    ['lastack ss -s', 'how many in each state, and the warnings'],
    ['lastack ss -tan --host B --json', "host B's as JSON"],
  ],
  notes: [
    "FILTER is ss(8)'s: 'state NAME' or 'exclude NAME' (established, time-wait, close-wait …, connected, synchronized, bucket, big), then src, dst (ADDRESS, ADDRESS/BITS, either with :PORT), sport, dport (= != < > <= >=), and, or, not, parentheses.",
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const host = args.text('host');
  const where = host === null ? {} : { host };
  const instance = args.text('instance');
  if (args.flag('summary')) {
    const reply = await ask(io.env, instance, { ask: 'summary', ...where });
    reply.close();
    const { hosts, findings } = reply.head as unknown as { hosts: HostSummary[]; findings: Finding[] };
    if (args.flag('json')) io.out(`${JSON.stringify({ hosts, findings }, null, 2)}\n`);
    else io.out(`${summaryText(hosts, findings).join('\n')}\n`);
    return EXIT_OK;
  }
  const filter = parseFilter(args.positionals);
  if (args.flag('ipv4') && args.flag('ipv6')) throw usage('-4 and -6 together show nothing', 'leave one out');
  const states =
    filter.states ?? (args.flag('listening') ? SS_LISTENING : args.flag('all') ? SS_ALL : SS_DEFAULT);
  const reply = await ask(io.env, instance, {
    ask: 'sockets',
    ...where,
    info: args.flag('info') || args.flag('json'),
  });
  const rows: SocketRow[] = [];
  for await (const item of reply.items) {
    const row = item as SocketRow;
    if ((states & (1 << row.state)) === 0 || !filter.test(row)) continue;
    if ((args.flag('ipv4') && row.family !== 4) || (args.flag('ipv6') && row.family !== 6)) continue;
    rows.push(row);
  }
  if (args.flag('json')) {
    io.out(`${JSON.stringify(rows, null, 2)}\n`);
    return EXIT_OK;
  }
  const pid = Number(reply.head['pid']);
  const lines = ssText(rows, {
    timers: args.flag('options'),
    info: args.flag('info'),
    memory: args.flag('memory'),
    processes: args.flag('processes'),
    extended: args.flag('extended'),
    noHeader: args.flag('no-header'),
    oneLine: args.flag('oneline'),
    pid,
  });
  for (const line of lines) {
    io.out(`${line}\n`);
    await io.drained();
  }
  return EXIT_OK;
}

/** All rows of a running instance; for other commands. */
export async function fetchRows(io: Io, instance: string | null, host: string | null): Promise<SocketRow[]> {
  return (await askAll(io.env, instance, {
    ask: 'sockets',
    ...(host === null ? {} : { host }),
  })) as SocketRow[];
}
