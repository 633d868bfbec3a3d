import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What `node --test` says of a file that uses the compiled package. */
function run(file: string): { status: number | null; out: string } {
  const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env;
  const r = spawnSync(process.execPath, ['--test', '--test-reporter=tap', `test/testing/runners/${file}`], {
    encoding: 'utf8',
    timeout: 60_000,
    env,
  });
  return { status: r.status, out: r.stdout + r.stderr };
}

test('under node:test: virtual time, and mock.timers', () => {
  const { status, out } = run('passing.mjs');
  expect(out).toMatch(/# pass 2/);
  expect(status).toBe(0);
});

test('under node:test a failure tells leaks, seed and ladder, also when the test hangs', () => {
  const { status, out } = run('failing.mjs');
  expect(status).not.toBe(0);
  expect(out).toMatch(/not ok 1[\s\S]*not ok 2/);
  expect(out).toContain('a server still listens: close it');
  expect(out).toMatch(/replay: LASTACK_SEED=7 node --test test\/testing\/runners\/failing\.mjs/);
  // The hanging one prints what it can.
  expect(out).toMatch(/replay: LASTACK_SEED=1 .*[\s\S]*SYN_SENT/);
});
