import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { type Figure, figure, inProcess, must, type Side } from './harness.ts';
import { doors } from './net-streams.ts';
import { download, LONG, type Taking } from './steady.ts';

/**
 * How long a program that carries bytes is kept waiting: by the collector, and its own timers. Each kind of transfer has
 * a process of its own, in which nothing else has left what must be collected.
 *
 *   node pauses.js 0|1 TAKING SECONDS    0 for lastack/net, 1 for node:net
 */
const PROGRAM = fileURLToPath(import.meta.url);

/**
 * The longest pauses of long transfers, one after the other for `duration` seconds, beside a timer of 5 ms that the
 * program has.
 * @param rounds for transfers into one buffer, of which a limit is asked; those in pieces have one
 */
export function pauses(duration: number, rounds: number): Figure[] {
  const waits: Figure[] = [];
  const figures: Figure[] = [];
  for (const [taking, times] of [
    ['one buffer', rounds],
    ['pieces', 1],
  ] as const) {
    const seen: Figure[][] = [];
    for (let round = 0; round < times; round++) {
      const watch = (door: number): Figure[] =>
        JSON.parse(inProcess(PROGRAM, [String(door), taking, String(duration)]));
      seen.push([0, 1].flatMap(watch));
      waits.push(away(duration));
    }
    figures.push(...seen[0]!.map((_, i) => together(seen.map(round => round[i]!))));
  }
  return [...figures, together(waits)];
}

/** One figure of those of several rounds. */
const together = (rounds: readonly Figure[]): Figure => {
  const { measurement, side, unit } = rounds[0]!;
  return figure(
    measurement,
    side,
    unit,
    rounds.flatMap(f => f.values),
  );
};

async function inChild(which: number, taking: Taking, duration: number): Promise<void> {
  const door = doors()[which]!;
  const side = await download(door, LONG, taking);
  console.log(JSON.stringify(await watched(side, duration)));
  await side.close?.();
  await door.close();
}

/** The longest that the machine keeps a loop waiting which does nothing: no pause means anything below that. */
function away(duration: number): Figure {
  const end = performance.now() + 1000 * duration;
  let longest = 0;
  for (let last = performance.now(); last < end; ) {
    const now = performance.now();
    if (now - last > longest) longest = now - last;
    last = now;
  }
  return figure('away', 'clock', `ms, longest in ${duration} s`, [longest]);
}

/** As much as must outlive collections before V8 has granted its young space every doubling, bytes. */
const GROWTH = 256 << 20;
/** How long transfers go on before anything is looked at, milliseconds. */
const WARM_UP = 2000;

/**
 * Lets V8's young space grow to its full size, which it has in a program that has run for a while: with the little
 * that outlives a transfer the last doubling, from 8 to 16 MB, comes after half a minute, and takes 6 to 11 ms once.
 */
function growYoungSpace(): void {
  const length = 512;
  const kept: number[][] = new Array<number[]>(256).fill([]);
  for (let i = 0; i < GROWTH / (8 * length); i++) kept[i % kept.length] = new Array<number>(length).fill(i);
  must(
    kept.every(values => values.length === length),
    'what was kept',
  );
}

/** @returns the longest pause of the collector and the longest time between two firings of the timer, milliseconds */
async function watched(side: Side, duration: number): Promise<Figure[]> {
  growYoungSpace();
  for (const until = performance.now() + WARM_UP; performance.now() < until; ) await side.run();
  const collections: number[] = [];
  const observer = new PerformanceObserver(list => {
    for (const e of list.getEntries()) collections.push(e.duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const gaps: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, 5);
  const end = performance.now() + 1000 * duration;
  while (performance.now() < end) await side.run();
  clearInterval(timer);
  // The collector's last entries are still to be told.
  await new Promise(resolve => setImmediate(resolve));
  observer.disconnect();
  must(gaps.length > 0, 'a timer that fires');
  const most = (values: number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  return [
    figure('gc pause', side.name, `ms, longest in ${duration} s`, [most(collections)]),
    figure('timer gap', side.name, `ms, longest in ${duration} s`, [most(gaps)]),
  ];
}

const [, program, which, taking, duration] = process.argv;
if (program === PROGRAM && which !== undefined)
  await inChild(Number(which), taking as Taking, Number(duration));
