import { lastackBulk } from './bulk.ts';
import { type Figure, figureLine, interleave, machine, machineLine } from './harness.ts';
import { lastackLives } from './lives.ts';
import { memory } from './memory.ts';
import { netBulk, netLives } from './net.ts';

/**
 * The figures of BENCHMARKS.md.
 *
 *   npm run bench [-- --json] [-- --quick] [-- lives bulk memory]
 */
const args = process.argv.slice(2);
const json = args.includes('--json');
const quick = args.includes('--quick');
const words = args.filter(a => !a.startsWith('-'));
const unknown = words.filter(w => !['lives', 'bulk', 'memory'].includes(w));
if (unknown.length > 0) {
  console.error(`bench: no '${unknown[0]}'; there are lives, bulk and memory`);
  process.exit(2);
}
const wanted = (name: string): boolean => words.length === 0 || words.includes(name);

const figures: Figure[] = [];
const add = (more: Figure[]): void => {
  figures.push(...more);
  if (!json) for (const f of more) console.log(figureLine(f));
};

const m = machine();
if (!json) console.log(machineLine(m));
const rounds = quick ? 1 : 5;

if (wanted('lives')) {
  const sides = [lastackLives(quick ? 5_000 : 50_000, 1000), await netLives(quick ? 1_000 : 5_000, 64)];
  add(await interleave('lives', 'connections/s', sides, rounds));
}
if (wanted('bulk')) {
  const sides = [lastackBulk(quick ? 1e8 : 5e8, 65536), await netBulk(quick ? 1e8 : 1e9, 65536)];
  add(await interleave('bulk', 'MB/s', sides, rounds));
}
if (wanted('memory')) {
  const count = quick ? 5_000 : 100_000;
  add(memory('lastack', 'established', count));
  // Node's own sockets are descriptors of the process: as many as a common limit allows.
  add(memory('net', 'established', Math.min(count, 8_000)));
  add(memory('lastack', 'time_wait', count));
}
if (json) console.log(JSON.stringify({ machine: m, figures }, null, 2));
