import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import Tally from '../../scripts/reporter.mjs';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lastack-tally-'));
  vi.stubEnv('LASTACK_TALLY', join(dir, 'tally.json'));
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

/** As much of a finished test file as the reporter reads. */
function module(
  file: string,
  results: { state: string; note?: string }[],
  errors: { message: string }[] = [],
) {
  const tests = results.map((result, i) => ({ fullName: `test ${i}`, result: () => result }));
  const children = { allTests: () => tests, allSuites: () => [] };
  const fake = {
    moduleId: join('/r', file),
    children,
    errors: () => errors,
    diagnostic: () => ({ duration: 1 }),
  };
  return fake as unknown as Parameters<Tally['onTestModuleEnd']>[0];
}

function tally(modules: ReturnType<typeof module>[], unhandled: { message: string }[] = []): unknown {
  const reporter = new Tally();
  reporter.onInit({ config: { root: '/r' } });
  for (const m of modules) reporter.onTestModuleEnd(m);
  reporter.onTestRunEnd(modules, unhandled);
  return JSON.parse(readFileSync(join(dir, 'tally.json'), 'utf8'));
}

test('results are counted by the folder of test/ they lie in', () => {
  const files = [
    module('test/rfc/a.test.ts', [{ state: 'passed' }, { state: 'failed' }]),
    module('test/rfc/deep/b.test.ts', [{ state: 'passed' }]),
    module('test/wire/c.test.ts', [{ state: 'passed' }]),
  ];
  expect(tally(files)).toEqual({
    rfc: { passed: 2, failed: 1, skipped: [] },
    wire: { passed: 1, failed: 0, skipped: [] },
  });
});

test('a skipped test keeps its name and its reason', () => {
  expect(
    tally([module('test/peers/a.test.ts', [{ state: 'skipped', note: 'tshark is not installed' }])]),
  ).toEqual({
    peers: {
      passed: 0,
      failed: 0,
      skipped: [{ name: 'test/peers/a.test.ts > test 0', reason: 'tshark is not installed' }],
    },
  });
});

test('a file that does not load and an error that nobody caught are failures', () => {
  expect(tally([module('test/rfc/a.test.ts', [], [{ message: 'syntax' }])], [{ message: 'late' }])).toEqual({
    rfc: { passed: 0, failed: 1, skipped: [] },
    test: { passed: 0, failed: 1, skipped: [] },
  });
});
