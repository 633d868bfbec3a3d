import { shrinkList } from '../../src/sim/shrink.ts';
import { live, type Plan, simplerDeeds } from '../sim/chaos.ts';

/** What goes wrong in a plan's world, null if nothing does. */
export function failure(plan: Plan): string | null {
  try {
    live(plan);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The kind of a failure, numbers left out, so that a smaller world fails in the same way. */
export const kindOf = (message: string | null): string | null =>
  message?.split('\n')[0]?.replaceAll(/[\d.:a-f]+/g, '#') ?? null;

/** The smallest plan found that fails in the same way. */
export function reduce(plan: Plan, message: string, tries = 400): Plan {
  const kind = kindOf(message);
  const fails = (deeds: Plan['deeds']): boolean => kindOf(failure({ ...plan, deeds })) === kind;
  const { items } = shrinkList(plan.deeds, fails, { simpler: simplerDeeds, tries });
  return { ...plan, deeds: items };
}
