import { type Program, program } from '../kit.ts';

const noop = (): void => {};

/** Options, time-outs, references, signals. */
export const options: Program[] = [
  program('setTimeout: silence is told, and again after activity', async t => {
    const { client, peer } = await t.pair();
    peer.resume();
    t.watch('c', client);
    t.log('c', client.setTimeout(20) === client, client.timeout);
    await t.when(client, 'timeout');
    t.log('c', client.destroyed);
    client.write('x');
    await t.when(client, 'timeout');
  }),
  program('setTimeout: activity puts it off', async t => {
    const { client, peer } = await t.pair();
    client.resume();
    let n = 0;
    client.setTimeout(60, () => n++);
    for (let i = 0; i < 5; i++) {
      peer.write('x');
      await t.pause(20);
    }
    t.log('c', n);
    await t.pause(90);
    t.log('c', n);
  }),
  program('setTimeout: the callback comes once, 0 takes it away', async t => {
    const { client } = await t.pair();
    const cb = (): void => t.log('c', 'callback');
    client.setTimeout(10, cb);
    t.log('c', client.listenerCount('timeout'));
    client.setTimeout(0, cb);
    t.log('c', client.listenerCount('timeout'), client.timeout);
    await t.pause(25);
  }),
  program('setTimeout: wrong arguments', async t => {
    const c = t.keep(new t.net.Socket());
    for (const ms of ['x', -1, Number.NaN, Infinity, {}, undefined])
      t.attempt('c', String(ms), () => c.setTimeout(ms as number));
    t.attempt('c', 'callback', () => c.setTimeout(5, 'x' as never));
    t.attempt('c', 'callback of 0', () => c.setTimeout(0, 'x' as never));
  }),
  program('the option timeout', async t => {
    const s = await t.server();
    const c = t.watch('c', t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', timeout: 80 })));
    t.log('c', c.timeout);
    await t.when(c, 'timeout');
  }),
  program('a timeout while connecting to nowhere', async t => {
    const c = t.watch('c', t.keep(new t.net.Socket()));
    c.setTimeout(10);
    await t.when(c, 'timeout');
  }),
  program('setNoDelay, setKeepAlive, ref and unref return the socket in each state', async t => {
    const c = t.keep(new t.net.Socket());
    const all = (when: string): void =>
      t.log(
        'c',
        when,
        c.setNoDelay() === c,
        c.setNoDelay(false) === c,
        c.setKeepAlive() === c,
        c.setKeepAlive(true, 1000) === c,
        c.ref() === c,
        c.unref() === c,
        c.ref() === c,
      );
    all('new');
    const s = await t.server();
    c.connect(s.port, '127.0.0.1');
    all('connecting');
    await t.when(c, 'connect');
    all('open');
    c.destroy();
    all('destroyed');
    await t.when(c, 'close');
    all('closed');
  }),
  program('listeners that ref and unref leave', t => {
    const c = t.keep(new t.net.Socket());
    t.log('c', c.listenerCount('connect'), c.eventNames());
    c.unref();
    t.log('c', c.listenerCount('connect'));
  }),
  program('options of the stream', t => {
    const c = t.keep(new t.net.Socket({ allowHalfOpen: true, readable: true, writable: true }));
    t.log('c', c.allowHalfOpen, c.readable, c.writable, c.readableHighWaterMark === c.writableHighWaterMark);
    const d = t.keep(new t.net.Socket({ readable: false }));
    t.log('d', d.readable, d.writable, d.readyState);
    const e = t.keep(new t.net.Socket({ writable: false }));
    t.log('e', e.readable, e.writable, e.readyState);
  }),
  program('a socket that may not write', async t => {
    const s = await t.server({}, p => {
      p.end('x');
    });
    const c = t.watch('c', t.keep(new t.net.Socket({ writable: false })));
    c.on('data', noop);
    c.connect(s.port, '127.0.0.1');
    await Promise.race([t.when(c, 'close'), t.pause(30)]);
  }),
  program('a signal that is aborted before', async t => {
    const s = await t.server();
    const c = t.watch(
      'c',
      t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', signal: AbortSignal.abort() } as never)),
    );
    await t.when(c, 'close');
    t.log('c', c.destroyed);
  }),
  ...(['lookup', 'connect', 'ready', 'data', 'end'] as const).map(event =>
    program(`a signal that is aborted in '${event}'`, async t => {
      const s = await t.server({}, p => {
        p.write('x');
        setTimeout(() => p.end(), 10);
      });
      const a = new AbortController();
      const c = t.net.connect({
        port: s.port,
        host: 'x.example',
        autoSelectFamily: false,
        signal: a.signal,
        lookup: (_n: string, _o: unknown, done: (e: null, a: string, f: number) => void) =>
          process.nextTick(done, null, '127.0.0.1', 4),
      } as never);
      t.watch('c', t.keep(c));
      c.on('data', noop);
      c.on(event, () => a.abort());
      await t.when(c, 'close');
    }),
  ),
  program('a signal that is aborted in the same tick', async t => {
    const s = await t.server();
    const a = new AbortController();
    const c = t.watch(
      'c',
      t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', signal: a.signal } as never)),
    );
    a.abort();
    await t.when(c, 'close');
  }),
  program('a signal that is aborted after the end', async t => {
    const s = await t.server({}, p => {
      p.end();
    });
    const a = new AbortController();
    const c = t.watch(
      'c',
      t.keep(t.net.connect({ port: s.port, host: '127.0.0.1', signal: a.signal } as never)),
    );
    c.resume();
    await t.when(c, 'close');
    a.abort();
    await t.pause(5);
  }),
  program('what the module has', t => {
    const names = Object.keys(t.net).filter(n => !n.startsWith('_') && n !== 'BoundSocket');
    t.log(
      'net',
      names
        .filter(n => n !== 'default')
        .sort()
        .join(' '),
    );
    t.log(
      'net',
      t.net.isIP('::1'),
      t.net.isIPv4('1.2.3.4'),
      t.net.isIPv6('x'),
      t.net.Socket === (t.net as unknown as { Stream: unknown }).Stream,
    );
    t.log('net', t.net.connect === t.net.createConnection, t.net.connect.length >= 0);
  }),
  program('the default of autoSelectFamily', t => {
    const { net } = t;
    const before = net.getDefaultAutoSelectFamily();
    net.setDefaultAutoSelectFamily(false);
    t.log('net', before, net.getDefaultAutoSelectFamily());
    net.setDefaultAutoSelectFamily(before);
    t.log('net', typeof net.getDefaultAutoSelectFamilyAttemptTimeout());
    t.attempt('net', 'wrong', () => net.setDefaultAutoSelectFamily('x' as never));
    t.attempt('net', 'wrong', () => net.setDefaultAutoSelectFamilyAttemptTimeout(0));
  }),
  program('properties that a socket shows', t => {
    const c = t.keep(new t.net.Socket());
    const has = [
      'connecting',
      'pending',
      'readyState',
      'bytesRead',
      'bytesWritten',
      'remoteAddress',
      'localAddress',
      'timeout',
      'bufferSize',
      'allowHalfOpen',
      'destroyed',
      'server',
      'autoSelectFamilyAttemptedAddresses',
    ];
    t.log('c', has.map(n => `${n}:${n in c}`).join(' '));
    t.log('c', c.timeout, c.autoSelectFamilyAttemptedAddresses, (c as unknown as { server: unknown }).server);
    const s = new t.net.Server();
    t.log(
      's',
      [
        'listening',
        'maxConnections',
        'allowHalfOpen',
        'pauseOnConnect',
        'noDelay',
        'keepAlive',
        'highWaterMark',
      ]
        .map(n => `${n}:${n in s}`)
        .join(' '),
    );
  }),
];
