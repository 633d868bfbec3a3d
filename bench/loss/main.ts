import { origin, writeBook } from '../book/book.ts';
import { verdictItem, verdictLine } from '../book/markdown.ts';
import { machine, machineLine } from '../harness.ts';
import { options } from '../options.ts';
import { cubic, cubicCount, fixedWindow, GRID } from './matrix.ts';
import { race, raceCount } from './race.ts';
import { readRecorded } from './recorded.ts';
import { Progress, type Section } from './report.ts';
import { fairness, fairnessCount, utilisation, utilisationCount } from './sharing.ts';

/** How lastack does under loss, in virtual time: exact figures, the same on every machine. */
const USAGE = `npm run bench:loss [-- options] [-- section …]

Sections, all unless named:
  fixed        a fixed window beside what smoltcp publishes of itself
  cubic        the same matrix with CUBIC, beside what Linux did (bench/loss/linux)
  race         time to finish, beside what Linux did
  fairness     2 to 64 flows at one bottleneck
  utilisation  one flow on long paths

Options:
  --quick      a few cells, fewer seeds and bytes: half a minute; judges nothing
  --seeds N    runs of each cell (61; fixed window 5, fairness 3)
  --write      puts the sections into BENCHMARKS.md
  --json       the figures of each run, for machines
  --help       this text

Tables are Markdown. Exit status 1 if a condition does not hold.`;

const SECTIONS = ['fixed', 'cubic', 'race', 'fairness', 'utilisation'] as const;

function main(): number {
  const { words, quick, json, write, number } = options(USAGE, { names: SECTIONS, numbers: ['seeds'] });
  const asked = number('seeds');
  const wanted = (name: (typeof SECTIONS)[number]): boolean => words.length === 0 || words.includes(name);
  const seeds = asked ?? (quick ? 2 : 61);
  const few = asked ?? (quick ? 1 : 5);
  const fewer = asked ?? (quick ? 1 : 3);
  const recorded = readRecorded();
  const progress = new Progress(
    (wanted('fixed') ? 2 * few * GRID : 0) +
      (wanted('cubic') ? cubicCount(seeds, quick, recorded) : 0) +
      (wanted('race') ? raceCount(seeds, quick, recorded) : 0) +
      (wanted('fairness') ? fairnessCount(fewer, quick) : 0) +
      (wanted('utilisation') ? utilisationCount(quick) : 0),
  );
  const m = machine();
  if (!json) console.log(machineLine(m));
  const sections: Section[] = [];
  const add = (section: Section): void => {
    sections.push(section);
    if (!json) console.log(`\n### ${section.title}\n\n${section.text}`);
  };
  if (wanted('fixed')) add(fixedWindow(few, quick, progress));
  if (wanted('cubic')) add(cubic(seeds, quick, recorded, progress));
  if (wanted('race')) add(race(seeds, quick, recorded, progress));
  if (wanted('fairness')) add(fairness(fewer, quick, progress));
  if (wanted('utilisation')) add(utilisation(quick, progress));
  const verdicts = sections.flatMap(s => s.verdicts);
  if (json) console.log(JSON.stringify({ machine: m, quick, sections }, null, 2));
  else if (!quick) console.log(`\n${verdicts.map(verdictLine).join('\n')}`);
  if (write) writeBook(origin(m), Object.fromEntries(sections.map(s => [s.name, inBook(s)])));
  return quick || verdicts.every(v => v.holds) ? 0 : 1;
}

const inBook = ({ text, verdicts }: Section): string =>
  [text, verdicts.map(verdictItem).join('\n')].join('\n\n');

process.exitCode = main();
