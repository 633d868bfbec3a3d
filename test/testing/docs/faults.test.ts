import { expect, test } from 'vitest';
import { withNetwork } from '../../../src/testing/index.ts';

test(
  'faults while it runs',
  withNetwork({ seed: 42, hosts: ['app', 'db'], wire: { delay: '1ms' } }, async net => {
    const app = net.host('app');
    const db = net.host('db');
    const errors: (string | undefined)[] = [];
    const listening = db.net.createServer(s => s.on('error', () => {}).pipe(s)).listen(5432);
    const socket = app.net.connect(5432, 'db');
    socket.on('error', (e: NodeJS.ErrnoException) => errors.push(e.code));
    await net.settle();

    net.wire.rule('drop db DATA 1'); //       the first segment with data that db sends from now on
    net.wire.partition(30_000); //            the wire is cut for 30 s
    net.wire.delay('80ms'); //                each way
    net.wire.loss('2%');
    await net.advance(60_000);
    net.wire.unrule();
    net.wire.loss(0);

    net.reset({ to: 'app' }); //              an RST in app's window, as if from db
    await net.settle();
    expect(errors).toEqual(['ECONNRESET']);

    net.halfOpen('db'); //                    db loses power: it forgets all and says nothing
    net.restart('db'); //                     and is there again, without memory: no program listens
    expect(net.ss('db')).not.toContain('LISTEN');
    expect(listening.listening).toBe(true);
  }),
);
