/**
 * `npm run differential [-- options] [names]`: the golden experiments on real kernels, with lastack at either
 * end. Needs root, /dev/net/tun, python3, iproute2.
 *
 *   --quick       only those that take less than 3 s
 *   --jobs N      so many at once (default 8)
 */

import { experiments, OMITTED } from './experiments.ts';
import { each, judge, type Verdict } from './judge.ts';

const args = process.argv.slice(2);
const at = args.indexOf('--jobs');
const jobs = at < 0 ? 8 : Number(args[at + 1]);
const quick = args.includes('--quick');
const words = args.filter((a, i) => !a.startsWith('--') && (at < 0 || i !== at + 1));
const chosen = experiments
  .filter(e => words.length === 0 || words.includes(e.name))
  .filter(e => !quick || e.seconds < 3)
  // The longest first: they decide how long it takes.
  .sort((x, y) => y.seconds - x.seconds);
const verdicts: Verdict[] = [];
const failures: string[] = [];

await each(chosen, jobs, async e => {
  try {
    const found = await judge(e, { least: 0.06, share: 0.14 });
    verdicts.push(...found);
    const bad = found.filter(v => v.report !== '');
    console.log(`${bad.length === 0 ? 'same  ' : 'DIFFER'} ${e.name} (${e.seconds.toFixed(1)} s)`);
    for (const v of bad) console.log(v.report.replace(/^/gm, '  '));
  } catch (error) {
    failures.push(e.name);
    console.log(`FAILED ${e.name}: ${error instanceof Error ? error.stack : String(error)}`);
  }
});
const differ = verdicts.filter(v => v.report !== '');
for (const [name, why] of Object.entries(OMITTED)) console.log(`omitted ${name}: ${why}`);
console.log(
  `${chosen.length} experiments, ${verdicts.length} comparisons: ${verdicts.length - differ.length} the same, ${differ.length} differ, ${failures.length} failed`,
);
process.exit(differ.length + failures.length > 0 ? 1 : 0);
