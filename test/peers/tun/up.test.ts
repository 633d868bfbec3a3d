import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { cleanUp, end, scratch, until } from '../kit.ts';
import { type Namespace, needTun, openNamespace } from './net.ts';

// As users run them, from the compiled package, which `npm test` makes first.
const CLI = resolve('dist/tools/cli.js');

let space: Namespace | null = null;
afterEach(async () => {
  await space?.close();
  space = null;
});
afterAll(cleanUp);

test('lastack up --tun answers ping and curl, is seen by lastack ss, and takes its device away', async ctx => {
  needTun(ctx, 'curl', 'ping');
  expect(existsSync(CLI), 'dist/ is missing: npm run build').toBe(true);
  space = await openNamespace();
  const env = { LASTACK_RUNTIME_DIR: join(scratch(), 'run'), NO_COLOR: '1' };
  const words = Object.entries(env).map(([k, v]) => `${k}=${v}`);
  const up = space.start('env', [...words, process.execPath, CLI, 'up', '--tun', 'lab0'], 'pipe');
  let said = '';
  up.stdout!.on('data', (b: Buffer) => (said += b.toString()));
  up.stderr!.on('data', (b: Buffer) => (said += b.toString()));
  await until(() => /Ctrl-C ends/.test(said) || up.exitCode !== null, `it is up: ${said}`, 20_000);
  const ping = await space.exec('ping', ['-c', '3', '-i', '0.2', '10.77.1.2']);
  expect(ping.out).toContain(' 0% packet loss');
  const page = await space.exec('curl', ['-sS', '-m', '10', 'http://10.77.1.2/']);
  expect([page.code, page.out]).toEqual([0, expect.stringContaining('This page came through lastack')]);
  const six = await space.exec('curl', ['-sS', '-g', '-m', '10', 'http://[fd77:1::2]/hello']);
  expect(six.out).toBe('Hello from host B.\n');
  const ss = await space.exec(process.execPath, [CLI, 'ss', '-tan'], { env });
  expect(ss.out).toMatch(/LISTEN +0 +4096 +\[::\]:80/);
  expect(ss.out).toMatch(/TIME-WAIT .* 10\.77\.1\.2:80 +10\.77\.1\.1:\d+/);
  expect(await end(up, 'SIGINT')).toBe(0);
  expect(said).toMatch(/connections to the page\. Goodbye\.\n$/);
  expect((await space.exec('ip', ['link'])).out).not.toContain('lab0');
});

test('the example answers curl and ends', async ctx => {
  needTun(ctx, 'curl');
  space = await openNamespace();
  const r = await space.exec(process.execPath, ['examples/tun.mjs', '--once'], { timeout: 30_000 });
  expect([r.code, r.err]).toEqual([0, '']);
  expect(r.out).toMatch(/^Hello 10\.77\.1\.1 port \d+, from TCP in TypeScript\.$/m);
});
