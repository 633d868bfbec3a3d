import { afterAll, expect, test } from 'vitest';
import { BsdHost, SHUT_WR, SOCK_DGRAM, SocketError } from '../../src/api/bsd.ts';
import {
  AF_INET,
  MSG_DONTWAIT,
  POLLIN,
  SO_RCVLOWAT,
  SO_RCVTIMEO,
  SOL_SOCKET,
  SOL_TCP,
  TCP_LINGER2,
} from '../../src/socket/constants.ts';
import type { Pending } from '../../src/socket/pending.ts';
import { type Host, TwoHosts } from './two-hosts.ts';

/** Drives two stacks in virtual time whenever the microtasks have run dry. */
function world() {
  const w = new TwoHosts();
  const waiting = new Map<Pending, (n: number) => void>();
  const on = (h: Host) =>
    new BsdHost({
      enter: () => h.os,
      wait: p => (p.done ? Promise.resolve(p.result) : new Promise(r => waiting.set(p, r))),
    });
  const timer = setInterval(() => {
    w.run(10);
    for (const h of [w.a, w.b]) {
      for (const p of h.done.splice(0)) {
        waiting.get(p)?.(p.result);
        waiting.delete(p);
      }
    }
  }, 0);
  afterAll(() => clearInterval(timer));
  return { a: on(w.a), b: on(w.b) };
}

test('an echo server and its client, in await', async () => {
  const { a, b } = world();
  const l = b.serve('10.9.0.2', 7);
  const server = (async () => {
    const fd = await b.accept(l);
    for await (const chunk of b.stream(fd)) await b.send(fd, chunk);
    await b.close(fd);
  })();
  const fd = await a.open('10.9.0.2', 7);
  const big = new Uint8Array(300_000).map((_, i) => i);
  const sent = a.send(fd, big).then(() => a.shutdown(fd, SHUT_WR));
  const back: number[] = [];
  for await (const chunk of a.stream(fd)) for (const x of chunk) back.push(x);
  await Promise.all([sent, server]);
  expect(Uint8Array.from(back)).toEqual(big);
  await a.close(fd);
});

test('recv takes as much memory as has come, and no more than was asked for', async () => {
  const { a, b } = world();
  const l = b.serve('10.9.0.2', 7);
  const fd = await a.open('10.9.0.2', 7);
  const peer = await b.accept(l);
  const early = b.recv(peer);
  await a.send(fd, 'hello');
  const first = await early;
  expect([new TextDecoder().decode(first), first.buffer.byteLength]).toEqual(['hello', 5]);
  await a.send(fd, 'abcdefgh');
  a.shutdown(fd, SHUT_WR);
  const parts: string[] = [];
  for await (const chunk of b.stream(peer, 3)) parts.push(new TextDecoder().decode(chunk));
  expect(parts).toEqual(['abc', 'def', 'gh']);
  expect(await b.recv(peer)).toEqual(new Uint8Array(0));
  await expect(b.recv(99)).rejects.toMatchObject({ code: 'EBADF' });
  await b.close(peer);
});

test('recv gives up after SO_RCVTIMEO, and waits for SO_RCVLOWAT bytes', async () => {
  const { a, b } = world();
  const l = b.serve('10.9.0.2', 7);
  const fd = await a.open('10.9.0.2', 7);
  const peer = await b.accept(l);
  b.setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, { sec: 0, usec: 50_000 });
  await expect(b.recv(peer)).rejects.toMatchObject({ code: 'EAGAIN' });
  b.setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, { sec: 0, usec: 0 });
  b.setsockopt(peer, SOL_SOCKET, SO_RCVLOWAT, 6);
  const six = b.recv(peer);
  await a.send(fd, 'abc');
  await a.send(fd, 'def');
  expect(new TextDecoder().decode(await six)).toBe('abcdef');
});

test('failures are errors with code, errno and syscall', async () => {
  const { a } = world();
  const refused = await a.open('10.9.0.2', 9).catch((e: unknown) => e);
  expect(refused).toBeInstanceOf(SocketError);
  expect(refused).toMatchObject({ code: 'ECONNREFUSED', errno: 111, syscall: 'connect' });
  expect((refused as Error).message).toContain('10.9.0.2 port 9');
  expect(() => a.bind(99, '10.9.0.1', 1)).toThrow('EBADF');
  expect(() => a.bind(99, 'nonsense', 1)).toThrow(TypeError);
  const s = a.socket();
  await expect(a.recv(s, 1, MSG_DONTWAIT)).rejects.toMatchObject({ code: 'ENOTCONN' });
  expect(() => a.getpeername(s)).toThrow('ENOTCONN');
  a.setsockopt(s, SOL_TCP, TCP_LINGER2, -1);
  expect(a.getsockopt(s, SOL_TCP, TCP_LINGER2)).toBe(-1);
});

test('datagrams and poll', async () => {
  const { a, b } = world();
  const s = b.socket(AF_INET, SOCK_DGRAM);
  b.bind(s, '10.9.0.2', 53);
  const c = a.socket(AF_INET, SOCK_DGRAM);
  await a.sendto(c, 'question', '10.9.0.2', 53);
  expect(await b.poll([{ fd: s, events: POLLIN, revents: 0 }])).toBe(1);
  const q = await b.recvfrom(s);
  expect([new TextDecoder().decode(q.bytes), String(q.address)]).toEqual(['question', '10.9.0.1']);
  await b.sendto(s, 'answer', q.address!, q.port);
  expect((await a.recv(c)).length).toBe(6);
  expect(await a.poll([{ fd: c, events: POLLIN, revents: 0 }], 5)).toBe(0);
});
