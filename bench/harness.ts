import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { basename } from 'node:path';

/** One of the things compared: it does the work once and says how it went, in the measurement's unit. */
export interface Side {
  readonly name: string;
  run(): number | Promise<number>;
  /** Called once after the last round. */
  close?(): void | Promise<void>;
}

export interface Figure {
  readonly measurement: string;
  readonly side: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
}

const WARM_UP = 2;

/**
 * Runs all sides in turn, `rounds` times after two rounds that are thrown away (V8 compiles in the first, and may
 * think better of it in the second), so that whatever slows the machine slows each of them. A single round only shows
 * that the work is done right, and has none before it.
 */
export async function interleave(
  measurement: string,
  unit: string,
  sides: readonly Side[],
  rounds: number,
): Promise<Figure[]> {
  const values = sides.map(() => [] as number[]);
  for (let round = rounds === 1 ? 0 : -WARM_UP; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const value = await side.run();
      if (round >= 0) values[i]!.push(value);
    }
  }
  for (const side of sides) await side.close?.();
  return sides.map((side, i) => figure(measurement, side.name, unit, values[i]!));
}

export function figure(measurement: string, side: string, unit: string, values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { measurement, side, unit, median, min: sorted[0]!, max: sorted.at(-1)!, values };
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly system: string;
  readonly commit: string;
}

export function machine(): Machine {
  const cores = cpus();
  let commit = 'unknown';
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
    commit =
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '-uno', '--', '.', ':!BENCHMARKS.md') === '' ? '' : '+changes');
  } catch {
    // Not a clone: the figures still stand.
  }
  return {
    processor: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    system: `${type()} ${release()}`,
    commit,
  };
}

export const machineLine = (m: Machine): string =>
  `${m.processor}, ${m.cores} cores, ${m.memoryGiB} GiB, Node ${m.node}, ${m.system}, commit ${m.commit}`;

const LARGE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const format = (n: number): string => (Math.abs(n) >= 100 ? LARGE : SMALL).format(n);

export const figureLine = (f: Figure): string =>
  `${f.measurement.padEnd(12)} ${f.side.padEnd(16)} ${format(f.median).padStart(10)} ${f.unit}` +
  (f.values.length > 1 ? `  (${format(f.min)} – ${format(f.max)}, ${f.values.length} rounds)` : '');

/** Seconds that passed while the work was done. */
export async function seconds(work: () => void | Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

/**
 * Stops the bench: a figure of something that went wrong is worse than none.
 * @param detail a number to be told with it; not part of `what`, since making a text costs as much as a segment
 */
export function must(condition: boolean, what: string, detail?: number): asserts condition {
  if (!condition) throw new Error(`bench: ${what}${detail === undefined ? '' : `: ${detail}`}`);
}

/**
 * Runs a program of the bench's in a process of its own, in which nothing else has left its garbage.
 * @param flags of Node
 * @returns what it printed
 */
export function inProcess(program: string, args: readonly string[], flags: readonly string[] = []): string {
  const r = spawnSync(process.execPath, [...flags, program, ...args], { encoding: 'utf8' });
  must(r.status === 0, `${basename(program)} ${args.join(' ')}: ${r.stderr || r.signal}`);
  return r.stdout;
}
