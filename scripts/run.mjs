// Runs a TypeScript program of this repository that is no part of the package (a benchmark, a long search):
// compiles it together with src/ into build/, then runs it with Node itself, so that what is measured is
// plain JavaScript as the compiler wrote it.
//
//   node scripts/run.mjs [node options] FILE.ts [arguments]

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const at = args.findIndex(a => !a.startsWith('-'));
const program = args[at];
if (program === undefined || !program.endsWith('.ts') || !existsSync(join(root, program))) {
  console.error(
    'usage: node scripts/run.mjs [node options] FILE.ts [arguments], FILE from the top of the clone',
  );
  process.exit(2);
}

// The compiler takes what the program imports, and nothing else that may be half done.
const build = join(root, 'build');
mkdirSync(build, { recursive: true });
const config = join(build, `${program.replace(/\W/g, '-')}.tsconfig.json`);
writeFileSync(
  config,
  JSON.stringify({ extends: '../tsconfig.run.json', include: [], files: [join('..', program)] }),
);
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [tsc, '-p', config], { cwd: root, stdio: ['ignore', 2, 2] });
if (compiled.status !== 0) {
  console.error(`${program} does not compile; the compiler says why above.`);
  process.exit(1);
}
const js = join(build, program.replace(/\.ts$/, '.js'));
const r = spawnSync(process.execPath, [...args.slice(0, at), js, ...args.slice(at + 1)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(r.status ?? 1);
