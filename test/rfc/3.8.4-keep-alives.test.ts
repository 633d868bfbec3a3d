import { expect, test } from 'vitest';
import { ETIMEDOUT } from '../../src/base/errno.ts';
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
} from '../../src/socket/constants.ts';
import { type Conn, Lab } from './kit.ts';

function keep(c: Conn, idle: number, interval: number, count: number): void {
  c.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  c.set(IPPROTO_TCP, TCP_KEEPIDLE, idle);
  c.set(IPPROTO_TCP, TCP_KEEPINTVL, interval);
  c.set(IPPROTO_TCP, TCP_KEEPCNT, count);
}

test('MAY-5, MUST-24: keep-alives exist and are switched for each connection', () => {
  const lab = new Lab();
  const c = lab.accepted();
  const other = lab.accepted();
  keep(c, 10, 1, 3);
  lab.run(10.5);
  expect(c.heard()).toHaveLength(1);
  expect(other.heard()).toEqual([]);
  c.say('.');
  c.set(SOL_SOCKET, SO_KEEPALIVE, 0);
  lab.run(100);
  expect(c.heard()).toEqual([]);
});

test('MUST-25: they are off unless asked for', () => {
  const c = new Lab().accepted();
  expect(c.get(SOL_SOCKET, SO_KEEPALIVE)).toBe(0);
  c.lab.run(100_000);
  expect(c.heard()).toEqual([]);
  expect(c.state()).toBe('ESTABLISHED');
});

test('MUST-26: none is sent while something is unacknowledged', () => {
  const c = new Lab().accepted();
  keep(c, 10, 1, 3);
  c.send('x');
  c.lab.run(60);
  expect(c.heard().every(h => h.data.length === 1)).toBe(true);
  expect(c.state()).toBe('ESTABLISHED');
});

test('MUST-26: whatever is received starts the interval anew', () => {
  const c = new Lab().accepted();
  keep(c, 10, 1, 3);
  for (let i = 0; i < 10; i++) {
    c.lab.run(9);
    expect(c.heard().filter(h => h.seq === 0)).toEqual([]);
    c.say('P.', { data: 'x' });
    c.heard();
  }
  c.lab.run(10.1);
  expect(c.heard().filter(h => h.seq === 0)).toHaveLength(1);
});

test('MUST-27: the idle time is what TCP_KEEPIDLE or tcp_keepalive_time says', () => {
  const c = new Lab().accepted();
  keep(c, 100, 1, 3);
  c.lab.run(99.9);
  expect(c.heard()).toEqual([]);
  c.lab.run(0.2);
  expect(c.heard()).toHaveLength(1);

  const d = new Lab({ sysctl: { tcp_keepalive_time: 30 } }).accepted();
  d.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  d.lab.run(29.9);
  expect(d.heard()).toEqual([]);
  d.lab.run(0.2);
  expect(d.heard()).toHaveLength(1);
});

test('MUST-28: by default it is two hours', () => {
  const c = new Lab().accepted();
  c.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  expect(c.get(IPPROTO_TCP, TCP_KEEPIDLE)).toBe(7200);
  c.lab.run(7199.9);
  expect(c.heard()).toEqual([]);
  c.lab.run(0.2);
  expect(c.heard()).toHaveLength(1);
});

test('MUST-29: one probe without an answer is not the end', () => {
  const c = new Lab().accepted();
  keep(c, 10, 5, 4);
  c.lab.run(26);
  expect(c.heard()).toHaveLength(4);
  expect(c.state()).toBe('ESTABLISHED');
  c.say('.');
  c.lab.run(9.9);
  expect(c.heard()).toEqual([]);
  expect(c.state()).toBe('ESTABLISHED');
});

test('MUST-29: all of them without an answer are', () => {
  const c = new Lab().accepted();
  keep(c, 10, 5, 4);
  c.lab.run(31);
  expect(c.state()).toBe('CLOSED');
  expect(c.recv(1)).toBe(-ETIMEDOUT);
});

test('SHLD-12: a probe carries no data and lies one octet to the left of what is next', () => {
  const c = new Lab().accepted();
  c.send('abc');
  c.heard();
  c.say('.');
  keep(c, 10, 1, 3);
  c.lab.run(10.5);
  expect(c.lines()).toEqual(['. 3:3(0) ack 1']);
});

test('our answer to a probe keeps the peer content, with or without its octet of garbage', () => {
  const c = new Lab().accepted();
  c.say('P.', { data: 'abc' });
  c.lab.run(1);
  c.heard();
  c.say('.', { seq: 3 });
  expect(c.lines()).toEqual(['. 1:1(0) ack 4']);
  c.lab.run(1);
  c.say('.', { seq: 3, data: '?' });
  expect(c.lines()).toEqual(['. 1:1(0) ack 4']);
  expect(c.readAll()).toEqual(new TextEncoder().encode('abc'));
});
