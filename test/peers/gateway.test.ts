import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, freePort, need, pattern, pause, run, scratch, until, up } from './kit.ts';
import { faults, remarks, tsharkFile } from './tshark.ts';

afterAll(cleanUp);

const PYTHON = 'test/peers/client.py';
const sha = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');
const python = async (...args: (string | number)[]): Promise<string> => {
  const r = await run('python3', [PYTHON, ...args.map(String)]);
  expect(r.err).toBe('');
  return r.out.trim();
};

/** An ordinary server in this process, whose sockets are kept. */
async function server(onsocket: (s: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const s = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    onsocket(socket);
  });
  s.listen(0, '127.0.0.1');
  await once(s, 'listening');
  afterAll(() => {
    for (const x of sockets) x.destroy();
    s.close();
  });
  return { port: (s.address() as AddressInfo).port, sockets };
}

const to = (port: number): string[] => ['--to', `127.0.0.1:${port}`];

/** Something that several tests share, started by the first that wants it. */
function shared<T>(start: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= start());
}

describe('the built-in page, fetched by', () => {
  const page = shared(() => up('--no-demo'));

  test('curl', async ctx => {
    need(ctx, 'curl');
    const { port } = await page();
    const r = await run('curl', ['-sS', '-i', `http://127.0.0.1:${port}/`]);
    expect([r.code, r.err]).toEqual([0, '']);
    expect(r.out).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(r.out).toMatch(/\r\nConnection: close\r\n/);
    expect(r.out).toContain('SYN+ACK seq=0 ack=1');
    expect(r.out.trim()).toMatch(/<\/html>$/);
  });

  test('curl, ten at once', async ctx => {
    need(ctx, 'curl');
    const { port } = await page();
    const urls = Array.from({ length: 10 }, () => `http://127.0.0.1:${port}/hello`);
    const r = await run('curl', ['-sS', '--parallel', '-w', '%{http_code}\n', ...urls]);
    expect(r.code).toBe(0);
    expect(r.out.match(/^200$/gm)).toHaveLength(10);
  });

  test('nc, which closes its direction behind the request', async ctx => {
    need(ctx, 'nc');
    const { port } = await page();
    const r = await run('nc', ['-N', '-w', '20', '127.0.0.1', String(port)], {
      input: 'GET /hello HTTP/1.0\r\n\r\n',
    });
    expect(r.code).toBe(0);
    expect(r.out).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('bare sockets of Python, also byte by byte', async ctx => {
    need(ctx, 'python3');
    const { port } = await page();
    expect(await python('get', port, '/')).toBe('HTTP/1.1 200 OK\nconnection: close');
    expect(await python('byte-by-byte', port)).toBe('HTTP/1.1 200 OK');
  });
});

describe('a server behind the gateway', () => {
  test('hears the end of what Python sends, and answers afterwards', async ctx => {
    need(ctx, 'python3');
    const late = await server(s => {
      const hash = createHash('sha256');
      s.on('data', (d: Buffer) => hash.update(d));
      s.on('end', () => setTimeout(() => s.end(hash.digest('hex')), 100));
    });
    const g = await up('--no-demo', ...to(late.port), '--loss', '2%', '--seed', 'half');
    const [length, sent, got] = (await python('half-close', g.port, 1_000_000)).split(' ');
    expect([length, got]).toEqual(['64', sent]);
  });

  test("gets nc's file, and nc gets the file of a listening nc", async ctx => {
    need(ctx, 'nc');
    const port = await freePort();
    const [there, back] = [pattern(300_000, 4), pattern(200_000, 5)];
    const listening = run('nc', ['-N', '-l', '127.0.0.1', String(port)], { input: back });
    await pause(300);
    const g = await up('--no-demo', ...to(port));
    const calling = run('nc', ['-N', '127.0.0.1', String(g.port)], { input: there });
    const [l, c] = await Promise.all([listening, calling]);
    expect([sha(l.bytes), sha(c.bytes)]).toEqual([sha(there), sha(back)]);
  });

  test("is reset by Python's reset", async ctx => {
    need(ctx, 'python3');
    let code = '';
    const quiet = await server(s => {
      // Node says "end" if bytes and a reset are there at once: the reset comes after they were read.
      s.once('data', () => s.write('ok'));
      s.on('error', (e: NodeJS.ErrnoException) => (code = e.code ?? ''));
    });
    const g = await up('--no-demo', ...to(quiet.port));
    expect(await python('reset', g.port)).toBe('reset');
    await until(() => code !== '', 'the server hears of it');
    expect(code).toBe('ECONNRESET');
  });

  test('resets Python, behind the bytes that came before', async ctx => {
    need(ctx, 'python3');
    const rude = await server(s => {
      s.write('last words');
      setTimeout(() => s.resetAndDestroy(), 100);
    });
    const g = await up('--no-demo', ...to(rude.port));
    expect(await python('read', g.port)).toBe('ECONNRESET last words');
  });

  test('that refuses is a reset for curl and Python, and a refused inner connection', async ctx => {
    need(ctx, 'curl', 'python3');
    const g = await up('--no-demo', ...to(await freePort()));
    const r = await run('curl', ['-sS', `http://127.0.0.1:${g.port}/`]);
    // 56: failure in receiving; 52: nothing came.
    expect(r.code).toBe(56);
    expect(r.err).toContain('Connection reset by peer');
    expect(await python('read', g.port)).toMatch(/^ECONNRESET/);
    await until(() => /2: .*ECONNREFUSED/.test(g.said().replace(/#(\d)/g, '$1:')), 'it is said');
    const trace = await g.lastack('trace', 'live', '--once', '--last', '1');
    expect(trace.out).toMatch(/◀─+ RST\+ACK/);
  });
});

describe('the proxy front', () => {
  const small = Buffer.from('a small body\n');
  const proxy = shared(async () => up('--no-demo', '--socks', '0'));
  const target = shared(() =>
    server(s => {
      s.once('data', () => s.end(`HTTP/1.1 200 OK\r\nContent-Length: ${small.length}\r\n\r\n${small}`));
    }),
  );

  test('speaks SOCKS5 with curl, names and addresses', async ctx => {
    need(ctx, 'curl');
    const [{ socks }, { port }] = [await proxy(), await target()];
    for (const [scheme, host] of [
      ['socks5', '127.0.0.1'],
      ['socks5h', 'localhost'],
    ]) {
      const r = await run('curl', [
        '-sS',
        '-x',
        `${scheme}://127.0.0.1:${socks}`,
        `http://${host}:${port}/small`,
      ]);
      expect([r.code, r.out]).toEqual([0, small.toString()]);
    }
  });

  test('speaks SOCKS5 with Python, whose every byte is known', async ctx => {
    need(ctx, 'python3');
    const [{ socks }, { port }] = [await proxy(), await target()];
    const said = `0500 0\nHTTP/1.1 200 OK ${sha(small)}`;
    expect(await python('socks', socks, '127.0.0.1', port)).toBe(said);
    expect(await python('socks', socks, 'localhost', port)).toBe(said);
    // 5: connection refused, and then the end.
    expect(await python('socks', socks, '127.0.0.1', await freePort())).toBe('0500 5\nend');
  });

  test('speaks HTTP CONNECT with curl', async ctx => {
    need(ctx, 'curl');
    const [{ socks }, { port }] = [await proxy(), await target()];
    const through = (p: number): string[] => [
      '-sS',
      '-p',
      '-x',
      `http://127.0.0.1:${socks}`,
      '-w',
      ' %{http_connect}',
      `http://127.0.0.1:${p}/small`,
    ];
    const good = await run('curl', through(port));
    expect([good.code, good.out]).toEqual([0, `${small} 200`]);
    const refused = await run('curl', through(await freePort()));
    expect([refused.code, refused.out]).toEqual([56, ' 502']);
  });

  test('lets curl feel a lost SYN: it answers when the inner handshake is done', async ctx => {
    need(ctx, 'curl');
    const g = await up('--no-demo', '--socks', '0', '--drop', 'A SYN 1');
    const { port } = await target();
    const r = await run('curl', [
      '-sS',
      '-p',
      '-x',
      `http://127.0.0.1:${g.socks}`,
      '-o',
      '/dev/null',
      '-w',
      '%{time_connect} %{time_pretransfer}',
      `http://127.0.0.1:${port}/small`,
    ]);
    const [connect = 0, ready = 0] = r.out.split(' ').map(Number);
    // The kernel's own connection is there at once, ours after the first time-out of 1 s.
    expect(connect).toBeLessThan(0.9);
    expect(ready).toBeGreaterThan(1);
  });
});

describe('a running instance, asked from another process', () => {
  const captures = scratch();
  const page = shared(() => up('--no-demo', '--capture', captures));
  const fetched = shared(async () => {
    const { port } = await page();
    for (let i = 0; i < 3; i++) {
      const r = await fetch(`http://127.0.0.1:${port}/hello`);
      await r.text();
    }
    // Each side has heard the last segment of the other.
    const u = await page();
    await until(async () => {
      const r = await u.lastack('ss', '-tanH', 'state', 'time-wait');
      return r.out.trim().split('\n').length === 3;
    }, 'three in TIME-WAIT');
    return u;
  });

  test('shows its sockets as ss and netstat do, also through a pipe', async () => {
    const u = await fetched();
    const ss = await u.lastack('ss', '-tano');
    expect([ss.code, ss.err]).toEqual([0, '']);
    expect(ss.out).toMatch(/^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port/);
    expect(ss.out).toMatch(
      /^TIME-WAIT +0 +0 +10\.78\.0\.1:80 +10\.77\.0\.\d+:\d+ +timer:\(timewait,[\d.]+sec,0\)/m,
    );
    expect(ss.out).toMatch(/^LISTEN +0 +4096 +10\.78\.0\.1:80 +0\.0\.0\.0:\*/m);
    const grepped = await u.lastack('netstat', '-n');
    expect(grepped.out.match(/^tcp +0 +0 +10\.78\.0\.1:80 +\S+ +TIME_WAIT *$/gm)).toHaveLength(3);
    const sums = await u.lastack('ss', '-s', '--json');
    expect(JSON.parse(sums.out).hosts).toHaveLength(2);
  });

  test('reads and sets its knobs', async () => {
    const u = await page();
    const set = await u.lastack('sysctl', '-w', 'net.ipv4.tcp_fin_timeout=7', '--host', 'A');
    expect([set.code, set.err]).toEqual([0, '']);
    const read = await u.lastack('sysctl', 'tcp_fin_timeout');
    expect(read.out).toMatch(/tcp_fin_timeout = 7\b/);
    expect(read.out).toMatch(/tcp_fin_timeout = 60\b/);
    const wrong = await u.lastack('sysctl', 'tcp_fin_timeuot');
    expect(wrong.code).not.toBe(0);
    expect(wrong.err).toContain('tcp_fin_timeout');
  });

  test('tells the life of its connections as ladder, table and JSON', async () => {
    const u = await fetched();
    const ladder = await u.lastack('trace', 'live', '--once', '--last', '1');
    expect(ladder.code).toBe(0);
    for (const state of ['SYN_SENT', 'ESTABLISHED', 'FIN_WAIT_1', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT'])
      expect(ladder.out).toContain(state);
    const table = await u.lastack('trace', 'live', '--once', '--last', '1', '--format', 'table');
    expect(table.out).toMatch(/No\. +Time +Source +Destination +Protocol +Info/);
    const json = await u.lastack('trace', 'live', '--once', '--last', '3', '--format', 'json');
    for (const line of json.out.trim().split('\n')) JSON.parse(line);
    const svg = await u.lastack('diagram', 'svg');
    expect(svg.out).toMatch(/^<svg [\s\S]*TIME_WAIT[\s\S]*<\/svg>\s*$/);
    expect((await u.lastack('diagram', 'mermaid')).out).toMatch(/stateDiagram/);
  });

  test('follows what comes, from another terminal', async () => {
    const u = await fetched();
    const following = run(process.execPath, ['dist/tools/cli.js', 'trace', 'live', '--last', '0'], {
      env: { LASTACK_RUNTIME_DIR: u.runtime, NO_COLOR: '1' },
      timeout: 3000,
    });
    await pause(1500);
    await (await fetch(`http://127.0.0.1:${u.port}/hello`)).text();
    expect((await following).out).toContain('TIME_WAIT');
  });

  test('ends by Ctrl-C, and its captures show tshark handshakes of three segments and closes of four', async ctx => {
    need(ctx, 'tshark');
    const u = await fetched();
    expect(await u.stop()).toBe(0);
    expect(u.said()).toMatch(/no connection is open[\s\S]* 0 failed\. Goodbye\.\n$/);
    for (const name of ['A', 'B']) {
      const frames = await tsharkFile(join(captures, `${name}.pcapng`));
      expect(faults(frames)).toEqual([]);
      expect(remarks(frames)).toEqual([]);
      const streams = new Set(frames.map(f => f.stream));
      expect(streams.size).toBe(4);
      for (const number of streams) {
        const stream = frames.filter(f => f.stream === number);
        expect(stream.slice(0, 3).map(f => f.flags)).toEqual(['S', 'SA', 'A']);
        // B's FIN, perhaps on its last data; A's ACK; A's FIN; B's ACK.
        const fin = stream.findIndex(f => f.flags.startsWith('F'));
        const close = stream.slice(fin).map(f => `${f.source} ${f.flags.replace('P', '')}`);
        const [a, b] = [stream[0]!.source, stream[1]!.source];
        expect(close).toEqual([`${b} FA`, `${a} A`, `${a} FA`, `${b} A`]);
      }
      const trace = await u.lastack('trace', join(captures, `${name}.pcapng`), '--connection', '1');
      expect([trace.code, trace.err]).toEqual([0, '']);
      expect(trace.out).toContain('TIME_WAIT');
    }
  });

  test('afterwards there is nothing to ask, and the commands say so', async ctx => {
    need(ctx, 'tshark');
    const u = await page();
    const r = await u.lastack('ss', '-tan');
    expect(r.code).toBe(3);
    expect(r.err).toMatch(/lastack up/);
  });
});

describe('the program', () => {
  test('makes a request of its own at the start and shows its whole life', async () => {
    const u = await up();
    await until(() => /in TIME_WAIT for 2 MSL/.test(u.said()), 'the ladder is shown', 10_000);
    for (const phase of ['Opening', 'Talking', 'Closing', 'Waiting'])
      expect(u.said()).toContain(`── ${phase} ─`);
    expect(await u.stop()).toBe(0);
  });

  test('says at its end what was still open', async ctx => {
    need(ctx, 'python3');
    const quiet = await server(s => s.resume());
    const u = await up('--no-demo', ...to(quiet.port));
    const keeping = run('python3', [PYTHON, 'keep', String(u.port)]);
    await until(() => quiet.sockets.some(s => s.bytesRead === 9), 'it is open');
    expect(await u.stop()).toBe(0);
    expect(u.said()).toContain('closing: 1 open');
    expect(u.said()).toMatch(/still open: #1 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+/);
    expect((await keeping).out).toBe('connected\nend\n');
  });

  test('says what to do when its port is taken or its target has no such form', async () => {
    const { port } = await server(() => {});
    const said = async (...args: string[]): Promise<[number, string]> => {
      const r = await run(process.execPath, ['dist/tools/cli.js', 'up', ...args]);
      return [r.code, r.err];
    };
    const [code, taken] = await said('--port', String(port));
    expect([code, taken]).toEqual([4, expect.stringContaining(`--port ${port + 1}`)]);
    expect(await said('--to', 'nowhere')).toEqual([2, expect.stringMatching(/HOST:PORT|:\d+/)]);
    expect(await said('--los', '5%')).toEqual([2, expect.stringContaining('--loss')]);
  });
});
