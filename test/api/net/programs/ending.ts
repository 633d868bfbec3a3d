import type { Socket } from 'node:net';
import { type Program, program } from '../kit.ts';

const noop = (): void => {};
const soon = (s: Socket): void => (s as unknown as { destroySoon(): void }).destroySoon();

/** How connections end, from each side and at each moment. */
export const ending: Program[] = [
  program('both ends end, without half-open', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client).resume();
    t.watch('p', peer).resume();
    client.end();
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
    t.log('c', client.readyState, client.destroyed, client.writableFinished, client.readableEnded);
  }),
  program('half-open: the client ends first and still reads', async t => {
    const { client, peer } = await t.pair({ allowHalfOpen: true });
    t.watch('c', client).on('data', noop);
    t.watch('p', peer).on('data', noop);
    client.end('question');
    await t.when(peer, 'end');
    t.log('p', peer.readyState, peer.writable, peer.readable);
    t.log('c', client.readyState);
    peer.write('an');
    await t.pause(10);
    peer.end('swer');
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('half-open: the server ends first and still reads', async t => {
    const { client, peer } = await t.pair({}, { allowHalfOpen: true });
    t.watch('c', client).on('data', noop);
    t.watch('p', peer).on('data', noop);
    peer.end('greeting');
    await t.when(client, 'end');
    t.log('c', client.readyState, client.writable, client.allowHalfOpen);
    client.write('still ');
    await t.pause(10);
    client.end('here');
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('half-open: nobody ends the second half, destroy does', async t => {
    const { client, peer } = await t.pair({}, { allowHalfOpen: true });
    t.watch('c', client).resume();
    t.watch('p', peer).resume();
    peer.end();
    await t.when(client, 'end');
    await t.pause(10);
    t.log('c', client.destroyed);
    client.destroy();
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('end twice, with callbacks', async t => {
    const { client, peer } = await t.pair();
    peer.resume();
    t.watch('c', client).resume();
    client.end('x', () => t.log('c', 'first'));
    client.end(() => t.log('c', 'second'));
    t.attempt('c', 'data after end', () => client.end('y', (e?: Error) => t.log('c', 'third', e)));
    await t.when(client, 'close');
    client.end((e?: Error) => t.log('c', 'fourth', e));
    await t.pause(5);
  }),
  program('an end that nobody reads does not close', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    client.end('unread');
    await t.pause(20);
    t.log('p', peer.destroyed, peer.readableEnded, peer.readableLength);
    peer.resume();
    await t.when(peer, 'close');
  }),
  program('destroy resets what was not read', async t => {
    const { client, peer } = await t.pair();
    t.watch('p', peer);
    peer.on('error', noop);
    peer.resume();
    client.pause();
    peer.write('never read');
    await t.pause(10);
    client.destroy();
    await t.when(peer, 'close');
  }),
  program('destroy with everything read is a quiet end', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    t.watch('p', peer).resume();
    client.destroy();
    t.log('c', client.destroyed, client.readyState, client.writable, client.readable);
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('destroy with an error', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    t.watch('p', peer).resume();
    client.destroy(new Error('enough'));
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
    t.log('c', client.errored);
  }),
  program('destroy twice', async t => {
    const { client } = await t.pair();
    t.watch('c', client);
    t.log('c', client.destroy(new Error('one')) === client, client.destroy(new Error('two')) === client);
    await t.when(client, 'close');
    client.destroy();
    await t.pause(5);
  }),
  ...(['data', 'end', 'finish', 'close', 'resume', 'drain'] as const).map(event =>
    program(`destroy in '${event}'`, async t => {
      const { client, peer } = await t.pair();
      t.watch('c', client);
      client.on('data', noop);
      client.once(event, () => client.destroy());
      client.write(Buffer.alloc(100_000));
      peer.resume();
      peer.end('bye');
      await t.when(client, 'close');
      await t.pause(5);
    }),
  ),
  program('destroy in a write callback', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    peer.resume();
    client.write('a', () => client.destroy());
    client.write('b', e => t.log('c', 'b', e));
    client.end('c', () => t.log('c', 'ended'));
    await t.when(client, 'close');
    await t.pause(5);
  }),
  program('destroy with writes that wait', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    peer.pause();
    client.write(Buffer.alloc(32 << 20), e => t.log('c', 'under way', e));
    await t.pause(10);
    client.write('more', e => t.log('c', 'more', e));
    client.end(() => t.log('c', 'ended'));
    client.destroy();
    await t.when(client, 'close');
    await t.pause(5);
  }),
  program('an end behind writes that wait', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    client.resume();
    peer.pause();
    client.end(Buffer.alloc(16 << 20), () => t.log('c', 'ended'));
    await t.pause(20);
    t.log('c', client.writableFinished);
    let n = 0;
    peer.on('data', d => (n += d.length));
    peer.resume();
    await t.when(client, 'close');
    t.log('p', n);
  }),
  program('destroySoon writes first', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    t.watch('p', peer).on('data', noop);
    client.write('last words');
    soon(client);
    t.log('c', client.destroyed, client.writableEnded);
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('destroySoon after finish', async t => {
    const { client, peer } = await t.pair({ allowHalfOpen: true });
    t.watch('c', client);
    peer.resume();
    client.end();
    await t.when(client, 'finish');
    soon(client);
    t.log('c', client.destroyed);
    await t.when(client, 'close');
  }),
  program('resetAndDestroy', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    t.watch('p', peer).resume();
    t.log('c', client.resetAndDestroy() === client, client.destroyed);
    await Promise.all([t.when(client, 'close'), t.when(peer, 'close')]);
  }),
  program('resetAndDestroy by the server', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client).resume();
    peer.resetAndDestroy();
    await t.when(client, 'close');
  }),
  program('resetAndDestroy while connecting', async t => {
    const s = await t.server({}, p => t.watch('p', p).resume());
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.resetAndDestroy();
    await t.when(c, 'close');
    await t.pause(10);
  }),
  program('resetAndDestroy without a connection', async t => {
    const c = t.watch('c', t.keep(new t.net.Socket()));
    c.resetAndDestroy();
    await t.when(c, 'close');
    c.resetAndDestroy();
    await t.pause(5);
  }),
  program('resetAndDestroy with data that nobody sent yet', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    peer.pause();
    for (let i = 0; i < 8; i++) client.write(Buffer.alloc(1 << 20));
    client.resetAndDestroy();
    await t.when(client, 'close');
  }),
  program('a reset while writing', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    client.on('error', noop);
    peer.resetAndDestroy();
    await t.when(client, 'close');
    t.log(
      'c',
      client.write('x', e => t.log('c', e)),
    );
    await t.pause(5);
  }),
  program('a write that meets a reset', async t => {
    const { client, peer } = await t.pair();
    t.watch('c', client);
    client.pause();
    client.on('error', noop);
    peer.destroy();
    await t.pause(10);
    client.write('one', e => t.log('c', 'one', e));
    await t.pause(10);
    client.write('two', e => t.log('c', 'two', e));
    await Promise.race([t.when(client, 'close'), t.pause(50)]);
    t.log('c', client.destroyed);
  }),
  program('the server destroys in connection', async t => {
    const s = await t.server({}, p => p.destroy());
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.resume();
    await t.when(c, 'close');
  }),
  program('the server ends in connection', async t => {
    const s = await t.server({}, p => {
      p.end('hi');
    });
    const c = t.watch('c', t.keep(t.net.connect(s.port, '127.0.0.1')));
    c.on('data', noop);
    await t.when(c, 'close');
  }),
  program('close comes after immediates of the same turn', async t => {
    const { client } = await t.pair();
    client.on('close', () => t.log('c', 'close'));
    client.destroy();
    process.nextTick(() => t.log('c', 'tick'));
    setImmediate(() => t.log('c', 'immediate'));
    await t.when(client, 'close');
  }),
  program('order inside data and end', async t => {
    const { client, peer } = await t.pair();
    for (const event of ['data', 'end', 'finish', 'close']) {
      peer.on(event, () => {
        t.log('p', event);
        process.nextTick(() => t.log('p', `tick in ${event}`));
        Promise.resolve().then(() => t.log('p', `microtask in ${event}`));
      });
    }
    client.end('x');
    await t.when(peer, 'close');
    await t.pause(5);
  }),
  program('a timer of a socket that is destroyed stays silent', async t => {
    const { client } = await t.pair();
    t.watch('c', client);
    client.setTimeout(10);
    client.destroy();
    await t.pause(30);
    client.setTimeout(5);
    await t.pause(15);
    t.log('c', client.timeout);
  }),
  program('properties after the end', async t => {
    const { client, peer } = await t.pair();
    t.learn(peer);
    client.remoteAddress;
    client.end();
    client.resume();
    peer.resume();
    await t.when(client, 'close');
    t.log(
      'c',
      client.remoteAddress,
      client.remotePort,
      client.localPort,
      client.address(),
      client.bytesRead,
      client.pending,
      client.connecting,
      client.bufferSize,
    );
    t.log('p', peer.remoteAddress);
  }),
  program('remoteAddress that nobody looked at before the end', async t => {
    const s = await t.server({}, p => {
      p.end();
    });
    const c = t.keep(t.net.connect(s.port, '127.0.0.1'));
    c.resume();
    await t.when(c, 'close');
    t.log('c', c.remoteAddress, c.remotePort, c.localAddress);
  }),
];
