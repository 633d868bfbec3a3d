import { blocksOf, origin, writeBook } from './book/book.ts';
import { verdicts } from './book/compared.ts';
import { GROUPS, inProcess } from './book/in-process.ts';
import { verdictLine } from './book/markdown.ts';
import { lastackBulk, memoryCopy } from './bulk.ts';
import { type Figure, figureLine, interleave, machine, machineLine } from './harness.ts';
import { lastackLives, livesFor } from './lives.ts';
import { crowd, memory } from './memory.ts';
import { bulk, lives, nodeDoor } from './net.ts';
import { NET_MEASUREMENTS, type NetWork, netStreams } from './net-streams.ts';
import { options } from './options.ts';
import { pauses } from './pauses.ts';
import { garbage, longAndShort } from './steady.ts';
import { crowded, wheel } from './timers.ts';

const USAGE = `npm run bench [-- options] [-- name …]

Measures lastack beside Node's own net, on this machine, and prints a line for each figure; then what is wanted of
them, and whether they have it.

  lives bulk steady memory timers net   what to measure (all); net is net-bulk, net-lives, net-http and net-rtt
  --write                               puts the tables of these into BENCHMARKS.md
  --json                                one JSON object instead
  --quick                               one short round each: a minute, figures of no worth
  --help                                this text

npm run bench -- lives bulk
npm run bench -- --json net-rtt`;
const { words, quick, json, write } = options(USAGE, { names: [...GROUPS, ...NET_MEASUREMENTS] });
const wanted = (name: string, group = name): boolean =>
  words.length === 0 || words.includes(name) || words.includes(group);
/** What is measured whole has a table. */
const groups = GROUPS.filter(group => wanted(group));

const figures: Figure[] = [];
const add = (more: Figure[]): void => {
  figures.push(...more);
  if (!json) for (const f of more) console.log(figureLine(f));
};

const m = machine();
if (!json) console.log(machineLine(m));
const rounds = quick ? 1 : 5;

if (wanted('lives')) {
  const [count, others] = quick ? [5_000, 1_000] : [50_000, 5_000];
  const sides = [
    lastackLives(count, 64),
    await lives(nodeDoor('net, loopback'), others, 64),
    await lives(nodeDoor('net, one by one'), others, 1),
  ];
  add(await interleave('lives', 'connections/s', sides, rounds));
  const beside = await lives(nodeDoor('net, one by one'), others, 1);
  add(await livesFor(quick ? 2 : 60, count, 64, beside));
  await beside.close?.();
}
if (wanted('bulk')) {
  const chunk = 65536;
  const bytes = chunk * (quick ? 1500 : 15_000);
  const sides = [
    lastackBulk(bytes, chunk, 'offload'),
    lastackBulk(bytes, chunk, 'references'),
    lastackBulk(bytes, chunk, 'frames'),
    memoryCopy(bytes, chunk),
    await bulk(nodeDoor('net, loopback'), bytes, chunk, false),
  ];
  add(await interleave('bulk', 'MB/s', sides, rounds));
}
if (wanted('steady')) {
  add((['offload', 'references', 'frames'] as const).map(link => garbage(link, quick ? 5 : 25)));
  add(await longAndShort(rounds));
  add(quick ? pauses(2, 1) : pauses(60, 3));
}
const netWork: NetWork = quick
  ? { rounds: 1, bulkBytes: 5e7, lives: 500, requests: 1_000, roundTrips: 1_000 }
  : { rounds: 7, bulkBytes: 4e8, lives: 3_000, requests: 10_000, roundTrips: 10_000 };
for (const name of NET_MEASUREMENTS) if (wanted(name, 'net')) add(await netStreams(name, netWork));
if (wanted('memory')) {
  add(memory('lastack', 'established', quick ? 6_000 : 120_000));
  // Node's own sockets are descriptors of the process: as many as a common limit allows.
  add(memory('net', 'established', quick ? 3_000 : 9_000));
  for (const what of ['time_wait', 'time_wait6', 'fin_wait_2', 'syn_queue'] as const)
    add(memory('lastack', what, quick ? 12_000 : 300_000));
  add(quick ? crowd(50_000, 5_000) : crowd(1_000_000, 100_000));
}
if (wanted('timers')) {
  const [idle, rows] = quick ? [5_000, 50_000] : [100_000, 1_000_000];
  add(await crowded(idle, rows, quick ? 1 : 5, quick ? 3 : 11, 20_000));
  add(wheel(1000));
  add(wheel(rows));
}
if (json) console.log(JSON.stringify({ machine: m, figures }, null, 2));
const tables = groups.map(group => inProcess(group, figures));
if (!json && !quick) for (const v of tables.flatMap(t => verdicts(t.rows))) console.log(verdictLine(v));
if (write) writeBook(origin(m, 'medians of the rounds, lowest and highest beside them'), blocksOf(tables));
