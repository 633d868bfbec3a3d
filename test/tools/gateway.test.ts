import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { FIN_WAIT_2, stateName, TIME_WAIT } from '../../src/tcp/state.ts';
import { isOver } from '../../src/tools/trace/over.ts';
import { RST, SYN } from '../../src/wire/segment.ts';
import { client, gateway, pattern, pause, readAll, server, to, until } from './gateway-kit.ts';

const sha = (b: Buffer): string => createHash('sha256').update(b).digest('hex');

interface Page {
  status: number;
  body: string;
  connection: string | undefined;
}

const fetchPage = (port: number, path = '/'): Promise<Page> =>
  new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, agent: false }, r => {
      let body = '';
      r.on('data', d => (body += d));
      r.on('end', () => resolve({ status: r.statusCode ?? 0, body, connection: r.headers.connection }));
    }).on('error', reject);
  });

describe('the built-in page', () => {
  test('shows the very connection that fetched it, and closes first', async () => {
    const { gateway: g, port } = await gateway();
    const page = await fetchPage(port);
    expect(page.status).toBe(200);
    expect(page.connection).toBe('close');
    expect(page.body).toContain('SYN+ACK seq=0 ack=1');
    expect(page.body).toContain('ESTABLISHED');
    expect(page.body).toContain('<svg');
    expect(page.body).not.toContain('\x1b');
    const log = g.recorder.logs[0]!;
    expect(page.body).toContain(`10.77.0.1:${log.left.port}`);
    await until(() => isOver(log), 'both ends are done');
    const states = (host: string): string[] =>
      log.events.flatMap(e => (e.kind === 'state' && e.host === host ? [stateName(e.state)] : []));
    expect(states('A')).toEqual(['SYN_SENT', 'ESTABLISHED', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSED']);
    expect(states('B')).toEqual(['SYN_RECV', 'ESTABLISHED', 'FIN_WAIT_1', 'FIN_WAIT_2', 'TIME_WAIT']);
    const waits = [...g.b.stack.tcp.timeWaits()];
    expect(waits).toHaveLength(1);
    expect(waits[0]!.state).toBe(TIME_WAIT);
  });

  test('is opened by three segments and closed by four', async () => {
    const { gateway: g, port } = await gateway();
    for (let i = 0; i < 5; i++) await fetchPage(port, i % 2 ? '/hello' : '/');
    await until(() => g.recorder.logs.every(isOver), 'all are done');
    for (const log of g.recorder.logs) {
      const control = log.events.flatMap(e =>
        e.kind === 'segment' && e.segment.flags & 7 ? [`${e.host}${e.segment.flags & 7}`] : [],
      );
      expect(control).toEqual(['A2', 'B2', 'B1', 'A1']);
      const fins = log.events.filter(e => e.kind === 'segment');
      const fin = fins.findIndex(e => e.kind === 'segment' && e.segment.flags & 1);
      expect(fins.slice(fin).map(e => e.host)).toEqual(['B', 'A', 'A', 'B']);
    }
  });

  test('is there after one round trip: it fits the ten segments that a connection may begin with', async () => {
    const { gateway: g, port } = await gateway();
    for (let i = 0; i < 12; i++) await fetchPage(port);
    const log = g.recorder.logs.at(-1)!;
    await until(() => isOver(log), 'it is done');
    const data = log.events.flatMap(e =>
      e.kind === 'segment' && e.host === 'B' && e.segment.length > 0 ? [e.segment.length] : [],
    );
    expect(data.slice(0, -1)).toEqual(Array(9).fill(1448));
    expect(data).toHaveLength(10);
  });

  test('has the whole life of earlier connections, metrics and the diagram', async () => {
    const { gateway: g, port } = await gateway();
    await fetchPage(port, '/hello');
    await until(() => isOver(g.recorder.logs[0]!), 'the first is done');
    const last = await fetchPage(port, '/last');
    expect(last.body).toContain('TIME_WAIT');
    expect(last.body).toContain('Waiting');
    expect((await fetchPage(port, '/connection/0')).status).toBe(200);
    expect((await fetchPage(port, '/connection/77')).status).toBe(404);
    expect((await fetchPage(port, '/../etc/passwd')).status).toBe(404);
    expect((await fetchPage(port, '/diagram.svg')).body).toMatch(/^<svg /);
    const metrics = (await fetchPage(port, '/metrics')).body;
    expect(metrics).toMatch(/^lastack_tcp_sockets\{host="B",state="TIME-WAIT"\} [1-9]/m);
    expect(metrics).toMatch(/^lastack_gateway_accepted_total 7$/m);
    for (const line of metrics.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) |[a-z_]+(\{[^}]*\})? -?[\d.e+]+$)/);
  });

  test('answers what it does not understand, and outlives a client that says nothing', async () => {
    const { port } = await gateway();
    for (const [said, answer] of [
      ['POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc', '405'],
      ['nonsense\r\n\r\n', '400'],
      [`GET /${'x'.repeat(30_000)}`, '431'],
    ]) {
      const s = await client(port);
      s.write(said!);
      expect((await readAll(s)).toString('latin1')).toContain(`HTTP/1.1 ${answer}`);
      s.end();
    }
    const silent = await client(port);
    silent.end();
    expect(await readAll(silent)).toHaveLength(0);
  });

  test('survives rules of the wire, counted for each connection', async () => {
    const { gateway: g, port } = await gateway({ wire: { rules: ['drop B FIN 1'] } });
    await Promise.all([fetchPage(port, '/hello'), fetchPage(port, '/hello'), fetchPage(port, '/hello')]);
    await until(() => g.recorder.logs.length === 3 && g.recorder.logs.every(isOver), 'all are done');
    for (const log of g.recorder.logs) {
      const lost = log.events.filter(e => e.kind === 'segment' && e.fate === 'lost');
      expect(lost).toHaveLength(1);
      expect(lost[0]).toMatchObject({ host: 'B', reason: 'drop B FIN 1' });
    }
    expect(g.wire.counts[1].reasons.get('drop B FIN 1')).toBe(3);
  });
});

test('times in rules count from the start', async () => {
  const { gateway: g, port } = await gateway({
    wire: { rules: ['drop A SYN until 300ms', 'drop * any after 1h'] },
  });
  await fetchPage(port, '/hello');
  const syns = g.recorder.logs[0]!.events.filter(e => e.kind === 'segment' && e.segment.flags === SYN);
  expect(syns.map(e => e.kind === 'segment' && e.fate)).toEqual(['lost', 'arrived']);
});

describe('a connection to a server behind the gateway', () => {
  test('carries bytes both ways', async () => {
    const echo = await server(s => s.pipe(s));
    const { port } = await gateway({ to: to(echo.port) });
    const s = await client(port);
    const sent = pattern(3_000_000);
    const got = readAll(s);
    s.end(sent);
    expect(sha(await got)).toBe(sha(sent));
  });

  test("passes the client's end of file on while the server goes on sending", async () => {
    const late = await server(s => {
      s.resume();
      s.on('end', async () => {
        for (let i = 0; i < 5; i++) {
          s.write(`line ${i}\n`);
          await pause(20);
        }
        s.end();
      });
    });
    const { gateway: g, port } = await gateway({ to: to(late.port) });
    const s = await client(port);
    s.end('that is all I have to say');
    await until(
      () => [...g.a.stack.tcp.connections()].some(c => c.state === FIN_WAIT_2),
      "A's end is half-closed",
    );
    expect((await readAll(s)).toString()).toBe('line 0\nline 1\nline 2\nline 3\nline 4\n');
    await until(() => g.open.size === 0, 'it is over');
  });

  test("passes the server's end of file on while the client goes on sending", async () => {
    const got: Buffer[] = [];
    const first = await server(s => {
      s.end('go on');
      s.on('data', c => got.push(c));
    });
    const { port } = await gateway({ to: to(first.port) });
    const s = await client(port);
    expect((await readAll(s)).toString()).toBe('go on');
    const sent = pattern(500_000, 3);
    s.end(sent);
    await until(() => Buffer.concat(got).length === sent.length, 'all has arrived');
    expect(sha(Buffer.concat(got))).toBe(sha(sent));
  });

  test("passes the client's reset on", async () => {
    let code = '';
    const quiet = await server(s => {
      s.resume();
      s.on('error', (e: NodeJS.ErrnoException) => (code = e.code ?? ''));
    });
    const { gateway: g, port } = await gateway({ to: to(quiet.port) });
    const s = await client(port);
    s.write('hello');
    await until(() => quiet.sockets[0]?.bytesRead === 5, 'it has arrived');
    s.resetAndDestroy();
    await until(() => code === 'ECONNRESET', 'the server is reset');
    await until(() => g.open.size === 0, 'nothing is left');
    const rst = g.recorder.logs[0]!.events.filter(e => e.kind === 'segment' && e.segment.flags & RST);
    expect(rst.map(e => e.host)).toEqual(['A']);
  });

  test("passes the server's reset on, behind the bytes that came before it", async () => {
    const rude = await server(s => {
      s.write('last words');
      setTimeout(() => s.resetAndDestroy(), 50);
    });
    const { gateway: g, port } = await gateway({ to: to(rude.port) });
    const s = await client(port);
    let heard = '';
    s.on('data', d => (heard += d));
    await until(() => s.failure !== '', 'the client is reset');
    expect([heard, s.failure]).toEqual(['last words', 'ECONNRESET']);
    const rst = g.recorder.logs[0]!.events.filter(e => e.kind === 'segment' && e.segment.flags & RST);
    expect(rst.map(e => e.host)).toEqual(['B']);
  });

  test('a refused server is a refused inner connection, and a reset outside', async () => {
    const gone = await server(() => {});
    await new Promise(resolve => gone.server.close(resolve));
    const { gateway: g, port } = await gateway({ to: to(gone.port) });
    const s = await client(port);
    await until(() => s.failure !== '', 'the client is reset');
    expect(s.failure).toBe('ECONNRESET');
    const log = g.recorder.logs[0]!;
    await until(() => isOver(log) || log.events.length > 3, 'the inner one has ended');
    const segments = log.events.flatMap(e =>
      e.kind === 'segment' ? [`${e.host} ${e.segment.flags & (SYN | RST)}`] : [],
    );
    expect(segments).toEqual(['A 2', 'B 4']);
    expect([g.failed, g.open.size]).toEqual([1, 0]);
  });

  test('B dials the server before it answers: the client sends nothing into the void', async () => {
    const order: string[] = [];
    const slow = await server(s => {
      order.push('server accepted');
      s.end('x');
    });
    const { gateway: g, port } = await gateway({ to: to(slow.port) });
    g.recorder.listen((_, e) => {
      if (e.kind === 'segment' && e.host === 'B' && e.segment.flags & SYN) order.push('SYN+ACK');
    });
    const s = await client(port);
    await readAll(s);
    s.end();
    expect(order.slice(0, 2).sort()).toEqual(['SYN+ACK', 'server accepted']);
    expect(g.failed).toBe(0);
  });

  test('many at once, on a bad wire, get exactly their own bytes', async () => {
    const echo = await server(s => s.pipe(s));
    const { gateway: g, port } = await gateway({
      to: to(echo.port),
      wire: { loss: 0.03, delay: 1000, jitter: 500, reorder: 0.02, duplicate: 0.02, corrupt: 0.005 },
    });
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const s = await client(port);
        const sent = pattern(20_000 + i * 1000, i + 1);
        const got = readAll(s);
        s.end(sent);
        expect(sha(await got)).toBe(sha(sent));
      }),
    );
    expect(g.wire.counts[0].lost + g.wire.counts[1].lost).toBeGreaterThan(10);
  });
});

describe('back-pressure', () => {
  test('a server that does not read stops the client after a bounded number of bytes, and loses none', async () => {
    const slow = await server(s => s.pause());
    const { gateway: g, port } = await gateway({ to: to(slow.port) });
    const s = await client(port);
    const sent = pattern(40_000_000, 9);
    s.end(sent);
    const carry = [...g.open][0]!;
    let last = -1;
    for (let still = 0; still < 6; ) {
      await pause(50);
      still = carry.traffic.in === last ? still + 1 : 0;
      last = carry.traffic.in;
    }
    expect(last).toBeGreaterThan(10_000);
    // Kernel buffers on both sides, 2 MiB each of the inner sockets, a chunk here and there.
    expect(last).toBeLessThan(20_000_000);
    const got = readAll(slow.sockets[0]!);
    expect(sha(await got)).toBe(sha(sent));
  });

  test('a client that does not read stops the server likewise', async () => {
    const sent = pattern(40_000_000, 5);
    const fast = await server(s => s.end(sent));
    const { gateway: g, port } = await gateway({ to: to(fast.port) });
    const s = await client(port);
    s.pause();
    await until(() => g.open.size === 1 && [...g.open][0]!.traffic.out > 0, 'it has begun');
    const carry = [...g.open][0]!;
    let last = -1;
    for (let still = 0; still < 6; ) {
      await pause(50);
      still = carry.traffic.out === last ? still + 1 : 0;
      last = carry.traffic.out;
    }
    expect(last).toBeLessThan(20_000_000);
    expect(sha(await readAll(s))).toBe(sha(sent));
    s.end();
  });

  test('memory stays bounded with 1,000 connections whose readers have stopped', async () => {
    const stopped = await server(s => s.pause());
    const { gateway: g, port } = await gateway({ to: to(stopped.port) });
    const chunk = Buffer.alloc(1 << 20);
    const before = process.memoryUsage();
    for (let i = 0; i < 1000; i++) {
      const s = await client(port);
      if (i % 4 === 0) s.write(chunk);
    }
    await until(() => stopped.sockets.length === 1000, 'all are open', 30_000);
    expect(g.open.size).toBe(1000);
    await pause(1500);
    const after = process.memoryUsage();
    expect((after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6).toBeLessThan(
      450,
    );
    let most = 0;
    for (const h of g.hosts)
      for (const c of h.stack.tcp.connections()) most = Math.max(most, c.unacked + c.readable);
    expect(most).toBeLessThan(5_000_000);
  }, 60_000);
});

test('many inner addresses: ports do not run out where one address would have none left', async () => {
  const echo = await server(s => s.pipe(s));
  // 64 addresses with 12 ports each, and every life stays in A's TIME_WAIT for a minute.
  const { gateway: g, port } = await gateway({
    to: to(echo.port),
    sysctls: [{ host: 'A', name: 'ip_local_port_range', value: '40000 40011' }],
  });
  for (let i = 0; i < 60; i++) {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const s = await client(port);
        s.end('x');
        expect((await readAll(s)).toString()).toBe('x');
      }),
    );
  }
  expect([g.accepted, g.failed]).toEqual([600, 0]);
  expect(g.a.stack.tcp.timeWaitCount).toBeGreaterThan(500);
}, 60_000);

test('closing ends every connection and leaves nothing behind', async () => {
  const quiet = await server(s => s.resume());
  const { gateway: g, port } = await gateway({ to: to(quiet.port) });
  const clients = await Promise.all(Array.from({ length: 5 }, () => client(port)));
  await until(() => quiet.sockets.length === 5, 'all are open');
  const ends = clients.map(s => once(s.resume(), 'end'));
  expect(await g.close()).toEqual([]);
  await Promise.all(ends);
  expect(g.open.size).toBe(0);
  await expect(client(port)).rejects.toThrow();
});
