import type * as nodeDgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Dgram as LastackDgram } from '../../../src/api/dgram/index.ts';

/** What a program says; ports and addresses chosen by chance must not be in it. */
export type Say = (...words: unknown[]) => void;
export type Dgram = Pick<LastackDgram, 'createSocket'>;
type Socket = nodeDgram.Socket;

const error = (e: unknown): string => {
  const { name, code, message, syscall, errno, address } = e as NodeJS.ErrnoException & { address?: string };
  return [name, code, message.replaceAll(/:\d{4,5}\b/g, ':PORT'), syscall, errno, address].join(' | ');
};

/** Says what a call throws, or gives. */
const attempt = (say: Say, label: string, run: () => unknown): void => {
  try {
    say(label, run());
  } catch (e) {
    say(label, error(e));
  }
};

async function bound(d: Dgram, ...args: Parameters<Dgram['createSocket']>): Promise<Socket> {
  const s = d.createSocket(...args);
  s.bind(0, s.constructor && (args[0] as { type?: string }).type === 'udp6' ? '::1' : '127.0.0.1');
  await once(s, 'listening');
  return s;
}
const four = (d: Dgram): Promise<Socket> => bound(d, { type: 'udp4' });
const six = (d: Dgram): Promise<Socket> => bound(d, { type: 'udp6' });
const end = async (...sockets: Socket[]): Promise<void> => {
  for (const s of sockets) {
    s.close();
    await once(s, 'close');
  }
};

/** Programs that must say the same on Node's dgram and on lastack's. */
export const PROGRAMS: Record<string, (d: Dgram, say: Say) => Promise<void>> = {
  async 'a message and its rinfo'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    a.send('hello', b.address().port, '127.0.0.1', (e, n) => say('sent', e, n));
    const [m, r] = await once(b, 'message');
    say(m.toString(), Buffer.isBuffer(m), r.address, r.family, r.size, r.port === a.address().port);
    await end(a, b);
  },
  async IPv6(d, say) {
    const [a, b] = [await six(d), await six(d)];
    a.send('hello', b.address().port, '::1');
    const [m, r] = await once(b, 'message');
    say(m.toString(), r.address, r.family, b.address().address, b.address().family);
    await end(a, b);
  },
  async 'the overloads of send'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    const port = b.address().port;
    const got: string[] = [];
    b.on('message', m => got.push(m.toString()));
    a.send(Buffer.from('one'), port);
    a.send('two', port, '127.0.0.1');
    a.send(Buffer.from('xthreex'), 1, 5, port);
    a.send('xfourx', 1, 4, port, '127.0.0.1');
    a.send(['f', Buffer.from('iv'), new Uint8Array([101])], port);
    a.send(new DataView(new TextEncoder().encode('six').buffer), port, () => say('called'));
    a.send([], port);
    a.send('', port);
    while (got.length < 8) await pause(2);
    say(...got);
    await end(a, b);
  },
  async 'a socket binds itself when it sends'(d, say) {
    const b = await four(d);
    const a = d.createSocket('udp4');
    a.on('listening', () => say('listening', a.address().address, a.address().port > 0));
    a.send('first', b.address().port, 'localhost', e => say('sent', e));
    const [m] = await once(b, 'message');
    say(m.toString());
    await end(a, b);
  },
  async 'names are looked up, and what is not found is an error'(d, say) {
    const lookup = (name: string, family: unknown, cb: (...a: unknown[]) => void): void => {
      say('lookup', name, family);
      if (name === 'good' || name === '0.0.0.0') process.nextTick(cb, null, '127.0.0.1', 4);
      else process.nextTick(cb, Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
    };
    const b = await four(d);
    const a = d.createSocket({ type: 'udp4', lookup: lookup as never });
    await new Promise<void>(done => a.send('x', b.address().port, 'good', e => void done(say('sent', e))));
    await new Promise<void>(done =>
      a.send('x', b.address().port, 'bad', e => void done(say('sent', error(e)))),
    );
    a.send('x', b.address().port, 'bad');
    const [e] = await once(a, 'error');
    say(error(e));
    await end(a, b);
  },
  async 'connect, remoteAddress, disconnect'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    attempt(say, 'before', () => a.remoteAddress());
    const port = b.address().port;
    a.connect(port, '127.0.0.1', () => say('callback'));
    await once(a, 'connect');
    const r = a.remoteAddress();
    say(r.address, r.family, r.port === port);
    a.send('to the peer', e => say('sent', e));
    const [m] = await once(b, 'message');
    say(m.toString());
    attempt(say, 'with a port', () => a.send('x', port));
    attempt(say, 'with offset', () => a.send(Buffer.from('abc'), 1, 1));
    attempt(say, 'again', () => a.connect(port));
    a.disconnect();
    attempt(say, 'after', () => a.remoteAddress());
    attempt(say, 'disconnect', () => a.disconnect());
    await end(a, b);
  },
  async 'a connected socket hears its peer only'(d, say) {
    const [a, b, c] = [await four(d), await four(d), await four(d)];
    a.connect(b.address().port, '127.0.0.1');
    await once(a, 'connect');
    a.on('message', m => say(m.toString()));
    c.send('from a stranger', a.address().port, '127.0.0.1');
    b.send('from the peer', a.address().port, '127.0.0.1');
    await pause(50);
    await end(a, b, c);
  },
  async 'connect without bind binds'(d, say) {
    const b = await four(d);
    const a = d.createSocket('udp4');
    a.on('listening', () => say('listening'));
    a.connect(b.address().port);
    await once(a, 'connect');
    say(a.address().address, a.remoteAddress().address);
    a.send('x');
    say((await once(b, 'message'))[0].toString());
    await end(a, b);
  },
  async 'nobody listens: a connected socket is told'(d, say) {
    const b = await four(d);
    const port = b.address().port;
    await end(b);
    const a = d.createSocket('udp4');
    a.connect(port, '127.0.0.1');
    await once(a, 'connect');
    a.send('x');
    const [e] = await once(a, 'error');
    say(error(e));
    await end(a);
  },
  async 'nobody listens: an unconnected socket is not told'(d, say) {
    const b = await four(d);
    const port = b.address().port;
    await end(b);
    const a = await four(d);
    a.on('error', e => say('error', error(e)));
    a.send('x', port, '127.0.0.1', e => say('sent', e));
    await pause(50);
    await end(a);
  },
  async 'an address in use'(d, say) {
    const a = await four(d);
    const b = d.createSocket('udp4');
    b.bind(a.address().port, '127.0.0.1', () => say('never'));
    const [e] = await once(b, 'error');
    say(error(e), (e as { port?: number }).port === a.address().port);
    const c = d.createSocket({ type: 'udp4', reuseAddr: true });
    const f = d.createSocket({ type: 'udp4', reuseAddr: true });
    c.bind(0, '127.0.0.1');
    await once(c, 'listening');
    f.bind(c.address().port, '127.0.0.1');
    await once(f, 'listening');
    say('shared', f.address().port === c.address().port);
    await end(a, b, c, f);
  },
  async 'an address that is not here, and one of the other family'(d, say) {
    const a = d.createSocket('udp4');
    a.bind(0, '192.0.2.1');
    say(error((await once(a, 'error'))[0]));
    a.bind(0, '127.0.0.1');
    await once(a, 'listening');
    const b = d.createSocket('udp6');
    b.bind(0, '127.0.0.1');
    say(error((await once(b, 'error'))[0]));
    await end(a, b);
  },
  async 'the forms of bind'(d, say) {
    const forms: unknown[][] = [
      [],
      [0],
      [undefined],
      [{ port: 0 }],
      [{ address: '127.0.0.1' }],
      [null],
      [() => {}],
    ];
    for (const args of forms) {
      const s = d.createSocket('udp4');
      say((s.bind as (...a: unknown[]) => Socket)(...args) === s);
      await once(s, 'listening');
      say(s.address().address, s.address().family);
      await end(s);
    }
    const s = d.createSocket('udp6');
    s.bind();
    await once(s, 'listening');
    say(s.address().address);
    await end(s);
  },
  async 'the callback of bind, and binding twice'(d, say) {
    const s = d.createSocket('udp4');
    s.on('error', e => say('error', error(e)));
    s.bind(0, '127.0.0.1', function (this: Socket) {
      say('bound', this === s);
    });
    attempt(say, 'while it binds', () => void s.bind(0));
    await once(s, 'listening');
    attempt(say, 'once it is bound', () => void s.bind(0));
    await end(s);
  },
  async 'what is wrong with createSocket'(d, say) {
    for (const type of ['tcp', '', 4, null, undefined, {}, { type: 'udp5' }])
      attempt(say, JSON.stringify(type) ?? 'undefined', () => d.createSocket(type as never));
    attempt(say, 'lookup', () => d.createSocket({ type: 'udp4', lookup: 5 as never }));
    attempt(say, 'signal', () => d.createSocket({ type: 'udp4', signal: 5 as never }));
  },
  async 'what is wrong with send and connect'(d, say) {
    const s = await four(d);
    const send = s.send.bind(s) as (...a: unknown[]) => unknown;
    for (const args of [
      [5, 1],
      [null, 1],
      [[5], 1],
      ['x'],
      ['x', 0],
      ['x', -1],
      ['x', 65536],
      ['x', 'abc'],
      ['x', 1, 5],
      [Buffer.from('abc'), 4, 1, 1],
      [Buffer.from('abc'), 1, 3, 1],
      [Buffer.from('abc'), 0, 1, 0],
    ])
      attempt(say, JSON.stringify(args), () => send(...args));
    for (const args of [[0], [70000], ['x'], [undefined], [1, 5]])
      attempt(say, `connect ${JSON.stringify(args)}`, () =>
        (s.connect as (...a: unknown[]) => void)(...args),
      );
    await end(s);
  },
  async 'everything after close'(d, say) {
    const s = await four(d);
    s.on('close', () => say('close'));
    say(s.close(() => say('callback')) === s);
    await once(s, 'close');
    attempt(say, 'close', () => s.close());
    attempt(say, 'send', () => s.send('x', 1));
    attempt(say, 'bind', () => s.bind());
    attempt(say, 'address', () => s.address());
    attempt(say, 'ref', () => s.ref() === s);
    attempt(say, 'unref', () => s.unref() === s);
  },
  async 'close while it binds'(d, say) {
    const s = d.createSocket('udp4');
    s.on('listening', () => say('listening'));
    s.bind(0, '127.0.0.1');
    s.close();
    await once(s, 'close');
    say('closed');
  },
  async 'close behind a send that waits for the bind'(d, say) {
    const b = await four(d);
    const a = d.createSocket('udp4');
    a.send('last words', b.address().port, '127.0.0.1', e => say('sent', e));
    a.close(() => say('closed'));
    const won = await Promise.race([once(b, 'message').then(([m]) => m.toString()), pause(200, 'nothing')]);
    say(won);
    await end(b);
  },
  async 'options before and after bind'(d, say) {
    const s = d.createSocket('udp4');
    attempt(say, 'address', () => s.address());
    attempt(say, 'ttl', () => s.setTTL(9));
    attempt(say, 'broadcast', () => s.setBroadcast(true));
    attempt(say, 'multicast ttl', () => s.setMulticastTTL(9));
    s.bind(0, '127.0.0.1');
    await once(s, 'listening');
    for (const ttl of [1, 255, 0, 256, -1]) attempt(say, `ttl ${ttl}`, () => s.setTTL(ttl));
    for (const ttl of [0, 1, 255, 256]) attempt(say, `multicast ${ttl}`, () => s.setMulticastTTL(ttl));
    attempt(say, 'ttl of text', () => s.setTTL('9' as never));
    attempt(say, 'broadcast', () => s.setBroadcast(true));
    attempt(say, 'membership of nothing', () => s.addMembership(''));
    await end(s);
  },
  async 'buffer sizes'(d, say) {
    const s = d.createSocket({ type: 'udp4', recvBufferSize: 8192, sendBufferSize: 16384 });
    s.bind(0, '127.0.0.1');
    await once(s, 'listening');
    say(s.getRecvBufferSize(), s.getSendBufferSize(), s.getSendQueueSize(), s.getSendQueueCount());
    s.setRecvBufferSize(10_000);
    s.setSendBufferSize(20_000);
    say(s.getRecvBufferSize(), s.getSendBufferSize());
    attempt(say, 'negative', () => s.setRecvBufferSize(-1));
    attempt(say, 'text', () => s.setSendBufferSize('x' as never));
    await end(s);
  },
  async 'an AbortSignal'(d, say) {
    const c = new AbortController();
    const s = d.createSocket({ type: 'udp4', signal: c.signal });
    s.bind(0, '127.0.0.1');
    await once(s, 'listening');
    c.abort();
    await once(s, 'close');
    say('closed');
    const t = d.createSocket({ type: 'udp4', signal: AbortSignal.abort() });
    await once(t, 'close');
    attempt(say, 'address', () => t.address());
  },
  async 'a message that is too big'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    const send = (n: number) =>
      new Promise<void>(done =>
        a.send(Buffer.alloc(n), b.address().port, '127.0.0.1', (e, sent) => {
          say(n, e === null ? sent : error(e));
          done();
        }),
      );
    await send(65507);
    say((await once(b, 'message'))[0].length);
    await send(65508);
    await end(a, b);
  },
  async 'many messages stay in order'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    const got: number[] = [];
    b.on('message', m => got.push(m.readUInt16BE()));
    for (let i = 0; i < 200; i++) a.send(Buffer.from([i >> 8, i & 255]), b.address().port, '127.0.0.1');
    while (got.length < 200) await pause(2);
    say(got.every((n, i) => n === i));
    await end(a, b);
  },
  async 'the buffer may be changed behind send'(d, say) {
    const [a, b] = [await four(d), await four(d)];
    const bytes = Buffer.from('before');
    a.send(bytes, b.address().port, '127.0.0.1', () => bytes.fill(0x78));
    say((await once(b, 'message'))[0].toString());
    await end(a, b);
  },
  async 'a listener of createSocket, and answers to rinfo'(d, say) {
    const b = d.createSocket('udp4', (m, r) => b.send(`re: ${m}`, r.port, r.address));
    b.bind(0, '127.0.0.1');
    await once(b, 'listening');
    const a = await four(d);
    a.send('question', b.address().port, '127.0.0.1');
    say((await once(a, 'message'))[0].toString());
    await end(a, b);
  },
  async 'an IPv6 socket hears IPv4, unless ipv6Only'(d, say) {
    const b = d.createSocket('udp6');
    b.bind(0);
    await once(b, 'listening');
    const a = await four(d);
    a.send('x', b.address().port, '127.0.0.1');
    const [, r] = await once(b, 'message');
    say(r.address, r.family);
    const only = d.createSocket({ type: 'udp6', ipv6Only: true });
    only.bind(0);
    await once(only, 'listening');
    only.on('message', () => say('never'));
    a.send('x', only.address().port, '127.0.0.1');
    await pause(30);
    await end(a, b, only);
  },
};
