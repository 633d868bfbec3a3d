// Makes a clone ready to run: installs the development packages when they are missing or older than the
// lock file, compiles src/ to dist/ and builds the lab to dist/lab/ when a source is newer, and links
// `lastack` so that `npx lastack` works here. It runs before `npm start`, `npm test` and `npm run bench`,
// needs nothing but Node, and is quick when there is nothing to do.
//
//   node scripts/setup.mjs [--quiet] [--clean] [--lab]
//
//   --clean compiles into an empty dist/     --lab builds the lab even if it is up to date

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes('--quiet');
const WINDOWS = process.platform === 'win32';

checkNode();
installPackages();
if (process.argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true });
compile();
buildLab();
linkCommand();

/** Stops with a sentence a person can act on. @param {string} message @returns {never} */
function fail(message) {
  console.error(`lastack setup: ${message}`);
  process.exit(1);
}

/** @param {string} message */
function say(message) {
  if (!quiet) console.error(`lastack setup: ${message}`);
}

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  fail(`Node ${wanted} or newer is needed, this is ${process.versions.node}. Install it from nodejs.org.`);
}

function installPackages() {
  // npm writes this file at the end of an install: it is older than the lock file after a pull.
  const mark = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(mark) && same(mark, lock)) return;
  say(existsSync(mark) ? 'the lock file has changed: npm ci' : 'first run: npm ci');
  // The npm that runs this script, where one does: it needs no shell.
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const r = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: WINDOWS });
  if (r.error) fail(`npm could not be started (${r.error.message}). Is it in the PATH?`);
  if (r.status !== 0) fail('`npm ci` failed; its message is above. With a network it should work again.');
}

/**
 * Whether what is installed is what the lock file asks for: by time if that settles it (a checkout writes
 * the lock file anew, so being older proves nothing), else by the versions themselves.
 * @param {string} mark @param {string} lock
 */
function same(mark, lock) {
  if (statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return true;
  const installed = JSON.parse(readFileSync(mark, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(lock, 'utf8')).packages;
  return Object.keys(wanted).every(
    name => name === '' || wanted[name].optional || installed[name]?.version === wanted[name].version,
  );
}

function compile() {
  const stamp = join(root, 'dist', '.tsbuildinfo');
  const newest = Math.max(
    newestIn(join(root, 'src')),
    ...['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(
      f => statSync(join(root, f)).mtimeMs,
    ),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) return;
  const begun = performance.now();
  // The compiler's launcher is a plain Node script on every platform.
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // The stamp goes first: a compile that fails must be tried again, and one that changes nothing must be noted.
  if (existsSync(stamp)) unlinkSync(stamp);
  const r = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (r.status !== 0) {
    if (existsSync(stamp)) unlinkSync(stamp);
    fail('src/ does not compile; the compiler says why above.');
  }
  say(`compiled src/ to dist/ in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

/** The lab, a static site made of lab/ and of the engine in src/. */
function buildLab() {
  const page = join(root, 'dist', 'lab', 'index.html');
  const newest = Math.max(
    newestIn(join(root, 'lab')),
    newestIn(join(root, 'src')),
    statSync(join(root, 'package-lock.json')).mtimeMs,
  );
  if (!process.argv.includes('--lab') && existsSync(page) && statSync(page).mtimeMs >= newest) return;
  const begun = new Date();
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const r = spawnSync(process.execPath, [vite, 'build', 'lab', '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (r.status !== 0) fail('the lab (lab/) can not be built; vite says why above.');
  // As old as the sources that it was made of: what has changed in the meantime is built the next time.
  utimesSync(page, begun, begun);
  say(`built the lab to dist/lab/ in ${((Date.now() - begun.getTime()) / 1000).toFixed(1)} s`);
}

/** The latest change under a directory, directories included (a removed file changes its directory). @param {string} dir @returns {number} */
function newestIn(dir) {
  let newest = statSync(dir).mtimeMs;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : statSync(path).mtimeMs);
  }
  return newest;
}

/** `npx lastack` looks in node_modules/.bin first. */
function linkCommand() {
  const cli = join(root, 'dist', 'tools', 'cli.js');
  if (!existsSync(cli)) return;
  if (!WINDOWS && (statSync(cli).mode & 0o111) === 0) chmodSync(cli, 0o755);
  const bin = join(root, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  const link = join(bin, WINDOWS ? 'lastack.cmd' : 'lastack');
  if (WINDOWS) {
    if (!existsSync(link)) writeFileSync(link, '@node "%~dp0..\\..\\dist\\tools\\cli.js" %*\r\n');
  } else if (!lstatSync(link, { throwIfNoEntry: false })) {
    symlinkSync('../../dist/tools/cli.js', link);
  }
}
