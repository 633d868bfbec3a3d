import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, need, scratch } from '../kit.ts';
import { postgres, redis, stopServers } from './servers.ts';

/**
 * Programs and packages as they come from npm, unmodified, in a process whose `net` is lastack's. Each runs
 * once on the kernel and once under `lastack/register`, and says the same.
 */

const REGISTER = resolve('dist/tools/register/index.js');
const CLI = resolve('dist/tools/cli.js');
const APPS = resolve('test/peers/npm/apps');

afterAll(async () => {
  await stopServers();
  await cleanUp();
});

interface Child {
  readonly process: ChildProcess;
  /** Everything that it has said so far. */
  text(): string;
  /** Resolves with its exit code. */
  readonly over: Promise<number>;
}

const runtime = scratch();

function start(app: string, args: readonly string[], registered: boolean, config = ''): Child {
  const flags = registered ? ['--import', REGISTER] : [];
  const env = { ...process.env, LASTACK_RUNTIME_DIR: runtime, LASTACK_CONFIG: config };
  const child = spawn(process.execPath, [...flags, resolve(APPS, app), ...args], { env });
  let text = '';
  child.stdout.on('data', d => (text += d));
  child.stderr.on('data', d => (text += d));
  const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
  const over = new Promise<number>(done => child.on('close', code => done(code ?? -1)));
  void over.then(() => clearTimeout(timer));
  return { process: child, text: () => text, over };
}

async function outcome(
  app: string,
  args: readonly string[],
  registered: boolean,
  config = '',
): Promise<string> {
  const child = start(app, args, registered, config);
  const code = await child.over;
  // Lines of a server and of a client come in no certain order.
  const lines = child.text().trim().split('\n');
  const server = lines.filter(l => l.startsWith('server'));
  return [...lines.filter(l => !l.startsWith('server')), ...server, `exit ${code}`].join('\n');
}

async function same(app: string, args: readonly string[] = []): Promise<void> {
  const [kernel, ours] = await Promise.all([outcome(app, args, false), outcome(app, args, true)]);
  expect(ours).toBe(kernel);
  expect(ours).toMatch(/closed\n(?:server.*\n)*exit 0$/);
}

describe('unmodified from npm', () => {
  for (const app of ['http.cjs', 'https.mjs', 'http2.mjs', 'ws.mjs', 'undici.mjs', 'fastify.mjs', 'mqtt.mjs'])
    test(app, async ctx => {
      if (app === 'https.mjs') need(ctx, 'openssl');
      await same(app);
    });

  test('pg against PostgreSQL', async ctx => {
    const server = await postgres();
    if (typeof server === 'string') return ctx.skip(server);
    const ours = await outcome('databases.mjs', ['pg', server.path, server.user], true);
    const kernel = await outcome('databases.mjs', ['pg', server.path, server.user], false);
    expect(ours).toBe(kernel);
    expect(ours).toContain('answer: 42');
  });

  test('ioredis against Redis', async ctx => {
    const server = await redis();
    if (typeof server === 'string') return ctx.skip(server);
    const ours = await outcome('databases.mjs', ['redis', server.path], true);
    expect(ours).toContain('channel hello');
    const again = await redis();
    if (typeof again === 'string') return ctx.skip(again);
    expect(ours).toBe(await outcome('databases.mjs', ['redis', again.path], false));
  });
});

describe('lastack/register', () => {
  test("shows a fastify application's connections in lastack ss", async () => {
    const app = start('fastify.mjs', ['wait'], true);
    await until(() => /port \d+/.test(app.text()));
    const port = /port (\d+)/.exec(app.text())![1]!;
    const listed = await lastack('ss', '-tan', '--instance', String(app.process.pid));
    expect(listed).toMatch(new RegExp(`LISTEN.*127\\.0\\.0\\.1:${port}`));
    const open = listed.split('\n').filter(l => l.startsWith('ESTAB') && l.includes(`:${port}`));
    expect(open.length).toBeGreaterThanOrEqual(2);
    expect(await lastack('ss', '-s', '--instance', String(app.process.pid))).toMatch(/estab/i);
    app.process.stdin!.end('go on\n');
    expect(await app.over).toBe(0);
    expect(app.text()).toMatch(/closed\n$/);
    expect(existsSync(`${runtime}/${app.process.pid}.sock`)).toBe(false);
  });

  test('a wire between clients and servers delays and loses, and programs say the same', async () => {
    const config = JSON.stringify({
      wire: { delay: '5ms', rules: ['drop B FIN 1', 'drop A DATA 2'] },
      seed: 7,
    });
    const [kernel, ours] = await Promise.all([
      outcome('fastify.mjs', [], false),
      outcome('fastify.mjs', [], true, config),
    ]);
    expect(ours).toBe(kernel);
  });

  test('leaves Unix sockets, pipes and standard streams to the kernel', async () => {
    await same('paths.cjs');
  });

  test('connections to other addresses are refused, or go through the kernel if so configured', async ctx => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find(i => i !== undefined && !i.internal && i.family === 'IPv4');
    if (outside === undefined) return ctx.skip('this machine has no address beside loopback');
    const server = createServer((q, r) => r.end(`outside ${q.url}`)).listen(0, outside.address);
    await new Promise(done => server.once('listening', done));
    const args = [outside.address, String((server.address() as AddressInfo).port)];
    const kernel = await outcome('outside.mjs', args, false);
    expect(kernel).toContain('200 outside /here');
    expect(await outcome('outside.mjs', args, true, '{"outside":"node"}')).toBe(kernel);
    expect(await outcome('outside.mjs', args, true)).toBe('ENETUNREACH\nENETUNREACH\nclose true\nexit 0');
    server.close();
    server.closeAllConnections();
  });

  test('a configuration that is wrong says why', async () => {
    expect(await outcome('fastify.mjs', [], true, '{"outsid":"node"}')).toMatch(/'outsid' is unknown/);
    expect(await outcome('fastify.mjs', [], true, '{"wire":{"rules":["drop C FIN"]}}')).toMatch(/wire: /);
  });
});

async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!done() && Date.now() < end) await new Promise(r => setTimeout(r, 20));
}

async function lastack(...args: string[]): Promise<string> {
  const env = { ...process.env, LASTACK_RUNTIME_DIR: runtime };
  const child = spawn(process.execPath, [CLI, ...args], { env });
  let text = '';
  child.stdout.on('data', d => (text += d));
  child.stderr.on('data', d => (text += d));
  await new Promise(done => child.on('close', done));
  return text;
}
