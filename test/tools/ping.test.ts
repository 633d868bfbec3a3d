import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Router } from '../../src/driver/router.ts';
import { memoryPair } from '../../src/link/memory.ts';
import { main } from '../../src/tools/cli/main.ts';
import { socketPath } from '../../src/tools/control/place.ts';
import { parseRequest } from '../../src/tools/control/protocol.ts';
import { ControlServer } from '../../src/tools/control/server.ts';
import { pingCommand } from '../../src/tools/ping/command.ts';
import { ping, traceroute } from '../../src/tools/ping/run.ts';
import { PingStatistics } from '../../src/tools/ping/statistics.ts';
import { type PingHost, pairOf } from '../../src/tools/ping/target.ts';
import { hopText, tracerouteCommand } from '../../src/tools/ping/traceroute-command.ts';
import { Hosts, type LinkHost } from '../link/hosts.ts';
import { atEnd, type GatewayOptions, gateway, until } from './gateway-kit.ts';
import { testIo } from './io.ts';

const COMMANDS = [pingCommand, tracerouteCommand].map(c => ({
  name: c.name,
  summary: c.summary,
  load: async () => c,
}));

async function bench(options: GatewayOptions = {}) {
  const { instance } = await gateway(options);
  const dir = mkdtempSync(join(tmpdir(), 'lk-'));
  atEnd(async () => rmSync(dir, { recursive: true, force: true }));
  const control = new ControlServer(socketPath(dir, process.pid), instance.handler);
  await control.listen();
  atEnd(() => control.close());
  const start = (...argv: string[]) => {
    const io = testIo({ LASTACK_RUNTIME_DIR: dir });
    return { io, code: main(argv, io, COMMANDS) };
  };
  const run = async (...argv: string[]) => {
    const { io, code } = start(...argv);
    return { code: await code, out: io.output, err: io.errors };
  };
  return { run, start, instance };
}

describe('lastack ping', () => {
  test('goes from A to B and back through the delay of the wire', async () => {
    const { run } = await bench({ wire: { delay: 5000 } });
    const r = await run('ping', '-c', '3', '-i', '0.02', 'B');
    expect([r.err, r.code]).toEqual(['', 0]);
    const lines = r.out.trimEnd().split('\n');
    expect(lines[0]).toBe('PING 10.78.0.1 from A: 56 bytes of data');
    for (const i of [1, 2, 3])
      expect(lines[i]).toMatch(
        new RegExp(`^64 bytes from 10\\.78\\.0\\.1: icmp_seq=${i} ttl=64 time=\\d{2,}(\\.\\d)? ms$`),
      );
    expect(r.out).toMatch(/^3 packets transmitted, 3 received, 0% packet loss, time \d+ms$/m);
    expect(r.out).toMatch(
      /^rtt min\/avg\/max\/mdev = \d{2,}\.\d{3}\/\d{2,}\.\d{3}\/\d{2,}\.\d{3}\/\d+\.\d{3} ms$/m,
    );
  });

  test('counts what is lost, and exits with 1 if nothing comes back', async () => {
    const half = await bench({ wire: { loss: 0.3 } });
    const r = await half.run('ping', '-c', '40', '-i', '0.01', '-W', '0.2', '--json', 'B');
    const items = r.out
      .trimEnd()
      .split('\n')
      .map(l => JSON.parse(l));
    const summary = items.at(-1);
    expect(r.code).toBe(0);
    expect(summary).toMatchObject({ kind: 'summary', transmitted: 40, address: '10.78.0.1' });
    expect(summary.received).toBe(items.filter(i => i.kind === 'reply').length);
    expect(summary.loss).toBeGreaterThan(20);
    const none = await bench({ wire: { loss: 1 } });
    const gone = await none.run('ping', '-c', '2', '-i', '0.01', '-W', '0.1', 'B');
    expect([gone.code, gone.err]).toEqual([1, '']);
    expect(gone.out).toContain('no answer: icmp_seq=2\n');
    expect(gone.out).toContain('2 packets transmitted, 0 received, 100% packet loss');
  });

  test('the other way, to an address, larger, and twice if the wire doubles it', async () => {
    const { run } = await bench({ wire: { duplicate: 1 } });
    const r = await run('ping', '-c', '1', '-s', '3000', '--from', 'b', '10.77.0.9');
    expect(r.out).toContain('PING 10.77.0.9 from B: 3000 bytes of data');
    expect(r.out).toContain('3008 bytes from 10.77.0.9: icmp_seq=1 ttl=64');
    expect(r.code).toBe(0);
  });

  test('ends with its statistics when it is interrupted', async () => {
    const { start } = await bench();
    const { io, code } = start('ping', '-i', '0.02', 'B');
    await until(() => io.output.includes('icmp_seq=3'), 'three answers');
    io.stop();
    expect(await code).toBe(0);
    expect(io.output).toMatch(/[3-9] packets transmitted, [3-9] received, 0% packet loss/);
  });

  test('what is wrong says what to do', async () => {
    const { run } = await bench();
    expect(await run('ping')).toMatchObject({ code: 2, err: expect.stringContaining('needs one host') });
    expect((await run('ping', 'C')).err).toContain(
      "'C' is neither an address nor a host here; there are A and B",
    );
    expect((await run('ping', '--from', 'C', 'B')).err).toContain("no host is called 'C'");
    for (const words of [
      ['-c', 'x'],
      ['-i', '0'],
      ['-W', '0.0001'],
      ['-s', '70000'],
      ['-t', '256'],
    ])
      expect(await run('ping', ...words, 'B')).toMatchObject({ code: 2 });
    expect((await run('traceroute', '-q', '11', 'B')).err).toContain('from 1 to 10');
    expect((await run('ping', '-c', '1', '8.8.8.8', '--from', 'A', '-W', '0.05')).code).toBe(1);
  });
});

describe('lastack traceroute', () => {
  test('of the gateway is one hop long', async () => {
    const { run } = await bench({ wire: { delay: 1000 } });
    const r = await run('traceroute', 'B');
    expect([r.err, r.code]).toEqual(['', 0]);
    expect(r.out).toMatch(
      /^traceroute to 10\.78\.0\.1 from A, 30 hops max\n 1 {2}10\.78\.0\.1( {2}\d+\.\d{3} ms){3}\n$/,
    );
    const dead = await bench({ wire: { loss: 1 } });
    const none = await dead.run('traceroute', '-m', '2', '-q', '2', '-W', '0.05', 'B');
    expect([none.code, none.out]).toEqual([
      1,
      'traceroute to 10.78.0.1 from A, 2 hops max\n 1  *  *\n 2  *  *\n',
    ]);
  });

  for (const [family, a, b, r] of [
    ['IPv4', '10.1.0.1', '10.3.0.1', ['10.1.0.254', '10.2.0.2']],
    ['IPv6', 'fd01::1', 'fd03::1', ['fd01::fe', 'fd02::2']],
  ] as const) {
    test(`finds two routers by their errors, over ${family}`, async () => {
      const hosts = new Hosts();
      const way = [0, 1, 2].map(() => memoryPair(hosts.loop));
      const router = (n: number, near: string[], far: string[], back: string[], on: string[]) =>
        new Router({
          clock: hosts.loop,
          random: seededRandom(n),
          links: [
            { link: way[n]![1], addresses: near },
            { link: way[n + 1]![0], addresses: far },
          ],
          routes: [
            ...back.map(destination => ({ destination, interface: 'eth0' })),
            ...on.map(destination => ({ destination, interface: 'eth1' })),
          ],
        });
      const routers = [
        router(
          0,
          ['10.1.0.254/24', 'fd01::fe/64'],
          ['10.2.0.1/24', 'fd02::1/64'],
          [],
          ['10.3.0.0/24', 'fd03::/64'],
        ),
        router(
          1,
          ['10.2.0.2/24', 'fd02::2/64'],
          ['10.3.0.254/24', 'fd03::fe/64'],
          ['10.1.0.0/24', 'fd01::/64'],
          [],
        ),
      ];
      const join = (name: string, addresses: string[], link: (typeof way)[0][0]): LinkHost => {
        const h = hosts.add(name, addresses[0]!, link);
        const ifc = h.stack.interface('eth0')!;
        ifc.addAddress(addresses[1]!);
        h.stack.routes.add({ destination: '0.0.0.0/0', interface: ifc });
        h.stack.routes.add({ destination: '::/0', interface: ifc });
        return h;
      };
      const A = join('A', ['10.1.0.1/24', 'fd01::1/64'], way[0]![0]);
      join('B', ['10.3.0.1/24', 'fd03::1/64'], way[2]![1]);
      const host: PingHost = {
        name: 'A',
        stack: A.stack,
        addresses: [parseAddress(a)!],
        enter: () => A.driver.enter(),
      };
      const settings = { hops: 8, queries: 2, wait: 1_000_000, size: 32 };
      const pair = pairOf([host], b, null);
      if (typeof pair === 'string') throw new Error(pair);
      const hops: string[][] = [];
      const { signal } = new AbortController();
      for await (const h of traceroute(pair, settings, signal)) {
        hops.push([...new Set(h.items.map(i => (i.kind === 'silence' ? '*' : i.from)))]);
        expect(hopText(h)).toMatch(/^ \d {2}[\d.:a-f]+ {2}\d+\.\d{3} ms {2}\d+\.\d{3} ms$/);
      }
      expect(hops).toEqual([[r[0]], [r[1]], [b]]);
      const refused = { count: 1, interval: 1000, wait: 1_000_000, size: 8, ttl: 0 };
      const [nowhere] = await collect(
        ping({ host, to: parseAddress(family === 'IPv4' ? '10.9.9.9' : 'fd09::9')! }, refused, signal),
      );
      expect(nowhere).toMatchObject({
        kind: 'error',
        from: r[0],
        text: expect.stringContaining('unreachable'),
      });
      for (const x of routers) await x.close();
      await hosts.close();
    });
  }
});

describe('a request to ping', () => {
  const good = { ask: 'ping', to: 'B', count: 1, interval: 10_000, wait: 1000, size: 0, ttl: 0 };

  test('is read, and every number of it has its limits', () => {
    expect(parseRequest(JSON.stringify(good))).toEqual(good);
    for (const bad of [
      { to: 5 },
      { from: 5 },
      { count: -1 },
      { interval: 1 },
      { wait: 1e10 },
      { size: 0.5 },
      { ttl: '1' },
    ])
      expect(parseRequest(JSON.stringify({ ...good, ...bad }))).toMatch(/expected$/);
    const way = { ask: 'traceroute', to: 'B', hops: 3, queries: 1, wait: 1000, size: 0 };
    expect(parseRequest(JSON.stringify(way))).toEqual(way);
    expect(parseRequest(JSON.stringify({ ...way, hops: 0 }))).toMatch(/^hops/);
  });

  test('statistics are those of ping', () => {
    const s = new PingStatistics();
    const reply = { kind: 'reply', sequence: 1, from: '', bytes: 56, ttl: 64, duplicate: false } as const;
    for (const time of [1000, 2000, 3000]) s.add({ ...reply, time });
    s.add({ ...reply, time: 9000, duplicate: true });
    s.add({ kind: 'silence', sequence: 4 });
    expect(s.summary()).toEqual({
      transmitted: 4,
      received: 3,
      duplicates: 1,
      errors: 0,
      loss: 25,
      min: 1,
      avg: 2,
      max: 3,
      mdev: 0.816,
    });
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
