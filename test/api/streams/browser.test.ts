import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

const DIST = join(import.meta.dirname, '..', '..', '..', 'dist');
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const CHROMIUM = process.env['CHROMIUM'] ?? PLACES.find(p => existsSync(p)) ?? null;

let server: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  if (CHROMIUM === null) return;
  // The compiled modules as they are; the page is empty.
  server = createServer((request, response) => {
    const file = join(DIST, normalize(request.url ?? '/'));
    if (!file.endsWith('.js') || !existsSync(file))
      response.setHeader('Content-Type', 'text/html').end('<p>');
    else response.setHeader('Content-Type', 'text/javascript').end(readFileSync(file));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

test('in a browser: an echo on the module’s own host, half-close and a BYOB reader', async ctx => {
  if (CHROMIUM === null) ctx.skip('chromium is not installed');
  const answer = await page.evaluate(`(async () => {
    const { connect, listen } = await import('/api/streams/index.js');
    const listener = listen('127.0.0.1:0');
    (async () => { for await (const s of listener) await s.readable.pipeTo(s.writable); })();
    const socket = connect(listener.toString());
    const { remoteAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode('from a page'));
    await writer.close();
    const reader = socket.readable.getReader({ mode: 'byob' });
    let text = '';
    for (let buffer = new Uint8Array(4); ; ) {
      const { value, done } = await reader.read(buffer);
      if (done) break;
      text += new TextDecoder().decode(value);
      buffer = new Uint8Array(value.buffer);
    }
    await socket.closed;
    listener.close();
    return [remoteAddress === listener.toString(), text];
  })()`);
  expect(answer).toEqual([true, 'from a page']);
});

test('in a browser: two hosts on a wire; megabytes with back-pressure, a refusal, a reset', async ctx => {
  if (CHROMIUM === null) ctx.skip('chromium is not installed');
  const answer = await page.evaluate(`(async () => {
    const { createSockets } = await import('/api/streams/index.js');
    const { Driver, WebLoop } = await import('/driver/index.js');
    const { memoryPair, Stack, seededRandom } = await import('/index.js');
    const loop = new WebLoop();
    const links = memoryPair(loop);
    const [a, b] = ['10.0.0.1', '10.0.0.2'].map((address, i) => {
      const stack = new Stack({ name: address, random: seededRandom(address), start: loop.now() });
      const driver = new Driver(stack, loop);
      const ifc = stack.addInterface({ name: 'web0', medium: 'ip', mtu: 1500 });
      ifc.addAddress(address + '/24');
      driver.attach(ifc, links[i]);
      return createSockets(driver);
    });
    const listener = b.listen('10.0.0.2:80');
    const c = a.connect('10.0.0.2:80');
    const { value: s } = await listener.next();
    const writing = (async () => {
      const w = c.writable.getWriter();
      for (let i = 0; i < 50; i++) await w.write(new Uint8Array(100000));
      await w.close();
    })();
    let got = 0;
    for (const reader = s.readable.getReader(); ; ) {
      const { value, done } = await reader.read();
      if (done) break;
      got += value.length;
    }
    await writing;
    await Promise.all([c.closed, s.closed]);
    const refused = await a.connect('10.0.0.2:81').opened.catch(e => e.code);
    const d = a.connect('10.0.0.2:80');
    const { value: t } = await listener.next();
    t.reset();
    const reset = await d.closed.catch(e => e.code);
    return [got, refused, reset];
  })()`);
  expect(answer).toEqual([5_000_000, 'ECONNREFUSED', 'ECONNRESET']);
});
