import { expect, test } from 'vitest';
import { IPPROTO_TCP, MSG_MORE, TCP_CORK, TCP_NODELAY } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

test('MUST-60: what is written is sent without waiting for more, if nothing is outstanding', () => {
  const c = new Lab().accepted();
  c.send('a');
  expect(c.lines()).toEqual(['P. 1:2(1) ack 1']);
});

test('MUST-60: what an application holds back with MSG_MORE or a cork leaves after 200 ms', () => {
  const c = new Lab().accepted();
  c.send('a', MSG_MORE);
  expect(c.heard()).toEqual([]);
  c.lab.run(0.25);
  expect(c.heard().map(h => h.data.length)).toEqual([1]);
  c.say('.');
  c.set(IPPROTO_TCP, TCP_CORK, 1);
  c.send('b');
  expect(c.heard()).toEqual([]);
  c.lab.run(0.25);
  expect(c.heard().map(h => h.data.length)).toEqual([1]);
});

test('MUST-61: the last segment of what is queued has PSH', () => {
  const c = new Lab().accepted({ mss: 1000 });
  for (const n of [1, 999, 1000, 1001, 2500, 7000]) {
    c.send(n);
    const sent = c.drain().filter(h => h.data.length > 0);
    expect(sent.at(-1)?.flags, `${n} bytes`).toBe('P.');
  }
});

test('SHLD-27: writes that share a segment share one PSH', () => {
  const c = new Lab().accepted();
  c.send('a');
  for (let i = 0; i < 10; i++) c.send('bc');
  c.heard();
  c.say('.');
  expect(c.lines()).toEqual(['P. 2:22(20) ack 1']);
});

test('SHLD-28: segments are as large as the peer takes them', () => {
  const c = new Lab().accepted({ mss: 1000 });
  for (let i = 0; i < 100; i++) c.send(100);
  const sent = c.drain().filter(h => h.data.length > 0);
  const full = sent.filter(h => h.data.length === 1000).length;
  expect(sent.reduce((n, h) => n + h.data.length, 0)).toBe(10_000);
  expect(full).toBeGreaterThanOrEqual(9);
});

test('MAY-15: a write without MSG_MORE pushes, one with it does not', () => {
  const c = new Lab().accepted({ mss: 1000 });
  c.set(IPPROTO_TCP, TCP_NODELAY, 1);
  c.send(1500, MSG_MORE);
  expect(c.heard().map(h => [h.flags, h.data.length])).toEqual([['.', 1000]]);
  c.send(100);
  expect(c.heard().map(h => [h.flags, h.data.length])).toEqual([['P.', 600]]);
});

test('MAY-16: what is written with MSG_MORE is gathered', () => {
  const c = new Lab().accepted({ mss: 1000 });
  for (let i = 0; i < 9; i++) c.send(100, MSG_MORE);
  expect(c.heard()).toEqual([]);
  c.send(100);
  expect(c.heard().map(h => h.data.length)).toEqual([1000]);
});
