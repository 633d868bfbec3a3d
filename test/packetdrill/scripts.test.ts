import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findScripts } from '../../src/tools/packetdrill/files.ts';
import { tapLine } from '../../src/tools/packetdrill/report.ts';
import { runSource } from '../../src/tools/packetdrill/run-file.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const files = (await findScripts(here)) ?? [];
const options = { families: null, defines: new Map<string, string>(), overrides: new Map<string, string>() };

describe('our own packetdrill scripts', () => {
  it('are at least 150, with three and more for each heading of the lifecycle rules', () => {
    expect(files.length).toBeGreaterThanOrEqual(150);
    const headings = new Map<string, number>();
    for (const f of files) {
      const heading = /lifecycle\/(\d\d-[\w-]+)\//.exec(f)?.[1];
      if (heading !== undefined) headings.set(heading, (headings.get(heading) ?? 0) + 1);
    }
    expect([...headings.keys()].sort().map(h => h.slice(0, 2))).toEqual(
      Array.from({ length: 12 }, (_, i) => String(i + 1).padStart(2, '0')),
    );
    for (const [heading, n] of headings) expect(n, heading).toBeGreaterThanOrEqual(3);
  });

  it.each(files.map(f => [relative(here, f), f]))('%s', (_, file) => {
    const source = readFileSync(file, 'latin1');
    expect(source.startsWith('// '), 'a comment that names the rule').toBe(true);
    const outcomes = runSource(file, source, options);
    expect(outcomes.length).toBeGreaterThan(0);
    const failures = outcomes.filter(o => o.status !== 'ok');
    expect(failures.map((o, i) => tapLine(i + 1, o)).join('')).toBe('');
  });
});
