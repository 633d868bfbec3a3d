import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pack = JSON.parse(read('package.json'));

/** The source that `./dist/x.js` or `./dist/x.d.ts` is compiled from. */
const sourceOf = (target: string): string =>
  target.replace(/^(?:\.\/)?dist\//, 'src/').replace(/(?:\.d\.ts|\.js)$/, '.ts');

describe('the package', () => {
  test('has a source behind each of its doors and its command', () => {
    const doors = Object.entries<string | { types: string; default: string }>(pack.exports).flatMap(
      ([, d]) => (typeof d === 'string' ? [] : [d.types, d.default]),
    );
    for (const target of [...doors, pack.bin.lastack]) {
      expect(existsSync(join(root, sourceOf(target))), `${target} is compiled from ${sourceOf(target)}`).toBe(
        true,
      );
    }
  });

  test('publishes only what exists', () => {
    for (const file of pack.files.filter((f: string) => f !== 'dist' && !f.startsWith('!'))) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  test('depends on nothing at run time, but for what a link asks of who uses it', () => {
    expect(pack.dependencies).toBeUndefined();
    expect(Object.keys(pack.peerDependencies)).toEqual(['koffi', 'ws']);
    for (const name of Object.keys(pack.peerDependencies))
      expect(pack.peerDependenciesMeta[name]).toEqual({ optional: true });
  });

  test('has a lock file without download addresses', () => {
    const addresses = read('package-lock.json')
      .split('\n')
      .filter(l => l.includes('"resolved"'));
    expect(addresses).toEqual([]);
  });

  test('has a lock file that agrees with package.json', () => {
    const lock = JSON.parse(read('package-lock.json'));
    expect(lock.packages['']).toMatchObject({
      name: pack.name,
      version: pack.version,
      devDependencies: pack.devDependencies,
    });
  });

  test('says in its command line where Node is', () => {
    expect(read('src/tools/cli.ts')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});

describe('every script of package.json', () => {
  test('names a file that exists', () => {
    for (const [name, command] of Object.entries<string>(pack.scripts)) {
      for (const [file] of command.matchAll(/\b(?:scripts|bench|test)\/[\w./-]+/g)) {
        expect(existsSync(join(root, file)), `npm run ${name}: ${file}`).toBe(true);
      }
    }
  });
});

describe('the documents', () => {
  const documents = readdirSync(root).filter(f => f.endsWith('.md'));

  test.each(documents)('%s links to files that exist', document => {
    for (const [, target] of read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      expect(existsSync(join(root, target ?? '')), `${document}: ${target}`).toBe(true);
    }
  });

  test.each(documents)('%s names only npm scripts that exist', document => {
    const words = new Set([...Object.keys(pack.scripts), 'ci', 'install']);
    for (const [, run, word] of read(document).matchAll(/`npm (run )?([a-z:]+)/g)) {
      expect(words.has(word ?? ''), `${document}: npm ${run ?? ''}${word}`).toBe(true);
    }
  });
});
