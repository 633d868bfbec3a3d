import { once } from 'node:events';
import { addAbortSignal, Duplex, finished, PassThrough, pipeline, Readable, Transform } from 'node:stream';
import { finished as over, pipeline as piped } from 'node:stream/promises';
import { type Program, program } from '../kit.ts';

/** Sockets among other streams. */
export const streams: Program[] = [
  program('pipe to itself', async t => {
    const s = await t.server({}, p => p.pipe(p));
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.setEncoding('utf8');
    c.on('data', () => {});
    c.end('echo');
    await t.when(c, 'close');
  }),
  program('pipeline out of a socket', async t => {
    const { client, peer } = await t.pair();
    const out = new PassThrough();
    let text = '';
    out.on('data', d => (text += d));
    client.end('through');
    await piped(peer, out);
    t.log('p', text, peer.destroyed, peer.writableEnded);
  }),
  program('pipeline into a socket', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer).on('data', () => {});
    client.resume();
    await piped(Readable.from(['a', 'b', 'c']), client);
    t.log('c', client.writableFinished);
    await t.when(peer, 'close');
  }),
  program('pipeline through a transform, back and forth', async t => {
    const s = await t.server({ allowHalfOpen: true }, p => {
      pipeline(p, new Transform({ transform: (d, _e, done) => done(null, String(d).toUpperCase()) }), p, e =>
        t.log('p', 'pipeline', e),
      );
    });
    const c = t.keep(t.net.connect({ port: s.port, host: '127.0.0.1' }));
    let text = '';
    c.on('data', d => (text += d));
    c.end('shout');
    await t.when(c, 'close');
    t.log('c', text);
    await t.pause(5);
  }),
  program('pipeline that fails destroys the socket', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer).resume();
    t.watch('c', client);
    const bad = new Readable({ read: () => {} });
    pipeline(bad, client, e => t.log('c', 'pipeline', e));
    bad.destroy(new Error('source broke'));
    await t.when(client, 'close');
    await t.pause(5);
  }),
  program('finished', async t => {
    const { client, peer } = await t.pair();
    finished(client, e => t.log('c', 'finished', e));
    finished(peer, { readable: false }, e => t.log('p', 'written', e));
    finished(peer, { writable: false }, e => t.log('p', 'read', e));
    client.resume();
    peer.resume();
    client.end('x');
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
    await t.pause(5);
  }),
  program('finished of a destroyed socket', async t => {
    const { client } = await t.pair();
    const p = over(client).then(
      () => t.log('c', 'fine'),
      e => t.log('c', e),
    );
    client.destroy();
    await p;
  }),
  program('finished of a socket that is reset', async t => {
    const { client, peer } = await t.pair();
    client.resume();
    const p = over(client).then(
      () => t.log('c', 'fine'),
      e => t.log('c', e),
    );
    peer.resetAndDestroy();
    await p;
  }),
  program('async iteration', async t => {
    const { client, peer } = await t.pair();
    peer.setEncoding('utf8');
    client.write('one ');
    setTimeout(() => client.end('two'), 10);
    let text = '';
    for await (const d of peer) text += d;
    t.log('p', text, peer.destroyed);
  }),
  program('async iteration that stops', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client).resume();
    client.write('one');
    for await (const d of peer) {
      t.log('p', String(d));
      break;
    }
    t.log('p', peer.destroyed);
    await t.when(client, 'close');
  }),
  program('async iteration over a reset', async t => {
    const { client, peer } = await t.pair();
    client.write('one');
    setTimeout(() => client.resetAndDestroy(), 10);
    try {
      for await (const d of peer) t.log('p', String(d));
      t.log('p', 'over');
    } catch (e) {
      t.log('p', e);
    }
  }),
  program('events.once', async t => {
    const s = await t.server();
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    t.log('c', await once(c, 'connect'));
    const d = t.keep(t.net.connect(await t.deadPort(), '127.0.0.1'));
    await once(d, 'connect').catch(e => t.log('d', e.code));
  }),
  program('addAbortSignal', async t => {
    const { client } = await t.pair();
    t.watch('c', client);
    const a = new AbortController();
    addAbortSignal(a.signal, client);
    a.abort(new Error('why'));
    await t.when(client, 'close');
  }),
  program('Duplex.toWeb', async t => {
    const { client, peer } = await t.pair();
    peer.end('web');
    const { readable } = Duplex.toWeb(client) as unknown as { readable: AsyncIterable<Uint8Array> };
    let text = '';
    for await (const d of readable) text += Buffer.from(d);
    t.log('c', text);
  }),
  program('compose with helpers of Readable', async t => {
    const { client, peer } = await t.pair();
    peer.setEncoding('utf8');
    client.end('a b c');
    t.log('p', (await peer.toArray()).join(''));
  }),
  program('removing the data listener', async t => {
    const { client, peer } = await t.pair();
    const on = (d: Buffer): void => {
      t.log('p', String(d));
      peer.off('data', on);
      peer.pause();
    };
    peer.on('data', on);
    client.write('one');
    await t.pause(10);
    client.write('two');
    await t.pause(10);
    t.log('p', peer.readableFlowing, peer.readableLength);
    peer.on('data', d => t.log('p', String(d)));
    peer.resume();
    await t.pause(10);
  }),
  program('captureRejections', async t => {
    const s = await t.server();
    const c = t.keep(new t.net.Socket({ captureRejections: true } as never));
    t.watch('c', c);
    c.on('connect', async () => {
      throw new Error('in a listener');
    });
    c.connect(s.port, '127.0.0.1');
    await t.when(c, 'close');
  }),
  program('write and end with every kind of arguments', async t => {
    const { client, peer } = await t.pair();
    peer.setEncoding('latin1');
    t.watch('p', peer).on('data', () => {});
    client.write('a');
    client.write('62', 'hex');
    client.write('c', () => t.log('c', 'c'));
    client.write('64', 'hex', () => t.log('c', 'd'));
    client.setDefaultEncoding('hex');
    client.write('65');
    client.end('66', 'hex', () => t.log('c', 'end'));
    await t.when(peer, 'close');
  }),
];
