import { expect, test } from 'vitest';
import { EINVAL } from '../../src/base/errno.ts';
import { MSG_OOB, POLLPRI, SIOCATMARK, SO_OOBINLINE, SOL_SOCKET } from '../../src/socket/constants.ts';
import { fill, Lab } from './kit.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

test('MUST-30, MUST-62: urgent data is sent with a pointer to the octet behind it', () => {
  const c = new Lab().accepted();
  c.send('abc', MSG_OOB);
  expect(c.take()).toMatchObject({ flags: 'PU.', seq: 1, urgent: 3, data: text('abc') });
  c.say('.');
  c.send('plain');
  expect(c.take()).toMatchObject({ flags: 'P.', urgent: 0 });
});

test('MUST-30, MUST-62: the octet before the pointer is the urgent one that arrives', () => {
  const c = new Lab().accepted();
  c.say('PU.', { data: 'abc', urgent: 3 });
  expect(c.recv(10, MSG_OOB)).toEqual(text('c'));
  expect(c.recv(10)).toEqual(text('ab'));
  expect(c.recv(10, MSG_OOB)).toBe(-EINVAL);
});

test('MUST-30: in line it stays in the stream', () => {
  const c = new Lab().accepted();
  c.set(SOL_SOCKET, SO_OOBINLINE, 1);
  c.say('PU.', { data: 'abc', urgent: 3 });
  expect(c.recv(10)).toEqual(text('ab'));
  expect(c.recv(10)).toEqual(text('c'));
});

test('MUST-31: a long stretch is sent whole, and its segments point to its end', () => {
  const c = new Lab().accepted();
  expect(c.send(30_000, MSG_OOB)).toBe(30_000);
  const sent = c.drain().filter(h => h.data.length > 0);
  expect(sent.reduce((n, h) => n + h.data.length, 0)).toBe(30_000);
  const urgent = sent.filter(h => h.flags.includes('U'));
  expect(urgent.length).toBeGreaterThan(10);
  for (const h of urgent) expect(h.seq + h.urgent).toBe(30_001);
});

test('MUST-31: one announced far ahead of its data is read up to its mark', () => {
  const c = new Lab().accepted();
  for (let at = 0; at < 20_000; at += 1000) {
    c.say('PU.', { data: 1000, urgent: 20_000 - at });
    c.heard();
  }
  expect(c.recv(10, MSG_OOB)).toEqual(fill(1, 19_999));
  const read = c.readAll();
  expect(read).toEqual(fill(19_999));
});

test('MUST-32: the application is told when an urgent pointer comes, before its data does', () => {
  const c = new Lab().accepted();
  expect(c.poll() & POLLPRI).toBe(0);
  c.say('U.', { urgent: 1 });
  expect(c.poll() & POLLPRI).toBe(POLLPRI);
});

test('MUST-32: and again when it moves forward', () => {
  const c = new Lab().accepted();
  c.say('PU.', { data: 'a', urgent: 1 });
  c.recv(1, MSG_OOB);
  c.readAll();
  expect(c.poll() & POLLPRI).toBe(0);
  c.say('PU.', { data: 'b', urgent: 1 });
  expect(c.poll() & POLLPRI).toBe(POLLPRI);
});

test('MUST-33: SIOCATMARK says whether the urgent octet comes next', () => {
  const c = new Lab().accepted();
  c.say('PU.', { data: 'abc', urgent: 2 });
  expect(c.ioctl(SIOCATMARK)).toBe(0);
  expect(c.recv(10)).toEqual(text('a'));
  expect(c.ioctl(SIOCATMARK)).toBe(1);
  expect(c.recv(10)).toEqual(text('c'));
  expect(c.ioctl(SIOCATMARK)).toBe(0);
});

test('with tcp_stdurg the pointer points at the octet itself', () => {
  const c = new Lab({ sysctl: { tcp_stdurg: 1 } }).accepted();
  c.say('PU.', { data: 'abc', urgent: 2 });
  expect(c.recv(10, MSG_OOB)).toEqual(text('c'));
});

test.each([0, 1, 5, 0xffff])('an urgent pointer of %i on a short segment loses no data', urgent => {
  const c = new Lab().accepted();
  c.say('PU.', { data: 'abcd', urgent });
  c.heard();
  c.say('P.', { data: 'efgh' });
  const oob = c.recv(1, MSG_OOB);
  const first = c.readAll();
  const total = first.length + (typeof oob === 'number' ? 0 : oob.length);
  expect(total).toBe(8);
  expect(c.state()).toBe('ESTABLISHED');
});
