import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { live, makePlan, type Plan } from '../sim/chaos.ts';
import { failure } from './reduce.ts';

/** Worlds that once failed, made as small as they would go. */
const folder = join(import.meta.dirname, 'regressions');
const files = existsSync(folder) ? readdirSync(folder).filter(f => f.endsWith('.json')) : [];

for (const file of files) {
  const plan = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Plan & { was: string };
  test(`the random world of seed ${plan.seed} lives (${file}; it was: ${plan.was})`, () => {
    expect(failure(plan)).toBeNull();
  });
}

test('a world kept as a file is the same world', () => {
  const plan = makePlan(8, 4);
  const kept = JSON.parse(JSON.stringify(plan)) as Plan;
  const worlds = [plan, kept].map(p => live(p));
  expect(worlds[0]!.steps).toBe(worlds[1]!.steps);
  expect(worlds[0]!.now).toBe(worlds[1]!.now);
});
