// The faults under test/mutants/faults/ as data, and whether each can still be put into the engine.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * One fault, of one line: what is written instead of what, which rule that breaks, and the one test that
 * says so.
 * @typedef {{
 *   id: string,
 *   file: string,
 *   old: string,
 *   new: string,
 *   breaks: string,
 *   rules: readonly string[],
 *   test: readonly [file: string, name: string],
 * }} Fault
 * `file` is relative to src/; `old` occurs there exactly once. `rules` are requirement ids of RFC 9293
 * (MUST-13) and rows of test/lifecycle/regressions.md (#11); `test` is a file under test/ without
 * `.test.ts`, and the test's own name without its describe().
 */

/** A fault and the name of the list that it stands in. @typedef {Fault & { theme: string }} Listed */

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, 'test', 'mutants', 'faults');

/** All faults, in the order of the lists. @returns {Promise<Listed[]>} */
export async function readFaults() {
  /** @type {Listed[]} */
  const all = [];
  const files = readdirSync(folder).filter(f => f.endsWith('.mjs'));
  for (const file of files.sort()) {
    /** @type {{ faults: readonly Fault[] }} */
    const list = await import(pathToFileURL(join(folder, file)).href);
    const theme = file.replace(/^\d+-|\.mjs$/g, '');
    for (const fault of list.faults) all.push({ ...fault, theme });
  }
  return all;
}

/** How often `part` occurs in `text`. @param {string} text @param {string} part */
export const occurrences = (text, part) => (part === '' ? 0 : text.split(part).length - 1);

/**
 * The source with the fault in it.
 * @param {Fault} fault
 * @param {string} source
 */
export const inject = (fault, source) => source.replace(fault.old, () => fault.new);

/**
 * Why a fault cannot be put in, or null if it can.
 * @param {Fault} fault
 * @param {string} base the folder that holds src/ and test/
 * @returns {string | null}
 */
export function staleness(fault, base = root) {
  let source = '';
  try {
    source = readFileSync(join(base, 'src', fault.file), 'utf8');
  } catch {
    return `src/${fault.file} is not there`;
  }
  const n = occurrences(source, fault.old);
  if (n === 0) return `its old text does not occur in src/${fault.file}`;
  if (n > 1) return `its old text occurs ${n} times in src/${fault.file}`;
  if (fault.old === fault.new) return 'it changes nothing';
  if (fault.old.includes('\n') || fault.new.includes('\n')) return 'it is more than one line';
  return null;
}

/** The rules that the faults must cover: every row, and every MUST on these parts of the stack. */
export const PARTS = /handshake|close|RST|RTO|window/;

/** @returns {{ id: string, text: string }[]} */
export function rulesToCover() {
  /** @type {{ id: string, part: string, text: string }[]} */
  const requirements = JSON.parse(readFileSync(join(root, 'docs', 'requirements.json'), 'utf8'));
  const musts = requirements.filter(r => r.id.startsWith('MUST-') && PARTS.test(r.part));
  const table = readFileSync(join(root, 'test', 'lifecycle', 'regressions.md'), 'utf8');
  const rows = [...table.matchAll(/^\| (\d+) \| ([^|]*) \|/gm)].map(m => ({
    id: `#${m[1]}`,
    text: m[2] ?? '',
  }));
  return [...rows, ...musts.map(r => ({ id: r.id, text: r.text }))];
}
