import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';
import { type Program, program, type Tools } from '../kit.ts';

/** A connection to a name with several addresses. */
function open(t: Tools, port: number, list: LookupAddress[], more: object = {}): Socket {
  const c = t.net.connect({
    port,
    host: 'many.example',
    autoSelectFamily: true,
    lookup: (_n: string, _o: unknown, done: (e: null, found: LookupAddress[]) => void) =>
      process.nextTick(done, null, list),
    ...more,
  } as never);
  return t.watch('c', t.keep(c));
}

const four = (address: string): LookupAddress => ({ address, family: 4 });
const six = (address: string): LookupAddress => ({ address, family: 6 });

/** autoSelectFamily: happy eyeballs. */
export const attempts: Program[] = [
  program('the first address refuses, the second answers', async t => {
    const s = await t.server();
    const c = open(t, s.port, [six('::1'), four('127.0.0.1')]);
    await t.when(c, 'ready');
    t.log('c', c.autoSelectFamilyAttemptedAddresses, c.remoteAddress);
  }),
  program('the first answers', async t => {
    const s = await t.server();
    const c = open(t, s.port, [four('127.0.0.1'), six('::1')]);
    await t.when(c, 'ready');
    t.log('c', c.autoSelectFamilyAttemptedAddresses);
  }),
  program('all refuse', async t => {
    const port = await t.deadPort();
    const c = open(t, port, [four('127.0.0.1'), six('::1')]);
    await t.when(c, 'close');
    t.log('c', c.autoSelectFamilyAttemptedAddresses);
  }),
  program('addresses of both families take turns', async t => {
    const port = await t.deadPort();
    const c = open(t, port, [
      four('127.0.0.1'),
      four('127.0.0.2'),
      four('127.0.0.3'),
      six('::1'),
      four('127.0.0.1'),
    ]);
    await t.when(c, 'close');
    t.log('c', c.autoSelectFamilyAttemptedAddresses);
  }),
  program('one valid address among nonsense', async t => {
    const s = await t.server();
    const c = open(t, s.port, [four('nonsense'), { address: '127.0.0.1', family: 5 }, four('127.0.0.1')]);
    await t.when(c, 'ready');
    t.log('c', c.autoSelectFamilyAttemptedAddresses);
  }),
  program('nothing but nonsense', async t => {
    const c = open(t, 99, [four('nonsense')]);
    await t.when(c, 'close');
  }),
  program('nothing but wrong families', async t => {
    const c = open(t, 99, [{ address: '127.0.0.1', family: 5 }]);
    await t.when(c, 'close');
  }),
  program('destroy between two attempts', async t => {
    const port = await t.deadPort();
    const c = open(t, port, [four('127.0.0.1'), six('::1')]);
    c.on('connectionAttemptFailed', () => c.destroy());
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('destroy in a lookup event', async t => {
    const port = await t.deadPort();
    const c = open(t, port, [four('127.0.0.1'), six('::1')]);
    c.once('lookup', () => c.destroy());
    await t.when(c, 'close');
    await t.pause(5);
  }),
  program('writes wait through the attempts', async t => {
    const s = await t.server({}, p => {
      t.watch('p', p).on('data', () => {});
    });
    const c = open(t, s.port, [six('::1'), four('127.0.0.1')]);
    c.write('patience');
    await t.when(c, 'ready');
    await t.pause(10);
  }),
  program('autoSelectFamily off takes the first address only', async t => {
    const port = await t.deadPort();
    const c = t.net.connect({
      port,
      host: 'many.example',
      autoSelectFamily: false,
      lookup: (_n, _o, done) => process.nextTick(done, null, '127.0.0.1', 4),
    });
    t.watch('c', t.keep(c));
    await t.when(c, 'close');
  }),
  program('a family that is asked for is given to the lookup', async t => {
    const s = await t.server();
    for (const family of [4, 'IPv4'] as const) {
      const c = t.net.connect({
        port: s.port,
        host: 'many.example',
        family: family as number,
        hints: 0,
        lookup: (n, o, done) => {
          t.log('lookup', n, o);
          process.nextTick(done, null, '127.0.0.1', 4);
        },
      });
      t.keep(c);
      await t.when(c, 'ready');
    }
  }),
  program('options of the socket survive the attempts', async t => {
    const s = await t.server();
    const c = open(t, s.port, [six('::1'), four('127.0.0.1')], {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 5000,
    });
    c.unref();
    c.ref();
    await t.when(c, 'ready');
  }),
  program('a local address of the wrong family', async t => {
    const s = await t.server();
    const c = t.net.connect({ port: s.port, host: '127.0.0.1', localAddress: '::1' });
    t.watch('c', t.keep(c));
    c.on('error', () => {});
    await t.when(c, 'close');
  }),
];
