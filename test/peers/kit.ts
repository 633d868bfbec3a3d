import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/**
 * What the tests against real programs share. Whatever is started or written here is ended and removed by
 * `cleanUp`, even if a test fails half way.
 */

/** The compiled command line, as users run it; `npm test` compiles it first. */
const CLI = resolve('dist/tools/cli.js');

const closers: (() => unknown)[] = [];

/** Ends every process and removes every directory that was made here, the last first. */
export async function cleanUp(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** The Debian package that brings each program. */
const PACKAGES: Readonly<Record<string, string>> = {
  tshark: 'tshark',
  curl: 'curl',
  nc: 'netcat-openbsd',
  nginx: 'nginx-light',
  ab: 'apache2-utils',
  python3: 'python3',
};

/** Where a program lies, or null. */
export function which(program: string): string | null {
  for (const dir of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** Why a test that needs these programs can't run here, or null if it can. */
export function missing(...programs: string[]): string | null {
  const gone = programs.filter(p => which(p) === null);
  if (gone.length === 0) return null;
  return gone.map(p => `${p} is not installed (package ${PACKAGES[p] ?? p})`).join(', ');
}

/** Skips a test by name, with its reason, when one of the programs is not there. */
export function need(ctx: { skip(note?: string): void }, ...programs: string[]): void {
  const reason = missing(...programs);
  if (reason !== null) ctx.skip(reason);
}

export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lastack-peers-'));
  closers.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface Result {
  /** −1 if a signal ended it. */
  readonly code: number;
  readonly bytes: Buffer;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeout?: number;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((done, reject) => {
    const child = begin(program, args, { stdio: 'pipe', env: { ...process.env, ...options.env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (b: Buffer) => out.push(b));
    child.stderr?.on('data', (b: Buffer) => err.push(b));
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000);
    child.on('error', reject);
    child.on('close', code => {
      clearTimeout(timer);
      const bytes = Buffer.concat(out);
      done({ code: code ?? -1, bytes, out: bytes.toString(), err: Buffer.concat(err).toString() });
    });
  });
}

/** Starts a program that `cleanUp` will end. */
function begin(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(which(program) ?? program, args, options);
  closers.push(() => end(child));
  return child;
}

/** SIGTERM, and SIGKILL if that does not help. Resolves with the exit code when it has ended. */
export function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve(child.exitCode ?? -1);
  return new Promise(done => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
    child.once('exit', code => {
      clearTimeout(timer);
      done(code ?? -1);
    });
    child.kill(signal);
  });
}

/** A running `lastack up`. */
export interface Up {
  readonly pid: number;
  readonly port: number;
  /** The SOCKS5 and CONNECT front; 0 without --socks. */
  readonly socks: number;
  /** Where its control socket lies: LASTACK_RUNTIME_DIR for other commands. */
  readonly runtime: string;
  /** All it has said so far. */
  readonly said: () => string;
  /** Another command of lastack, about this instance. */
  lastack(...args: string[]): Promise<Result>;
  /** As Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number>;
}

/** Starts `lastack up` on free ports and waits until it listens. */
export async function up(...args: string[]): Promise<Up> {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: npm run build');
  const runtime = join(scratch(), 'run');
  const env = { ...process.env, LASTACK_RUNTIME_DIR: runtime, NO_COLOR: '1' };
  const child = begin(process.execPath, [CLI, 'up', '--port', '0', '--lab', 'off', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout?.on('data', (b: Buffer) => (said += b.toString()));
  child.stderr?.on('data', (b: Buffer) => (said += b.toString()));
  await until(() => /Ctrl-C ends/.test(said) || child.exitCode !== null, 'lastack up listens', 20_000);
  if (child.exitCode !== null) throw new Error(`lastack up ended: ${said}`);
  const ports = [...said.matchAll(/^ {2}\S*127\.0\.0\.1:(\d+)/gm)].map(m => Number(m[1]));
  return {
    pid: child.pid ?? 0,
    port: ports[0] ?? 0,
    socks: args.includes('--socks') ? (ports[1] ?? 0) : 0,
    runtime,
    said: () => said,
    lastack: (...words) => run(process.execPath, [CLI, ...words], { env }),
    stop: () => end(child, 'SIGINT'),
  };
}

/** nginx in front of a directory of files; its port and the directory. */
export async function nginx(): Promise<{ port: number; root: string }> {
  const dir = scratch();
  const root = join(dir, 'www');
  mkdirSync(root);
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    n => `${n}_temp_path ${join(dir, n)};`,
  );
  writeFileSync(
    join(dir, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; master_process off; worker_processes 1; pid ${join(dir, 'pid')}; error_log ${join(dir, 'error.log')};
events { worker_connections 4096; }
http { access_log off; sendfile on; default_type application/octet-stream; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port} backlog=4096; root ${root}; } }
`,
  );
  const child = begin('nginx', ['-p', dir, '-e', join(dir, 'error.log'), '-c', join(dir, 'nginx.conf')], {
    stdio: 'ignore',
  });
  writeFileSync(join(root, 'ready'), 'ready');
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with code ${child.exitCode}`);
      return await fetch(`http://127.0.0.1:${port}/ready`).then(
        r => r.ok,
        () => false,
      );
    },
    'nginx listens',
    10_000,
  );
  return { port, root };
}

/** A TCP port on which nobody listened a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((done, reject) => {
    const s = createServer();
    s.on('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address() as AddressInfo;
      s.close(() => done(port));
    });
  });
}

export async function until(
  test: () => boolean | Promise<boolean>,
  what: string,
  ms = 10_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await pause(20);
  }
}

export const pause = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

/** Bytes that repeat nowhere soon, the same for the same seed. */
export function pattern(n: number, seed = 1): Buffer {
  const b = Buffer.allocUnsafe(n);
  let x = seed | 1;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    b[i] = x >>> 24;
  }
  return b;
}
