import { expect, test } from 'vitest';
import { EPIPE, ETIMEDOUT } from '../../src/base/errno.ts';
import { IPPROTO_TCP, TCP_SYNCNT, TCP_USER_TIMEOUT } from '../../src/socket/constants.ts';
import { Lab } from './kit.ts';

/** Seconds until the state is CLOSED, looked at every tenth of a second. */
function lifetime(c: ReturnType<Lab['accepted']>, most: number): number {
  const from = c.lab.now;
  while (c.state() !== 'CLOSED') {
    if (c.lab.now - from > most) return Number.POSITIVE_INFINITY;
    c.lab.run(0.1);
  }
  return c.lab.now - from;
}

test('MUST-20: a peer that acknowledges nothing any more ends the connection at R2', () => {
  const c = new Lab().accepted();
  c.send('x');
  const seconds = lifetime(c, 2000);
  expect(seconds).toBeLessThan(2000);
  expect(c.recv(1)).toBe(-ETIMEDOUT);
  expect(c.send('y')).toBe(-EPIPE);
  c.heard();
  c.lab.run(1000);
  expect(c.lines()).toEqual([]);
});

test('MUST-20, SHLD-10: R1 stands at three retransmissions, below R2', () => {
  const { values } = new Lab().host.stack.sysctl;
  expect(values.tcp_retries1).toBeGreaterThanOrEqual(3);
  expect(values.tcp_retries1).toBeLessThan(values.tcp_retries2);
});

test('MUST-20: nothing but an acknowledgement of something new moves the limit', () => {
  const c = new Lab({ sysctl: { tcp_retries2: 5 } }).accepted();
  c.send('x');
  for (let i = 0; i < 400 && c.state() === 'ESTABLISHED'; i++) {
    c.lab.run(0.1);
    c.say('.', { ack: 1 });
  }
  expect(c.state()).toBe('CLOSED');
});

test('SHLD-11: R2 is at least 100 seconds', () => {
  const c = new Lab().accepted();
  c.send('x');
  expect(lifetime(c, 2000)).toBeGreaterThan(100);
});

test.each([5000, 30_000])('MUST-21: TCP_USER_TIMEOUT sets R2 of one connection to %i ms', ms => {
  const lab = new Lab();
  const c = lab.accepted();
  const other = lab.accepted();
  c.set(IPPROTO_TCP, TCP_USER_TIMEOUT, ms);
  c.send('x');
  other.send('x');
  const seconds = lifetime(c, 100);
  expect(seconds).toBeGreaterThanOrEqual(ms / 1000);
  expect(seconds).toBeLessThan(ms / 1000 + 1);
  expect(c.error()).toBe(ETIMEDOUT);
  expect(other.state()).toBe('ESTABLISHED');
});

test('MUST-21: it can be set so high that it never matters', () => {
  const c = new Lab().accepted();
  c.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 0x7fffffff);
  c.send('x');
  c.lab.run(5000);
  expect(c.state()).toBe('ESTABLISHED');
});

test('MUST-22: a SYN is repeated with backoff, and its end is reported', () => {
  const lab = new Lab({ sysctl: { tcp_syn_linear_timeouts: 0 } });
  const c = lab.dialled();
  lab.run(140);
  const times = lab.all.filter(s => s.flags === 'S').map(s => Math.round(s.time / 1e6));
  expect(times).toEqual([0, 1, 3, 7, 15, 31, 63]);
  expect(c.error()).toBe(ETIMEDOUT);
});

test('MUST-22: TCP_SYNCNT sets its limit for one connection', () => {
  const lab = new Lab({ sysctl: { tcp_syn_linear_timeouts: 0 } });
  const c = lab.dialled({}, fd => {
    expect(lab.setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, 2)).toBe(0);
  });
  expect(lifetime(c, 100)).toBeCloseTo(7, 0);
  expect(lab.all.filter(s => s.flags === 'S')).toHaveLength(3);
});

test("MUST-23: Linux's default gives up a SYN after 131 seconds, less than the three minutes asked for", () => {
  const c = new Lab().dialled();
  expect(lifetime(c, 400)).toBeCloseTo(131, 0);
});

test('MUST-23: tcp_syn_retries 7 holds the three minutes', () => {
  const c = new Lab({ sysctl: { tcp_syn_retries: 7 } }).dialled();
  expect(lifetime(c, 400)).toBeGreaterThanOrEqual(180);
});

test('SHLD-9: between R1 and R2 the application can see that delivery is in trouble', () => {
  const c = new Lab().accepted();
  c.send('x');
  expect(c.info()).toMatchObject({ retransmits: 0, backoff: 0, total_retrans: 0 });
  c.lab.run(10);
  const info = c.info();
  expect(c.state()).toBe('ESTABLISHED');
  expect(info.retransmits).toBeGreaterThan(3);
  expect(info.backoff).toBeGreaterThan(3);
  expect(info.total_retrans).toBeGreaterThan(3);
  expect(c.lab.mib.TcpRetransSegs).toBeGreaterThan(3);
});
