import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { Gateway } from '../../src/tools/up/gateway.ts';
import { Instance } from '../../src/tools/up/instance.ts';
import type { UpOptions, WireSettings } from '../../src/tools/up/options.ts';
import { answerPage } from '../../src/tools/up/pages.ts';

const PERFECT: WireSettings = {
  loss: 0,
  delay: 0,
  jitter: 0,
  reorder: 0,
  duplicate: 0,
  corrupt: 0,
  rate: 0,
  mtu: 1500,
  rules: [],
};

export type GatewayOptions = Partial<Omit<UpOptions, 'wire'>> & { wire?: Partial<WireSettings> };

export const upOptions = (o: GatewayOptions = {}): UpOptions => ({
  address: '127.0.0.1',
  port: 0,
  to: null,
  socks: null,
  metrics: null,
  tun: null,
  lab: null,
  seed: 'test',
  sysctls: [],
  capture: null,
  demo: false,
  screen: false,
  color: null,
  ...o,
  wire: { ...PERFECT, ...o.wire },
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export const atEnd = (close: () => Promise<unknown>): void => void closers.push(close);

/** A running gateway, closed after the test. */
export async function gateway(
  o: GatewayOptions = {},
): Promise<{ gateway: Gateway; instance: Instance; port: number }> {
  const g = new Gateway(upOptions(o));
  const instance = new Instance(g);
  g.page = (request, fd) => answerPage(instance, request, fd);
  await g.start();
  atEnd(() => g.close());
  return { gateway: g, instance, port: g.fronts[0]!.port };
}

/** An ordinary server on this machine. */
export async function server(
  onsocket: (s: Socket) => void,
): Promise<{ server: Server; port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const s = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    onsocket(socket);
  });
  s.listen(0, '127.0.0.1');
  await once(s, 'listening');
  atEnd(async () => {
    for (const x of sockets) x.destroy();
    await new Promise(resolve => s.close(resolve));
  });
  return { server: s, port: (s.address() as AddressInfo).port, sockets };
}

export const to = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });

/** A connected client whose errors are kept. */
export async function client(port: number): Promise<Socket & { failure: string }> {
  const s = Object.assign(connect({ port, host: '127.0.0.1', allowHalfOpen: true }), { failure: '' });
  s.on('error', (e: NodeJS.ErrnoException) => (s.failure = e.code ?? e.message));
  atEnd(async () => s.destroy());
  await once(s, 'connect');
  return s;
}

/** Everything until end of file; rejects with the error's code on a reset. */
export async function readAll(s: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  s.on('data', (c: Buffer) => chunks.push(c));
  s.resume();
  await new Promise<void>((resolve, reject) => {
    s.once('end', resolve);
    s.once('error', (e: NodeJS.ErrnoException) => reject(new Error(e.code)));
    s.once('close', () => reject(new Error('closed')));
  });
  return Buffer.concat(chunks);
}

export async function until(test: () => boolean, what: string, ms = 8000): Promise<void> {
  const end = performance.now() + ms;
  while (!test()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Bytes that repeat nowhere soon. */
export function pattern(n: number, seed = 1): Buffer {
  const b = Buffer.allocUnsafe(n);
  let x = seed | 1;
  for (let i = 0; i < n; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    b[i] = x >>> 24;
  }
  return b;
}
