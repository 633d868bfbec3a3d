import type { Args, CommandSpec, Io } from '../cli/command.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/error.ts';
import { ask, showItems } from '../control/client.ts';
import type { EchoItem } from './echo.ts';
import { COMMON_OPTIONS, commonSettings, count } from './options.ts';
import type { Hop } from './run.ts';

export const tracerouteCommand: CommandSpec = {
  name: 'traceroute',
  summary: 'the hops on the way to an address, from a host of a running instance',
  usage: ['[options] HOST'],
  options: {
    'max-hops': { type: 'string', short: 'm', value: 'N', help: 'go no further. Default: 30' },
    queries: { type: 'string', short: 'q', value: 'N', help: 'echoes for each hop. Default: 3' },
    ...COMMON_OPTIONS,
  },
  examples: [
    ['lastack traceroute B', 'one hop: the wire'],
    ['lastack traceroute --from B 192.0.2.1', "with 'lastack up --tun': through the machine's own network"],
    ['lastack traceroute -q 1 -W 1 --json B', 'for programs'],
  ],
  notes: [
    'Sends ICMP echoes with a time to live of 1, 2, 3 …: each router where one runs out says so (traceroute -I). Exit code 0 if the destination has answered, 1 if it has not.',
  ],
  run,
};

async function run(args: Args, io: Io): Promise<number> {
  const request = commonSettings(args, 'traceroute', 3_000_000);
  const hops = count(args, 'max-hops', 'hops', 30);
  const json = args.flag('json');
  const reply = await ask(io.env, args.text('instance'), {
    ask: 'traceroute',
    ...request,
    hops,
    queries: count(args, 'queries', 'queries', 3),
  });
  const address = String(reply.head['address']);
  if (!json) io.out(`traceroute to ${address} from ${String(reply.head['host'])}, ${hops} hops max\n`);
  let reached = false;
  await showItems(reply, io, item => {
    const hop = item as Hop;
    reached ||= hop.items.some(i => i.kind === 'reply');
    io.out(`${json ? JSON.stringify(hop) : hopText(hop)}\n`);
  });
  return reached ? EXIT_OK : EXIT_FAILED;
}

/** A line of traceroute's: each router once, then the times of its answers; a star for silence. */
export function hopText({ hop, items }: Hop): string {
  let last = '';
  const words = items.map((i: EchoItem) => {
    if (i.kind === 'silence') return '*';
    const who = i.from === last ? '' : `${i.from === '' ? 'here' : i.from}  `;
    last = i.from;
    const why = i.kind === 'error' && !i.expired ? ` (${i.text})` : '';
    return `${who}${(i.time / 1000).toFixed(3)} ms${why}`;
  });
  return `${String(hop).padStart(2)}  ${words.join('  ')}`;
}
