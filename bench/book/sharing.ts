import { figure } from '../harness.ts';
import { fixed, table, type Verdict, verdictItem } from './markdown.ts';

/** The table of `bench/loss/linux/beside.ts`: what flows of Linux and of lastack got of one bottleneck. */

/** Runs with as many flows of each kind: shares of an even division, by run and flow. */
export interface Shares {
  readonly flows: number;
  readonly linux: readonly (readonly number[])[];
  readonly lastack: readonly (readonly number[])[];
}

const LEAST = 0.8;

const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;

export function sharing(all: readonly Shares[]): string {
  const verdicts: Verdict[] = [];
  const rows = all.map(({ flows, linux, lastack }) => {
    const kinds = [linux, lastack].map(runs => figure('share', '', '', runs.map(mean)));
    for (const [i, name] of ['Linux', 'lastack'].entries())
      verdicts.push({
        what: `${flows} and ${flows}: ${name} gets at least ${LEAST} of its share (${fixed(kinds[i]!.median)})`,
        holds: kinds[i]!.median >= LEAST,
      });
    return [
      `${flows}`,
      `${linux.length}`,
      ...kinds.map(f => `${fixed(f.median)} (${fixed(f.min)} – ${fixed(f.max)})`),
      fixed(Math.min(...[...linux, ...lastack].flat())),
    ];
  });
  return [
    table(['flows of each', 'runs', 'Linux', 'lastack', 'worst single flow of any run'], rows),
    verdicts.map(verdictItem).join('\n'),
  ].join('\n\n');
}
