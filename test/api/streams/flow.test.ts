import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/api/streams/index.ts';
import { SYN_RECV } from '../../../src/tcp/state.ts';
import { CLOCKS, codeOf, encode, Pair, read, readAll, text, write } from './fixture.ts';

const pairs: Pair[] = [];
afterEach(async () => {
  for (const p of pairs.splice(0)) await p.close();
});

describe.each(CLOCKS)('back-pressure, buffers and listeners, %s clock', clock => {
  const pair = (...rest: [object?, Record<string, number | string>?]): Pair => {
    const p = new Pair(clock, ...rest);
    pairs.push(p);
    return p;
  };

  test('whoever reads slowly closes the window: a writer stops when both buffers are full', async () => {
    const p = pair({}, { tcp_rmem: '4096 65536 65536', tcp_wmem: '4096 65536 65536' });
    const [c, s] = await p.connect();
    const writer = c.writable.getWriter();
    let taken = 0;
    const piece = new Uint8Array(10_000).fill(1);
    const writing = (async () => {
      for (let i = 0; i < 100; i++) {
        await writer.write(piece);
        taken += piece.length;
      }
      await writer.close();
    })();
    const connection = [...p.b.stack.tcp.connections()][0]!;
    // A busy machine needs longer to fill the buffers.
    for (let i = 0; i < 100 && (taken <= 20_000 || connection.readable <= 10_000); i++) await p.pass(50);
    await p.pass(100);
    expect(taken).toBeGreaterThan(20_000);
    expect(taken).toBeLessThan(200_000);
    expect(connection.readable).toBeGreaterThan(10_000);
    expect((await readAll(s)).length).toBe(1_000_000);
    await writing;
    await c.closed;
  });

  test('nothing is taken out of the receive buffer before somebody asks', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    await write(c, 'abc');
    await p.pass(10);
    expect([...p.b.stack.tcp.connections()][0]!.readable).toBe(3);
    expect(await read(s)).toBe('abc');
    expect([...p.b.stack.tcp.connections()][0]!.readable).toBe(0);
  });

  test('BYOB readers: a buffer is filled as far as there are bytes, and comes back at the end', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const reader = s.readable.getReader({ mode: 'byob' });
    const first = reader.read(new Uint8Array(8));
    await write(c, 'twelve bytes');
    expect(new TextDecoder().decode((await first).value)).toBe('twelve b');
    const second = await reader.read(new Uint8Array(8));
    expect(new TextDecoder().decode(second.value)).toBe('ytes');
    const third = reader.read(new Uint8Array(8));
    await c.closeWrite();
    const { done, value } = await third;
    expect([done, value?.buffer.byteLength]).toEqual([true, 8]);
  });

  test('a BYOB read of words waits for whole words', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const reader = s.readable.getReader({ mode: 'byob' });
    const words = reader.read(new Uint32Array(4));
    await write(c, new Uint8Array([1, 0]));
    await p.pass(5);
    await write(c, new Uint8Array([0, 0]));
    expect([...(await words).value!]).toEqual([1]);
  });

  test('a BYOB reader that waits when this side closes gets its buffer back', async () => {
    const p = pair();
    const [c] = await p.connect();
    const reader = c.readable.getReader({ mode: 'byob' });
    const waiting = reader.read(new Uint8Array(8));
    await p.pass(2);
    void c.close();
    expect((await waiting).done).toBe(true);
  });

  test('several kinds of bytes are taken, empty ones too', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const writer = (c.writable as WritableStream<unknown>).getWriter();
    await writer.write(encode('ab').buffer);
    await writer.write(new DataView(encode('xcdx').buffer, 1, 2));
    await writer.write(new Uint8Array(0));
    await writer.close();
    expect(await text(s)).toBe('abcd');
  });

  test('for await over a listener; leaving the loop closes it and resets those that wait', async () => {
    const p = pair();
    const listener = p.server.listen({ hostname: '', port: 8080 }, { backlog: 5 });
    expect(listener.address).toEqual({ hostname: '0.0.0.0', port: 8080 });
    const clients = [1, 2, 3].map(() => p.client.connect('10.9.0.2:8080'));
    await Promise.all(clients.map(c => c.opened));
    const served: Socket[] = [];
    for await (const socket of listener) {
      served.push(socket);
      if (served.length === 2) break;
    }
    expect(listener.closed).toBe(true);
    expect(await codeOf(clients[2]!.closed)).toBe('ECONNRESET');
    expect(await codeOf(p.client.connect('10.9.0.2:8080').opened)).toBe('ECONNREFUSED');
    await write(served[0]!, 'lives on');
    expect(await read(clients[0]!)).toBe('lives on');
    expect((await listener.next()).done).toBe(true);
  });

  test('a port that is taken is refused at once; close() and an AbortSignal end waiting calls', async () => {
    const p = pair();
    const stop = new AbortController();
    const one = p.server.listen('10.9.0.2:80', { signal: stop.signal });
    expect(() => p.server.listen('10.9.0.2:80')).toThrow(/EADDRINUSE/);
    expect(() => p.server.listen('10.1.1.1:80')).toThrow(/EADDRNOTAVAIL/);
    const waiting = [one.next(), one.next()];
    stop.abort();
    expect((await Promise.all(waiting)).map(r => r.done)).toEqual([true, true]);
    const again = p.server.listen('10.9.0.2:80');
    again.close();
    again.close();
  });

  test('a connection that was reset before it was taken is given, broken', async () => {
    const p = pair();
    const listener = p.server.listen('10.9.0.2:80');
    const c = p.client.connect('10.9.0.2:80');
    await c.opened;
    await p.pass(5);
    c.reset();
    await p.pass(5);
    const { value: s } = await listener.next();
    expect(await codeOf(s!.closed)).toBe('ECONNRESET');
  });

  test('two hundred connections at once; afterwards nothing is left', async () => {
    const p = pair();
    const listener = p.server.listen('10.9.0.2:80');
    const serving = (async () => {
      const all: Promise<void>[] = [];
      for await (const s of listener) all.push(s.readable.pipeTo(s.writable).then(() => s.closed));
      await Promise.all(all);
    })();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const c = p.client.connect('10.9.0.2:80');
        await write(c, `number ${i}`);
        await c.closeWrite();
        const answer = await text(c);
        await c.closed;
        return answer;
      }),
    );
    expect(answers).toEqual(answers.map((_, i) => `number ${i}`));
    listener.close();
    await serving;
    await p.pass(50);
    expect(p.states(p.a).filter(s => s !== SYN_RECV)).toEqual([]);
    expect(p.states(p.b)).toEqual([]);
    expect(p.a.sockets.count + p.b.sockets.count).toBe(0);
  });

  test('a socket that is closed is held by nobody', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const p = pair();
    const refs = await (async () => {
      const [c, s] = await p.connect();
      await c.closeWrite();
      await Promise.all([text(s), text(c)]);
      await Promise.all([c.closed, s.closed]);
      return [new WeakRef(c), new WeakRef(s), new WeakRef(c.readable)];
    })();
    for (let i = 0; i < 10 && refs.some(r => r.deref() !== undefined); i++) {
      await p.pass(5);
      await new Promise(done => setTimeout(done, 5));
      gc();
    }
    expect(refs.map(r => r.deref())).toEqual([undefined, undefined, undefined]);
  });
});
