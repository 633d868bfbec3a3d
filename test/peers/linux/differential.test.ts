/**
 * The golden experiments that take less than 3 s, between real kernels and with lastack at either end. The
 * others: `npm run differential`.
 */
import { describe, expect, test } from 'vitest';
import { missing } from '../kit.ts';
import { needTun, noTun } from '../tun/net.ts';
import { experiments } from './experiments.ts';
import { each, judge, type Verdict } from './judge.ts';

const QUICK = 3;
/** They mostly wait. */
const JOBS = 10;

const quick = experiments.filter(e => e.seconds < QUICK).sort((x, y) => y.seconds - x.seconds);
const verdicts = new Map<string, { promise: Promise<Verdict[]>; begin: () => void }>();

for (const e of quick) {
  let begin: () => void = () => {};
  const promise = new Promise<void>(resolve => (begin = resolve)).then(() =>
    // Whoever else runs on the machine may keep this waiting; that timers are right, the long form says.
    judge(e, { least: 0.25, share: 0.15, glance: 0.3 }, false),
  );
  promise.catch(() => {});
  verdicts.set(e.name, { promise, begin });
}

if (noTun() === null && missing('python3', 'chrt', 'ss') === null)
  void each(quick, JOBS, async e => {
    const v = verdicts.get(e.name)!;
    v.begin();
    await v.promise.catch(() => {});
  });

describe('lastack with Linux does what Linux does with Linux', () => {
  test.for(quick.map(e => [e.name] as const))('%s', { timeout: 120_000 }, async ([name], ctx) => {
    needTun(ctx, 'python3', 'chrt', 'ss');
    for (const v of await verdicts.get(name)!.promise) expect(v.report).toBe('');
  });
});
