import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Figure, figure, must } from './harness.ts';
import { lives } from './lives.ts';
import { netIdle } from './net.ts';

/**
 * Memory is measured in a process of its own, before and after, with everything collected that can be.
 *
 *   node --expose-gc memory.js lastack|net established|time_wait COUNT
 */
const PROGRAM = fileURLToPath(import.meta.url);

interface Report {
  /** Connection ends, or rows. */
  readonly count: number;
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
}

/** Bytes of heap, of array buffers and resident, for each end or row. */
export function memory(side: 'lastack' | 'net', what: 'established' | 'time_wait', count: number): Figure[] {
  const r = spawnSync(process.execPath, ['--expose-gc', PROGRAM, side, what, String(count)], {
    encoding: 'utf8',
  });
  must(r.status === 0, `memory of ${side} ${what}: ${r.stderr || r.signal}`);
  const report: Report = JSON.parse(r.stdout);
  const name = `${side}${side === 'net' ? ', loopback' : ''}`;
  const each = (kind: keyof Report): Figure =>
    figure(`${what} ${kind}`, name, `bytes (of ${report.count})`, [report[kind] / report.count]);
  return [each('heap'), each('buffers'), each('resident')];
}

function collect(): NodeJS.MemoryUsage {
  must(typeof globalThis.gc === 'function', 'run with --expose-gc');
  for (let i = 0; i < 5; i++) globalThis.gc();
  return process.memoryUsage();
}

function report(count: number, before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage): void {
  const r: Report = {
    count,
    heap: after.heapUsed - before.heapUsed,
    buffers: after.arrayBuffers - before.arrayBuffers,
    resident: after.rss - before.rss,
  };
  console.log(JSON.stringify(r));
}

async function measure(side: string, what: string, count: number): Promise<void> {
  if (side === 'net') {
    const warm = await netIdle(100);
    await warm.close();
    const before = collect();
    const kept = await netIdle(count);
    const after = collect();
    report(kept.ends, before, after);
    await kept.close();
    return;
  }
  const established = what === 'established';
  const { pair, live } = lives(established);
  // As many at a time as later (servers close after a while), so that pools have their size before.
  live(established ? 1000 : 20_000, 100);
  const before = collect();
  live(count, 100);
  const after = collect();
  report(established ? 2 * count : count, before, after);
  // Still in use here, so that nothing of it was collected above.
  must(pair.now > 0, 'time');
}

const [, program, side, what, count] = process.argv;
if (program === PROGRAM && side !== undefined && what !== undefined) await measure(side, what, Number(count));
