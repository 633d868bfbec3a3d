import { fixed, table } from '../book/markdown.ts';
import { RACE } from './cells.ts';
import type { Recorded } from './recorded.ts';
import type { Progress, Section } from './report.ts';
import { bootstrap, geometricMean, median } from './statistics.ts';
import { transfer } from './transfer.ts';

/** Time to finish beside the recorded Linux: 20 MB or 2 MB through a port of 100 Mbit/s, CUBIC on both sides. */

const ratioOf = (ours: readonly number[], linux: readonly number[]): number => median(ours) / median(linux);

/** Of the quick form: short ones of each kind. */
const QUICK = [
  'race 10ms 1% random',
  'race 10ms 2% bursty',
  'race 50ms 1% reordering',
  'race 100ms 10% random',
];
const chosen = (quick: boolean): typeof RACE => RACE.filter(cell => !quick || QUICK.includes(cell.name));

/** As many as of Linux at least: where single runs differ tenfold, the medians of few are chance. */
const runs = (cell: string, seeds: number, quick: boolean, recorded: Recorded): number =>
  quick ? seeds : Math.max(seeds, recorded.seconds(cell).length);

export const raceCount = (seeds: number, quick: boolean, recorded: Recorded): number =>
  chosen(quick).reduce((n, cell) => n + runs(cell.name, seeds, quick, recorded), 0);

export function race(seeds: number, quick: boolean, recorded: Recorded, progress: Progress): Section {
  const rows: string[][] = [];
  const ratios: number[] = [];
  const over: string[] = [];
  const data: unknown[] = [];
  for (const cell of chosen(quick)) {
    const linux = recorded.seconds(cell.name);
    const length = runs(cell.name, seeds, quick, recorded);
    const ours = Array.from({ length }, (_, i) => {
      const { seconds } = transfer({ ...cell, seed: i + 1, hz: recorded.hz, sysctl: recorded.sysctl });
      progress.step(`${cell.name}, seed ${i + 1}`);
      return seconds;
    });
    data.push({ cell: cell.name, linux, ours });
    if (linux.length === 0) continue;
    const ratio = ratioOf(ours, linux);
    const [low, high] = bootstrap(ours, linux, ratioOf);
    ratios.push(ratio);
    if (ratio > 1.25) over.push(`${cell.name}: ${fixed(ratio)}`);
    const name = cell.name.replace('race ', '').split(' ');
    rows.push([...name, range(ours), range(linux), `${fixed(ratio)} (${fixed(low)} – ${fixed(high)})`]);
  }
  const mean = geometricMean(ratios);
  const verdicts = [
    {
      what: `race: geometric mean of the times at most 1.05 of Linux's (${fixed(mean, 3)})`,
      holds: mean <= 1.05,
    },
    {
      what: `race: no cell's median over 1.25 of Linux's${over.length > 0 ? ` (${over.join(', ')})` : ''}`,
      holds: over.length === 0,
    },
  ];
  const text = [
    `Seconds, median of ${seeds} seeds, or as many as there are runs of Linux; least and most beside it. The ratio's interval is that of 95 of 100 ` +
      `resamplings of both. Geometric mean of the ratios: ${fixed(mean, 3)}.`,
    table(['RTT', 'loss', 'kind', 'lastack', 'Linux', 'ratio'], rows),
  ].join('\n\n');
  return { name: 'race', title: 'Time to finish beside Linux', text, verdicts, data };
}

const range = (values: readonly number[]): string =>
  `${fixed(median(values))} (${fixed(Math.min(...values))} – ${fixed(Math.max(...values))})`;
