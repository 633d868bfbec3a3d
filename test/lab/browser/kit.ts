import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, resolve } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { EventLog, type LogPiece } from '../../../lab/engine/log.ts';
import { Axis } from '../../../lab/model/axis.ts';
import { readPlace } from '../../../lab/url/url.ts';
import type { LabConsole } from '../../../lab/view/console.ts';
import { arrowOf, frameOf } from '../../../lab/view/ladder/geometry.ts';

const SITE = resolve('dist', 'lab');
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  );

/** Where Chromium is, or null: then the tests that need it are skipped and say so. */
export const CHROMIUM = process.env['CHROMIUM'] ?? PLACES.find(p => existsSync(p)) ?? null;

export function needChromium(ctx: { skip(note?: string): void }): void {
  if (CHROMIUM === null) ctx.skip('chromium is not installed');
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};
declare global {
  var lastackLab: LabConsole | undefined;
}

/** The site must work under any path. */
const PREFIX = '/a/path/of its own/';

/** A file server that knows nothing of the lab, and a browser. */
export class Bench {
  readonly url: string;
  readonly browser: Browser;
  private readonly server: Server;

  private constructor(server: Server, browser: Browser) {
    this.server = server;
    this.browser = browser;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${encodeURI(PREFIX)}`;
  }

  static async open(): Promise<Bench> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
      const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) || 'index.html' : '';
      const file = join(SITE, normalize(name));
      if (name === '' || !file.startsWith(SITE) || !existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      response
        .writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' })
        .end(readFileSync(file));
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    return new Bench(server, await chromium.launch({ executablePath: CHROMIUM!, args: ARGS }));
  }

  /** A page that fails the test when anything goes wrong in it. */
  async page(options: BrowserContextOptions = {}): Promise<Watched> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    return new Watched(await context.newPage());
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise(done => this.server.close(done));
  }
}

export class Watched {
  readonly page: Page;
  /** What the page complained of, and what it asked for outside its own folder. */
  readonly complaints: string[] = [];
  readonly requests: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on('pageerror', e => this.complaints.push(String(e.stack ?? e)));
    page.on('console', m => {
      if (m.type() === 'error' || m.type() === 'warning') this.complaints.push(m.text());
    });
    page.on('request', r => this.requests.push(r.url()));
  }

  /** Opens an address and waits until its run is known to its end. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.known(readPlace(new URL(url).hash).script);
  }

  /** Waits until a script, or whatever is there, has been run to its end. */
  async known(script = ''): Promise<void> {
    await this.page.waitForFunction(
      wanted => {
        const lab = globalThis.lastackLab;
        return lab?.known().done === true && (wanted === '' || lab.script() === wanted);
      },
      script,
      { timeout: 30_000, polling: 25 },
    );
  }

  /** What the page's own log holds. */
  async log(): Promise<EventLog> {
    const piece = (await this.page.evaluate(() => globalThis.lastackLab!.log())) as LogPiece;
    const log = new EventLog();
    log.take(piece);
    return log;
  }

  /** Ends the run at once, as the key does. */
  async toEnd(): Promise<void> {
    await this.page.evaluate(() => globalThis.lastackLab!.go(Number.MAX_SAFE_INTEGER / 1e6));
    await this.settled();
  }

  /** Two frames later all that is to be drawn has been drawn. */
  async settled(): Promise<void> {
    await this.page.evaluate(
      () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
  }

  /** Clicks the middle of a segment's arrow, where the ladder draws it. */
  async clickRow(row: number): Promise<void> {
    const log = await this.log();
    const { time } = await this.page.evaluate(() => globalThis.lastackLab!.known());
    const axis = new Axis();
    axis.build(log, time);
    await this.page.evaluate(y => {
      const box = document.getElementById('ladder')!;
      box.scrollTop = y - box.clientHeight / 2;
    }, axis.rows[row]!);
    await this.settled();
    const box = (await this.page.locator('#ladder').boundingBox())!;
    const top = await this.page.evaluate(() => document.getElementById('ladder')!.scrollTop);
    const frame = frameOf(box.width);
    const way = arrowOf(log, axis, row, frame, { x1: 0, y1: 0, x2: 0, y2: 0 });
    await this.page.mouse.click(box.x + (way.x1 + way.x2) / 2, box.y + (way.y1 + way.y2) / 2 - top);
    await this.page.locator('.inspector').waitFor();
  }

  /** The way that the state diagram of a host shows. */
  async path(host: 'A' | 'B'): Promise<string> {
    const label = await this.page.getAttribute(`.side-${host.toLowerCase()} .diagram svg`, 'aria-label');
    return (label ?? '').replace(/^.*?: /, '');
  }

  async clock(): Promise<number> {
    return Number((await this.page.textContent('.clock'))?.split(' ')[0]);
  }

  async end(): Promise<void> {
    await this.page.context().close();
  }
}
