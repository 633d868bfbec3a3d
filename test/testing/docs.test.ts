import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)].flatMap(m => (m[1] === language ? [m[2]!] : []));

/** Without indentation, line by line. */
const flat = (text: string): string =>
  text
    .split('\n')
    .map(l => l.trim())
    .join('\n')
    .replaceAll(/'(?:\.\.\/)+src\/testing\/index\.ts'/g, "'lastack/testing'");

const sources = ['docs', 'recipes'].flatMap(folder =>
  readdirSync(`test/testing/${folder}`).map(name =>
    flat(readFileSync(`test/testing/${folder}/${name}`, 'utf8')),
  ),
);

test('every program of docs/testing.md stands in a test that runs', () => {
  const all = blocks(readFileSync('docs/testing.md', 'utf8'), 'ts');
  expect(all.length).toBeGreaterThan(6);
  for (const block of all) {
    expect(
      sources.some(s => s.includes(flat(block))),
      `in no test:\n${block}`,
    ).toBe(true);
  }
});

test('the programs of docs/sockets.md run and print', () => {
  const printed = blocks(readFileSync('docs/sockets.md', 'utf8'), 'js').map(program =>
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      timeout: 30_000,
    }).trim(),
  );
  expect(printed).toEqual(['hello, 127.0.0.1', 'from node:net']);
});

test('what both pages and the examples link to exists, and every sample program has its fixed version', () => {
  for (const [page, folder] of [
    ['docs/testing.md', 'docs'],
    ['docs/sockets.md', 'docs'],
    ['examples/buggy/README.md', 'examples/buggy'],
  ] as const)
    for (const [, link = ''] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g))
      expect(existsSync(join(folder, link)), `${page}: ${link}`).toBe(true);
  const programs = readdirSync('examples/buggy').filter(n => n.endsWith('.mjs'));
  for (const name of programs)
    if (!name.includes('.fixed.')) expect(programs).toContain(name.replace('.mjs', '.fixed.mjs'));
  const list = readFileSync('examples/buggy/README.md', 'utf8');
  for (const name of programs) expect(list).toContain(`(${name})`);
});
