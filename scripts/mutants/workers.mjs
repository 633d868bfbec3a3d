// A few workers, each with its own copy of the sources below build/, and jobs handed to whoever is idle.

import { fork } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './list.mjs';

/** @typedef {import('./worker.mjs').Job} Job */
/** @typedef {import('./worker.mjs').Answer} Answer */

const scratch = join(root, 'build', `mutants-${process.pid}`);

/** The copy that worker `i` works on. @param {number} i */
export const copyOf = i => join(scratch, String(i));

/** Copies src/ and test/ for `n` workers, all from the same moment. @param {number} n */
export function makeCopies(n) {
  mkdirSync(copyOf(0), { recursive: true });
  const options = { recursive: true, filter: (/** @type {string} */ path) => !path.endsWith('.log') };
  for (const part of ['src', 'test']) cpSync(join(root, part), join(copyOf(0), part), options);
  for (let i = 1; i < n; i++) cpSync(copyOf(0), copyOf(i), { recursive: true });
}

export function removeCopies() {
  rmSync(scratch, { recursive: true, force: true });
}

/**
 * Runs the jobs; `limit` is how long one may take, in milliseconds, before its worker is replaced.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Job} jobOf
 * @param {(item: T, answer: Answer | 'hung', ms: number) => void} done
 * @param {{ workers: number, limit: number }} o
 */
export async function runAll(items, jobOf, done, { workers, limit }) {
  let next = 0;
  const lane = async (/** @type {number} */ i) => {
    /** @type {Worker | null} */
    let worker = null;
    while (next < items.length) {
      const item = /** @type {T} */ (items[next++]);
      worker ??= await start(i);
      const begun = performance.now();
      const answer = await worker.ask(jobOf(item), limit);
      if (answer === 'hung') {
        // The copy may still hold the fault: a fresh one.
        rmSync(copyOf(i), { recursive: true, force: true });
        cpSync(join(scratch, 'good'), copyOf(i), { recursive: true });
        worker = null;
      }
      done(item, answer, performance.now() - begun);
    }
    worker?.end();
  };
  rmSync(join(scratch, 'good'), { recursive: true, force: true });
  cpSync(copyOf(0), join(scratch, 'good'), { recursive: true });
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, (_, i) => lane(i)));
}

/** @typedef {{ ask(job: Job, limit: number): Promise<Answer | 'hung'>, end(): void }} Worker */

/** @param {number} i @returns {Promise<Worker>} */
async function start(i) {
  const child = fork(join(root, 'scripts', 'mutants', 'worker.mjs'), [copyOf(i)], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', d => {
    complaint = `${complaint}${d}`.slice(-2000);
  });
  /** @type {(message: unknown) => void} */
  let hear = () => {};
  child.on('message', m => hear(m));
  child.on('exit', () => hear(null));
  const answerOf = (/** @type {number} */ limit) =>
    new Promise(resolve => {
      const timer = setTimeout(() => {
        hear = () => {};
        child.kill('SIGKILL');
        resolve('hung');
      }, limit);
      hear = m => {
        clearTimeout(timer);
        resolve(m ?? { outcomes: [], broken: `the test runner ended: ${complaint}` });
      };
    });
  await answerOf(60_000);
  return {
    ask(job, limit) {
      const answer = answerOf(limit);
      child.send(job);
      return /** @type {Promise<Answer | 'hung'>} */ (answer);
    },
    end() {
      child.disconnect();
    },
  };
}
