// Lives every life there is: `npm run explore`.
//
//   npm run explore                                   all of it, on all cores
//   npm run explore -- --faults 2 --cut-faults 1      smaller patterns
//   npm run explore -- --order B-half --when late     some settings only
//   npm run explore -- --life NAME@START              one life, step by step

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ORDERS, parseLife, type Setting, settings, WHENS } from './life.ts';
import { again, type Depth, emptyTally, explore, type Finding, Pairs, type Tally } from './search.ts';

const COMMAND = 'npm run explore -- --life';
/** Findings kept of one setting: the rest is counted. */
const KEEP = 20;

if (isMainThread) main();
else work(workerData as { list: readonly Setting[]; depth: Depth });

function main(): void {
  const { values } = parseArgs({
    options: {
      faults: { type: 'string', default: '3' },
      'cut-faults': { type: 'string', default: '3' },
      order: { type: 'string' },
      when: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
      life: { type: 'string' },
    },
  });
  if (values.life !== undefined) {
    replay(values.life);
    return;
  }
  const depth = { faults: Number(values.faults), faultsWithCut: Number(values['cut-faults']) };
  const whens = WHENS.filter(w => values.when === undefined || String(w) === values.when);
  const list = [...settings(whens)].filter(s => values.order === undefined || s.order === values.order);
  if (list.length === 0 || !(depth.faults >= 0) || !(depth.faultsWithCut >= 0)) {
    console.error(`no such setting; --order ${ORDERS.join('|')}, --when ${WHENS.join('|')}`);
    process.exitCode = 2;
    return;
  }
  run(list, depth, Math.max(1, Number(values.workers) || 1));
}

/** Deals the settings out to workers and adds up what they find. */
function run(list: readonly Setting[], depth: Depth, workers: number): void {
  const begun = performance.now();
  const sum = { lives: 0, segments: 0, time: 0, findings: 0, done: 0 };
  const kinds = new Map<string, { count: number; first: Finding }>();
  let next = 0;
  let running = 0;
  let shown = begun;
  const seconds = (): number => (performance.now() - begun) / 1000;
  const progress = (): void => {
    const rate = Math.round(sum.lives / seconds());
    console.log(
      `${sum.done}/${list.length} settings, ${sum.lives} lives, ${rate}/s, ${sum.findings} violations`,
    );
  };
  for (let i = 0; i < Math.min(workers, list.length); i++) {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { list, depth } });
    running++;
    worker.postMessage(next++);
    worker.on('message', (tally: Tally & { found: number }) => {
      sum.lives += tally.lives;
      sum.segments += tally.segments;
      sum.time += tally.time;
      sum.findings += tally.found;
      sum.done++;
      for (const f of tally.findings) {
        const kind = f.what.split('\n')[0]!.replaceAll(/\d+/g, 'N');
        const known = kinds.get(kind);
        if (known === undefined) kinds.set(kind, { count: 1, first: f });
        else known.count++;
      }
      if (performance.now() - shown > 10_000) {
        shown = performance.now();
        progress();
      }
      worker.postMessage(next < list.length ? next++ : -1);
    });
    worker.on('error', error => {
      console.error(error);
      process.exitCode = 1;
    });
    worker.on('exit', () => {
      if (--running > 0) return;
      progress();
      console.log(
        `${sum.lives} lives of a connection, ${sum.segments} segments and ${(sum.time / 86400 / 365.25).toFixed(0)} years` +
          ` of virtual time in ${seconds().toFixed(0)} s on ${Math.min(workers, list.length)} cores`,
      );
      for (const [kind, { count, first }] of kinds)
        console.log(
          `VIOLATION (${count} kept) ${kind}\n  ${first.what}\n  again: ${COMMAND} '${first.life}@${first.start}'`,
        );
      console.log(sum.findings === 0 ? 'no violation' : `${sum.findings} violations`);
      if (sum.findings > 0 || sum.done < list.length) process.exitCode = 1;
    });
  }
}

function work({ list, depth }: { list: readonly Setting[]; depth: Depth }): void {
  const pairs = new Pairs();
  parentPort!.on('message', (index: number) => {
    if (index < 0) {
      parentPort!.close();
      return;
    }
    const tally = emptyTally();
    explore(list[index]!, depth, pairs, tally);
    const found = tally.findings.length;
    parentPort!.postMessage({ ...tally, found, findings: tally.findings.slice(0, KEEP) });
  });
}

/** One life on fresh hosts, with all that happens in it. */
function replay(text: string): void {
  const [name, start] = text.split('@');
  const life = parseLife(name ?? '');
  if (life === null) {
    console.error(`--life ${text}: expected such as A-first/close/sack+ts/0.5ms/turn/3x.7d@17`);
    process.exitCode = 2;
    return;
  }
  const wrong = again(life, Number(start ?? 2), line => console.log(line));
  console.log(wrong === null ? 'nothing is wrong' : `VIOLATION: ${wrong}`);
  if (wrong !== null) process.exitCode = 1;
}
