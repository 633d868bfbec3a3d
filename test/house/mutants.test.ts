import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Fault,
  inject,
  type Listed,
  readFaults,
  root,
  rulesToCover,
  staleness,
} from '../../scripts/mutants/list.mjs';

const faults: Listed[] = await readFaults();

/** Test files as they stand. */
const sources = new Map<string, string>();
function source(file: string): string {
  let text = sources.get(file);
  if (text === undefined) {
    text = readFileSync(join(root, 'test', `${file}.test.ts`), 'utf8');
    // Some test files are only the table of contents of a folder of the same name.
    const folder = join(root, 'test', file);
    const parts = existsSync(folder) ? readdirSync(folder).filter(f => f.endsWith('.ts')) : [];
    for (const part of parts) text += readFileSync(join(folder, part), 'utf8');
    sources.set(file, text);
  }
  return text;
}

/** Whether a name may be that of a test there: as it stands, or made by test.each from a pattern. */
function isNamed(file: string, name: string): boolean {
  if (file === 'lifecycle/golden/golden') {
    return readdirSync(join(root, 'test/lifecycle/golden/timelines')).includes(`${name}.txt`);
  }
  const text = source(file).replace(/\\'/g, "'");
  if (text.includes(name)) return true;
  const patterns = [...text.matchAll(/['"`]([^'"`\n]*(?:%[si]|\$\{\w+\})[^'"`\n]*)['"`]/g)].map(
    m => m[1] ?? '',
  );
  return patterns.some(p => {
    const escaped = p.replace(/[.*+?^()|[\]\\]/g, '\\$&').replace(/%[si]|\$\{\w+\}/g, '.+');
    return new RegExp(`^${escaped}$`).test(name);
  });
}

describe('the faults that npm run mutants puts into the engine', () => {
  test('can all still be put in: the old text of each occurs exactly once', () => {
    expect(faults.map(f => ({ id: f.id, why: staleness(f) })).filter(f => f.why !== null)).toEqual([]);
  });

  test('have names of their own, and each names a test that exists', () => {
    expect(new Set(faults.map(f => f.id)).size).toBe(faults.length);
    for (const f of faults) expect(isNamed(f.test[0], f.test[1]), `${f.id}: ${f.test.join(': ')}`).toBe(true);
  });

  test('break every story of the regressions, and every MUST on handshake, close, reset, retransmission, window', () => {
    const broken = new Set(faults.flatMap(f => f.rules));
    const rules = rulesToCover();
    expect(rules.filter(r => r.id.startsWith('#'))).toHaveLength(28);
    expect(rules.filter(r => !broken.has(r.id))).toEqual([]);
  });

  test('cite rules that exist', () => {
    const known = new Set(rulesToCover().map(r => r.id));
    const others = readFileSync(join(root, 'docs/requirements.json'), 'utf8');
    for (const rule of faults.flatMap(f => f.rules)) {
      expect(known.has(rule) || others.includes(`"${rule}"`), rule).toBe(true);
    }
  });
});

describe('a fault', () => {
  const fault: Fault = {
    id: 'x',
    file: 'base/seq.ts',
    old: 'a - b',
    new: '$& b',
    breaks: '',
    rules: [],
    test: ['a', 'b'],
  };

  test('that fits in two places, in none, or in no file is stale', () => {
    expect(staleness(fault)).toMatch(/occurs \d+ times/);
    expect(staleness({ ...fault, old: 'no such text' })).toMatch(/does not occur/);
    expect(staleness({ ...fault, file: 'base/nowhere.ts' })).toMatch(/is not there/);
    expect(staleness({ ...fault, old: 'export const seqDiff', new: 'export const seqDiff' })).toMatch(
      /nothing/,
    );
  });

  test('is put in as it stands', () => {
    expect(inject(fault, 'return a - b;')).toBe('return $& b;');
  });
});
