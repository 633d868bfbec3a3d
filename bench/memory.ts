import { fileURLToPath } from 'node:url';
import { type Figure, figure, inProcess, must } from './harness.ts';
import { lives, livesPair } from './lives.ts';
import { netIdle } from './net.ts';
import type { App, Pair } from './pair.ts';
import { SynFlood } from './syn-flood.ts';

/**
 * Memory is measured in a process of its own, as a slope: what each of several batches adds to those before, with
 * everything collected that can be. The first is not counted, and of the others the median is: what grows once, with
 * the program or with a pool, is in no more than one of them.
 *
 *   node --expose-gc memory.js lastack|net WHAT COUNT
 */
const PROGRAM = fileURLToPath(import.meta.url);

/** What is counted: one idle end, one row in TIME_WAIT, of an orphan in FIN_WAIT_2, one entry of a SYN queue. */
export type Counted = 'established' | 'time_wait' | 'time_wait6' | 'fin_wait_2' | 'syn_queue';

/** Batches that are counted. */
const BATCHES = 5;

/** Bytes for each end or row, by batches. */
interface Report {
  readonly heap: number[];
  readonly buffers: number[];
  readonly resident: number[];
}

const inChild = (side: string, what: string, count: number): string =>
  inProcess(PROGRAM, [side, what, String(count)], ['--expose-gc']);

/**
 * Bytes of heap, of array buffers, of both, and resident, for each end or row.
 * @param count connections or rows there are in the end
 */
export function memory(side: 'lastack' | 'net', what: Counted, count: number): Figure[] {
  const report: Report = JSON.parse(inChild(side, what, count));
  const name = `${side}${side === 'net' ? ', loopback' : ''}`;
  const each = (kind: string, values: number[]): Figure =>
    figure(`${what} ${kind}`, name, `bytes (of ${count})`, values);
  return [
    each('heap', report.heap),
    each('buffers', report.buffers),
    each(
      'sum',
      report.heap.map((heap, i) => heap + report.buffers[i]!),
    ),
    each('resident', report.resident),
  ];
}

interface CrowdReport {
  readonly resident: number;
  readonly heap: number;
  readonly buffers: number;
  readonly expiries: number;
  readonly longestMs: number;
  readonly longestCpuMs: number;
  readonly totalMs: number;
}

/** A million rows in TIME_WAIT and 100,000 idle connections, the ends of one host; and their expiry. */
export function crowd(rows: number, idle: number): Figure[] {
  const r: CrowdReport = JSON.parse(inChild('lastack', `crowd:${idle}`, rows));
  const of = `(${rows} rows, ${idle} idle ends of one host)`;
  const one = (kind: string, unit: string, value: number): Figure =>
    figure(`crowd ${kind}`, 'lastack', `${unit} ${of}`, [value]);
  return [
    one('heap+buffers', 'MB', (r.heap + r.buffers) / 1e6),
    one('resident', 'MB', r.resident / 1e6),
    one('expiry', 'ms in all', r.totalMs),
    one('longest', 'ms at once', r.longestMs),
    one('longest cpu', 'ms at once', r.longestCpuMs),
  ];
}

function collect(): NodeJS.MemoryUsage {
  must(typeof globalThis.gc === 'function', 'run with --expose-gc');
  for (let i = 0; i < 5; i++) globalThis.gc();
  return process.memoryUsage();
}

/**
 * Calls `add` for one batch after the other.
 * @param ends connection ends or rows that one of `n` makes
 * @param add makes `n` more, and returns what must still be in use when they are counted
 */
async function slope(count: number, ends: number, add: (n: number) => unknown): Promise<void> {
  const n = Math.floor(count / (BATCHES + 1));
  const kept: unknown[] = [await add(n)];
  const report: Report = { heap: [], buffers: [], resident: [] };
  let before = collect();
  for (let batch = 0; batch < BATCHES; batch++) {
    kept.push(await add(n));
    const after = collect();
    report.heap.push((after.heapUsed - before.heapUsed) / (n * ends));
    report.buffers.push((after.arrayBuffers - before.arrayBuffers) / (n * ends));
    report.resident.push((after.rss - before.rss) / (n * ends));
    before = after;
  }
  must(kept.length === BATCHES + 1, 'nothing of it was collected above');
  console.log(JSON.stringify(report));
}

async function measureNet(count: number): Promise<void> {
  const warm = await netIdle(100);
  await warm.close();
  const kept: { close(): Promise<void> }[] = [];
  await slope(count, 2, async n => {
    const idle = await netIdle(n);
    must(idle.ends === 2 * n, 'an end is missing');
    kept.push(idle);
  });
  for (const idle of kept) await idle.close();
}

function measure(what: string, count: number): Promise<void> {
  if (what === 'syn_queue') {
    const flood = new SynFlood();
    return slope(count, 1, n => {
      flood.send(n);
      return flood;
    });
  }
  if (what === 'fin_wait_2') {
    // The server keeps its ends, which are not counted: it is another one each time, and gone when that is done.
    const pair = livesPair();
    return slope(count, 1, n => {
      const before = pair.client.stack.tcp.timeWaitCount;
      lives('left', pair).live(n, 100);
      must(pair.client.stack.tcp.timeWaitCount - before === n, 'an orphan without a row');
      pair.replaceServer();
      return pair;
    });
  }
  const kept = what === 'established';
  const { pair, live } = lives(kept ? 'kept' : 'closed', livesPair(what === 'time_wait6' ? 6 : 4));
  return slope(count, kept ? 2 : 1, n => {
    live(n, 100);
    return pair;
  });
}

function measureCrowd(rows: number, idle: number): void {
  const before = collect();
  const pair = livesPair();
  // The host under test shares the process with those that it talks to: they go when they have served, and nothing of
  // them is collected later than the rest.
  lives('kept', pair).live(idle, 100);
  pair.replaceServer();
  collect();
  lives('closed', pair, 6000).live(rows, 100);
  pair.replaceServer();
  const { tcp } = pair.client.stack;
  must(tcp.timeWaitCount === rows, `${tcp.timeWaitCount} rows`);
  const after = collect();
  const pauses = expiry(pair);
  must(tcp.timeWaitCount === 0, 'rows are left');
  const crowd: CrowdReport = {
    resident: after.rss - before.rss,
    heap: after.heapUsed - before.heapUsed,
    buffers: after.arrayBuffers - before.arrayBuffers,
    ...pauses,
  };
  console.log(JSON.stringify(crowd));
}

const QUIET: App = { event: () => {} };

/** Goes from deadline to deadline until no row is left, and watches how long each step of the pair takes. */
function expiry(pair: Pair): Pick<CrowdReport, 'expiries' | 'longestMs' | 'longestCpuMs' | 'totalMs'> {
  let longest = 0;
  let longestCpu = 0;
  let expiries = 0;
  const begun = performance.now();
  while (pair.client.stack.tcp.timeWaitCount > 0) {
    const cpu = process.cpuUsage();
    const at = performance.now();
    pair.step(QUIET, QUIET);
    longest = Math.max(longest, performance.now() - at);
    const { user, system } = process.cpuUsage(cpu);
    longestCpu = Math.max(longestCpu, (user + system) / 1000);
    expiries++;
  }
  return { expiries, longestMs: longest, longestCpuMs: longestCpu, totalMs: performance.now() - begun };
}

const [, program, side, what, count] = process.argv;
if (program === PROGRAM && side !== undefined && what !== undefined) {
  if (side === 'net') await measureNet(Number(count));
  else if (what.startsWith('crowd:')) measureCrowd(Number(count), Number(what.slice(6)));
  else await measure(what, Number(count));
}
