// Puts the faults of test/mutants/faults/ into copies of the engine, one at a time, and requires that the
// test which each names fails with it and passes without. Writes docs/mutants.md when all were tried.
//
//   npm run mutants                       every fault
//   npm run mutants -- --only ID[,ID…]    these alone (an id, or the beginning of several with a *)
//   npm run mutants -- --list             prints them
//   npm run mutants -- --json             the result as JSON on stdout, progress on stderr
//   npm run mutants -- --who              also lists every other test that notices (slow)
//   npm run mutants -- --workers N        processes at a time (2)
//
// Exit code 0 only if every fault is caught, every list entry can be applied and every rule is covered.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readFaults, root, rulesToCover, staleness } from './mutants/list.mjs';
import { CAUGHT, markdown, summary, table } from './mutants/report.mjs';
import { copyOf, makeCopies, removeCopies, runAll } from './mutants/workers.mjs';

/** @typedef {import('./mutants/list.mjs').Listed} Listed */
/** @typedef {import('./mutants/report.mjs').Verdict} Verdict */
/** @typedef {import('./mutants/worker.mjs').Answer} Answer */

/** A test takes well under a second; a fault that makes one run for ever is ended after this. */
const LIMIT = 60_000;
/** Where `--who` looks. */
const SUITES = [
  'lifecycle/regressions',
  'rfc/3.1-header',
  'rfc/3.10.7.4-segment-arrives',
  'rfc/3.2-options',
  'rfc/3.4-sequence-numbers',
  'rfc/3.4.1-initial-sequence-number',
  'rfc/3.5-establishing',
  'rfc/3.6-closing',
  'rfc/3.7-segmentation',
  'rfc/3.8.1-retransmission-timeout',
  'rfc/3.8.2-congestion-control',
  'rfc/3.8.3-failures',
  'rfc/3.8.4-keep-alives',
  'rfc/3.8.5-urgent',
  'rfc/3.8.6-window',
  'rfc/3.8.6.3-delayed-acknowledgments',
  'rfc/3.9.1.1-open',
  'rfc/3.9.1.2-send',
  'rfc/3.9.1.8-reports',
  'rfc/3.9.2-lower-level',
  'socket/stream',
  'stack/stack',
  'lifecycle/golden/golden',
];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    who: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});
const say = options.json ? console.error : console.log;

const all = await readFaults();
const patterns = options.only?.split(',') ?? ['*'];
/** @param {Listed} f */
const isChosen = f => patterns.some(p => (p.endsWith('*') ? f.id.startsWith(p.slice(0, -1)) : f.id === p));
const chosen = all.filter(isChosen);
if (chosen.length === 0) {
  console.error(`no fault is named ${options.only}; --list shows them`);
  process.exit(2);
}

if (options.list) {
  if (options.json) console.log(JSON.stringify(chosen, null, 2));
  else for (const f of chosen) console.log(`${f.id}  [${[f.theme, ...f.rules].join(' ')}]  ${f.breaks}`);
} else process.exitCode = await main();

async function main() {
  const begun = performance.now();
  const workers = Math.max(1, Math.floor(Number(options.workers)) || 1);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      removeCopies();
      process.exit(130);
    });
  }
  makeCopies(workers);
  try {
    const verdicts = await tryAll(workers);
    const seconds = (performance.now() - begun) / 1000;
    const missing = options.only === undefined ? uncovered(all) : [];
    const ok = missing.length === 0 && verdicts.every(v => v.outcome === CAUGHT);
    if (options.json) console.log(JSON.stringify({ ok, seconds, missing, verdicts }, null, 2));
    else say(table(verdicts));
    say(summary(verdicts, missing, seconds));
    if (options.only === undefined && ok) writeFileSync(join(root, 'docs', 'mutants.md'), markdown(verdicts));
    return ok ? 0 : 1;
  } finally {
    removeCopies();
  }
}

/** Rules that no fault breaks. @param {readonly Listed[]} faults */
function uncovered(faults) {
  const covered = new Set(faults.flatMap(f => f.rules));
  return rulesToCover().filter(r => !covered.has(r.id));
}

/** @param {number} workers @returns {Promise<Verdict[]>} */
async function tryAll(workers) {
  /** @type {Map<string, Verdict>} */
  const verdicts = new Map();
  /** @type {(fault: Listed, outcome: Verdict['outcome'], detail: string, also?: string[]) => void} */
  const decide = (fault, outcome, detail, also = []) => {
    verdicts.set(fault.id, { fault, outcome, detail, also });
    const count = `${String(verdicts.size).padStart(4)}/${chosen.length}`;
    say(`${count} ${outcome.padEnd(8)} ${fault.id}${outcome === CAUGHT ? '' : `: ${detail}`}`);
    for (const name of also) say(`            ${name}`);
  };

  const applicable = chosen.filter(f => {
    const why = staleness(f, copyOf(0));
    if (why !== null) decide(f, 'stale', why);
    return why === null;
  });

  // Without a fault every named test must pass.
  const files = options.who ? SUITES : [...new Set(applicable.map(f => f.test[0]))];
  /** @type {Map<string, boolean[]>} */
  const good = new Map();
  /** @type {Set<string>} */
  const failing = new Set();
  let trouble = '';
  say(`running ${files.length} test files without a fault`);
  await runAll(
    files,
    file => ({ fault: null, files: [file], name: null }),
    (file, answer) => {
      if (answer === 'hung') trouble ||= `${file} does not end`;
      else {
        if (answer.broken !== '') trouble ||= `${file}: ${answer.broken}`;
        for (const o of answer.outcomes) {
          const key = `${o.file} ${o.name}`;
          good.set(key, [...(good.get(key) ?? []), o.passed]);
          if (!o.passed) failing.add(`${o.file} ${o.full}`);
        }
      }
    },
    { workers, limit: 5 * LIMIT },
  );
  if (trouble !== '') say(`without a fault: ${trouble}`);

  const ready = applicable.filter(f => {
    const found = good.get(f.test.join(' '));
    if (options.who) return true;
    if (found === undefined)
      decide(f, 'no test', `there is no test '${f.test[1]}' in test/${f.test[0]}.test.ts`);
    else if (found.length > 1) decide(f, 'no test', `${found.length} tests are named '${f.test[1]}'`);
    else if (!found[0]) decide(f, 'no test', `'${f.test[1]}' fails without the fault`);
    return found?.length === 1 && found[0];
  });

  say(`trying ${ready.length} faults with ${workers} workers`);
  await runAll(
    ready,
    fault => ({
      fault,
      files: options.who ? SUITES : [fault.test[0]],
      name: options.who ? null : fault.test[1],
    }),
    (fault, answer) => {
      if (answer === 'hung') return decide(fault, CAUGHT, 'the test no longer ends');
      const named = answer.outcomes.filter(o => o.file === fault.test[0] && o.name === fault.test[1]);
      const also = options.who
        ? answer.outcomes
            .filter(o => !o.passed && !failing.has(`${o.file} ${o.full}`))
            .map(o => `${o.file}: ${o.name}: ${o.error}`)
        : [];
      if (answer.broken !== '') decide(fault, 'broken', answer.broken, also);
      else if (named.some(o => !o.passed))
        decide(fault, CAUGHT, named.find(o => !o.passed)?.error ?? '', also);
      else decide(fault, 'survived', `'${fault.test[1]}' passes all the same`, also);
    },
    { workers, limit: LIMIT },
  );
  return chosen.map(f => /** @type {Verdict} */ (verdicts.get(f.id)));
}
