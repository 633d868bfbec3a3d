import type { OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { stateName } from '../../src/tcp/state.ts';
import { MOST_READERS } from '../../src/tools/lab-server/live.ts';
import { openLab } from '../../src/tools/lab-server/open.ts';
import type { LiveHello, LiveMessage } from '../../src/tools/lab-server/protocol.ts';
import { gateway, pause, until } from './gateway-kit.ts';
import { ask, lab, SCRIPT, site, watch } from './lab-kit.ts';

/** The states that a host's end went through. */
function statesOf(messages: readonly LiveMessage[], host: string): string {
  const names: string[] = [];
  for (const m of messages)
    if ('event' in m && m.event.kind === 'state' && m.event.host === host)
      names.push(stateName(m.event.state));
  return names.join(' ');
}

describe("the lab's server", () => {
  test('serves the page with headers that let nothing else in', async () => {
    const { port } = await lab();
    const page = await ask(port, '/?lesson=close-four');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    const csp = page.headers['content-security-policy'];
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(csp).toContain(part);
    expect(csp).not.toMatch(/unsafe|\*/);
  });

  test('lets assets be kept for ever, compresses them, and knows what the browser has', async () => {
    const { port } = await lab();
    const path = '/assets/index-Ab3_x-9Z.js';
    const plain = await ask(port, path);
    expect(plain.headers['cache-control']).toContain('immutable');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.body.toString()).toBe(SCRIPT);
    const packed = await ask(port, path, { 'Accept-Encoding': 'br, gzip;q=0.5' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(packed.body.length).toBeLessThan(plain.body.length / 2);
    expect(gunzipSync(packed.body).toString()).toBe(SCRIPT);
    expect(
      (await ask(port, path, { 'Accept-Encoding': 'gzip;q=0' })).headers['content-encoding'],
    ).toBeUndefined();
    const known = await ask(port, path, { 'If-None-Match': `W/"x", ${plain.headers.etag}` });
    expect([known.status, known.body.length]).toEqual([304, 0]);
    const head = await ask(port, path, {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
      200,
      String(SCRIPT.length),
      0,
    ]);
  });

  test('gives nothing but the files of the page', async () => {
    const { port } = await lab();
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/../index.html',
      '/assets/',
      '/link.txt',
      '//index.html',
      '/%00',
      '/%',
      '/__proto__',
      '*',
    ])
      expect((await ask(port, path)).status, path).toBe(404);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
      expect((await ask(port, '/', {}, method)).status, method).toBe(405);
  });

  test('knows itself by names of this machine only', async () => {
    const { port } = await lab();
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LocalHost:${port}`, `[::1]:${port}`])
      expect((await ask(port, '/', { Host: host })).status, host).toBe(200);
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost', `localhost:${port + 1}`])
      expect((await ask(port, '/', { Host: host })).status, host).toBe(421);
  });

  test('tells what is live to its own page and to tools, not to other pages', async () => {
    const { port } = await lab();
    const status = async (headers: OutgoingHttpHeaders): Promise<number> =>
      (await ask(port, '/live/info', headers)).status;
    expect(await status({})).toBe(200);
    expect(await status({ 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    expect(await status({ Host: `localhost:${port}`, Origin: `http://localhost:${port}` })).toBe(200);
    expect(await status({ Origin: 'http://evil.example' })).toBe(403);
    expect(await status({ Origin: 'null' })).toBe(403);
    expect(await status({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await status({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect((await ask(port, '/live', { Origin: 'http://evil.example' })).status).toBe(403);
    const info: LiveHello = JSON.parse((await ask(port, '/live/info')).body.toString());
    expect(info).toMatchObject({ hosts: ['A', 'B'], wire: 'a perfect wire' });
    expect((await ask(port, '/live', {}, 'HEAD')).headers['content-type']).toContain('text/event-stream');
  });

  test('survives what no browser sends', async () => {
    const { port } = await lab();
    for (const bytes of [
      '\0\0\0\0',
      'GET / HTTP/9.9\r\n\r\n',
      `GET ${'/'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const s = connect(port, '127.0.0.1');
      s.on('error', () => {});
      s.end(bytes);
      await new Promise(resolve => s.resume().on('close', resolve));
    }
    const s = connect(port, '127.0.0.1', () =>
      s.write(`GET /live HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`),
    );
    await new Promise(resolve => s.once('data', resolve));
    s.resetAndDestroy();
    await pause(50);
    expect((await ask(port, '/')).status).toBe(200);
  });
});

describe('what is live', () => {
  test('a connection is seen from its first SYN to TIME_WAIT, and in the sockets', async () => {
    const { port, page } = await lab();
    const { messages } = await watch(port);
    await until(() => messages.length >= 2, 'it says who it is');
    expect(messages[0]).toMatchObject({ hello: { hosts: ['A', 'B'] } });
    await fetch(`http://127.0.0.1:${page}/hello`).then(r => r.text());
    await until(() => statesOf(messages, 'B').includes('TIME_WAIT'), 'B comes to TIME_WAIT');
    expect(statesOf(messages, 'B')).toBe('SYN_RECV ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT');
    expect(statesOf(messages, 'A')).toMatch(/^SYN_SENT ESTABLISHED CLOSE_WAIT LAST_ACK/);
    const rows = (): number[] =>
      messages.flatMap(m => ('sockets' in m ? m.sockets.flatMap(h => h.rows.map(r => r.state)) : []));
    await until(() => rows().includes(6), 'the sockets show it', 3000);
    expect(messages.filter(m => 'conversation' in m)).toHaveLength(1);
  });

  test('who comes later is told of what has been, each event once', async () => {
    const { port, page } = await lab();
    await fetch(`http://127.0.0.1:${page}/hello`).then(r => r.text());
    const { messages } = await watch(port);
    await until(() => statesOf(messages, 'B').includes('TIME_WAIT'), 'the past is told');
    const numbers = messages.flatMap(m => ('event' in m ? [`${m.of} ${m.event.n}`] : []));
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('only so many read at once, and a place is free when one goes', async () => {
    const { port } = await lab();
    const readers = [];
    for (let i = 0; i < MOST_READERS; i++) readers.push(await watch(port));
    expect(readers.map(r => r.status)).toEqual(new Array(MOST_READERS).fill(200));
    expect((await ask(port, '/live')).status).toBe(503);
    readers[0]?.stop();
    let status = 503;
    for (let i = 0; status === 503 && i < 100; i++) {
      await pause(20);
      const r = await watch(port);
      status = r.status;
    }
    expect(status).toBe(200);
  });

  test('a reader that does not read costs no more than its buffers, and the others get all', async () => {
    const { port, page } = await lab();
    const lazy = connect(port, '127.0.0.1', () =>
      lazy.write(`GET /live HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`),
    );
    lazy.pause();
    lazy.on('error', () => {});
    const { messages } = await watch(port);
    for (let i = 0; i < 20; i++) await fetch(`http://127.0.0.1:${page}/hello`).then(r => r.text());
    await until(() => messages.filter(m => 'conversation' in m).length === 20, 'all twenty are told');
    lazy.destroy();
  });

  test('ends at once, readers or not', async () => {
    const { port, close } = await lab();
    await watch(port).then(w => until(() => w.messages.length > 0, 'it reads'));
    const began = performance.now();
    await close();
    // Not the five seconds that a reader which says nothing is given elsewhere.
    expect(performance.now() - began).toBeLessThan(4000);
    await expect(ask(port, '/')).rejects.toThrow();
  });
});

describe('without a lab', () => {
  test('a page that is not built, or a port that is taken, is said in a sentence', async () => {
    const { instance } = await gateway({ lab: { port: 0, asked: false } });
    expect(await openLab(instance, join(tmpdir(), 'no-such-lab'))).toMatchObject({
      server: null,
      why: expect.stringContaining('not built'),
    });
    const { port } = await lab();
    const other = await gateway({ lab: { port, asked: false } });
    expect(await openLab(other.instance, site())).toMatchObject({
      server: null,
      why: expect.stringContaining(`127.0.0.1:${port} is in use`),
    });
    const asked = await gateway({ lab: { port, asked: true } });
    await expect(openLab(asked.instance, site())).rejects.toThrow('in use');
    expect(await openLab((await gateway()).instance, site())).toEqual({ server: null, why: '' });
  });
});
