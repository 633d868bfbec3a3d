import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/error.ts';
import { ask, showItems } from '../control/client.ts';
import type { EchoItem } from './echo.ts';
import { COMMON_OPTIONS, commonSettings, count, seconds } from './options.ts';
import { PingStatistics, type PingSummary } from './statistics.ts';

export const pingCommand: CommandSpec = {
  name: 'ping',
  summary: 'echoes from one host of a running instance to the other, or to any address',
  usage: ['[options] HOST'],
  options: {
    count: { type: 'string', short: 'c', value: 'N', help: 'end after so many. Default: until Ctrl-C' },
    interval: { type: 'string', short: 'i', value: 'SECONDS', help: 'between two of them. Default: 1' },
    ttl: { type: 'string', short: 't', value: 'HOPS', help: 'time to live. Default: 64' },
    ...COMMON_OPTIONS,
  },
  examples: [
    ['lastack ping B', "from A to B, through the wire's delay and loss"],
    ['lastack ping -c 100 -i 0.01 B', 'a hundred, as fast as that'],
    ['lastack ping --from B 192.0.2.1', "with 'lastack up --tun': an address of the machine's own network"],
    ['lastack ping -c 3 --json B', 'for programs'],
  ],
  notes: [
    'HOST is A, B or an address. Exit codes are those of ping(8): 0 if anything was answered, 1 if nothing was, and above that those of lastack.',
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const request = commonSettings(args, 'ping', 4_000_000);
  const json = args.flag('json');
  const reply = await ask(io.env, args.text('instance'), {
    ask: 'ping',
    ...request,
    count: count(args, 'count', 'count', 0),
    interval: seconds(args, 'interval', 'interval', 1_000_000),
    ttl: count(args, 'ttl', 'ttl', 0),
  });
  const address = String(reply.head['address']);
  if (!json) io.out(`PING ${address} from ${String(reply.head['host'])}: ${request.size} bytes of data\n`);
  const began = performance.now();
  const statistics = new PingStatistics();
  await showItems(reply, io, item => {
    const echo = item as EchoItem;
    statistics.add(echo);
    io.out(`${json ? JSON.stringify(echo) : itemText(echo)}\n`);
  });
  const s = statistics.summary();
  if (json) io.out(`${JSON.stringify({ kind: 'summary', address, ...s })}\n`);
  else io.out(summaryText(address, s, performance.now() - began));
  return s.received > 0 ? EXIT_OK : EXIT_FAILED;
}

const milliseconds = (micros: number): string => {
  const ms = micros / 1000;
  return ms.toFixed(ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0);
};

/** A line of ping's. */
export function itemText(i: EchoItem): string {
  if (i.kind === 'silence') return `no answer: icmp_seq=${i.sequence}`;
  if (i.kind === 'error')
    return `${i.from === '' ? 'here' : `From ${i.from}`} icmp_seq=${i.sequence} ${i.text}`;
  const { bytes, from, sequence, ttl, time } = i;
  const twice = i.duplicate ? ' (DUP!)' : '';
  return `${bytes + 8} bytes from ${from}: icmp_seq=${sequence} ttl=${ttl} time=${milliseconds(time)} ms${twice}`;
}

/** ping's last lines. */
export function summaryText(address: string, s: PingSummary, ms: number): string {
  const duplicates = s.duplicates > 0 ? `, +${s.duplicates} duplicates` : '';
  const errors = s.errors > 0 ? `, +${s.errors} errors` : '';
  const counts = `${s.transmitted} packets transmitted, ${s.received} received${duplicates}${errors}`;
  const lines = [
    '',
    `--- ${address} ping statistics ---`,
    `${counts}, ${s.loss}% packet loss, time ${Math.round(ms)}ms`,
  ];
  if (s.received > 0) {
    const times = [s.min, s.avg, s.max, s.mdev].map(x => x.toFixed(3)).join('/');
    lines.push(`rtt min/avg/max/mdev = ${times} ms`);
  }
  return `${lines.join('\n')}\n`;
}
