import { afterEach, describe, expect, test } from 'vitest';
import { CLOCKS, codeOf, Pair, read, readAll, text, write } from './fixture.ts';

const pairs: Pair[] = [];
afterEach(async () => {
  for (const p of pairs.splice(0)) await p.close();
});

describe.each(CLOCKS)('sockets of the web shape, %s clock', clock => {
  const pair = (...rest: [object?, Record<string, number | string>?]): Pair => {
    const p = new Pair(clock, ...rest);
    pairs.push(p);
    return p;
  };

  test('a conversation: opened, bytes both ways, closed on both sides', async () => {
    const p = pair({ delay: '2ms' });
    const [c, s] = await p.connect();
    const info = await c.opened;
    expect(info.remoteAddress).toMatch(/^10\.9\.0\.2:\d+$/);
    expect(info.localAddress).toBe((await s.opened).remoteAddress);
    await write(c, 'hello');
    expect(await read(s)).toBe('hello');
    await write(s, 'good day');
    expect(await read(c)).toBe('good day');
    await c.closeWrite();
    expect(await read(s)).toBeNull();
    // allowHalfOpen is false: the server's half ends with the client's.
    await s.closed;
    expect(await read(c)).toBeNull();
    await c.closed;
  });

  test('half-closed: the one who has finished hears the rest, on either side', async () => {
    const p = pair();
    const [c, s] = await p.connect({ client: { allowHalfOpen: true }, server: { allowHalfOpen: true } });
    await c.closeWrite();
    expect(await text(s)).toBe('');
    await write(s, 'still ');
    await write(s, 'here');
    await s.writable.close();
    expect(await text(c)).toBe('still here');
    await Promise.all([c.closed, s.closed]);

    const [d, t] = await p.connect({ client: { allowHalfOpen: true } });
    await t.closeWrite();
    expect(await text(d)).toBe('');
    await write(d, 'and here');
    await d.closeWrite();
    expect(await text(t)).toBe('and here');
    await Promise.all([d.closed, t.closed]);
  });

  test('without allowHalfOpen the end of file ends both halves though nobody reads', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const writer = c.writable.getWriter();
    await s.closeWrite();
    await p.pass(20);
    await c.closed;
    expect(await codeOf(writer.write(new Uint8Array(1)))).toBe('EPIPE');
    expect(await text(s)).toBe('');
    await s.closed;
  });

  test('close() sends what was written before, then the FIN; reads are done', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const reader = c.readable.getReader();
    const waiting = reader.read();
    const writer = c.writable.getWriter();
    const data = new Uint8Array(700_000).fill(7);
    const wrote = writer.write(data);
    const closed = c.close();
    expect((await waiting).done).toBe(true);
    expect((await readAll(s)).length).toBe(data.length);
    await wrote;
    await closed;
    await s.closed;
    expect(await codeOf(writer.write(data))).toBe('EPIPE');
  });

  test('close() before the connection is there gives it up', async () => {
    const p = pair({ delay: '20ms' });
    const c = p.client.connect('10.9.0.2:7');
    const closed = c.close();
    expect(await codeOf(c.opened)).toBe('ECONNABORTED');
    await closed;
    expect(p.states(p.a)).toEqual([]);
    const d = p.client.connect('10.9.0.2:7');
    const why = new Error('no longer needed');
    void d.close(why);
    await expect(d.opened).rejects.toBe(why);
  });

  test('writes may begin before the connection is there', async () => {
    const p = pair();
    const listener = p.server.listen('10.9.0.2:7');
    const c = p.client.connect({ hostname: '10.9.0.2', port: 7 });
    const wrote = write(c, 'early');
    const { value: s } = await listener.next();
    expect(await read(s!)).toBe('early');
    await wrote;
  });

  test('TLS is refused, and what can’t be an address', async () => {
    const p = pair();
    for (const secureTransport of ['on', 'starttls'] as const)
      expect(() => p.client.connect('10.9.0.2:7', { secureTransport })).toThrow(/TLS is not offered/);
    for (const bad of ['10.9.0.2', '::1:80', '10.9.0.2:70000', ':x'])
      expect(() => p.client.connect(bad)).toThrow(TypeError);
    expect(() => p.server.listen('example.org:80')).toThrow(/expected an IPv4 or IPv6 address/);
    const c = p.client.connect('example.org:80');
    expect(await codeOf(c.opened)).toBe('ENOTFOUND');
    expect(await codeOf(c.closed)).toBe('ENOTFOUND');
    const [d] = await p.connect();
    expect(() => d.startTls()).toThrow(/TLS is not offered/);
    expect([d.upgraded, d.secureTransport]).toEqual([false, 'off']);
  });

  test('a pipe through: an echo by pipeTo ends when the peer has finished', async () => {
    const p = pair();
    const [c, s] = await p.connect({ server: { allowHalfOpen: true } });
    const echo = s.readable.pipeTo(s.writable);
    await write(c, 'ping');
    await c.closeWrite();
    expect(await text(c)).toBe('ping');
    await echo;
    await Promise.all([c.closed, s.closed]);
  });

  test('as `await using` a socket is closed behind the block', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    await c[Symbol.asyncDispose]();
    expect(await read(s)).toBeNull();
    await c.closed;
  });
});
