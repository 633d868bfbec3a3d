import { type Program, program } from '../kit.ts';

/** What happens before and while a connection opens. */
export const connecting: Program[] = [
  program('a client says hello and both end', async t => {
    const s = await t.server({}, c => {
      t.watch('peer', c);
      c.on('data', d => c.end(`echo ${d}`));
    });
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.on('data', () => {});
    c.end('hello');
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('connect by options, by port and host, by port, with callbacks', async t => {
    const s = await t.server();
    for (const [i, open] of [
      () => t.net.connect({ port: s.port, host: '127.0.0.1' }, () => t.log('cb0', 'called')),
      () => t.net.connect(s.port, '127.0.0.1', () => t.log('cb1', 'called')),
      () =>
        t.net.createConnection(String(s.port) as unknown as number, '127.0.0.1', () =>
          t.log('cb2', 'called'),
        ),
      () => new t.net.Socket().connect(s.port, '127.0.0.1', () => t.log('cb3', 'called')),
      () =>
        new (t.net as unknown as { Stream: typeof t.net.Socket }).Stream().connect({
          port: s.port,
          host: '127.0.0.1',
        }),
    ].entries()) {
      const c = t.watch(`c${i}`, t.keep(open()));
      await t.when(c, 'ready');
      c.destroy();
      await t.when(c, 'close');
    }
  }),
  program('connect to a name that a lookup of ours resolves', async t => {
    const s = await t.server();
    const c = t.net.connect({
      port: s.port,
      host: 'somewhere.example',
      autoSelectFamily: false,
      lookup: (name, options, done) => {
        t.log('lookup', name, options);
        done(null, '127.0.0.1', 4);
      },
    });
    t.watch('client', t.keep(c));
    await t.when(c, 'ready');
  }),
  program('a lookup that fails', async t => {
    const c = t.net.connect({
      port: 1,
      host: 'nowhere.example',
      lookup: (_n, _o, done) =>
        setImmediate(done, Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 0),
    });
    t.watch('client', t.keep(c));
    await t.when(c, 'close');
  }),
  program('a lookup that fails, one address only', async t => {
    const c = t.net.connect({
      port: 1,
      host: 'nowhere.example',
      autoSelectFamily: false,
      lookup: (_n, _o, done) => done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '', 0),
    });
    t.watch('client', t.keep(c));
    await t.when(c, 'close');
  }),
  program('a lookup that answers nonsense', async t => {
    for (const [i, [address, family]] of (
      [
        ['nonsense', 4],
        ['127.0.0.1', 5],
        ['', 0],
      ] as const
    ).entries()) {
      const c = t.net.connect({
        port: 99,
        host: 'odd.example',
        autoSelectFamily: false,
        lookup: (_n, _o, done) => done(null, address, family),
      });
      t.watch(`c${i}`, t.keep(c));
      await t.when(c, 'close');
    }
  }),
  program('a lookup that answers after destroy', async t => {
    const c = t.net.connect({
      port: 99,
      host: 'late.example',
      autoSelectFamily: false,
      lookup: (_n, _o, done) => setTimeout(done, 10, null, '127.0.0.1', 4),
    });
    t.watch('client', t.keep(c));
    c.destroy();
    await t.pause(20);
  }),
  program('localhost is known', async t => {
    const s = await t.server();
    const c = t.net.connect({ port: s.port, host: 'localhost', family: 4 });
    t.watch('client', t.keep(c));
    await t.when(c, 'ready');
  }),
  program('without a host it is localhost', async t => {
    const s = await t.server();
    const c = t.net.connect({ port: s.port, family: 4 });
    t.keep(c);
    await t.when(c, 'connect');
    t.log('client', c.remoteAddress, c.remoteFamily);
  }),
  program('connection refused', async t => {
    const c = t.watch('client', t.keep(t.net.connect(await t.deadPort(), '127.0.0.1')));
    await t.when(c, 'close');
    t.log('client', c.destroyed, c.connecting, c.pending, c.readyState);
  }),
  program('states while connecting', async t => {
    const s = await t.server();
    const c = t.keep(new t.net.Socket());
    const say = (when: string): void =>
      t.log(
        'c',
        when,
        c.connecting,
        c.pending,
        c.readyState,
        c.bufferSize,
        c.bytesRead,
        c.bytesWritten,
        c.address(),
        c.remoteAddress,
        c.localAddress,
        c.localFamily,
        c.remotePort,
        c.destroyed,
      );
    say('new');
    c.connect(s.port, '127.0.0.1');
    say('connect called');
    process.nextTick(() => say('tick'));
    c.on('lookup', () => say('lookup'));
    c.on('connect', () => {
      t.learn(c);
      say('connect');
    });
    c.on('ready', () => say('ready'));
    await t.when(c, 'ready');
    c.destroy();
    say('destroyed');
    c.on('close', () => say('close'));
    await t.when(c, 'close');
  }),
  program('writes before connect', async t => {
    const s = await t.server({}, c => {
      t.watch('peer', c);
      c.resume();
    });
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.connect(s.port, '127.0.0.1');
    t.log(
      'client',
      'write',
      c.write('one', () => t.log('client', 'one written')),
    );
    t.log(
      'client',
      'write',
      c.write('two', () => t.log('client', 'two written')),
    );
    t.log('client', c.bytesWritten, c.writableLength, c.bufferSize);
    c.end('three', () => t.log('client', 'ended'));
    await t.when(c, 'close');
    t.log('client', c.bytesWritten, c.bytesRead);
    await t.pause(5);
  }),
  program('a write without any connect', async t => {
    const c = t.watch('client', t.keep(new t.net.Socket()));
    t.log(
      'client',
      c.write('x', e => t.log('client', 'callback', e)),
    );
    await t.pause(10);
    t.log('client', c.destroyed, c.readyState);
  }),
  program('an end without any connect', async t => {
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.end(() => t.log('client', 'callback'));
    await t.pause(10);
    t.log('client', c.destroyed, c.readyState);
  }),
  program('destroy before connect is called', async t => {
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.destroy();
    t.log('client', c.readyState, c.destroyed);
    await t.pause(5);
  }),
  program('destroy with an error before connect is called', async t => {
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.destroy(new Error('enough'));
    await t.pause(5);
  }),
  program('destroy while connecting', async t => {
    const s = await t.server();
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.write('never', e => t.log('client', 'callback', e));
    c.destroy();
    await t.pause(20);
  }),
  program('destroy in the tick after connect', async t => {
    const s = await t.server();
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    process.nextTick(() => c.destroy());
    await t.pause(20);
  }),
  program('destroy in connect, before ready', async t => {
    const s = await t.server();
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.on('connect', () => c.destroy());
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('end while connecting', async t => {
    const s = await t.server({}, c => {
      t.watch('peer', c);
      c.resume();
    });
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.end();
    c.resume();
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('destroySoon while connecting', async t => {
    const s = await t.server({}, c => {
      t.watch('peer', c);
      c.resume();
    });
    const c = t.watch('client', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.write('last words');
    (c as unknown as { destroySoon(): void }).destroySoon();
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('connect again after close', async t => {
    const s = await t.server({}, c => c.end('hi'));
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.resume();
    for (let i = 0; i < 2; i++) {
      c.connect(s.port, '127.0.0.1');
      await t.when(c, 'close');
      t.log('client', c.destroyed, c.readyState);
    }
  }),
  program('bad ports and options', t => {
    const c = new t.net.Socket();
    for (const port of [-1, 65536, 1.5, 'x', '', ' ', true, null, undefined, {}, Number.NaN, '80x']) {
      t.attempt('c', `port ${String(port)}`, () =>
        new t.net.Socket().connect({ port: port as number, host: '127.0.0.1' }),
      );
    }
    t.attempt('c', 'nothing', () => c.connect({} as never));
    t.attempt('c', 'no arguments', () => (c.connect as () => unknown)());
    t.attempt('c', 'lookup', () =>
      new t.net.Socket().connect({ port: 1, host: 'x.example', lookup: 'no' as never }),
    );
    t.attempt('c', 'localAddress', () =>
      new t.net.Socket().connect({ port: 1, host: '127.0.0.1', localAddress: 'no' }),
    );
    t.attempt('c', 'localPort', () =>
      new t.net.Socket().connect({ port: 1, host: '127.0.0.1', localPort: 'no' as never }),
    );
    t.attempt('c', 'autoSelectFamily', () =>
      new t.net.Socket().connect({ port: 1, host: 'x.example', autoSelectFamily: 'no' as never }),
    );
    t.attempt('c', 'attempt timeout', () =>
      new t.net.Socket().connect({ port: 1, host: 'x.example', autoSelectFamilyAttemptTimeout: -1 }),
    );
    t.attempt('c', 'path', () => new t.net.Socket().connect({ path: 5 as never }));
  }),
  program('a local address and a local port', async t => {
    const s = await t.server();
    const port = await t.deadPort();
    const c = t.watch(
      'client',
      t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', localAddress: '127.0.0.2', localPort: port })),
    );
    await t.when(c, 'connect');
    t.log('client', c.localAddress, c.localPort === port, c.address());
  }),
  program('a local port that is taken', async t => {
    const s = await t.server();
    const c = t.watch(
      'client',
      t.keep(
        t.net.connect({ port: s.port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: s.port }),
      ),
    );
    await t.when(c, 'close');
  }),
  program('a local address that is not ours', async t => {
    const s = await t.server();
    const c = t.watch(
      'client',
      t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', localAddress: '203.0.113.7' })),
    );
    await t.when(c, 'close');
  }),
  program('refused with a local address', async t => {
    const port = await t.deadPort();
    const c = t.net.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
    t.watch('client', t.keep(c));
    await t.when(c, 'close');
  }),
  program('IPv6 loopback', async t => {
    const s = t.keepServer(
      t.net.createServer(c => t.log('peer', c.remoteAddress, c.remoteFamily, c.localAddress, c.localFamily)),
    );
    s.listen(0, '::1');
    await t.when(s, 'listening');
    const { port } = s.address() as { port: number };
    t.port(port, 'SERVER');
    t.log('server', s.address());
    const c = t.watch('client', t.keep(t.net.connect(port, '::1')));
    await t.when(c, 'ready');
    t.log('client', c.remoteAddress, c.remoteFamily, c.localAddress);
    await t.pause(5);
  }),
  program('a block list of the client', async t => {
    const list = new t.net.BlockList();
    list.addAddress('127.0.0.1');
    const s = await t.server();
    const c = t.net.connect({ port: s.port, host: '127.0.0.1', blockList: list } as never);
    t.watch('client', t.keep(c));
    await Promise.race([t.when(c, 'close'), t.when(c, 'ready')]);
  }),
  program('connect twice at once', async t => {
    const s = await t.server();
    const c = t.watch('client', t.keep(new t.net.Socket()));
    c.connect(s.port, '127.0.0.1', () => t.log('client', 'first'));
    await t.when(c, 'ready');
  }),
  program('ticks, promises and immediates around connect', async t => {
    const s = await t.server();
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    process.nextTick(() => t.log('c', 'tick'));
    Promise.resolve().then(() => t.log('c', 'microtask'));
    c.on('connectionAttempt', () => t.log('c', 'attempt'));
    c.on('connect', () => {
      t.log('c', 'connect');
      process.nextTick(() => t.log('c', 'tick in connect'));
      Promise.resolve().then(() => t.log('c', 'microtask in connect'));
      setImmediate(() => t.log('c', 'immediate in connect'));
    });
    c.on('ready', () => t.log('c', 'ready'));
    await t.when(c, 'ready');
    await t.pause(5);
  }),
];
