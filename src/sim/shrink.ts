/** How a failing input is made smaller. */
export interface ShrinkOptions<T> {
  /** Simpler forms of one item, simplest first; the item itself must not be among them. */
  simpler?: (item: T) => readonly T[];
  /** Runs at most this many tries. @default 2000 */
  tries?: number;
}

export interface Shrunk<T> {
  /** The smallest list found that still fails. */
  readonly items: T[];
  /** How often `fails` was asked. */
  readonly tries: number;
  /** Nothing smaller of its kind fails (else the tries ran out). */
  readonly minimal: boolean;
}

/**
 * Makes a failing list smaller: first by leaving out ever smaller runs of items (delta debugging, Zeller
 * and Hildebrandt 2002), then by replacing items by simpler ones, until neither helps. Deterministic.
 * @param fails whether a list still shows the failure; must give the same answer each time
 * @throws Error if `items` itself does not fail
 */
export function shrinkList<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => boolean,
  options: ShrinkOptions<T> = {},
): Shrunk<T> {
  const limit = options.tries ?? 2000;
  let tries = 0;
  const test = (list: readonly T[]): boolean => {
    tries++;
    return fails(list);
  };
  if (!test(items)) throw new Error('nothing to shrink: the input does not fail (is it deterministic?)');
  let best = [...items];
  for (;;) {
    const before = tries;
    const removed = leaveOut(best, test, () => tries < limit);
    const replaced = options.simpler ? replace(removed, options.simpler, test, () => tries < limit) : removed;
    const changed = removed.length < best.length || replaced !== removed;
    best = replaced;
    if (!changed) return { items: best, tries, minimal: tries < limit || before === tries };
    if (tries >= limit) return { items: best, tries, minimal: false };
  }
}

function leaveOut<T>(items: T[], fails: (list: readonly T[]) => boolean, more: () => boolean): T[] {
  let best = items;
  let size = Math.max(1, best.length >> 1);
  while (best.length > 0 && more()) {
    let removed = false;
    // From the end: what happens later matters less to what happened before.
    for (let end = best.length; end > 0 && more(); ) {
      const start = Math.max(0, end - size);
      const without = [...best.slice(0, start), ...best.slice(end)];
      if (fails(without)) {
        best = without;
        removed = true;
      }
      end = start;
    }
    if (removed) continue;
    if (size === 1) break;
    size >>= 1;
  }
  return best;
}

function replace<T>(
  items: T[],
  simpler: (item: T) => readonly T[],
  fails: (list: readonly T[]) => boolean,
  more: () => boolean,
): T[] {
  let best = items;
  for (let i = 0; i < best.length; i++) {
    let again = true;
    while (again && more()) {
      again = false;
      for (const candidate of simpler(best[i]!)) {
        if (!more()) break;
        const list = [...best];
        list[i] = candidate;
        if (!fails(list)) continue;
        best = list;
        again = true;
        break;
      }
    }
  }
  return best;
}

/** Smaller whole numbers than `n`, for `simpler`: 0, then halves of the way from 0 to n. */
export function smallerNumbers(n: number): number[] {
  const list: number[] = [];
  if (n > 0) list.push(0);
  for (let gap = Math.floor(n / 2); gap > 0; gap = Math.floor(gap / 2)) list.push(n - gap);
  return list;
}
