import type { Finding } from '../../lifecycle/golden/compare/finding.ts';
import type { Timeline } from '../../lifecycle/golden/timeline.ts';
import { compareReal, reportReal, type Tolerance } from './compare.ts';
import type { RealExperiment } from './experiments.ts';
import { type Kind, runReal } from './lab.ts';

/** One way to run an experiment: what A and B are. */
export type Way = readonly [a: Kind, b: Kind];

export interface Verdict {
  readonly name: string;
  readonly way: string;
  /** '' if it went as beside Linux. */
  readonly report: string;
}

/** Runs that may differ before it counts: this is real time on a machine that has other things to do. */
const ATTEMPTS = 3;

/** Runs an experiment on Linux alone, and with lastack at either end; says where they differ. */
export async function judge(e: RealExperiment, tolerance: Tolerance): Promise<Verdict[]> {
  // Where the script plays the peer, B is not spoken to.
  const reference: Way = e.alone ? ['linux', 'lastack'] : ['linux', 'linux'];
  const others: Way[] = e.alone
    ? [['lastack', 'lastack']]
    : [
        ['lastack', 'linux'],
        ['linux', 'lastack'],
      ];
  const run = (way: Way): Promise<Timeline> => runReal(e.run, ...way, e.seconds * 1.3 + 15);
  const verdicts: Verdict[] = [];
  let linux = await run(reference);
  for (const way of others) {
    let report = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > 1) linux = await run(reference);
      const [findings, timeline] = await compared(linux, () => run(way), tolerance);
      report = reportReal(`${e.name} (A ${way[0]}, B ${way[1]})`, findings, linux, timeline);
      if (report === '') break;
    }
    verdicts.push({ name: e.name, way: way.join('–'), report });
  }
  return verdicts;
}

async function compared(
  linux: Timeline,
  run: () => Promise<Timeline>,
  tolerance: Tolerance,
): Promise<[Finding[], Timeline]> {
  const timeline = await run();
  return [compareReal(linux, timeline, tolerance), timeline];
}

/** Calls `work` for each of a list, so many at a time. */
export async function each<T>(
  list: readonly T[],
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...list];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
