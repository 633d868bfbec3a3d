/**
 * The golden experiments that take less than 3 s, between real kernels and with lastack at either end. The
 * others: `npm run differential`. They run in a process of their own, which has the event loop for itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing } from '../kit.ts';
import { needTun, noTun } from '../tun/net.ts';
import { experiments } from './experiments.ts';

const QUICK = 3;
const PROGRAMS = ['python3', 'chrt', 'ss'];
/** Of all of them together, with the compiler before them. */
const TIMEOUT = 300_000;

const quick = experiments.filter(e => e.seconds < QUICK).map(e => e.name);
/** What was said of each experiment; '' if it went as it should. */
const said = new Map<string, string>();
const waiting: (() => void)[] = [];
let ended = false;
let child: ChildProcess | null = null;

beforeAll(() => {
  if (noTun() !== null || missing(...PROGRAMS) !== null) return;
  const args = ['scripts/run.mjs', 'test/peers/linux/main.ts', '--quick', '--tolerant', '--jobs', '8'];
  // A group of its own: whoever ends it ends what it has started.
  child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let last = '';
  const heard = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  const line = (text: string): void => {
    const m = /^(same|DIFFER|FAILED) +(\w+)/.exec(text);
    if (m !== null) {
      last = m[2]!;
      said.set(last, m[1] === 'same' ? '' : text);
      heard();
    } else if (text.startsWith(' ') && last !== '') said.set(last, `${said.get(last)}\n${text}`);
  };
  createInterface({ input: child.stdout! }).on('line', line);
  child.on('close', () => {
    ended = true;
    heard();
  });
});

afterAll(() => {
  if (child?.pid !== undefined && !ended) process.kill(-child.pid, 'SIGKILL');
});

describe('lastack with Linux does what Linux does with Linux', () => {
  test.for(quick)('%s', { timeout: TIMEOUT }, async (name, ctx) => {
    needTun(ctx, ...PROGRAMS);
    while (!said.has(name) && !ended) await new Promise<void>(resolve => waiting.push(resolve));
    // The report of one that differs stands in the lines after it.
    if (said.get(name) !== '' && !ended) await new Promise(resolve => setTimeout(resolve, 200));
    expect(said.get(name) ?? 'it was not run').toBe('');
  });
});
