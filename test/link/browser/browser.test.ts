import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Switch } from '../../../src/link/switch/switch.ts';
import { serveWebSockets, type WebSocketLinkServer } from '../../../src/link/websocket/server.ts';
import { Hosts, type LinkHost } from '../hosts.ts';
import { bundle } from './bundle.ts';
import { ask, serveOnce } from './http.ts';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const CHROMIUM = process.env['CHROMIUM'] ?? PLACES.find(p => existsSync(p)) ?? null;
const ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

const hosts = new Hosts();
let http: Server;
let browser: Browser;
let sw: Switch;
let wire: WebSocketLinkServer;
let node: LinkHost;
const pages: Page[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  if (CHROMIUM === null) return;
  const script = await bundle();
  http = createServer((request, response) => {
    if (request.url === '/page.js') response.setHeader('Content-Type', 'text/javascript').end(script);
    else
      response.setHeader('Content-Type', 'text/html').end('<script type="module" src="/page.js"></script>');
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  sw = new Switch({ clock: hosts.loop });
  node = hosts.add('node', '10.9.0.1/24', sw.connect());
  wire = await serveWebSockets({
    server: http,
    path: '/wire',
    clock: hosts.loop,
    onlink: link => void sw.add(link),
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  for (const address of ['10.9.0.11', '10.9.0.12']) {
    const page = await (await browser.newContext()).newPage();
    page.on('pageerror', e => complaints.push(String(e)));
    page.on('console', m => {
      if (m.type() === 'error' && !m.text().includes('favicon')) complaints.push(m.text());
    });
    await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => globalThis.proof !== undefined);
    await page.evaluate(([url, own]) => globalThis.proof!.join(url!, own!), [wire.url, address]);
    pages.push(page);
  }
}, 60_000);

afterAll(async () => {
  if (CHROMIUM === null) return;
  await browser.close();
  await wire.close();
  await hosts.close();
  http.closeAllConnections();
  await new Promise(resolve => http.close(resolve));
});

const needChromium = (ctx: { skip(note?: string): void }): void => {
  if (CHROMIUM === null) ctx.skip('chromium is not installed');
};

describe('in a browser', () => {
  test('two hosts in one page talk to each other, and close into TIME_WAIT', async ctx => {
    needChromium(ctx);
    const r = await pages[0]!.evaluate(() => globalThis.proof!.twoHosts());
    expect(r).toEqual({
      status: 'HTTP/1.1 200 OK',
      body: 'from B',
      timeWait: 1,
      open: [],
      served: 'GET /two HTTP/1.1',
    });
  });

  test('a host in the page asks one in Node over a WebSocket', async ctx => {
    needChromium(ctx);
    const served = serveOnce(node, '10.9.0.1', 80, 'from Node'.repeat(20_000));
    const r = await pages[0]!.evaluate(() => globalThis.proof!.ask('10.9.0.1', 80, '/to-node'));
    expect(await served).toBe('GET /to-node HTTP/1.1');
    expect(r).toMatchObject({ status: 'HTTP/1.1 200 OK', timeWait: 1, open: [] });
    expect(r.body.length).toBe(180_000);
  });

  test('a host in Node asks one in the page', async ctx => {
    needChromium(ctx);
    const served = pages[0]!.evaluate(() => globalThis.proof!.serveOnce('10.9.0.11', 8080, 'from the page'));
    await new Promise(resolve => setTimeout(resolve, 200));
    const r = await ask(node, '10.9.0.11', 8080, '/to-page');
    expect(r).toEqual({ status: 'HTTP/1.1 200 OK', body: 'from the page', timeWait: 1, open: [] });
    expect(await served).toBe('GET /to-page HTTP/1.1');
  });

  test('two pages talk to each other through a switch in Node', async ctx => {
    needChromium(ctx);
    const served = pages[1]!.evaluate(() => globalThis.proof!.serveOnce('10.9.0.12', 80, 'from page two'));
    await new Promise(resolve => setTimeout(resolve, 200));
    const r = await pages[0]!.evaluate(() => globalThis.proof!.ask('10.9.0.12', 80, '/across'));
    expect(r).toMatchObject({ status: 'HTTP/1.1 200 OK', body: 'from page two', open: [] });
    expect(await served).toBe('GET /across HTTP/1.1');
    expect(sw.stations).toBe(3);
    expect(complaints).toEqual([]);
  });
});
