import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHost, createNet, type Host, loopback } from '../../../src/api/net/index.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { NodeLoop } from '../../../src/driver/node.ts';
import { ImpairedLink } from '../../../src/link/impair.ts';
import { memoryPair } from '../../../src/link/memory.ts';

const hosts: Host[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(h => h.close()));
});

/** Two hosts, 10.0.0.1 and 10.0.0.2, and a wire with rules between them. */
function pair(rules: string[] = [], sysctl: Record<string, string> = {}): { a: Host; b: Host } {
  const loop = new NodeLoop();
  const [near, far] = memoryPair(loop);
  const link = new ImpairedLink(near, { clock: loop, random: seededRandom(1), rules });
  const a = createHost({
    name: 'a',
    sysctl,
    loop,
    seed: 1,
    links: [link],
    addresses: ['10.0.0.1/24', '10.0.0.11/24'],
  });
  const b = createHost({ name: 'b', sysctl, loop, seed: 2, links: [far], addresses: ['10.0.0.2/24'] });
  hosts.push(a, b);
  return { a, b };
}

async function listening(server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('hosts with links', () => {
  test('talk to each other', async () => {
    const { a, b } = pair();
    const server = createNet(b).createServer(s => s.end(`you are ${s.remoteAddress}`));
    const port = await listening(server, '10.0.0.2');
    const client = createNet(a).connect({ port, host: '10.0.0.2', localAddress: '10.0.0.11' });
    client.setEncoding('utf8');
    let text = '';
    for await (const d of client) text += d;
    expect(text).toBe('you are 10.0.0.11');
    expect(client.localAddress).toBeUndefined();
    expect(a.stack.tcp.counts()[0]).toBeGreaterThanOrEqual(0);
    server.close();
  });

  test('addresses beyond them are unreachable', async () => {
    const { a } = pair();
    const client = createNet(a).connect(80, '192.0.2.1');
    const [error] = await once(client, 'error');
    expect(error).toMatchObject({ code: 'ENETUNREACH', syscall: 'connect', address: '192.0.2.1', port: 80 });
  });

  test('a silent first address is left for the second after the attempt timeout', async () => {
    const { a, b } = pair(['drop A any dport=81', 'drop A SYN 1..3']);
    const server = createNet(b).createServer(s => s.end('at last'));
    const port = await listening(server, '10.0.0.2');
    const client = createNet(a).connect({
      port,
      host: 'two.example',
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 50,
      lookup: (_name, _options, done) =>
        (done as unknown as (e: null, found: object[]) => void)(null, [
          { address: '10.0.0.2', family: 4 },
          { address: '10.0.0.3', family: 4 },
        ]),
    });
    const seen: string[] = [];
    for (const event of ['connectionAttempt', 'connectionAttemptTimeout', 'connectionAttemptFailed'])
      client.on(event, (address: string) => seen.push(`${event} ${address}`));
    client.on('error', e => seen.push((e as NodeJS.ErrnoException).code ?? e.message));
    await once(client, 'connectionAttemptTimeout');
    client.destroy();
    await once(client, 'close');
    expect(seen.slice(0, 2)).toEqual(['connectionAttemptTimeout 10.0.0.2', 'connectionAttempt 10.0.0.3']);
    server.close();
  });

  test('pause() closes the window, resume() opens it', async () => {
    const small = '4096 131072 262144';
    const { a, b } = pair([], { 'net.ipv4.tcp_rmem': small, 'net.ipv4.tcp_wmem': small });
    let accepted: Socket | undefined;
    const server = createNet(b).createServer({ pauseOnConnect: true }, s => (accepted = s));
    const port = await listening(server, '10.0.0.2');
    const client = createNet(a).connect(port, '10.0.0.2');
    const size = 2 << 20;
    client.end(Buffer.alloc(size));
    await new Promise(done => setTimeout(done, 100));
    expect(accepted!.bytesRead).toBe(0);
    expect(client.writableFinished).toBe(false);
    let n = 0;
    accepted!.on('data', d => (n += d.length));
    accepted!.resume();
    await once(accepted!, 'end');
    expect(n).toBe(size);
    accepted!.end();
    client.resume();
    await once(client, 'close');
    server.close();
  });

  test('close() ends what is open', async () => {
    const { a, b } = pair();
    const server = createNet(b).createServer(s => s.resume());
    const port = await listening(server, '10.0.0.2');
    const client = createNet(a).connect(port, '10.0.0.2');
    await once(client, 'connect');
    client.destroy();
    expect(await a.close()).toEqual({ cut: [] });
    server.close();
  });
});

describe('on the loopback host', () => {
  const net = createNet(loopback);

  test('descriptors and paths are refused with what to do instead', () => {
    expect(() => new net.Socket({ fd: 0 })).toThrow(/require\('node:net'\)/);
    expect(() => net.connect('/tmp/x.sock')).toThrow(/Unix sockets/);
    expect(() => net.createServer().listen('/tmp/x.sock')).toThrow(/Unix sockets/);
    expect(() => net.createServer().listen({ fd: 3 })).toThrow(/require\('node:net'\)/);
  });

  test('listeners run in the asynchronous context in which their socket was made', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const server = storage.run('server', () =>
      net.createServer(s => {
        seen.push(storage.getStore());
        s.on('data', () => s.end(String(storage.getStore())));
      }),
    );
    const port = await storage.run('server', () => listening(server, '127.0.0.1'));
    const answers = await Promise.all(
      ['one', 'two'].map(name =>
        storage.run(name, async () => {
          const c = net.connect(port, '127.0.0.1');
          c.write('x');
          const text = await new Promise(done => c.on('data', d => done(`${d} ${storage.getStore()}`)));
          return text;
        }),
      ),
    );
    expect(answers).toEqual(['server one', 'server two']);
    expect(seen).toEqual(['server', 'server']);
    server.close();
  });

  test('a listener that throws costs nobody else anything', async () => {
    const server = net.createServer(s => s.resume());
    const port = await listening(server, '127.0.0.1');
    const before = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown: string[] = [];
    process.on('uncaughtException', e => thrown.push(e.message));
    const a = net.connect(port, '127.0.0.1');
    a.on('connect', () => {
      throw new Error('in connect');
    });
    const b = net.connect(port, '127.0.0.1');
    await once(b, 'ready');
    await new Promise(done => setTimeout(done, 20));
    process.removeAllListeners('uncaughtException');
    for (const l of before) process.on('uncaughtException', l);
    expect(thrown).toEqual(['in connect']);
    a.destroy();
    b.destroy();
    server.close();
  });

  test('two hosts have two classes of their own', () => {
    const other = createNet(createHost());
    expect(new other.Socket()).not.toBeInstanceOf(net.Socket);
    expect(new other.Socket().constructor.name).toBe('Socket');
  });
});
