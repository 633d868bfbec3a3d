import { expect, test } from 'vitest';
import { shrinkList } from '../../src/sim/shrink.ts';
import { type Deed, live, makePlan, type Plan, simplerDeeds } from './chaos.ts';

// LASTACK_CHAOS=N runs the one world of seed N; LASTACK_CHAOS_RUNS=N that many worlds, from
// LASTACK_CHAOS_FROM on.
const one = process.env['LASTACK_CHAOS'];
const from = Number(process.env['LASTACK_CHAOS_FROM'] ?? 1);
const runs = Number(process.env['LASTACK_CHAOS_RUNS'] ?? 200);
const seeds = one === undefined ? Array.from({ length: runs }, (_, i) => from + i) : [Number(one)];

function failure(plan: Plan): string | null {
  try {
    live(plan);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The kind of a failure, numbers left out, so that a smaller world fails in the same way. */
const kindOf = (message: string | null): string | null =>
  message?.split('\n')[0]?.replaceAll(/[\d.:a-f]+/g, '#') ?? null;

/** A failing plan made small, with its log's end. */
function report(plan: Plan, message: string): string {
  const kind = kindOf(message);
  const fails = (deeds: readonly Deed[]): boolean => kindOf(failure({ ...plan, deeds })) === kind;
  const { items, tries } = shrinkList(plan.deeds, fails, { simpler: simplerDeeds, tries: 400 });
  const small = { ...plan, deeds: items };
  return `${message}\nmade smaller in ${tries} tries:\n${JSON.stringify(small)}\n${failure(small)}`;
}

test(`random worlds of seeds ${seeds[0]} to ${seeds.at(-1)} keep the invariants and leave nothing behind`, () => {
  let events = 0;
  let worlds = 0;
  for (const seed of seeds) {
    const plan = makePlan(seed);
    try {
      events += live(plan).steps;
      worlds++;
    } catch (error) {
      throw new Error(report(plan, error instanceof Error ? error.message : String(error)), { cause: error });
    }
  }
  console.log(`${worlds} random worlds, ${events} events`);
  expect(worlds).toBe(seeds.length);
}, 3_600_000);

test('a random world is the same each time', () => {
  const plan = makePlan(seeds[0]!);
  const logs = [1, 2].map(() => {
    try {
      return live(plan, true).formatLog();
    } catch (error) {
      return String(error);
    }
  });
  expect(logs[0]).toBe(logs[1]);
});
