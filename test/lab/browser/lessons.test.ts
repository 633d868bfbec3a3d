import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LESSONS } from '../../../lab/lessons/index.ts';
import { goldenDifferences, shownOf } from '../golden.ts';
import { rowsOf, runOf } from '../run.ts';
import { Bench, CHROMIUM, needChromium, type Watched } from './kit.ts';

let bench: Bench;
let seen: Watched;
beforeAll(async () => {
  if (CHROMIUM === null) return;
  bench = await Bench.open();
  seen = await bench.page();
});
afterAll(async () => bench?.close());

/** The states since the connection last was CLOSED: the diagram shows one life. */
const lastLife = (path: string): string => {
  const states = path.split(' ').filter(s => s !== '');
  const end = states.at(-1) === 'CLOSED' ? states.length - 1 : states.length;
  return states.slice(states.lastIndexOf('CLOSED', end - 1) + 1).join(' ');
};

describe('each lesson, opened by its address in a browser', () => {
  test.for(LESSONS)('$id', async (lesson, ctx) => {
    needChromium(ctx);
    await seen.open(`${bench.url}#lesson=${lesson.id}`);
    await seen.toEnd();
    const log = await seen.log();
    const run = runOf(lesson.script);
    // What Linux did, where it was measured; and event for event what the engine does without a browser.
    expect(goldenDifferences(lesson, shownOf(log))).toEqual([]);
    expect(rowsOf({ log })).toEqual(rowsOf(run));
    for (const host of ['A', 'B'] as const) {
      const shown = (await seen.path(host)).split(' → ').slice(1).join(' ');
      const forgotten = lesson.script.includes(` ${host} crash`);
      expect(shown, host).toBe(forgotten ? '' : lastLife(lesson.path[host]));
    }
    expect(seen.complaints).toEqual([]);
    expect(seen.requests.filter(url => !url.startsWith(bench.url))).toEqual([]);
  });
});
