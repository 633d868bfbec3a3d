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
const ATTEMPTS = 4;
/** An experiment that takes longer is not repeated so often. */
const LONG = 60;

/**
 * Runs an experiment on Linux alone, and with lastack at either end; says where they differ.
 * @param together the ways of one experiment at the same time
 */
export async function judge(e: RealExperiment, tolerance: Tolerance, together: boolean): Promise<Verdict[]> {
  // Where the script plays the peer, B is not spoken to.
  const reference: Way = e.alone ? ['linux', 'lastack'] : ['linux', 'linux'];
  const others: Way[] = e.alone
    ? [['lastack', 'lastack']]
    : [
        ['lastack', 'linux'],
        ['linux', 'lastack'],
      ];
  // A script may go on for long after the last thing that happens.
  const deadline = e.seconds < 3 ? 20 : 1200;
  const run = (way: Way): Promise<Timeline> => runReal(e.run, ...way, deadline);
  const attempts = e.seconds > LONG ? 2 : ATTEMPTS;
  const verdict = async (way: Way, first: Promise<Timeline> | Timeline | null): Promise<Verdict> => {
    let report = '';
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const [linux, timeline] = together
        ? await Promise.all([first ?? run(reference), run(way)])
        : [await (first ?? run(reference)), await run(way)];
      first = null;
      const findings = compareReal(linux, timeline, tolerance);
      report = reportReal(`${e.name} (A ${way[0]}, B ${way[1]})`, findings, linux, timeline);
      if (report === '') break;
    }
    return { name: e.name, way: way.join('–'), report };
  };
  if (together) {
    const linux = run(reference);
    return await Promise.all(others.map(way => verdict(way, linux)));
  }
  const linux = await run(reference);
  const verdicts: Verdict[] = [];
  for (const way of others) verdicts.push(await verdict(way, linux));
  return verdicts;
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
