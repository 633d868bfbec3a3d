import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLab } from '../../src/tools/lab-server/open.ts';
import type { LiveMessage } from '../../src/tools/lab-server/protocol.ts';
import { atEnd, type GatewayOptions, gateway } from './gateway-kit.ts';

/** The content of the site's only script. */
export const SCRIPT = `console.log(${JSON.stringify('a page '.repeat(200))});\n`;

/** A site such as vite makes, in a directory with something secret beside it. */
export function site(): string {
  const root = mkdtempSync(join(tmpdir(), 'lk-'));
  atEnd(async () => rmSync(root, { recursive: true, force: true }));
  const lab = join(root, 'lab');
  mkdirSync(join(lab, 'assets'), { recursive: true });
  writeFileSync(join(root, 'secret.txt'), 'secret');
  writeFileSync(join(lab, 'index.html'), '<!doctype html><title>lab</title>');
  writeFileSync(join(lab, 'assets', 'index-Ab3_x-9Z.js'), SCRIPT);
  symlinkSync(join(root, 'secret.txt'), join(lab, 'link.txt'));
  return lab;
}

/** A gateway with its lab. */
export async function lab(
  options: GatewayOptions = {},
): Promise<{ port: number; page: number; close: () => Promise<void> }> {
  const { instance, port: page } = await gateway({ ...options, lab: { port: 0, asked: true } });
  const { server, why } = await openLab(instance, site());
  if (server === null) throw new Error(why);
  atEnd(() => server.close());
  return { port: server.port, page, close: () => server.close() };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export const ask = (
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const r = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, response => {
      const chunks: Buffer[] = [];
      response
        .on('data', (c: Buffer) => chunks.push(c))
        .on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
    });
    r.on('error', reject).end();
  });

export interface Watching {
  readonly messages: LiveMessage[];
  /** The same as text. */
  readonly texts: string[];
  readonly status: number;
  readonly stop: () => void;
}

/** Reads /live until it is told to stop. */
export async function watch(port: number): Promise<Watching> {
  const messages: LiveMessage[] = [];
  const texts: string[] = [];
  let rest = '';
  return new Promise((resolve, reject) => {
    const r = request({ host: '127.0.0.1', port, path: '/live', agent: false }, response => {
      response.setEncoding('utf8').on('data', (text: string) => {
        rest += text;
        const events = rest.split('\n\n');
        rest = events.pop() ?? '';
        for (const e of events) {
          if (!e.startsWith('data: ')) continue;
          texts.push(e.slice(6));
          messages.push(JSON.parse(e.slice(6)));
        }
      });
      response.on('error', () => {});
      resolve({ messages, texts, status: response.statusCode ?? 0, stop: () => r.destroy() });
    });
    atEnd(async () => r.destroy());
    r.on('error', reject).end();
  });
}
