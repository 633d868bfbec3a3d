import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { scratch, which } from '../kit.ts';

/** A server that listens on a Unix socket only. */
export interface Server {
  readonly path: string;
  readonly user: string;
}

const stops: (() => Promise<void>)[] = [];

/** Ends the servers that were started here. */
export async function stopServers(): Promise<void> {
  await Promise.all(stops.splice(0).map(stop => stop()));
}

/** Starts PostgreSQL with a database of its own; a reason if it is not here. */
export async function postgres(): Promise<Server | string> {
  const base = '/usr/lib/postgresql';
  const version = existsSync(base) ? readdirSync(base).sort().at(-1) : undefined;
  if (version === undefined) return 'PostgreSQL is not installed (package postgresql)';
  const bin = join(base, version, 'bin');
  // It refuses to run as root.
  const root = process.getuid?.() === 0;
  if (root && which('setpriv') === null) return 'setpriv is not installed (package util-linux)';
  const dir = scratch();
  chmodSync(dir, 0o777);
  const as = root ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] : [];
  const [first, ...rest] = [
    ...as,
    join(bin, 'initdb'),
    '-D',
    join(dir, 'db'),
    '-U',
    'postgres',
    '-A',
    'trust',
    '-N',
  ];
  const made = spawnSync(first!, rest, { encoding: 'utf8' });
  if (made.status !== 0) return `initdb does not work here: ${made.stderr.trim().split('\n').at(-1)}`;
  const [command, ...args] = [...as, join(bin, 'postgres'), '-D', join(dir, 'db'), '-k', dir, '-h', '', '-F'];
  const path = join(dir, '.s.PGSQL.5432');
  await run(command!, args, path);
  return { path, user: 'postgres' };
}

/** Starts Redis; a reason if it is not here. */
export async function redis(): Promise<Server | string> {
  if (which('redis-server') === null) return 'redis-server is not installed (package redis-server)';
  const dir = scratch();
  const path = join(dir, 'redis.sock');
  await run('redis-server', ['--port', '0', '--unixsocket', path, '--save', '', '--dir', dir], path);
  return { path, user: '' };
}

async function run(command: string, args: readonly string[], path: string): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: 'ignore' });
  const over = new Promise<void>(done => child.on('close', () => done()));
  stops.push(async () => {
    child.kill('SIGINT');
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await over;
    clearTimeout(late);
  });
  for (let i = 0; i < 200; i++) {
    if (await answers(path)) return child;
    await new Promise(r => setTimeout(r, 50));
  }
  throw new Error(`${command} does not listen on ${path}`);
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const s = connect(path);
    s.on('connect', () => {
      s.destroy();
      resolve(true);
    });
    s.on('error', () => resolve(false));
  });
}
