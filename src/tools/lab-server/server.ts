import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { CliError, EXIT_MACHINE, errorCode, errorText } from '../cli/error.ts';
import type { Instance } from '../up/instance.ts';
import { isForUs, isOurPage, SAFE_HEADERS } from './headers.ts';
import { Live } from './live.ts';
import { LIVE_INFO_PATH, LIVE_PATH } from './protocol.ts';
import type { Site, SiteFile } from './site.ts';

/** Never another: the page controls nothing, but shows everything. */
const ADDRESS = '127.0.0.1';
const MOST_CONNECTIONS = 64;
const PATIENCE_MS = 10_000;
/** A connection on which nothing moves. */
const IDLE_MS = 60_000;

export interface LabServer {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the page and what is live, on loopback. @throws CliError if the port is not to be had */
export async function serveLab(instance: Instance, site: Site, port: number): Promise<LabServer> {
  const live = new Live(instance);
  let real = port;
  const server = createServer({ maxHeaderSize: 8192 }, (request, response) => {
    response.on('error', () => response.destroy());
    new Exchange(request, response, site, live, real).answer().catch(() => response.destroy());
  });
  server.headersTimeout = PATIENCE_MS;
  server.requestTimeout = PATIENCE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(IDLE_MS);
  await new Promise<void>((resolve, reject) => {
    server.once('error', e => reject(notToBeHad(port, e)));
    server.listen(port, ADDRESS, () => resolve());
  });
  server.on('error', () => {});
  // Being looked at is no reason for a process to stay alive.
  server.unref();
  const bound = server.address();
  if (typeof bound === 'object' && bound !== null) real = bound.port;
  return {
    url: `http://${ADDRESS}:${real}/`,
    port: real,
    close: () =>
      new Promise(resolve => {
        live.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function notToBeHad(port: number, e: Error): CliError {
  return errorCode(e) === 'EADDRINUSE'
    ? new CliError(
        EXIT_MACHINE,
        `${ADDRESS}:${port} is in use by another program`,
        `choose another port: --lab ${port + 1}, or --lab off`,
      )
    : new CliError(EXIT_MACHINE, `--lab ${port}: ${errorText(e)}`);
}

/** A request and its answer. */
class Exchange {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly site: Site;
  private readonly live: Live;
  private readonly port: number;

  constructor(request: IncomingMessage, response: ServerResponse, site: Site, live: Live, port: number) {
    this.request = request;
    this.response = response;
    this.site = site;
    this.live = live;
    this.port = port;
  }

  async answer(): Promise<void> {
    const { request } = this;
    if (!isForUs(request, this.port)) return this.refuse(421, 'This server has no such name.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return this.refuse(405, 'Only GET and HEAD are answered.', { Allow: 'GET, HEAD' });
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === LIVE_PATH || path === LIVE_INFO_PATH) return this.alive(path);
    const file = this.site.get(path);
    if (file === undefined) return this.refuse(404, 'There is no such file.');
    await this.send(file);
  }

  private async alive(path: string): Promise<void> {
    const { live, response } = this;
    if (!isOurPage(this.request)) return this.refuse(403, "Only the lab's own page may ask this.");
    if (path === LIVE_INFO_PATH) {
      this.head(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
      response.end(this.isHead ? undefined : JSON.stringify(live.hello()));
      return;
    }
    if (live.full) return this.refuse(503, 'Too many pages are watching already.', { 'Retry-After': '5' });
    this.head(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // The line ends when the reader goes: nothing comes after it.
      Connection: 'close',
    });
    if (this.isHead) response.end();
    else await live.tell(response);
  }

  private async send(file: SiteFile): Promise<void> {
    const { response } = this;
    const packed = acceptsGzip(this.request) ? file.gzipped() : null;
    const etag = `"${file.etag}${packed === null ? '' : '-gz'}"`;
    const headers: Record<string, string> = {
      ETag: etag,
      Vary: 'Accept-Encoding',
      'Cache-Control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (knows(this.request, etag)) {
      this.head(304, headers);
      response.end();
      return;
    }
    const body = packed === null ? file.body : await packed;
    if (packed !== null) headers['Content-Encoding'] = 'gzip';
    this.head(200, { ...headers, 'Content-Type': file.type, 'Content-Length': String(body.length) });
    response.end(this.isHead ? undefined : body);
  }

  private get isHead(): boolean {
    return this.request.method === 'HEAD';
  }

  private refuse(status: number, why: string, headers: Readonly<Record<string, string>> = {}): void {
    this.head(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      // What is left of a body is not read.
      Connection: 'close',
      ...headers,
    });
    this.response.end(this.isHead ? undefined : `${why}\n`);
  }

  private head(status: number, headers: Readonly<Record<string, string>>): void {
    this.response.writeHead(status, { ...SAFE_HEADERS, ...headers });
  }
}

/** `gzip` or `*` is named, and not with q=0. */
function acceptsGzip(request: IncomingMessage): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  return accepted.split(',').some(part => {
    const [name = '', ...parameters] = part.split(';').map(p => p.trim().toLowerCase());
    return (name === 'gzip' || name === '*') && !parameters.some(p => /^q=0(?:\.0*)?$/.test(p));
  });
}

/** The browser has this version already. */
function knows(request: IncomingMessage, etag: string): boolean {
  const known = request.headers['if-none-match'] ?? '';
  return known.split(',').some(k => k.trim().replace(/^W\//, '') === etag);
}
