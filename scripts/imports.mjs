// Holds what ARCHITECTURE.md promises and a type checker cannot: who may import whom, who may know the
// time, where a connection's state changes, how long a file may be. Reads import statements and names with
// a small scanner of its own.
//
//   node scripts/imports.mjs        prints file:line, what is wrong and what to do; exit code 1 if anything is

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLab } from './lab-rooms.mjs';
import { importsOf, MAX_LINES, scan } from './scan.mjs';

/** The rooms, ground floor first; rooms of one row are neighbours that do not know each other. */
export const ROOMS = [
  ['base'],
  ['wire'],
  ['tcp'],
  ['udp', 'icmp'],
  ['ip'],
  ['stack'],
  ['socket'],
  ['services'],
  ['link'],
  ['driver'],
  ['api'],
  ['sim'],
  ['tools'],
  ['testing'],
];

/** Rooms without clock, timer, promise or randomness: the engine. */
const ENGINE = new Set(['base', 'wire', 'tcp', 'udp', 'icmp', 'ip', 'stack', 'socket']);
/** Rooms in virtual time: promises are fine, the machine's own time and chance are not. */
const VIRTUAL = new Set(['services', 'sim']);

/**
 * Files that may be longer, each with its reason.
 * @type {Record<string, string>}
 */
export const LONG_FILES = {};

/**
 * Optional peers: packages that one file works with if they are installed, and says what to do if not.
 * @type {Record<string, string>}
 */
const OPTIONAL_PEERS = { 'link/websocket/ws.ts': 'ws' };

/** @typedef {{ file: string, line: number, rule: string, message: string }} Violation */

/** Names the engine must not use, and what to do instead. @type {[RegExp, string][]} */
const TIME = [
  [/\bDate\b/g, 'time is an argument here: take `now`'],
  [/\bperformance\b/g, 'time is an argument here: take `now`'],
  [/\bMath\.random\b/g, 'chance is injected here: take a Random of base/random.ts'],
];
/** @type {[RegExp, string][]} */
const EVENTS = [
  [/\b(?:set|clear)(?:Timeout|Interval|Immediate)\b/g, 'keep a deadline and let the caller ask for it'],
  [/\bqueueMicrotask\b/g, 'nothing is deferred here: return, and be asked again'],
  [/\bPromise\b/g, 'calls here return numbers; promises begin above socket/'],
  [/\basync\b(?!\s*:)/g, 'calls here return numbers; promises begin above socket/'],
  [/\bawait\b/g, 'calls here return numbers; promises begin above socket/'],
  [/\bEvent(?:Emitter|Target)\b/g, 'nothing calls back from here: keep a list that the caller takes'],
  [/\bconsole\b/g, 'nothing prints here: count it in the Mib or tell the trace sink'],
  [/\bcrypto\b/g, 'chance is injected here: take a Random of base/random.ts'],
  [
    /\bMath\.(?:cbrt|pow|exp|expm1|log|log2|log10|log1p|a?sinh?|a?cosh?|a?tanh?|atan2|hypot)\b/g,
    'engines round this differently and a run must be the same everywhere: use integer arithmetic',
  ],
];
/** @type {[RegExp, string][]} */
const NODE_GLOBALS = [
  // A local of that name (a simulated process) is something else.
  [
    /\bprocess\.(?:env|argv|exit|exitCode|nextTick|hrtime|std\w+|on|once|memoryUsage|platform|versions?|cwd|pid|uptime|emitWarning)\b/g,
    'this file runs in browsers too: take what you need as an argument',
  ],
  [/\bBuffer\b/g, 'this file runs in browsers too: use Uint8Array'],
  [/\b__(?:dirname|filename)\b/g, 'this file runs in browsers too'],
  [/\brequire\s*\(/g, 'use import'],
];

/** @param {string} name */
const rank = name => ROOMS.findIndex(row => row.includes(name));

/**
 * May this file of src/ import from Node?
 * @param {string} room @param {string} path relative to src/
 */
function nodeAllowed(room, path) {
  if (path.startsWith('api/streams/')) return false;
  return ['tools', 'testing', 'api', 'link'].includes(room) || /^driver\/node/.test(path);
}

/**
 * All violations in one file.
 * @param {string} path relative to src/, with forward slashes
 * @param {string} source
 * @returns {Violation[]}
 */
export function checkFile(path, source) {
  const scanned = scan(source);
  const { code } = scanned;
  const room = path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
  const file = `src/${path}`;
  const inNode = nodeAllowed(room, path);
  /** @type {Violation[]} */
  const found = [];
  const lineOf = (/** @type {number} */ at) => code.slice(0, at).split('\n').length;
  const report = (/** @type {number} */ at, /** @type {string} */ rule, /** @type {string} */ message) =>
    found.push({ file, line: lineOf(at), rule, message });

  if (room !== '' && rank(room) < 0) {
    report(0, 'room', `there is no room ${room}/: add it to ARCHITECTURE.md and to scripts/imports.mjs`);
  }

  for (const { at, text } of importsOf(scanned)) {
    if (text === OPTIONAL_PEERS[path]) continue;
    if (!text.startsWith('.')) {
      const isNode = text.startsWith('node:');
      if (isNode && inNode) continue;
      report(
        at,
        isNode ? 'node' : 'dependency',
        isNode
          ? `'${text}': Node belongs into driver/node*, link/, api/ (not api/streams/), tools/ and testing/; take what you need as an argument`
          : `'${text}': the package has no dependency (Node's own modules are written node:…)`,
      );
      continue;
    }
    const target = relative('/src', resolve('/src', dirname(path), text))
      .split(sep)
      .join('/');
    if (target.startsWith('..')) {
      report(at, 'direction', `'${text}' leads out of src/`);
      continue;
    }
    const to = target.includes('/') ? target.slice(0, target.indexOf('/')) : '';
    if (room === '' || to === room) continue;
    if (to === '')
      report(at, 'direction', `'${text}': import the room's own file, not the package's front door`);
    else if (rank(to) === rank(room)) {
      report(
        at,
        'direction',
        `${room}/ and ${to}/ are neighbours and do not import each other: move what both need down`,
      );
    } else if (rank(to) > rank(room)) {
      report(
        at,
        'direction',
        `${room}/ stands below ${to}/ and may not import it: pass it in, or move it down`,
      );
    }
  }

  const names = (/** @type {[RegExp, string][]} */ list, /** @type {string} */ rule) => {
    for (const [pattern, advice] of list) {
      for (const m of code.matchAll(pattern)) {
        // A property or member of that name (`x.process`, `process: …`) is something else.
        if (/\.\s*$/.test(code.slice(Math.max(0, m.index - 2), m.index))) continue;
        report(m.index, rule, `\`${m[0].trim()}\`: ${advice}`);
      }
    }
  };
  if (ENGINE.has(room) || VIRTUAL.has(room)) names(TIME, 'clock');
  if (ENGINE.has(room)) names(EVENTS, 'clock');
  if (!inNode && room !== '') names(NODE_GLOBALS, 'node');

  if (path !== 'tcp/state.ts') {
    const assigned =
      room === 'tcp'
        ? /\.state\s*=(?![=>])/g
        : /\b(?:tcb|connection|conn|child|[a-z]\w*(?:Tcb|Connection))\.state\s*=(?![=>])/g;
    for (const m of code.matchAll(assigned)) {
      report(m.index, 'state', "a connection's state changes in tcp/state.ts only: call transition()");
    }
  }

  for (const m of source.matchAll(/@ts-(?:ignore|nocheck|expect-error)/g)) {
    report(m.index, 'suppression', `${m[0]}: mend the types instead`);
  }
  for (const m of source.matchAll(/biome-ignore.*/g)) {
    if (!/^[^:]+:\s*\S+\s+\S+/.test(m[0])) {
      report(m.index, 'suppression', 'say behind the colon, in a few words, why this is right here');
    }
  }

  const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0);
  if (lines > MAX_LINES && LONG_FILES[file] === undefined) {
    found.push({
      file,
      line: MAX_LINES + 1,
      rule: 'length',
      message: `${lines} lines, ${MAX_LINES} are enough: split it along an idea, or give the reason in LONG_FILES of scripts/imports.mjs`,
    });
  }
  return found;
}

/**
 * All violations below a src/ directory, and how many files were read.
 * @param {string} src
 * @returns {{ files: number, violations: Violation[] }}
 */
export function checkTree(src) {
  /** @type {Violation[]} */
  const violations = [];
  let files = 0;
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(?:ts|mts|tsx|js|mjs)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    files++;
    violations.push(...checkFile(relative(src, path).split(sep).join('/'), readFileSync(path, 'utf8')));
  }
  for (const file of Object.keys(LONG_FILES)) {
    if (!violations.some(v => v.file === file) && !existsLong(src, file)) {
      violations.push({
        file,
        line: 1,
        rule: 'length',
        message: 'is short enough now: take it out of LONG_FILES',
      });
    }
  }
  violations.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
  return { files, violations };
}

/** @param {string} src @param {string} file */
function existsLong(src, file) {
  try {
    return readFileSync(join(src, '..', file), 'utf8').split('\n').length > MAX_LINES;
  } catch {
    return false;
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const trees = [checkTree(join(root, 'src')), checkLab(join(root, 'lab'))];
  const files = trees.reduce((n, t) => n + t.files, 0);
  const violations = trees.flatMap(t => t.violations);
  for (const v of violations) console.log(`${v.file}:${v.line} [${v.rule}] ${v.message}`);
  console.log(
    violations.length === 0
      ? `imports: ${files} files keep the house rules`
      : `imports: ${violations.length} violations in ${new Set(violations.map(v => v.file)).size} of ${files} files`,
  );
  process.exit(violations.length === 0 ? 0 : 1);
}
