import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../../src/tools/cli/main.ts';
import { ask } from '../../src/tools/control/client.ts';
import { prepareDirectory, runtimeDirectory, socketPath } from '../../src/tools/control/place.ts';
import { MAX_REQUEST, parseRequest } from '../../src/tools/control/protocol.ts';
import { ControlServer } from '../../src/tools/control/server.ts';
import { ssCommand } from '../../src/tools/ss/command.ts';
import { netstatCommand } from '../../src/tools/ss/netstat-command.ts';
import { sysctlCommand } from '../../src/tools/sysctl/command.ts';
import { traceCommand } from '../../src/tools/trace/command.ts';
import { isOver } from '../../src/tools/trace/over.ts';
import type { Instance } from '../../src/tools/up/instance.ts';
import { atEnd, client, gateway, server, to, until } from './gateway-kit.ts';
import { testIo } from './io.ts';

const COMMANDS = [ssCommand, netstatCommand, sysctlCommand, traceCommand].map(c => ({
  name: c.name,
  summary: c.summary,
  load: async () => c,
}));

function directory(): string {
  const d = mkdtempSync(join(tmpdir(), 'lk-'));
  atEnd(async () => rmSync(d, { recursive: true, force: true }));
  return d;
}

async function serve(instance: Instance, pid = process.pid): Promise<Record<string, string>> {
  const dir = directory();
  const control = new ControlServer(socketPath(dir, pid), instance.handler);
  await control.listen();
  atEnd(() => control.close());
  return { LASTACK_RUNTIME_DIR: dir };
}

const runner =
  (env: Record<string, string>) =>
  async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    const io = testIo(env);
    const code = await main(argv, io, COMMANDS);
    return { code, out: io.output, err: io.errors };
  };

const fetchPage = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/hello', agent: false }, r => r.resume().on('end', resolve)).on(
      'error',
      reject,
    );
  });

describe('asking a running instance', () => {
  test('ss shows its sockets as ss(8) does, from ESTAB to TIME-WAIT', async () => {
    const quiet = await server(s => s.resume());
    const { gateway: g, instance } = await gateway({ to: to(quiet.port) });
    const run = runner(await serve(instance));
    const s = await client(g.fronts[0]!.port);
    s.write('hello');
    await until(() => [...g.open][0]?.traffic.in === 5, 'it is open');
    const open = await run('ss', '-tan');
    expect(open.code).toBe(0);
    expect(open.out).toMatch(/^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port +Process/);
    expect(open.out).toMatch(/^LISTEN +0 +4096 +10\.78\.0\.1:80 +0\.0\.0\.0:\*/m);
    expect(open.out).toMatch(
      new RegExp(`^ESTAB +0 +0 +10\\.77\\.0\\.1:\\d+ +10\\.78\\.0\\.1:${quiet.port}`, 'm'),
    );
    expect((await run('ss', '-tn')).out).not.toMatch(/LISTEN|TIME-WAIT/);
    const info = await run('ss', '-tnoip', '--host', 'A');
    expect(info.out).toMatch(/users:\(\("A\/gateway",pid=\d+,fd=\d+\)\)/);
    expect(info.out).toMatch(/^\t ts sack cubic wscale:7,7 rto:\d+ rtt:[\d.]+\/[\d.]+ mss:1448 pmtu:1500 /m);
    expect(info.out).toMatch(/bytes_sent:5 bytes_acked:6/);
    s.end();
    quiet.sockets[0]!.end();
    await until(() => g.a.stack.tcp.timeWaitCount === 1, 'it is in TIME_WAIT');
    const wait = await run('ss', '-tano', 'state', 'time-wait');
    expect(wait.out).toMatch(
      /^TIME-WAIT +0 +0 +10\.77\.0\.1:\d+ +10\.78\.0\.1:\d+ +timer:\(timewait,\d+sec,0\)$/m,
    );
    expect((await run('ss', '-tan', `( dport = :${quiet.port} )`)).out.split('\n')).toHaveLength(3);
    const rows = JSON.parse((await run('ss', '-ta', '--json', 'dst', '10.78.0.1')).out);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ host: 'A', state: 6, peer: '10.78.0.1' });
  });

  test('netstat shows the same with its own names, and the counters', async () => {
    const { gateway: g, instance, port } = await gateway();
    const run = runner(await serve(instance));
    await fetchPage(port);
    await until(() => isOver(g.recorder.logs[0]!), 'it is over');
    const grep = (await run('netstat', '-n')).out.split('\n').filter(l => l.includes('TIME_WAIT'));
    expect(grep).toHaveLength(1);
    expect(grep[0]).toMatch(/^tcp {8}0 {6}0 10\.78\.0\.1:80 {12}10\.77\.0\.1:\d+ +TIME_WAIT$/);
    const all = (await run('netstat', '-tano')).out;
    expect(all).toContain('Active Internet connections (servers and established)');
    expect(all).toMatch(/LISTEN {6}off \(0\.00\/0\/0\)/);
    expect(all).toMatch(/TIME_WAIT {3}timewait \([\d.]+\/0\/0\)/);
    const counters = await run('netstat', '-s', '--host', 'A');
    expect(counters.out).toMatch(/^TcpActiveOpens +1 +0\.0$/m);
    expect(JSON.parse((await run('netstat', '-s', '--json')).out).B.TcpPassiveOpens).toBe(1);
  });

  test('ss -s sums up', async () => {
    const { instance, port, gateway: g } = await gateway();
    const run = runner(await serve(instance));
    await fetchPage(port);
    await until(() => isOver(g.recorder.logs[0]!), 'it is over');
    const sum = await run('ss', '-s', '--host', 'B');
    expect(sum.out).toContain('Total: 1\nTCP:   2 (estab 0, closed 1, orphaned 0, timewait 1)\n');
    expect(
      JSON.parse((await run('ss', '-s', '--json')).out).hosts.map((h: { host: string }) => h.host),
    ).toEqual(['A', 'B']);
  });

  test('sysctl reads and sets, by short or full name, on one host or both', async () => {
    const { instance, gateway: g } = await gateway();
    const run = runner(await serve(instance));
    expect((await run('sysctl', 'tcp_fin_timeout')).out).toBe(
      'A: net.ipv4.tcp_fin_timeout = 60\nB: net.ipv4.tcp_fin_timeout = 60\n',
    );
    expect((await run('sysctl', '-w', 'net.ipv4.tcp_fin_timeout=5', '--host', 'A')).out).toBe(
      'net.ipv4.tcp_fin_timeout = 5\n',
    );
    expect([g.a, g.b].map(h => h.stack.sysctl.values.tcp_fin_timeout)).toEqual([5, 60]);
    expect((await run('sysctl', '-n', 'net/ipv4/tcp_fin_timeout', '--host', 'A')).out).toBe('5\n');
    expect((await run('sysctl', '-a', '--host', 'B')).out.split('\n').length).toBeGreaterThan(80);
    expect((await run('sysctl', '-d', 'lastack.msl', '--host', 'B')).out).toContain('default 30');
    for (const [argv, code, text] of [
      [['sysctl', 'tcp_fin_timot'], 1, 'did you mean net.ipv4.tcp_fin_timeout'],
      [['sysctl', '-w', 'tcp_fin_timeout=soon'], 1, 'bad value'],
      [['sysctl', '-w', 'tcp_fin_timeout'], 2, 'write tcp_fin_timeout=VALUE'],
      [['sysctl'], 2, '-a for all'],
      [['sysctl', 'tcp_fin_timeout', '--host', 'C'], 1, "no host is called 'C'"],
    ] as const) {
      const r = await run(...argv);
      expect([r.code, r.err]).toEqual([code, expect.stringContaining(text)]);
    }
  });

  test('trace live shows what was, and what comes', async () => {
    const { instance, port, gateway: g } = await gateway();
    const env = await serve(instance);
    const run = runner(env);
    await fetchPage(port);
    await until(() => isOver(g.recorder.logs[0]!), 'it is over');
    const ladder = (await run('trace', 'live', '--once')).out;
    for (const word of ['SYN_SENT', 'LAST_ACK', 'TIME_WAIT', 'Opening', 'Closing'])
      expect(ladder).toContain(word);
    const table = (await run('trace', 'live', '--once', '-f', 'table')).out;
    expect(table).toMatch(
      /1 +0\.000000 +10\.77\.0\.1 +10\.78\.0\.1 +TCP +\d+ → 80 \[SYN\] Seq=0 Win=64240 Len=0 MSS=1460/,
    );
    const io = testIo(env);
    const following = main(['trace', 'live', '--last', '0', '-f', 'json'], io, COMMANDS);
    const lines = (): { kind?: string; state?: string; host?: string; connection: number }[] =>
      io.output
        .trim()
        .split('\n')
        .filter(Boolean)
        .map(l => JSON.parse(l));
    await new Promise(resolve => setTimeout(resolve, 100));
    await fetchPage(port);
    await until(
      () => lines().some(l => l.kind === 'state' && l.host === 'B' && l.state === 'TIME_WAIT'),
      'it is followed to its end',
    );
    io.stop();
    expect(await following).toBe(130);
    expect(new Set(lines().map(l => l.connection))).toEqual(new Set([1]));
    expect(lines().filter(l => l.kind === 'segment').length).toBeGreaterThan(8);
  });

  test('several instances have to be told apart, none is an error that says what to do', async () => {
    const empty = runner({ LASTACK_RUNTIME_DIR: directory() });
    const none = await empty('ss', '-tan');
    expect([none.code, none.err]).toEqual([3, expect.stringContaining("start one with 'lastack up'")]);
    expect((await empty('ss', '--instance', '12', '-t')).err).toContain('process id 12');
    const { instance } = await gateway();
    const env = await serve(instance, 1111);
    const second = new ControlServer(socketPath(env['LASTACK_RUNTIME_DIR']!, 2222), instance.handler);
    await second.listen();
    atEnd(() => second.close());
    const run = runner(env);
    const two = await run('ss', '-t');
    expect([two.code, two.err]).toEqual([2, expect.stringContaining('--instance 2222')]);
    expect((await run('ss', '-t', '--instance', '1111')).code).toBe(0);
    expect((await runner({ ...env, LASTACK_INSTANCE: '2222' })('ss', '-t')).code).toBe(0);
  });

  test('a socket left behind by a killed process is removed', async () => {
    const { instance } = await gateway();
    const env = await serve(instance);
    const dir = env['LASTACK_RUNTIME_DIR']!;
    // A Unix socket whose listener is gone: a plain file gives the same ECONNREFUSED.
    writeFileSync(join(dir, '99.sock'), '');
    expect((await runner(env)('ss', '-t')).code).toBe(0);
    expect(readdirSync(dir)).not.toContain('99.sock');
  });
});

describe('the control socket', () => {
  test('is for its user alone', async () => {
    const { instance } = await gateway();
    const env = await serve(instance);
    const dir = env['LASTACK_RUNTIME_DIR']!;
    expect(statSync(socketPath(dir, process.pid)).mode & 0o777).toBe(0o600);
    const open = join(directory(), 'open');
    prepareDirectory(open);
    chmodSync(open, 0o777);
    prepareDirectory(open);
    expect(statSync(open).mode & 0o777).toBe(0o700);
    const link = join(directory(), 'link');
    symlinkSync(open, link);
    expect(() => prepareDirectory(link)).toThrow('not a directory of yours');
    expect(() => socketPath(`/tmp/${'x'.repeat(100)}`, 1)).toThrow('too long');
    expect(runtimeDirectory({ XDG_RUNTIME_DIR: tmpdir() })).toBe(join(tmpdir(), 'lastack'));
    expect(runtimeDirectory({ XDG_RUNTIME_DIR: '/nowhere/at/all' })).toContain('lastack-');
  });

  test('bounds what it reads, and answers nonsense', async () => {
    const { instance } = await gateway();
    const env = await serve(instance);
    const path = socketPath(env['LASTACK_RUNTIME_DIR']!, process.pid);
    const say = (text: string): Promise<string> =>
      new Promise(resolve => {
        const s = connect(path);
        let got = '';
        s.on('data', d => (got += d))
          .on('close', () => resolve(got))
          .on('error', () => {});
        s.write(text);
      });
    expect(await say('hello\n')).toContain('the request is not JSON');
    expect(await say('[]\n')).toContain('a request is a JSON object');
    expect(await say('{"ask":"reboot"}\n')).toContain("unknown request 'reboot'");
    expect(await say('{"ask":"hello"}\n')).toMatch(/"protocol":1/);
    expect(await say('x'.repeat(MAX_REQUEST + 10))).toContain('too long');
    for (const bad of [
      '{"ask":"sockets","host":7}',
      '{"ask":"sysctl-set","name":"x"}',
      '{"ask":"sysctl","names":[1]}',
      'null',
      '7',
      '{}',
    ]) {
      expect(typeof parseRequest(bad)).toBe('string');
    }
  });

  test('takes 100,000 rows to a client that reads slowly, without holding them all', async () => {
    const items = function* (): Generator<{ n: number }> {
      for (let n = 0; n < 100_000; n++) yield { n };
    };
    const dir = directory();
    const control = new ControlServer(socketPath(dir, 1), () => ({ items: items() }));
    await control.listen();
    atEnd(() => control.close());
    const reply = await ask({ LASTACK_RUNTIME_DIR: dir }, '1', { ask: 'sockets' });
    let n = 0;
    for await (const item of reply.items) {
      expect((item as { n: number }).n).toBe(n++);
      if (n % 20_000 === 0) await new Promise(resolve => setTimeout(resolve, 10));
    }
    expect(n).toBe(100_000);
  });
});
