import { describe, expect, test } from 'vitest';
import {
  EAGAIN,
  ECONNRESET,
  EFAULT,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOTCONN,
  EPIPE,
} from '../../src/base/errno.ts';
import {
  IPPROTO_TCP,
  SHUT_RDWR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_MAXSEG,
} from '../../src/socket/constants.ts';
import { alive, fill, footprint, Lab, text } from './kit.ts';

test('attack 70: bad pointers and lengths: an errno, and the connection is none the worse', () => {
  const c = new Lab().accepted();
  const { lab, fd } = c;
  const bytes = new Uint8Array(8);
  expect(lab.call(s => s.send(fd, null, 0, 0, 10))).toBe(-EFAULT);
  expect(lab.call(s => s.send(fd, bytes, 0, 4, 100))).toBe(-EFAULT);
  expect(lab.call(s => s.send(fd, bytes, 0, 0, -5))).toBeLessThan(0);
  expect(lab.call(s => s.writev(fd, []))).toBe(0);
  const many = Array.from({ length: 1025 }, () => ({ bytes, length: 1 }));
  expect(lab.call(s => s.writev(fd, many))).toBe(-EINVAL);
  expect(lab.call(s => s.sendmsg(fd, { iov: many }, 0))).toBe(-EMSGSIZE);
  expect(lab.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, new Uint8Array(1))).toBe(-EINVAL);
  expect(lab.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Uint8Array(4))).toBe(-EINVAL);
  c.say('P.', { data: 'kept' });
  expect(lab.call(s => s.recv(fd, null, 0, 0, 10))).toBe(-EFAULT);
  expect(text(c.recv(10))).toBe('kept');
  expect(
    c
      .drain()
      .map(h => h.data.length)
      .every(n => n === 0),
  ).toBe(true);
  alive(c);
});

test('attack 71: TCP_MAXSEG takes 88 to 32767, or 0 for unset; nothing is divided by it', () => {
  const lab = new Lab();
  const fd = lab.socket();
  for (const bad of [1, 2, 40, 87, 32_768, 65_536, -1]) {
    expect(lab.setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, bad), String(bad)).toBe(-EINVAL);
  }
  for (const good of [88, 32_767, 0]) expect(lab.setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, good)).toBe(0);
  const c = lab.accepted();
  c.set(IPPROTO_TCP, TCP_MAXSEG, 88);
  c.feed(20_000);
  expect(c.drain().reduce((n, h) => n + h.data.length, 0)).toBe(20_000);
});

describe('attack 72: calls in the wrong order', () => {
  test('attack 72: listen or connect on a connected socket, connect after shutdown', () => {
    const c = new Lab().accepted();
    const { lab, fd } = c;
    expect(lab.call(s => s.listen(fd, 5))).toBe(-EINVAL);
    expect(lab.connect(fd, lab.peerAddress, 7)).toBe(-EISCONN);
    expect(lab.call(s => s.accept(fd))).toBe(-EINVAL);
    alive(c);
    expect(c.shutdown(SHUT_RDWR)).toBe(0);
    expect(lab.connect(fd, lab.peerAddress, 7)).toBeLessThan(0);
    expect(lab.call(s => s.listen(fd, 5))).toBe(-EINVAL);
    c.drain();
    expect(c.send('x')).toBe(-EPIPE);
  });

  test('attack 72: connect(AF_UNSPEC) on a listener with children: they are reset, nothing is shared or left', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const child = lab.accepted();
    const queued = lab.peer();
    queued.knock();
    queued.take();
    queued.say('.');
    const half = lab.peer();
    half.knock();
    half.take();
    expect(lab.call(s => s.connect(listener, null))).toBe(0);
    expect(queued.heard().map(h => h.flags)).toEqual(['R.']);
    half.say('.', { seq: 1 });
    expect(half.heard().map(h => h.flags)).toEqual(['R']);
    alive(child);
    expect(footprint(lab)).toMatchObject({ connections: 1, requests: 0 });
    expect(lab.call(s => s.accept(listener))).toBe(-EINVAL);
    expect(lab.call(s => s.listen(listener, 3))).toBe(0);
    const again = lab.accepted();
    expect(lab.call(s => s.connect(again.fd, null))).toBe(0);
    expect(again.heard().map(h => h.flags)).toEqual(['R.']);
    expect(again.recv(1)).toBeLessThanOrEqual(0);
  });

  test('attack 72: calls on descriptors that were never connected', () => {
    const lab = new Lab();
    const fd = lab.socket();
    expect(lab.call(s => s.accept(fd))).toBe(-EINVAL);
    expect(lab.call(s => s.recv(fd, new Uint8Array(1)))).toBe(-ENOTCONN);
    expect(lab.call(s => s.shutdown(fd, SHUT_RDWR))).toBe(-ENOTCONN);
    expect(lab.call(s => s.send(fd, fill(1)))).toBe(-EPIPE);
    expect(lab.close(fd)).toBe(0);
    expect(footprint(lab)).toMatchObject({ connections: 0, timers: 0, blocks: 0 });
  });
});

describe('attack 73: closes that reset', () => {
  const gone = { connections: 0, requests: 0, rows: 0, timers: 0, blocks: 0 };

  test('attack 73: SO_LINGER 0 resets, unsent data or not', () => {
    for (const data of [0, 100, 100_000]) {
      const c = new Lab().accepted();
      if (data > 0) c.send(data);
      c.heard();
      c.set(SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
      c.close();
      expect(c.heard().map(h => h.flags)).toEqual(['R.']);
      expect(footprint(c.lab)).toEqual(gone);
    }
  });

  test('attack 73: close with unread data resets', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 'unread' });
    c.heard();
    c.close();
    expect(c.heard().map(h => h.flags)).toEqual(['R.']);
    expect(footprint(c.lab)).toEqual(gone);
  });

  test('attack 73: a reset before accept() does not disturb it', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock();
    c.take();
    c.say('.');
    c.say('R');
    c.fd = lab.accept(listener);
    expect(c.fd).toBeGreaterThan(0);
    expect(c.recv(1)).toBe(-ECONNRESET);
    expect(c.recv(1)).toHaveLength(0);
    expect(lab.accept(listener)).toBe(-EAGAIN);
    c.close();
    expect(footprint(lab)).toEqual(gone);
  });
});
