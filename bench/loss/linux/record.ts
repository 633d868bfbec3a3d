import { missing } from '../../../test/peers/kit.ts';
import { noTun } from '../../../test/peers/tun/net.ts';
import { machine, machineLine } from '../../harness.ts';
import { CELLS, type Cell, SEEDS } from '../cells.ts';
import { hz, openHosts, sysctls } from './hosts.ts';
import { relayed } from './relay.ts';
import { COLUMNS, Results } from './results.ts';
import { expectedRate, Runner } from './runner.ts';
import { table } from './table.ts';

/**
 * Records how Linux does in the cells of bench/loss/cells.ts: real connections between two network namespaces,
 * through a relay that does to each packet what bench/loss/impairments.ts says.
 */
const USAGE = `node scripts/run.mjs bench/loss/linux/record.ts [options]

  --quick        a few cells, two runs each, written to build/ instead of the results
  --only TEXT    only cells whose name holds TEXT (race, matrix, '10ms', bursty …)
  --seeds N      runs of each cell (${SEEDS})
  --load N       megabits per second that all runs under way may be expected to carry together (150)
  --flows N      runs at a time at most (60)
  --out FILE     where results are kept (bench/loss/linux/results.json); runs that are in it are not run again
  --table        only prints what is in the file, a line per cell
  --help         this text

Needs root, /dev/net/tun, koffi, python3, ip, nsenter, unshare, chrt. Runs whose packets were late are run again.`;

const QUICK = [
  'race 10ms 0% random',
  'race 50ms 0.1% bursty',
  'race 10ms 2% reordering',
  'race 100ms 10% random',
  'matrix 32768 0%',
  'matrix 4096 2%',
];

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  const out = option('out', quick ? 'build/loss-linux-quick.json' : 'bench/loss/linux/results.json');
  if (process.argv.includes('--table')) {
    console.log(table(new Results(out, null).rows, COLUMNS));
    return;
  }
  const why = noTun() ?? missing('python3', 'sysctl', 'chrt');
  if (why !== null) {
    console.error(`bench/loss/linux: ${why}`);
    process.exit(2);
  }
  const only = option('only', '');
  const seeds = Number(option('seeds', quick ? '2' : `${SEEDS}`));
  const cells = CELLS.filter(c => c.name.includes(only) && (!quick || QUICK.includes(c.name)));
  const m = machine();
  const results = new Results(out, {
    date: new Date().toISOString().slice(0, 10),
    machine: machineLine(m),
    kernel: m.system,
    hz: hz(),
    sysctls: await sysctls(),
  });
  const wanted: [Cell, number][] = [];
  for (let seed = 1; seed <= seeds; seed++)
    for (const cell of cells) if (!results.has(cell.name, seed)) wanted.push([cell, seed]);
  console.error(`${machineLine(m)}\n${wanted.length} runs, results in ${out}`);
  const hosts = await openHosts();
  const runner = new Runner(
    hosts,
    results,
    Number(option('load', '150')) * 1e6,
    Number(option('flows', '60')),
  );
  // The longest first among those of a seed, so that nothing long is left over at the end.
  const seconds = (c: Cell): number => (c.realBytes * 8) / expectedRate(c);
  wanted.sort(([a, i], [b, j]) => i - j || seconds(b) - seconds(a));
  await runner.run(wanted);
  results.save();
  await hosts.close();
}

if (process.argv.includes('--help')) console.log(USAGE);
else if (!relayed()) await main();
