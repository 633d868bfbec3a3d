import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { cleanUp, pattern, scratch, until } from '../kit.ts';
import { serveIperf } from './iperf.ts';
import { KERNEL, LASTACK, type Net, needTun, openNet } from './net.ts';
import { digest, serveBridge, sha256 } from './servers.ts';

let net: Net | null = null;
afterEach(async () => {
  await net?.close();
  net = null;
});
afterAll(cleanUp);

/** A server in the namespace has begun to listen. */
async function listens(n: Net, port: number): Promise<void> {
  await until(async () => (await n.exec('ss', ['-ltnH'])).out.includes(`:${port} `), `port ${port}`, 20_000);
}

async function startNginx(n: Net, root: string): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    t => `${t}_temp_path ${join(root, t)};`,
  );
  writeFileSync(
    join(root, 'nginx.conf'),
    `user root; daemon off; master_process off; worker_processes 1; pid ${join(root, 'pid')};
error_log ${join(root, 'error.log')}; events { worker_connections 1024; }
http { access_log off; sendfile on; ${temporary.join(' ')}
  server { listen 0.0.0.0:80; listen [::]:80; root ${root}; } }
`,
  );
  n.start('nginx', ['-p', root, '-e', join(root, 'error.log'), '-c', join(root, 'nginx.conf')]);
  await listens(n, 80);
}

// Each program talks to lastack, which asks the kernel's server: both of lastack's ends meet the kernel.
describe('programs of the kernel through a bridge on lastack', () => {
  test('curl, wget and ab at nginx', async ctx => {
    needTun(ctx, 'nginx', 'curl', 'wget', 'ab');
    net = await openNet();
    const root = scratch();
    const large = pattern(5_000_000, 11);
    writeFileSync(join(root, 'large'), large);
    writeFileSync(join(root, 'small'), pattern(3000, 12));
    await startNginx(net, root);
    serveBridge(net.host, 8080, KERNEL[4], 80);
    serveBridge(net.host, 8086, KERNEL[6], 80);
    const at = `http://${LASTACK[4]}:8080`;
    const curl = await net.exec('curl', ['-sS', `${at}/large`]);
    expect([curl.code, sha256(curl.bytes)]).toEqual([0, sha256(large)]);
    const wget = await net.exec('wget', ['-q', '-O', '-', `http://[${LASTACK[6]}]:8086/large`]);
    expect([wget.code, sha256(wget.bytes)]).toEqual([0, sha256(large)]);
    const ab = await net.exec('ab', ['-q', '-k', '-n', '300', '-c', '10', `${at}/small`]);
    expect(ab.out).toMatch(/^Complete requests: +300$/m);
    expect(ab.out).toMatch(/^Failed requests: +0$/m);
  });

  test('redis-cli and lastack itself at redis-server', async ctx => {
    needTun(ctx, 'redis-server', 'redis-cli');
    net = await openNet();
    const { host } = net;
    const quiet = ['--save', '', '--appendonly', 'no', '--protected-mode', 'no', '--dir', scratch()];
    net.start('redis-server', ['--port', '6379', '--bind', '0.0.0.0', ...quiet]);
    await listens(net, 6379);
    serveBridge(host, 6380, KERNEL[4], 6379);
    const n = net;
    const cli = async (...words: string[]): Promise<string> =>
      (await n.exec('redis-cli', ['-h', LASTACK[4], '-p', '6380', ...words])).out.trim();
    expect(await cli('ping')).toBe('PONG');
    expect(await cli('set', 'word', 'a value')).toBe('OK');
    expect(await cli('get', 'word')).toBe('a value');
    const value = pattern(1_000_000, 13);
    const fd = await host.open(KERNEL[4], 6379);
    await host.send(fd, `*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${value.length}\r\n`);
    await host.send(fd, value);
    await host.send(fd, '\r\n*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n*1\r\n$4\r\nQUIT\r\n');
    const answer = Buffer.concat([
      Buffer.from(`+OK\r\n$${value.length}\r\n`),
      value,
      Buffer.from('\r\n+OK\r\n'),
    ]);
    expect(await digest(host, fd)).toEqual({ bytes: answer.length, hash: sha256(answer) });
    await host.close(fd);
  });

  test('psql at PostgreSQL', async ctx => {
    const bin = ['17', '16', '15', '14', '13']
      .map(v => `/usr/lib/postgresql/${v}/bin`)
      .find(d => existsSync(join(d, 'initdb')));
    needTun(ctx, 'psql', 'runuser');
    if (bin === undefined) ctx.skip('PostgreSQL is not installed (package postgresql)');
    net = await openNet();
    const dir = scratch();
    const { out } = await net.exec('id', ['-u', 'postgres']);
    chownSync(dir, Number(out), Number(out));
    const data = join(dir, 'data');
    const as = ['-u', 'postgres', '--'];
    const init = await net.exec('runuser', [
      ...as,
      join(bin!, 'initdb'),
      '-D',
      data,
      '-A',
      'trust',
      '-N',
      '-E',
      'UTF8',
    ]);
    expect([init.code, init.err]).toEqual([0, expect.any(String)]);
    writeFileSync(join(data, 'pg_hba.conf'), 'host all all 0.0.0.0/0 trust\n');
    const server = ['-D', data, '-h', '0.0.0.0', '-k', dir, '-c', 'fsync=off'];
    const postgres = net.start('runuser', [...as, join(bin!, 'postgres'), ...server]);
    try {
      await listens(net, 5432);
      serveBridge(net.host, 5433, KERNEL[4], 5432);
      const query =
        "create table t(n int, s text); insert into t select i, repeat('x', 50) from generate_series(1, 20000) i; select count(*), sum(n), sum(length(s)) from t; select * from t;";
      const psql = await net.exec('psql', [
        '-h',
        LASTACK[4],
        '-p',
        '5433',
        '-U',
        'postgres',
        '-qAt',
        '-c',
        query,
      ]);
      expect([psql.code, psql.err]).toEqual([0, '']);
      const lines = psql.out.trim().split('\n');
      expect(lines[0]).toBe('20000|200010000|1000000');
      expect(lines).toHaveLength(20001);
    } finally {
      // The shell in between passes no SIGKILL on.
      await net.exec('runuser', [...as, join(bin!, 'pg_ctl'), '-D', data, '-m', 'immediate', 'stop']);
      postgres.kill('SIGKILL');
    }
  });
});

describe('iperf3 against its protocol on lastack', () => {
  test.for([
    ['to lastack', []],
    ['from lastack', ['-R']],
    ['to lastack, in three streams', ['-P', '3']],
    ['from lastack over IPv6', ['-R', '-6']],
  ] as [string, string[]][])('%s', async ([, more], ctx) => {
    needTun(ctx, 'iperf3');
    net = await openNet();
    serveIperf(net.host, 5201);
    const to = more.includes('-6') ? LASTACK[6] : LASTACK[4];
    const r = await net.exec('iperf3', ['-c', to, '-n', '20M', '-J', ...more]);
    const said = JSON.parse(r.out) as {
      error?: string;
      end: Record<'sum_sent' | 'sum_received', { bytes: number }>;
    };
    expect([r.code, said.error]).toEqual([0, undefined]);
    // What is still under way when the client says that it has sent enough, is not counted by a server.
    expect(said.end.sum_sent.bytes).toBeGreaterThan(19_000_000);
    expect(said.end.sum_received.bytes).toBeGreaterThan(5_000_000);
  });
});
