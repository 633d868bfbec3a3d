import http from 'node:http';
import type { Server, Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import {
  LeakError,
  type TestNetwork,
  tellOnFailure,
  testNetwork,
  withNetwork,
} from '../../src/testing/index.ts';

/** Takes what comes and answers at its end. */
const echo = (net: TestNetwork, port = 7): Server =>
  net.server.net
    .createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {});
      socket.pipe(socket);
    })
    .listen(port);

const ask = (net: TestNetwork, text: string, port = 7): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket: Socket = net.client.net.connect(port, 'server');
    let got = '';
    socket.setEncoding('utf8');
    socket.on('data', chunk => (got += chunk));
    socket.on('end', () => resolve(got));
    socket.on('error', reject);
    socket.end(text);
  });

const get = (net: TestNetwork, url: string, agent = net.client.agent()): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, response => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', chunk => (body += chunk));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('error', reject);
  });

describe('a network in a test', () => {
  test(
    'node:net on both hosts, by their names; bytes arrive whole over a bad wire',
    withNetwork({ wire: { delay: '10ms', loss: '5%' }, seed: 3 }, async net => {
      const server = echo(net);
      const text = 'x'.repeat(100_000);
      expect(await net.within(60_000, ask(net, text))).toBe(text);
      server.close();
    }),
  );

  test(
    'node:http over it: agent on one side, server on the other',
    withNetwork({ wire: { delay: '5ms' } }, async net => {
      const server = net.server.serve(
        (request, response) => response.end(`you asked for ${request.url}`),
        80,
      );
      expect(await get(net, 'http://server/some/page?q=1')).toBe('you asked for /some/page?q=1');
      const agent = net.client.agent({ keepAlive: true });
      expect(await get(net, 'http://server/a', agent)).toBe('you asked for /a');
      expect(await get(net, 'http://server/b', agent)).toBe('you asked for /b');
      agent.destroy();
      server.close();
      expect(net.ladder()).toContain('ESTABLISHED');
    }),
  );

  test(
    'web sockets on both hosts',
    withNetwork({}, async net => {
      const listener = net.server.sockets.listen('server:9'.replace('server', net.server.address));
      const c = net.client.sockets.connect('server:9');
      const { value: s } = await listener.next();
      await c.closeWrite();
      await Promise.all([c.closed, s?.closed]);
      listener.close();
    }),
  );

  test(
    'rules: a FIN is lost and sent again; settle and advance move the time',
    withNetwork({ wire: { delay: '1ms', rules: ['drop server FIN 1'] } }, async net => {
      const server = echo(net);
      const began = net.now;
      expect(await ask(net, 'hello')).toBe('hello');
      expect(net.now - began).toBeGreaterThan(200);
      server.close();
      await net.settle();
      expect(net.sockets('client').map(s => s.state)).toHaveLength(1);
      expect(net.ss('client')).toMatch(/TIME-WAIT/);
      await net.advance(60_000);
      expect(net.sockets()).toEqual([]);
      expect(net.ladder()).toMatch(/drop server FIN 1/);
    }),
  );

  test(
    'a partition for 30 s delays a request and loses nothing',
    withNetwork({ wire: { delay: '1ms' } }, async net => {
      const server = echo(net);
      net.wire.partition(30_000);
      expect(await net.within(70_000, ask(net, 'patience'))).toBe('patience');
      expect(net.now).toBeGreaterThan(30_000);
      server.close();
    }),
  );

  test(
    'a host that loses power leaves its peer half-open; a restarted one answers with a reset',
    withNetwork({ leaks: 'ignore' }, async net => {
      const quiet = net.server.net.createServer().listen(7);
      const socket = net.client.net.connect(7, 'server');
      await net.within(1000, new Promise<void>(done => socket.on('connect', done)));
      net.halfOpen('server');
      const failed = new Promise<NodeJS.ErrnoException>(done => socket.on('error', done));
      socket.write('hello?');
      await net.advance(10_000);
      expect(socket.destroyed).toBe(false);
      net.restart('server');
      expect((await net.within(60_000, failed)).code).toBe('ECONNRESET');
      expect(quiet.listening).toBe(true);
      const again = echo(net);
      expect(await net.within(5000, ask(net, 'back?'))).toBe('back?');
      again.close();
    }),
  );

  test(
    'reset puts an RST into the window of either end or of both',
    withNetwork({}, async net => {
      const codes: string[] = [];
      const server = net.server.net
        .createServer(s => s.on('error', (e: NodeJS.ErrnoException) => codes.push(`server ${e.code}`)))
        .listen(7);
      const socket = net.client.net.connect(7, 'server');
      socket.on('error', (e: NodeJS.ErrnoException) => codes.push(`client ${e.code}`));
      await net.settle();
      expect(net.reset({ port: 1 })).toBe(0);
      expect(net.reset()).toBe(2);
      await net.settle();
      expect(codes.sort()).toEqual(['client ECONNRESET', 'server ECONNRESET']);
      expect(net.ladder()).toContain('RST');
      server.close();
    }),
  );

  test(
    'sockets’ time-outs and http’s count on the network’s clock',
    withNetwork({}, async net => {
      const server = net.server.serve(() => {}, 80);
      const agent = net.client.agent();
      const request = http.get('http://server/', { agent, timeout: 30_000 });
      const failed = new Promise<string>(done =>
        request.on('error', (e: NodeJS.ErrnoException) => done(e.message)),
      );
      request.on('timeout', () => request.destroy(new Error('too slow')));
      await net.advance(29_000);
      expect(request.destroyed).toBe(false);
      await net.advance(1500);
      expect(await failed).toBe('too slow');
      server.close();
      await net.settle();
    }),
  );

  test('what is left open is an error that says what to do, with the ladder and the replay line', async () => {
    const net = testNetwork({ seed: 42 });
    net.server.net
      .createServer({ allowHalfOpen: true }, s => {
        s.resume();
        s.on('error', () => {});
      })
      .listen(7);
    const socket = net.client.net.connect(7, 'server');
    socket.end('bye');
    const error = (await net.close().catch((e: unknown) => e)) as LeakError;
    expect(error).toBeInstanceOf(LeakError);
    expect(error.leaks.map(l => `${l.host} ${l.state}`)).toHaveLength(3);
    expect(error.message).toMatch(/server: LISTEN .*: a server still listens: close it/);
    expect(error.message).toMatch(/server: CLOSE_WAIT .*never closes/);
    expect(error.message).toMatch(/client: FIN_WAIT_2 .*give it a time-out/);
    expect(error.message).toMatch(/replay: LASTACK_SEED=42 npx vitest run test\/testing\/network\.test\.ts/);
    expect(error.message).toMatch(/│─ FIN\+ACK/);
    await net.close();
  });

  test('a failing body’s error carries seed, replay line and ladder; within says what is pending', async () => {
    const body = withNetwork({ seed: 'abc', replay: 'make test SEED={seed}' }, async net => {
      const server = echo(net);
      net.wire.partition();
      server.unref();
      await net.within(5000, ask(net, 'anyone?'));
    });
    const error = (await body().catch((e: unknown) => e)) as Error;
    expect(error.message).toMatch(/^within: still pending after 5000 ms\n\nreplay: make test SEED='abc'\n/);
    expect(error.message).toMatch(/SYN again .*wire cut/);
    expect(error.stack).toContain('replay: make test');
  });

  test('a context of the runner is listened to; it prints seed and ladder once the test has failed', async ctx => {
    const net = testNetwork({ seed: 9 });
    expect(tellOnFailure(net, ctx)).toBe(true);
    expect(tellOnFailure(net, undefined)).toBe(false);
    expect(tellOnFailure(net, () => {})).toBe(false);
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const stop = new AbortController();
    tellOnFailure(net, { signal: stop.signal });
    stop.abort();
    expect(printed.mock.calls.join()).toMatch(/replay: LASTACK_SEED=9 /);
    printed.mockRestore();
    await net.close();
  });

  test('the same seed and program make the same segments: 50 runs, one log', async () => {
    const run = async (seed: number): Promise<string> => {
      const net = testNetwork({ seed, wire: { delay: '3ms', jitter: '2ms', loss: '5%' } });
      const server = net.server.serve((_, response) => response.end('y'.repeat(20_000)), 80);
      const agent = net.client.agent({ keepAlive: true, maxSockets: 3 });
      await net.within(120_000, Promise.all([1, 2, 3, 4, 5].map(i => get(net, `http://server/${i}`, agent))));
      agent.destroy();
      // Node closes idle connections in the order of their places in memory: there must be none left.
      await net.settle();
      server.close();
      const text = Buffer.from(net.capture())
        .toString('latin1')
        .replace(/\r\nDate: [^\r]*/g, '');
      await net.close();
      return `${net.ladder({ all: true, last: 9 })}${text.length}`;
    };
    const first = await run(5);
    for (let i = 0; i < 50; i++) expect(await run(5)).toBe(first);
    expect(await run(6)).not.toBe(first);
  });

  test('options that can’t be understood are refused', () => {
    expect(() => testNetwork({ wire: { rules: ['drop nobody FIN'] } })).toThrow(/client or server|client/);
    expect(() => testNetwork({ wire: { delay: 'soon' } })).toThrow(/expected a time/);
    expect(() => testNetwork({ hosts: ['a', 'a'] })).toThrow(/two names/);
    const net = testNetwork({ hosts: ['app', 'db'], leaks: 'ignore' });
    expect(net.host('db').address).toBe('10.0.0.2');
    expect(() => net.host('web')).toThrow(/only app and db/);
    expect(() => net.wire.set({ loss: 2 }, 'app')).toThrow(/expected a share/);
    return net.close();
  });
});
