import { execFileSync } from 'node:child_process';
import nodeDgram from 'node:dgram';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import lastack, { createDgram } from '../../../src/api/dgram/index.ts';
import { createHost } from '../../../src/api/net/index.ts';
import { NodeLoop } from '../../../src/driver/node.ts';
import { memoryPair } from '../../../src/link/memory.ts';
import { type Dgram, PROGRAMS, type Say } from './programs.ts';

async function transcript(d: Dgram, program: (d: Dgram, say: Say) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  await program(d, (...words) => {
    lines.push(words.map(w => (typeof w === 'string' ? w : inspect(w))).join(' '));
  });
  return lines;
}

describe('programs say the same on node:dgram and on lastack/dgram', () => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    test(name, async () => {
      const node = await transcript(nodeDgram, program);
      expect(await transcript(lastack, program)).toEqual(node);
    });
  }
});

describe('what is lastack’s own', () => {
  test('hosts of their own talk over a link, broadcasts included', async () => {
    const loop = new NodeLoop();
    const [left, right] = memoryPair(loop);
    const a = createHost({ loop, links: [left], addresses: ['10.9.0.1/24'] });
    const b = createHost({ loop, links: [right], addresses: ['10.9.0.2/24'] });
    const sender = createDgram(a).createSocket('udp4');
    const listener = createDgram(b).createSocket('udp4');
    listener.bind(5000);
    await once(listener, 'listening');
    sender.send('x', 5000, '10.9.0.2');
    expect((await once(listener, 'message'))[1]).toMatchObject({ address: '10.9.0.1', family: 'IPv4' });
    const refused = await new Promise<Error | null>(done => sender.send('x', 5000, '10.9.0.255', done));
    expect(refused).toMatchObject({ code: 'EACCES', syscall: 'send' });
    sender.setBroadcast(true);
    sender.send('to all', 5000, '10.9.0.255');
    expect(String((await once(listener, 'message'))[0])).toBe('to all');
    expect(a.ownerOf(0) ?? a.ownerOf(1) ?? a.ownerOf(2) ?? a.ownerOf(3)).toBe('dgram');
    sender.close();
    listener.close();
    await Promise.all([a.close(), b.close()]);
    loop.stop();
  });

  test('groups: those that every host is in, and an error for others', async () => {
    const s = lastack.createSocket('udp4');
    s.bind(0);
    await once(s, 'listening');
    s.addMembership('224.0.0.1');
    s.dropMembership('224.0.0.1');
    s.setMulticastLoopback(false);
    for (const call of [
      () => s.addMembership('239.1.2.3'),
      () => s.setMulticastLoopback(true),
      () => s.setMulticastInterface('127.0.0.1'),
      () => s.addSourceSpecificMembership('10.0.0.1', '232.1.1.1'),
      () => s.dropSourceSpecificMembership('10.0.0.1', '232.1.1.1'),
    ])
      expect(call).toThrow('ENOPROTOOPT');
    await s[Symbol.asyncDispose]();
    await s[Symbol.asyncDispose]();
  });

  test('a bound socket keeps the process alive, an unreferenced one does not', () => {
    const run = (body: string): string => {
      const code = `import d from 'lastack/dgram';
        const s = d.createSocket('udp4');
        process.on('exit', () => console.log('over'));
        s.bind(0, '127.0.0.1', () => { ${body} });`;
      return execFileSync(process.execPath, ['--input-type=module', '-e', code], {
        encoding: 'utf8',
        timeout: 20_000,
      });
    };
    expect(run('s.unref();')).toBe('over\n');
    expect(run(`setTimeout(() => s.close(() => console.log('closed')), 50).unref();`)).toBe('closed\nover\n');
  });
});
