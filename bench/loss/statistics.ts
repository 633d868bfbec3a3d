/** What many runs say together. */

export const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** @param values at least one */
export function median(values: readonly number[]): number {
  const s = sorted(values);
  const middle = s.length >> 1;
  return s.length % 2 === 1 ? s[middle]! : (s[middle - 1]! + s[middle]!) / 2;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, n) => sum + Math.log(n), 0) / values.length);
}

/** Jain's index: 1 if all have the same, 1/n if one has all. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return (sum * sum) / (shares.length * shares.reduce((a, b) => a + b * b, 0));
}

/**
 * How far chance alone moves `statistic` of `a` and `b`: 95 of 100 resamplings of both lie between the two.
 * Drawn by a generator of its own, so the interval is the same each time.
 */
export function bootstrap(
  a: readonly number[],
  b: readonly number[],
  statistic: (a: readonly number[], b: readonly number[]) => number,
  draws = 1000,
): [low: number, high: number] {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const again = (values: readonly number[]): number[] =>
    values.map(() => values[Math.floor(random() * values.length)]!);
  const found = sorted(Array.from({ length: draws }, () => statistic(again(a), again(b))));
  return [found[Math.floor(draws * 0.025)]!, found[Math.floor(draws * 0.975)]!];
}
