// Random worlds for as long as one likes: `npm run random`.
//
//   npm run random -- --seconds 600 --seed 1000     worlds of seeds 1000, 1001, … for ten minutes
//   npm run random -- --only 1234                   one world
//
// A world that fails is made smaller and kept in test/random/regressions, where a test lives it again.

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { live, makePlan, type Plan } from '../sim/chaos.ts';
import { kindOf, reduce } from './reduce.ts';

interface Job {
  readonly from: number;
  readonly step: number;
  readonly until: number;
  readonly one: boolean;
}

interface Lived {
  readonly seed: number;
  readonly events: number;
  readonly wrong: string | null;
  readonly plan: Plan | null;
}

/** Where failing plans are kept; the command runs at the top of the clone. */
const KEEP = join('test', 'random', 'regressions');

if (isMainThread) main();
else work(workerData as Job);

function main(): void {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const one = values.only !== undefined;
  const first = Number(values.only ?? values.seed);
  const workers = one ? 1 : Math.max(1, Number(values.workers) || 1);
  if (!Number.isSafeInteger(first) || !(Number(values.seconds) > 0)) {
    console.error('expected whole numbers: --seconds N --seed S, or --only S');
    process.exitCode = 2;
    return;
  }
  const begun = performance.now();
  const until = Date.now() + Number(values.seconds) * 1000;
  let worlds = 0;
  let events = 0;
  let shown = begun;
  let running = workers;
  const kinds = new Map<string, number>();
  const show = (): void => {
    const wrong = [...kinds.values()].reduce((a, b) => a + b, 0);
    const s = Math.round((performance.now() - begun) / 1000);
    console.log(`${worlds} worlds, ${events} events, ${wrong} failed, ${s} s`);
  };
  for (let i = 0; i < workers; i++) {
    const job: Job = { from: first + i, step: workers, until, one };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
    worker.on('message', (r: Lived) => {
      worlds++;
      events += r.events;
      if (r.wrong !== null) report(r, kinds);
      if (performance.now() - shown > 10_000) {
        shown = performance.now();
        show();
      }
    });
    worker.on('error', error => {
      console.error(error);
      process.exitCode = 1;
    });
    worker.on('exit', () => {
      if (--running === 0) show();
    });
  }
}

/** Says what failed; the first of each kind is kept as a file. */
function report(r: Lived, kinds: Map<string, number>): void {
  process.exitCode = 1;
  const kind = kindOf(r.wrong) ?? '';
  const seen = kinds.get(kind) ?? 0;
  kinds.set(kind, seen + 1);
  if (seen > 0) return;
  mkdirSync(KEEP, { recursive: true });
  const file = join(KEEP, `${r.seed}.json`);
  writeFileSync(file, `${JSON.stringify({ was: r.wrong?.split('\n')[0], ...r.plan }, null, 1)}\n`);
  console.log(`seed ${r.seed} FAILED: ${r.wrong}\n  made smaller and kept: ${file}`);
}

function work(job: Job): void {
  const failed = new Set<string | null>();
  for (let seed = job.from; Date.now() < job.until; seed += job.step) {
    // Every eighth world is a large one: up to 14 hosts and 48 conversations.
    const plan = makePlan(seed, seed % 8 === 0 ? 4 : 1);
    let lived: Lived;
    try {
      lived = { seed, events: live(plan).steps, wrong: null, plan: null };
    } catch (error) {
      const wrong = error instanceof Error ? error.message : String(error);
      const known = failed.has(kindOf(wrong));
      failed.add(kindOf(wrong));
      lived = { seed, events: 0, wrong, plan: known ? null : reduce(plan, wrong) };
    }
    parentPort!.postMessage(lived);
    if (job.one) return;
  }
}
