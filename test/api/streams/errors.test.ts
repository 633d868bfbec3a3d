import { afterEach, describe, expect, test } from 'vitest';
import { CLOCKS, codeOf, encode, Pair, read, readAll, write } from './fixture.ts';

const pairs: Pair[] = [];
afterEach(async () => {
  for (const p of pairs.splice(0)) await p.close();
});

describe.each(CLOCKS)('errors of sockets at each moment, %s clock', clock => {
  const pair = (...rest: [object?, Record<string, number | string>?]): Pair => {
    const p = new Pair(clock, ...rest);
    pairs.push(p);
    return p;
  };

  test('refused: opened, closed and both streams say so', async () => {
    const p = pair();
    const c = p.client.connect('10.9.0.2:9');
    const wrote = codeOf(write(c, 'x'));
    expect(await codeOf(c.opened)).toBe('ECONNREFUSED');
    expect(await codeOf(c.closed)).toBe('ECONNREFUSED');
    expect(await codeOf(read(c))).toBe('ECONNREFUSED');
    expect(await wrote).toBe('ECONNREFUSED');
    await expect(c.opened).rejects.toThrow(/10\.9\.0\.2:9/);
  });

  test('no route: the error is that of connect(2)', async () => {
    const c = pair().client.connect('192.0.2.1:9');
    expect(await codeOf(c.opened)).toBe('ENETUNREACH');
  });

  test('reset while reading and while writing', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const reading = codeOf(c.readable.getReader().read());
    const writing = codeOf(c.writable.getWriter().write(new Uint8Array(9_000_000)));
    await p.pass(5);
    s.reset();
    expect(await reading).toBe('ECONNRESET');
    expect(await writing).toBe('ECONNRESET');
    expect(await codeOf(c.closed)).toBe('ECONNRESET');
    expect(await codeOf(s.closed)).toBe('ECONNABORTED');
    expect([p.states(p.a), p.states(p.b)]).toEqual([[], []]);
  });

  test('reset while nobody does anything: closed rejects, the next write fails', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    s.reset(new Error('enough'));
    expect(await codeOf(c.closed)).toBe('ECONNRESET');
    expect(await codeOf(write(c, 'x'))).toBe('ECONNRESET');
    await expect(s.closed).rejects.toThrow('enough');
  });

  test('what came before a reset can still be read; the error comes behind it', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    await write(s, 'the last words');
    await p.pass(10);
    s.reset();
    expect(await codeOf(c.closed)).toBe('ECONNRESET');
    expect(await read(c)).toBe('the last words');
    expect(await codeOf(read(c))).toBe('ECONNRESET');
  });

  test('and with a buffer of the reader’s own', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    await write(s, '123456');
    await p.pass(10);
    s.reset();
    await codeOf(c.closed);
    const reader = c.readable.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(4));
    const second = await reader.read(new Uint8Array(4));
    expect([first.value?.length, second.value?.length]).toEqual([4, 2]);
    expect(await codeOf(reader.read(new Uint8Array(4)))).toBe('ECONNRESET');
  });

  test('abort of the writable half resets: a part must not pass for the whole', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    await write(c, 'half a');
    const why = new Error('changed my mind');
    await c.writable.abort(why);
    expect(await codeOf(readAll(s))).toBe('ECONNRESET');
    await expect(c.closed).rejects.toBe(why);
    await expect(c.readable.getReader().read()).rejects.toBe(why);
  });

  test('so does a chunk that is no bytes', async () => {
    const p = pair();
    const [c, s] = await p.connect();
    const writer = c.writable.getWriter();
    await expect(writer.write('text' as unknown as Uint8Array)).rejects.toThrow(
      /a string \(encode it first\)/,
    );
    await expect(c.closed).rejects.toThrow(TypeError);
    expect(await codeOf(s.closed)).toBe('ECONNRESET');
  });

  test('cancel of the readable half: the peer is not held up, the other half goes on', async () => {
    const p = pair();
    const [c, s] = await p.connect({ server: { allowHalfOpen: true }, client: { allowHalfOpen: true } });
    await c.readable.cancel('not interested');
    const writer = s.writable.getWriter();
    await writer.write(new Uint8Array(9_000_000));
    await writer.close();
    await write(c, 'thanks anyway');
    await c.closeWrite();
    expect(new TextDecoder().decode(await readAll(s))).toBe('thanks anyway');
    await Promise.all([c.closed, s.closed]);
  });

  test('cancel after closeWrite ends the connection: what still comes is answered with a reset', async () => {
    const p = pair();
    const [c, s] = await p.connect({ server: { allowHalfOpen: true } });
    await c.closeWrite();
    await c.readable.cancel();
    await c.closed;
    await write(s, 'into the void');
    expect(['ECONNRESET', 'EPIPE']).toContain(await codeOf(s.closed));
  });

  test('an AbortSignal ends the attempt, and later the connection', async () => {
    const p = pair({ delay: '10ms' });
    const c = p.client.connect('10.9.0.2:7', { signal: AbortSignal.abort(new Error('late')) });
    await expect(c.opened).rejects.toThrow('late');
    const early = new AbortController();
    const d = p.client.connect('10.9.0.2:7', { signal: early.signal });
    early.abort(new Error('enough'));
    await expect(d.opened).rejects.toThrow('enough');
    const later = new AbortController();
    const [e, s] = await p.connect({ client: { signal: later.signal } });
    later.abort(new Error('over'));
    await expect(e.closed).rejects.toThrow('over');
    expect(await codeOf(s.closed)).toBe('ECONNRESET');
  });

  test('the host goes: every socket says so', async () => {
    const p = pair();
    const [c, , listener] = await p.connect();
    const next = listener.next();
    const reading = codeOf(read(c));
    const gone = [p.a.close(0), p.b.close(0)];
    await p.pass(10);
    await Promise.all(gone);
    expect(await reading).toMatch(/ENETDOWN|EBADF|EINTR/);
    expect(await codeOf(c.closed)).toMatch(/ENETDOWN|EBADF/);
    expect((await next).done).toBe(true);
    expect(() => p.client.listen('10.9.0.1:80')).toThrow();
  });
});

test('a connection attempt that nobody answers times out after 127 s, which take no time here', async () => {
  const p = new Pair('virtual', { rules: ['drop B any'] }, { tcp_syn_retries: 6 });
  pairs.push(p);
  const c = p.client.connect('10.9.0.2:7');
  const code = codeOf(c.opened);
  const began = p.loop.now();
  await p.pass(200_000);
  expect(await code).toBe('ETIMEDOUT');
  expect(p.loop.now() - began).toBe(200_000_000);
  expect(p.states(p.a)).toEqual([]);
});

test('a peer that has vanished is noticed by retransmission: ETIMEDOUT', async () => {
  const p = new Pair('virtual', {}, { tcp_retries2: 3 });
  pairs.push(p);
  const [c] = await p.connect();
  p.wire.partition(true);
  await write(c, encode('anybody?'));
  const closed = codeOf(c.closed);
  await p.pass(60_000);
  expect(await closed).toBe('ETIMEDOUT');
});
