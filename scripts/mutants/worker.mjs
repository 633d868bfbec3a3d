// One worker of `npm run mutants`: a process with its own copy of src/ and test/ and a test runner that
// stays alive between faults. Its parent sends a job at a time and ends it if a fault makes a test hang.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest } from 'vitest/node';
import { inject } from './list.mjs';

/** @typedef {{ fault: import('./list.mjs').Fault | null, files: string[], name: string | null }} Job */
/** @typedef {{ file: string, name: string, full: string, passed: boolean, error: string }} Outcome */
/** @typedef {{ outcomes: Outcome[], broken: string }} Answer */

const base = process.argv[2] ?? '';
process.env['NO_COLOR'] = '1';

const vitest = await createVitest(
  'test',
  {
    root: base,
    config: false,
    watch: false,
    include: ['test/**/*.test.ts'],
    reporters: [{}],
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 60_000,
    includeTaskLocation: false,
  },
  { cacheDir: join(base, '.cache'), server: { watch: null } },
);
await vitest.standalone();

/** @param {string} text */
const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** @param {Job} job @returns {Promise<Answer>} */
async function run({ fault, files, name }) {
  const source = fault === null ? '' : join(base, 'src', fault.file);
  const good = fault === null ? '' : readFileSync(source, 'utf8');
  if (fault !== null) put(source, inject(fault, good));
  try {
    if (name === null) vitest.resetGlobalTestNamePattern();
    else vitest.setGlobalTestNamePattern(new RegExp(`(?:^| )${escaped(name)}$`));
    const project = vitest.getRootProject();
    const specs = files.map(f => project.createSpecification(join(base, 'test', `${f}.test.ts`)));
    const { testModules } = await vitest.runTestSpecifications(specs, false);
    /** @type {Answer} */
    const answer = { outcomes: [], broken: '' };
    for (const module of testModules) {
      const file = module.moduleId.slice(join(base, 'test').length + 1).replace(/\.test\.ts$/, '');
      // The runner gives back the modules of earlier jobs too.
      if (!files.includes(file)) continue;
      for (const e of module.errors()) answer.broken ||= e.message;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state !== 'passed' && result.state !== 'failed') continue;
        const error = result.errors?.[0];
        // A fault that is no program of its own right proves nothing.
        if (error?.name === 'ReferenceError' || error?.name === 'SyntaxError')
          answer.broken ||= error.message;
        const passed = result.state === 'passed';
        const text = error?.message.split('\n')[0] ?? '';
        answer.outcomes.push({ file, name: test.name, full: test.fullName, passed, error: text });
      }
    }
    return answer;
  } finally {
    if (fault !== null) put(source, good);
  }
}

/** @param {string} file @param {string} text */
function put(file, text) {
  writeFileSync(file, text);
  vitest.invalidateFile(file);
}

process.on('message', async (/** @type {Job} */ job) => {
  try {
    process.send?.(await run(job));
  } catch (e) {
    process.send?.({ outcomes: [], broken: e instanceof Error ? e.message : String(e) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
