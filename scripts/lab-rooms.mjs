// What ARCHITECTURE.md promises of the lab: who may import whom, and that only the view knows a page. Part of
// scripts/imports.mjs.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { importsOf, MAX_LINES, scan } from './scan.mjs';

/** @typedef {import('./imports.mjs').Violation} Violation */

/** What each room of lab/ may import from beside itself and src/. @type {Record<string, readonly string[]>} */
const MAY = {
  lessons: [],
  engine: ['export'],
  words: ['engine', 'lessons'],
  url: ['lessons'],
  traffic: ['engine'],
  export: ['engine', 'model'],
  model: ['engine', 'lessons', 'traffic', 'url', 'words'],
  view: ['engine', 'export', 'lessons', 'model', 'traffic', 'url', 'words'],
};
/** Files outside the view that are made for a page: the Worker's own thread, and the line to a gateway. */
const PAGE = new Set(['engine/worker.ts', 'traffic/connect.ts']);
const DOM = /\b(?:document|window(?=\.)|localStorage|HTML\w+Element|requestAnimationFrame|navigator)\b/g;
/** Rooms that run in the page's thread and may keep what they know as signals. */
const PACKAGES = new Set(['words', 'traffic', 'model', 'view']);

/**
 * All violations in one file.
 * @param {string} path relative to lab/, with forward slashes
 * @param {string} source
 * @returns {Violation[]}
 */
export function checkLabFile(path, source) {
  const scanned = scan(source);
  const room = path.slice(0, Math.max(0, path.indexOf('/')));
  /** @type {Violation[]} */
  const found = [];
  const report = (/** @type {number} */ at, /** @type {string} */ rule, /** @type {string} */ message) =>
    found.push({ file: `lab/${path}`, line: scanned.code.slice(0, at).split('\n').length, rule, message });
  if (room !== '' && MAY[room] === undefined)
    report(0, 'room', `there is no room lab/${room}/: add it to docs/lab.md and to scripts/lab-rooms.mjs`);
  for (const { at, text } of importsOf(scanned)) {
    const to = /^(?:\.\.\/)+(\w+)\//.exec(text)?.[1];
    if (!text.startsWith('.')) {
      if (!PACKAGES.has(room) && room !== '')
        report(at, 'dependency', `'${text}': packages belong into ${[...PACKAGES].join(', ')}`);
    } else if (to !== undefined && to !== 'src' && to !== room && MAY[room]?.includes(to) === false) {
      report(at, 'direction', `lab/${room}/ may not import from lab/${to}/: see docs/lab.md`);
    }
  }
  if (room !== 'view' && room !== '' && !PAGE.has(path))
    for (const m of scanned.code.matchAll(DOM)) {
      if (!/\.\s*$/.test(scanned.code.slice(Math.max(0, m.index - 2), m.index)))
        report(m.index, 'page', `\`${m[0]}\`: only lab/view/ knows a page`);
    }
  const lines = source.split('\n').length - 1;
  if (lines > MAX_LINES) report(source.length, 'length', `${lines} lines, ${MAX_LINES} are enough: split it`);
  return found;
}

/** @param {string} lab the directory @returns {{ files: number, violations: Violation[] }} */
export function checkLab(lab) {
  /** @type {Violation[]} */
  const violations = [];
  let files = 0;
  for (const entry of readdirSync(lab, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name) || basename(entry.parentPath) === 'dist') continue;
    const path = join(entry.parentPath, entry.name);
    files++;
    violations.push(...checkLabFile(relative(lab, path).split(sep).join('/'), readFileSync(path, 'utf8')));
  }
  return { files, violations };
}
