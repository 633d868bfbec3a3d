import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { client, gateway, readAll, server, until } from './gateway-kit.ts';

const ascii = (s: string): Buffer => Buffer.from(s, 'latin1');
const socks = (host: string, port: number): Buffer =>
  Buffer.concat([Buffer.from([5, 1, 0, 3, host.length]), ascii(host), Buffer.from([port >> 8, port & 255])]);

/** The next `n` bytes. */
async function take(s: Socket, n: number): Promise<Buffer> {
  let got = Buffer.alloc(0);
  const more = (c: Buffer): void => {
    got = Buffer.concat([got, c]);
  };
  s.on('data', more);
  s.resume();
  await until(() => got.length >= n || s.destroyed || s.readableEnded, `${n} bytes`);
  s.off('data', more);
  s.pause();
  if (got.length > n) s.unshift(got.subarray(n));
  return got.subarray(0, n);
}

const proxyOf = (g: { fronts: { kind: string; port: number }[] }): number =>
  g.fronts.find(f => f.kind === 'proxy')!.port;

describe('the proxy front', () => {
  test('SOCKS5: names and addresses, the answer, then bytes both ways', async () => {
    const echo = await server(s => s.pipe(s));
    const { gateway: g } = await gateway({ socks: 0 });
    for (const host of ['127.0.0.1', 'localhost']) {
      const s = await client(proxyOf(g));
      s.write(Buffer.from([5, 1, 0]));
      expect([...(await take(s, 2))]).toEqual([5, 0]);
      // What follows the request at once belongs to the server.
      s.write(Buffer.concat([socks(host, echo.port), ascii('early ')]));
      expect([...(await take(s, 10))]).toEqual([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
      s.end('and late');
      expect((await readAll(s)).toString()).toBe('early and late');
    }
    expect(g.recorder.logs.map(l => l.right.port)).toEqual([1080, 1080]);
  });

  test('HTTP CONNECT: the same', async () => {
    const echo = await server(s => s.pipe(s));
    const { gateway: g } = await gateway({ socks: 0 });
    const s = await client(proxyOf(g));
    s.write(`CONNECT 127.0.0.1:${echo.port} HTTP/1.1\r\nHost: x\r\n\r\nhello`);
    const answer = 'HTTP/1.1 200 Connection established\r\n\r\n';
    expect((await take(s, answer.length)).toString()).toBe(answer);
    s.end();
    expect((await readAll(s)).toString()).toBe('hello');
  });

  test('answers only when the inner handshake is done: a lost SYN is felt', async () => {
    const echo = await server(s => s.pipe(s));
    const { gateway: g } = await gateway({ socks: 0, wire: { rules: ['drop A SYN 1'] } });
    const s = await client(proxyOf(g));
    s.write(Buffer.from([5, 1, 0]));
    await take(s, 2);
    const began = performance.now();
    s.write(socks('127.0.0.1', echo.port));
    expect((await take(s, 10))[1]).toBe(0);
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(950);
    expect(took).toBeLessThan(3000);
    expect(echo.sockets).toHaveLength(1);
  });

  test('says why a target can not be reached', async () => {
    const gone = await server(() => {});
    await new Promise(resolve => gone.server.close(resolve));
    const { gateway: g } = await gateway({ socks: 0 });
    const s = await client(proxyOf(g));
    s.write(Buffer.concat([Buffer.from([5, 1, 0]), socks('127.0.0.1', gone.port)]));
    expect([...(await readAll(s))]).toEqual([5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
    const h = await client(proxyOf(g));
    h.write(`CONNECT 127.0.0.1:${gone.port} HTTP/1.1\r\n\r\n`);
    expect((await readAll(h)).toString()).toMatch(/^HTTP\/1\.1 502 Bad Gateway[\s\S]*ECONNREFUSED/);
    const n = await client(proxyOf(g));
    n.write('CONNECT no-such-host.invalid:80 HTTP/1.1\r\n\r\n');
    expect((await readAll(n)).toString()).toMatch(/^HTTP\/1\.1 502 /);
    expect(g.failed).toBe(3);
    expect(g.open.size).toBe(0);
  });

  test('turns away what it does not speak, and clients that leave early', async () => {
    const { gateway: g } = await gateway({ socks: 0 });
    const web = await client(proxyOf(g));
    web.write('GET / HTTP/1.1\r\n\r\n');
    expect((await readAll(web)).toString()).toMatch(/^HTTP\/1\.1 405 /);
    const mute = await client(proxyOf(g));
    mute.write(Buffer.from([5]));
    mute.end();
    mute.resume();
    await until(() => mute.readableEnded || mute.destroyed || mute.failure !== '', 'it is closed');
    expect(g.accepted).toBe(0);
  });
});
