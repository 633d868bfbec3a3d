import { type Program, program } from '../kit.ts';

const noop = (): void => {};

/** Servers: how they listen, accept and close. */
export const servers: Program[] = [
  program('listen overloads', async t => {
    for (const [i, args] of (
      [
        [],
        [0],
        ['0'],
        [0, '127.0.0.1'],
        [0, 5],
        [0, '127.0.0.1', 5],
        [{ port: 0 }],
        [{ port: 0, host: '127.0.0.1' }],
        [{ port: 0, host: '127.0.0.1', backlog: 2, exclusive: true }],
        [{ port: undefined }],
        [null],
        [undefined],
        [{ port: 0, ipv6Only: true, host: '::' }],
        [{ port: 0, host: '::1' }],
        [{ port: 0, host: 'localhost' }],
      ] as unknown[][]
    ).entries()) {
      const s = t.keepServer(t.net.createServer());
      const actor = `s${i}`;
      t.log(
        actor,
        'returns itself',
        (s.listen as (...a: unknown[]) => unknown)(...args, () => t.log(actor, 'callback')) === s,
      );
      await t.when(s, 'listening');
      const a = s.address() as { port: number };
      t.port(a.port, 'SERVER');
      t.log(actor, a, s.listening);
    }
  }),
  program('bad arguments of listen', t => {
    for (const [i, args] of (
      [
        [-1],
        [65536],
        [{ port: 'x' }],
        [{}],
        [{ port: true }],
        [{ port: -1 }],
        [{ port: 0, signal: 'no' }],
        [true],
        [{ host: '127.0.0.1' }],
        [Number.NaN],
        [1.5],
      ] as unknown[][]
    ).entries()) {
      const s = t.keepServer(t.net.createServer());
      s.on('error', noop);
      t.attempt('s', `listen ${i}`, () => (s.listen as (...a: unknown[]) => unknown)(...args));
      t.log('s', s.listening);
    }
  }),
  program('bad arguments of Server and Socket', t => {
    t.attempt('s', 'string', () => new t.net.Server('no' as never));
    t.attempt('s', 'number', () => t.net.createServer(5 as never));
    t.attempt('s', 'delay', () => t.net.createServer({ keepAliveInitialDelay: 'x' as never }));
    t.attempt('s', 'mark', () => t.net.createServer({ highWaterMark: 'x' as never }));
    t.attempt('c', 'object mode', () => new t.net.Socket({ objectMode: true } as never));
    t.attempt('c', 'readable object mode', () => new t.net.Socket({ readableObjectMode: true } as never));
    t.attempt('c', 'writable object mode', () => new t.net.Socket({ writableObjectMode: true } as never));
    t.attempt('c', 'delay', () => new t.net.Socket({ keepAliveInitialDelay: 'x' } as never));
    t.attempt('c', 'signal', () => new t.net.Socket({ signal: 'x' } as never));
  }),
  program('called without new', t => {
    const S = t.net.Server as unknown as () => unknown;
    const C = t.net.Socket as unknown as () => unknown;
    t.log('s', S() instanceof t.net.Server, C() instanceof t.net.Socket);
    t.log(
      's',
      t.net.Server.name,
      t.net.Socket.name,
      Object.keys(new t.net.Server()).includes('maxConnections'),
    );
  }),
  program('subclasses', async t => {
    const seen: string[] = [];
    class MySocket extends t.net.Socket {
      constructor() {
        super();
        seen.push('socket');
      }
    }
    class MyServer extends t.net.Server {}
    const s = t.keepServer(new MyServer());
    s.listen(0, '127.0.0.1');
    await t.when(s, 'listening');
    const c = t.keep(new MySocket());
    c.connect((s.address() as { port: number }).port, '127.0.0.1');
    await t.when(c, 'connect');
    t.log('c', seen, c instanceof t.net.Socket, s instanceof t.net.Server, c.constructor.name);
  }),
  program('listen twice', async t => {
    const s = t.keepServer(t.net.createServer());
    t.watch('s', s);
    s.listen(0, '127.0.0.1');
    t.attempt('s', 'again', () => s.listen(0, '127.0.0.1'));
    await t.when(s, 'listening');
    t.attempt('s', 'again', () => s.listen(0));
  }),
  program('listen, close and listen again', async t => {
    const s = t.watch('s', t.keepServer(t.net.createServer()));
    for (let i = 0; i < 2; i++) {
      s.listen(0, '127.0.0.1', () => t.log('s', 'callback', i));
      await t.when(s, 'listening');
      s.close(e => t.log('s', 'closed', e));
      await t.when(s, 'close');
    }
  }),
  program('a port that is taken', async t => {
    const a = await t.server();
    for (const host of ['127.0.0.1', undefined]) {
      const b = t.watch(`b${host}`, t.keepServer(t.net.createServer()));
      b.on('error', noop);
      b.listen(a.port, host);
      await Promise.race([t.when(b, 'error'), t.when(b, 'listening')]);
      t.log(`b${host}`, b.listening, b.address());
    }
  }),
  program('listen again after an error', async t => {
    const a = await t.server();
    const b = t.watch('b', t.keepServer(t.net.createServer()));
    b.once('error', () => {
      b.listen(0, '127.0.0.1');
    });
    b.listen(a.port, '127.0.0.1');
    await t.when(b, 'listening');
  }),
  program('an address that is not ours', async t => {
    const b = t.watch('b', t.keepServer(t.net.createServer()));
    b.on('error', noop);
    b.listen(0, '203.0.113.9');
    await t.when(b, 'error');
  }),
  program('address in each state', async t => {
    const s = t.keepServer(t.net.createServer());
    t.log('s', s.address(), s.listening);
    s.listen(0, '127.0.0.1');
    t.log('s', s.listening);
    await t.when(s, 'listening');
    t.port((s.address() as { port: number }).port, 'SERVER');
    t.log('s', s.address(), s.listening);
    s.close();
    t.log('s', s.address(), s.listening);
    await t.when(s, 'close');
  }),
  program('close without listen', async t => {
    const s = t.watch('s', t.net.createServer());
    t.log('s', s.close(e => t.log('s', 'callback', e)) === s);
    await t.pause(5);
  }),
  program('close twice', async t => {
    const s = t.watch('s', await t.server());
    s.close(e => t.log('s', 'first', e));
    s.close(e => t.log('s', 'second', e));
    await t.pause(10);
  }),
  program('close in the same tick as listen', async t => {
    const s = t.watch('s', t.net.createServer());
    s.listen(0, () => t.log('s', 'listening callback'));
    s.close(e => t.log('s', 'callback', e));
    await t.pause(10);
  }),
  program('close waits for the connections', async t => {
    const { server, client, peer } = await t.pair();
    t.watch('s', server);
    server.close(() => t.log('s', 'callback'));
    t.log('s', server.listening, server.address());
    await t.pause(10);
    t.log('s', 'still open');
    peer.resume();
    client.resume();
    client.end();
    await t.when(server, 'close');
  }),
  program('a closed server refuses', async t => {
    const s = await t.server();
    const { port } = s;
    s.close();
    const c = t.watch('c', t.keep(t.net.connect(port, '127.0.0.1')));
    await t.when(c, 'close');
  }),
  program('close with a connection that nobody accepted yet', async t => {
    const s = await t.server();
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    s.on('connection', () => t.log('s', 'connection'));
    await t.when(c, 'connect');
    s.close(() => t.log('s', 'closed'));
    await t.pause(5);
    c.destroy();
    await t.when(s, 'close');
  }),
  program('asyncDispose', async t => {
    const s = t.watch('s', await t.server());
    const dispose = (s as unknown as Record<symbol, () => Promise<void>>)[Symbol.for('nodejs.asyncDispose')];
    const own = (Symbol as unknown as { asyncDispose?: symbol }).asyncDispose;
    const run = dispose ?? (own ? (s as unknown as Record<symbol, () => Promise<void>>)[own] : undefined);
    t.log('s', typeof run);
    await run?.call(s);
    t.log('s', s.listening);
    await run?.call(s);
  }),
  program('connections, their count and their properties', async t => {
    const { server, client, peer } = await t.pair();
    server.getConnections((e, n) => t.log('s', e, n));
    t.log('s', 'returns itself', server.getConnections(noop) === server);
    await t.pause(1);
    t.log('peer', (peer as { server?: unknown }).server === server, (client as { server?: unknown }).server);
    t.log(
      'peer',
      peer.remotePort === client.localPort,
      peer.localPort === client.remotePort,
      peer.remoteFamily,
    );
    client.destroy();
    peer.destroy();
    await t.pause(10);
    server.getConnections((e, n) => t.log('s', e, n));
    await t.pause(1);
  }),
  program('maxConnections drops', async t => {
    const s = await t.server();
    s.maxConnections = 1;
    t.watch('s', s);
    const a = t.keep(t.net.connect(s.port, '127.0.0.1'));
    await t.when(a, 'ready');
    t.learn(a);
    await t.pause(5);
    const b = t.watch('b', t.keep(t.net.connect(s.port, '127.0.0.1')));
    b.resume();
    await t.when(b, 'close');
    a.destroy();
    await t.pause(10);
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    await t.when(c, 'ready');
    await t.pause(5);
  }),
  program('maxConnections of 0', async t => {
    const s = await t.server();
    s.maxConnections = 0;
    s.on('drop', d => t.log('s', 'drop', Object.keys(d ?? {})));
    const b = t.watch('b', t.keep(t.net.connect(s.port, '127.0.0.1')));
    b.resume();
    await t.pause(20);
  }),
  program('pauseOnConnect', async t => {
    const s = await t.server({ pauseOnConnect: true });
    const got = new Promise<import('node:net').Socket>(resolve => s.once('connection', resolve));
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    c.end('early');
    const p = t.watch('peer', await got);
    p.on('data', noop);
    t.log('peer', p.isPaused(), p.readableFlowing);
    await t.pause(20);
    t.log('peer', p.bytesRead);
    p.resume();
    await t.when(p, 'close');
  }),
  program('allowHalfOpen of a server', async t => {
    const s = await t.server({ allowHalfOpen: true }, p => {
      t.watch('peer', p);
      p.resume();
      p.on('end', () => setTimeout(() => p.end('late answer'), 10));
    });
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.on('data', noop);
    c.end('question');
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('an option of the server is an option of its sockets', async t => {
    const { peer } = await t.pair({ highWaterMark: 5, allowHalfOpen: true });
    t.log('peer', peer.readableHighWaterMark, peer.writableHighWaterMark, peer.allowHalfOpen);
  }),
  program('a signal that closes the server', async t => {
    const a = new AbortController();
    const s = t.watch('s', t.keepServer(t.net.createServer()));
    s.listen({ port: 0, host: '127.0.0.1', signal: a.signal });
    await t.when(s, 'listening');
    a.abort();
    await t.when(s, 'close');
    t.log('s', s.listening);
  }),
  program('a signal that is aborted already', async t => {
    const s = t.watch('s', t.keepServer(t.net.createServer()));
    s.listen({ port: 0, signal: AbortSignal.abort() });
    await t.pause(10);
    t.log('s', s.listening);
  }),
  program('dual stack shows mapped addresses', async t => {
    const s = t.keepServer(
      t.net.createServer(p => t.log('peer', p.remoteAddress, p.remoteFamily, p.localAddress)),
    );
    s.listen(0);
    await t.when(s, 'listening');
    const { port } = s.address() as { port: number };
    for (const host of ['127.0.0.1', '::1']) {
      const c = t.keep(t.net.connect(port, host));
      await t.when(c, 'ready');
      t.log('c', c.remoteAddress, c.localAddress);
      await t.pause(5);
    }
  }),
  program('ipv6Only refuses IPv4', async t => {
    const s = t.keepServer(t.net.createServer());
    s.listen({ port: 0, host: '::', ipv6Only: true });
    await t.when(s, 'listening');
    const { port } = s.address() as { port: number };
    t.port(port, 'SERVER');
    const c = t.watch('c', t.keep(t.net.connect(port, '127.0.0.1')));
    await t.when(c, 'close');
  }),
  program('ref and unref return the server', async t => {
    const s = await t.server();
    t.log('s', s.unref() === s, s.ref() === s);
  }),
  program('many connections at once', async t => {
    let n = 0;
    const s = await t.server({}, p => {
      n++;
      p.end(String(n));
    });
    const all = Array.from({ length: 40 }, () => t.keep(t.net.connect(s.port, '127.0.0.1')));
    for (const c of all) c.resume();
    await Promise.all(all.map(c => t.when(c, 'close')));
    t.log('s', n);
  }),
  program('an error thrown for listeners that do not exist', async t => {
    const s = await t.server();
    t.log('s', s.listenerCount('connection'), s.eventNames());
  }),
  program('a block list of the server', async t => {
    const list = new t.net.BlockList();
    list.addAddress('127.0.0.1');
    const s = await t.server({ blockList: list } as never, () => t.log('s', 'connection'));
    s.on('drop', d => t.log('s', 'drop', Object.keys(d ?? {})));
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    c.on('end', () => t.log('c', 'end'));
    c.resume();
    await t.when(c, 'ready');
    await t.pause(20);
  }),
];
