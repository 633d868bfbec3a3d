import { PerformanceObserver } from 'node:perf_hooks';
import { BulkWork } from './bulk.ts';
import { type Figure, figure, interleave, must } from './harness.ts';
import { bulk, doors } from './net-streams.ts';
import type { PairLink } from './pair.ts';

/** What a steady transfer costs beside its speed: garbage, pauses, and the program's own timers. */

/** Bytes between two looks at the heap: few enough that most windows see no collection. */
const WINDOW = 61 * 65536;
const SHORT = 16e6;
const LONG = 256e6;

/** Bytes of heap allocated for each segment of 1448 bytes of payload, median over windows without a collection. */
export function garbage(link: PairLink, windows: number): Figure {
  const work = new BulkWork(65536, link);
  const { mib } = work.pair.client.stack;
  // Compiled, and with its pools at their size.
  for (let i = 0; i < 100; i++) work.transfer(WINDOW);
  const each: number[] = [];
  while (each.length < windows) {
    const segments = mib.TcpOutSegs;
    const before = process.memoryUsage().heapUsed;
    work.transfer(WINDOW);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) each.push(grown / (mib.TcpOutSegs - segments));
  }
  work.end();
  return figure('garbage', `lastack, ${link}`, 'bytes a segment', each);
}

/** A transfer of `SHORT` beside one of `LONG` bytes through `lastack/net`: neither buffers nor garbage pile up. */
export async function longAndShort(rounds: number): Promise<Figure[]> {
  const door = doors().find(d => d.name === 'lastack/net')!;
  const sides = [
    { ...(await bulk(door, SHORT)), name: 'lastack/net, 16 MB' },
    { ...(await bulk(door, LONG)), name: 'lastack/net, 256 MB' },
  ];
  const figures = await interleave('transfer', 'MB/s', sides, rounds);
  await door.close();
  return figures;
}

/**
 * Transfers through `lastack/net` for a while, one after the other, beside a timer of 5 ms that the program has.
 * @returns the longest pause of the collector and the longest time between two firings of the timer, milliseconds
 */
export async function pauses(duration: number): Promise<Figure[]> {
  const door = doors().find(d => d.name === 'lastack/net')!;
  const side = await bulk(door, LONG);
  await side.run();
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
  observer.disconnect();
  must(gaps.length > 0, 'a timer that fires');
  await side.close?.();
  await door.close();
  const most = (values: number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
  return [
    figure('gc pause', 'lastack/net', `ms, longest of ${collections.length} in ${duration} s`, [
      most(collections),
    ]),
    figure('timer gap', 'lastack/net', `ms, longest of ${gaps.length} in ${duration} s`, [most(gaps)]),
  ];
}
