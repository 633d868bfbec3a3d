// A vitest reporter for scripts/test.mjs: says as it goes which file is done and everything about what
// failed, and leaves the tally, by folder of test/, in the file that LASTACK_TALLY names.

import { writeFileSync } from 'node:fs';
import { relative, sep } from 'node:path';

/**
 * What a step of `npm test` leaves behind.
 * @typedef {{ passed: number, failed: number, skipped: { name: string, reason: string }[] }} Count
 */

export default class Tally {
  /** @type {Map<string, Count>} */
  kinds = new Map();
  #root = process.cwd();

  /** @param {{ config: { root: string } }} vitest */
  onInit(vitest) {
    this.#root = vitest.config.root;
  }

  /** The folder below test/ that a file lies in. @param {string} file */
  #kind(file) {
    const parts = file.split('/');
    return parts[0] === 'test' && parts.length > 2 ? (parts[1] ?? 'test') : 'test';
  }

  /** @param {string} kind @returns {Count} */
  #count(kind) {
    let count = this.kinds.get(kind);
    if (count === undefined) this.kinds.set(kind, (count = { passed: 0, failed: 0, skipped: [] }));
    return count;
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    const file = relative(this.#root, module.moduleId).split(sep).join('/');
    const count = this.#count(this.#kind(file));
    let passed = 0;
    let failed = 0;
    for (const test of module.children.allTests()) {
      const result = test.result();
      const name = `${file} > ${test.fullName}`;
      if (result.state === 'passed') passed++;
      else if (result.state === 'skipped') {
        count.skipped.push({ name, reason: result.note ?? 'no reason given' });
      } else {
        failed++;
        this.#explain(name, result.errors ?? []);
      }
    }
    // A file that cannot be loaded has no tests and is a failure all the same.
    const errors = module.errors();
    if (errors.length > 0) {
      failed++;
      this.#explain(file, errors);
    }
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length === 0) continue;
      failed++;
      this.#explain(`${file} > ${suite.fullName}`, suite.errors());
    }
    count.passed += passed;
    count.failed += failed;
    const ms = Math.round(module.diagnostic().duration);
    console.log(
      `${failed > 0 ? 'FAIL' : 'ok  '} ${file} (${passed}${failed > 0 ? `, ${failed} failed` : ''}, ${ms} ms)`,
    );
  }

  /** @param {string} name @param {readonly { message?: string, stack?: string, diff?: string }[]} errors */
  #explain(name, errors) {
    console.log(`\nFAIL ${name}`);
    for (const e of errors) {
      console.log(indent(e.message ?? String(e)));
      if (e.diff) console.log(indent(e.diff));
      const frames = (e.stack ?? '')
        .split('\n')
        .filter(l => /^\s*at /.test(l) && !/node_modules|<anonymous>/.test(l));
      if (frames.length > 0)
        console.log(
          indent(
            frames
              .slice(0, 6)
              .map(l => l.trim().replaceAll(this.#root + sep, ''))
              .join('\n'),
          ),
        );
    }
    console.log('');
  }

  /** @param {unknown} _modules @param {readonly { message?: string, stack?: string }[]} unhandled */
  onTestRunEnd(_modules, unhandled) {
    for (const e of unhandled) {
      this.#count('test').failed++;
      this.#explain('an error that no test caught', [e]);
    }
    const file = process.env['LASTACK_TALLY'];
    if (file) writeFileSync(file, JSON.stringify(Object.fromEntries(this.kinds)));
  }
}

/** @param {string} text */
function indent(text) {
  const lines = text.split('\n');
  const more = lines.length - 80;
  const shown = more > 0 ? [...lines.slice(0, 80), `… and ${more} lines more`] : lines;
  return shown.map(l => `    ${l}`).join('\n');
}
