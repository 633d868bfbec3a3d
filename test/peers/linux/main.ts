/**
 * `npm run differential [-- options] [names]`: the golden experiments on real kernels, with lastack at either
 * end. Needs root, /dev/net/tun, python3, iproute2.
 *
 *   --quick       only those that take less than 3 s
 *   --long        only the others; all at once, since they mostly wait (17 minutes)
 *   --tolerant    about times, on a machine that has other things to do
 *   --jobs N      so many of the quick ones at once (default 4)
 */

import { experiments, OMITTED, type RealExperiment } from './experiments.ts';
import { each, judge, type Verdict } from './judge.ts';

const args = process.argv.slice(2);
const at = args.indexOf('--jobs');
const jobs = at < 0 ? 4 : Number(args[at + 1]);
const QUICK = 3;
const least = args.includes('--tolerant') ? 0.25 : 0.06;
const words = args.filter((a, i) => !a.startsWith('--') && (at < 0 || i !== at + 1));
const chosen = experiments
  .filter(e => words.length === 0 || words.includes(e.name))
  .filter(e => !args.includes('--quick') || e.seconds < QUICK)
  .filter(e => !args.includes('--long') || e.seconds >= QUICK)
  // The longest first: they decide how long it takes.
  .sort((x, y) => y.seconds - x.seconds);
const verdicts: Verdict[] = [];
const failures: string[] = [];

const long = chosen.filter(e => e.seconds >= QUICK);
/** Those that differed while others ran. */
const again: RealExperiment[] = [];
const work = async (e: RealExperiment, alone: boolean): Promise<void> => {
  try {
    const isLong = e.seconds >= QUICK;
    const found = await judge(e, { least, share: 0.14, glance: isLong ? 0.3 : 0.1 + least / 2 }, isLong);
    const bad = found.filter(v => v.report !== '');
    if (bad.length > 0 && !alone && e.seconds < QUICK) {
      again.push(e);
      return;
    }
    verdicts.push(...found);
    console.log(`${bad.length === 0 ? 'same  ' : 'DIFFER'} ${e.name} (${e.seconds.toFixed(1)} s)`);
    for (const v of bad) console.log(v.report.replace(/^/gm, '  '));
  } catch (error) {
    failures.push(e.name);
    console.log(`FAILED ${e.name}: ${error instanceof Error ? error.stack : String(error)}`);
  }
};
await Promise.all([
  // One after another, so that all the hosts do not start at once.
  Promise.all(
    long.map(async (e, i) => {
      await new Promise(resolve => setTimeout(resolve, i * 1500));
      await work(e, false);
    }),
  ),
  each(
    chosen.filter(e => e.seconds < QUICK),
    jobs,
    e => work(e, false),
  ),
]);
// Where the machine kept something waiting, a kernel behaves otherwise too: what differs, differs by itself as well.
for (const e of again) await work(e, true);
const differ = verdicts.filter(v => v.report !== '');
for (const [name, why] of Object.entries(OMITTED)) console.log(`omitted ${name}: ${why}`);
console.log(
  `${chosen.length} experiments, ${verdicts.length} comparisons: ${verdicts.length - differ.length} the same, ${differ.length} differ, ${failures.length} failed`,
);
process.exit(differ.length + failures.length > 0 ? 1 : 0);
