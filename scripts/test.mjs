// What `npm test` runs: the style, the import directions, the types, the conformance table, the tests
// under test/ and the packetdrill scripts under test/packetdrill/. It says how many of each kind ran, names
// each skipped test with its reason, and ends with one line: `N passed, N failed`, with `, N skipped` if any.
//
//   npm test                       everything
//   npm test -- test/rfc 3.8.4     only the tests under test/ whose path holds one of these words

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./reporter.mjs').Count} Count */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

/** @type {Map<string, Count>} */
const kinds = new Map();

if (words.length === 0) {
  check('style', [biome, 'check', '--error-on-warnings', '.']);
  check('imports', ['scripts/imports.mjs']);
  check('types', [tsc, '--noEmit']);
  check('types of the lab', [tsc, '--noEmit', '-p', 'lab']);
  check('conformance', ['scripts/conformance.mjs', '--check']);
}
tests();
if (words.length === 0) packetdrill();
report();

/** One check that passes or fails as a whole. @param {string} name @param {string[]} command */
function check(name, command) {
  const begun = performance.now();
  const r = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const ok = r.status === 0;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${Math.round(performance.now() - begun)} ms)`);
  if (!ok) console.log(`${r.stdout}${r.stderr}`.replace(/^/gm, '    '));
  add('house', { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [] });
}

function tests() {
  const dir = mkdtempSync(join(tmpdir(), 'lastack-test-'));
  const tally = join(dir, 'tally.json');
  try {
    const args = ['run', '--reporter', './scripts/reporter.mjs', ...words];
    const r = spawnSync(process.execPath, [vitest, ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, LASTACK_TALLY: tally, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }) },
    });
    if (existsSync(tally)) {
      for (const [kind, count] of Object.entries(JSON.parse(readFileSync(tally, 'utf8')))) add(kind, count);
    }
    const failed = [...kinds.values()].some(c => c.failed > 0);
    if (r.status !== 0 && !failed) {
      console.log(`FAIL no test ran: the runner ended with ${r.signal ?? `code ${r.status}`}`);
      add('test', { passed: 0, failed: 1, skipped: [] });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Our own scripts, through the tool that users run; one test each, as its TAP output says. */
function packetdrill() {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  if (!files.some(f => f.endsWith('.pkt'))) return;
  const r = spawnSync(process.execPath, ['dist/tools/cli.js', 'packetdrill', 'test/packetdrill'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  /** @type {Count} */
  const count = { passed: 0, failed: 0, skipped: [] };
  for (const m of r.stdout.matchAll(/^(not ok|ok) \d+ - (.*?)(?: # SKIP (.*))?$/gm)) {
    if (m[3] !== undefined) count.skipped.push({ name: m[2] ?? '', reason: m[3] });
    else if (m[1] === 'ok') count.passed++;
    else count.failed++;
  }
  if (r.status !== 0 || count.failed > 0) {
    const failures = r.stdout.match(/^not ok.*\n(?: .*\n)*/gm) ?? [];
    console.log(failures.join('') + r.stderr);
    if (count.failed === 0) count.failed++;
  }
  console.log(`${count.failed > 0 ? 'FAIL' : 'ok  '} test/packetdrill (${count.passed} scripts)`);
  add('.pkt scripts', count);
}

/** @param {string} kind @param {Count} more */
function add(kind, more) {
  const count = kinds.get(kind) ?? { passed: 0, failed: 0, skipped: [] };
  count.passed += more.passed;
  count.failed += more.failed;
  count.skipped.push(...more.skipped);
  kinds.set(kind, count);
}

function report() {
  const rows = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1));
  console.log('\nkind             passed  failed  skipped');
  for (const [kind, c] of rows) {
    const cells = [c.passed, c.failed, c.skipped.length].map((n, i) => String(n).padStart(i === 2 ? 9 : 8));
    console.log(`${kind.padEnd(15)}${cells.join('')}`);
  }
  const skipped = rows.flatMap(([, c]) => c.skipped);
  if (skipped.length > 0) console.log('\nskipped:');
  for (const s of skipped) console.log(`  ${s.name}: ${s.reason}`);
  const passed = rows.reduce((n, [, c]) => n + c.passed, 0);
  const failed = rows.reduce((n, [, c]) => n + c.failed, 0);
  console.log(
    `\n${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  );
  // Nothing run is nothing proved.
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
