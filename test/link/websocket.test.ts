import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectWebSocket as connectHere } from '../../src/link/websocket/connect.ts';
import { type SocketEvent, type SocketEventLike, WebSocketLink } from '../../src/link/websocket/link.ts';
import {
  connectWebSocket,
  serveWebSockets,
  type WebSocketLinkServer,
  type WebSocketServerOptions,
} from '../../src/link/websocket/server.ts';
import { FramePool } from '../../src/wire/frame.ts';
import { converse, Hosts, until } from './hosts.ts';

const pool = new FramePool();
const frame = (n = 60) => pool.from(new Uint8Array(n));

let hosts = new Hosts();
const servers: WebSocketLinkServer[] = [];
afterEach(async () => {
  for (const s of servers.splice(0)) await s.close();
  await hosts.close();
  hosts = new Hosts();
});

async function serve(options: Partial<WebSocketServerOptions> = {}) {
  const links: WebSocketLink[] = [];
  const server = await serveWebSockets({
    clock: hosts.loop,
    onlink: link => {
      links.push(link);
      link.onreceive = f => f.release();
    },
    ...options,
  });
  servers.push(server);
  return { server, links };
}

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.on('open', () => resolve());
    socket.on('error', reject);
  });

describe('a WebSocket link', () => {
  test('joins two hosts: a conversation, its close and TIME_WAIT', async () => {
    const { server, links } = await serve({ onlink: link => links.push(link) });
    const near = await connectWebSocket(server.url, { clock: hosts.loop });
    await until(() => links.length === 1);
    const a = hosts.add('A', '10.9.0.1/24', near);
    const b = hosts.add('B', '10.9.0.2/24', links[0]!);
    expect(await converse(a, b, '10.9.0.2')).toEqual({
      question: 200_000,
      answer: '200000 bytes, thank you',
      waits: 1,
    });
    expect(near.counters.tooLong + near.counters.tooShort + near.counters.notBytes).toBe(0);
  });

  test('drops and counts text, what is too short and what is too long', async () => {
    const { server, links } = await serve({ mtu: 1000 });
    const socket = new WebSocket(server.url);
    await opened(socket);
    socket.send('hello');
    socket.send(new Uint8Array(13));
    socket.send(new Uint8Array(1019));
    socket.send(new Uint8Array(0));
    socket.send(new Uint8Array(1018));
    await until(() => links[0]?.counters.received === 1);
    expect(links[0]!.counters).toMatchObject({ notBytes: 1, tooShort: 2, tooLong: 1, received: 1 });
    socket.close();
  });

  test('a message beyond all bounds closes the socket and tells why', async () => {
    const { server, links } = await serve();
    const socket = new WebSocket(server.url);
    await opened(socket);
    let reason = '';
    await until(() => links.length === 1);
    links[0]!.onclose = r => (reason = r);
    socket.send(new Uint8Array(1 << 20));
    await until(() => reason !== '');
    expect(reason).toContain('Max payload size exceeded');
    expect(links[0]!.transmit(frame())).toBe(false);
  });

  test('refuses while the socket is full, and says when there is room', () => {
    const due: (() => void)[] = [];
    const clock = { now: () => 0, schedule: (t: { run(): void }) => void due.push(() => t.run()) };
    const socket = new FakeSocket();
    const link = new WebSocketLink(socket, { clock, highWater: 100 });
    let writable = 0;
    link.onwritable = () => writable++;
    const f = frame();
    expect(link.transmit(f)).toBe(false);
    socket.open();
    expect([writable, link.transmit(f)]).toEqual([1, true]);
    expect([link.transmit(frame()), link.transmit(frame())]).toEqual([true, false]);
    due.shift()!();
    expect([writable, due.length]).toEqual([1, 1]);
    socket.bufferedAmount = 99;
    due.shift()!();
    expect([writable, due.length]).toEqual([2, 0]);
    expect(link.transmit(frame(2000))).toBe(true);
    expect(link.counters).toMatchObject({ sent: 2, unsent: 1 });
    link.close();
    expect([link.transmit(frame()), socket.readyState]).toEqual([false, 3]);
  });
});

describe('a server of WebSocket links', () => {
  const refusal = (url: string, origin?: string): Promise<string> =>
    new Promise(resolve => {
      const socket = new WebSocket(url, origin === undefined ? {} : { origin });
      socket.on('open', () => {
        socket.close();
        resolve('');
      });
      socket.on('error', e => resolve(e.message));
    });

  test('takes its own path only, and no pages of strangers', async () => {
    const { server } = await serve({ path: '/wire' });
    const own = server.url.replace('ws:', 'http:').replace('/wire', '');
    expect(await refusal(server.url.replace('/wire', '/'))).toContain('404');
    expect(await refusal(server.url, 'https://evil.example')).toContain('403');
    expect(await refusal(server.url, 'null')).toContain('403');
    expect([await refusal(server.url), await refusal(server.url, own)]).toEqual(['', '']);
    expect(server.refused).toBe(3);
  });

  test('takes the origins it was given', async () => {
    const { server } = await serve({ origins: ['https://good.example'] });
    expect(await refusal(server.url, 'https://good.example')).toBe('');
    expect(await refusal(server.url, 'https://evil.example')).toContain('403');
    const { server: picky } = await serve({ origins: origin => origin !== null });
    expect(await refusal(picky.url)).toContain('403');
  });

  test('has room for so many clients and no more', async () => {
    const { server } = await serve({ maxClients: 1 });
    const first = new WebSocket(server.url);
    await opened(first);
    expect(await refusal(server.url)).toContain('503');
    first.close();
    await until(() => server.size === 0);
    expect(await refusal(server.url)).toBe('');
  });

  test('cuts off a client that answers no ping, and keeps one that does', async () => {
    const { server, links } = await serve({ heartbeat: 40 });
    const deaf = new WebSocket(server.url, { autoPong: false });
    const alive = new WebSocket(server.url);
    await Promise.all([opened(deaf), opened(alive)]);
    await until(() => server.size === 1);
    await new Promise(resolve => setTimeout(resolve, 200));
    expect([server.size, links.filter(l => l.isOpen).length]).toEqual([1, 1]);
    alive.close();
  });

  test('stands beside others on an HTTP server', async () => {
    const http = createServer((_, response) => response.end('a page'));
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
    const { server } = await serve({ server: http, path: '/wire' });
    const page = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    expect(await page.text()).toBe('a page');
    const link = await connectWebSocket(server.url, { clock: hosts.loop });
    let closed = '';
    link.onclose = r => (closed = r);
    await server.close();
    await until(() => closed !== '');
    http.close();
  });

  test('says what is wrong: no server, a port in use, a bad MTU, no WebSocket', async () => {
    await expect(connectWebSocket('ws://127.0.0.1:1/', { clock: hosts.loop })).rejects.toThrow(
      'ECONNREFUSED',
    );
    const { server } = await serve();
    const port = Number(new URL(server.url).port);
    await expect(serve({ port })).rejects.toThrow('EADDRINUSE');
    await expect(serve({ mtu: 10 })).rejects.toThrow('68..65535');
    const silent = createServer();
    silent.on('upgrade', () => {});
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    await expect(connectWebSocket(url, { clock: hosts.loop, timeout: 50_000 })).rejects.toThrow('in time');
    silent.closeAllConnections();
    silent.close();
    if (!('WebSocket' in globalThis))
      expect(() => connectHere('ws://127.0.0.1/', { clock: hosts.loop })).toThrow('package');
  });
});

class FakeSocket {
  readyState = 0;
  bufferedAmount = 0;
  binaryType = '';
  private readonly listeners = new Map<SocketEvent, (event: SocketEventLike) => void>();
  send(data: Uint8Array): void {
    this.bufferedAmount += data.length;
  }
  close(): void {
    this.readyState = 3;
  }
  addEventListener(type: SocketEvent, listener: (event: SocketEventLike) => void): void {
    this.listeners.set(type, listener);
  }
  open(): void {
    this.readyState = 1;
    this.listeners.get('open')!({});
  }
}
