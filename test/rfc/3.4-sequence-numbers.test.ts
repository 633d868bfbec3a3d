import { expect, test } from 'vitest';
import { ECONNRESET } from '../../src/base/errno.ts';
import { POLLPRI, SO_RCVBUF, SOL_SOCKET } from '../../src/socket/constants.ts';
import { type Conn, Lab } from './kit.ts';

/** A connection whose receive window the peer has filled, with nobody reading. */
function shutWindow(): Conn {
  const lab = new Lab();
  const c = lab.accepted({}, fd => {
    lab.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 2048);
  });
  for (let i = 0; i < 200; i++) {
    const window = c.heard().at(-1)?.window ?? 1;
    if (window === 0) return c;
    c.say('P.', { data: Math.min(536, window === 1 ? 536 : window) });
    c.lab.run(0.1);
  }
  throw new Error('the window never shut');
}

test('MUST-66: a RST is obeyed at a receive window of zero', () => {
  const c = shutWindow();
  c.say('R');
  expect(c.state()).toBe('CLOSED');
  expect(c.error()).toBe(ECONNRESET);
});

test('MUST-66: an urgent pointer is noticed at a receive window of zero', () => {
  const c = shutWindow();
  expect(c.poll() & POLLPRI).toBe(0);
  c.say('U.', { urgent: 5 });
  expect(c.poll() & POLLPRI).toBe(POLLPRI);
});

test('MUST-66: an ACK is taken at a receive window of zero', () => {
  const c = shutWindow();
  c.send('answer');
  c.heard();
  c.say('.');
  expect(c.info().unacked).toBe(0);
});

test('a segment is acceptable if its first or its last octet is in the window', () => {
  const lab = new Lab();
  const c = lab.accepted();
  c.say('P.', { seq: 1, data: 'abcdef' });
  c.heard();
  c.say('P.', { seq: 4, data: 'defghi' }); // the last octets are new
  c.say('P.', { seq: 2, data: 'bc' }); // all old
  expect(c.heard().map(h => h.ack)).toContain(10);
  expect(c.readAll()).toEqual(new TextEncoder().encode('abcdefghi'));
});

test('an unacceptable segment is answered with an ACK that says what is expected, and dropped', () => {
  const c = new Lab().accepted();
  c.say('P.', { seq: 500_000, data: 'beyond' });
  expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
  expect(c.readAll()).toHaveLength(0);
});

test('sequence numbers wrap around without a seam', () => {
  const lab = new Lab();
  const c = lab.accepted({ isn: 0xffff_fff0, sackOk: true });
  c.say('P.', { seq: 31, data: 30 });
  c.say('P.', { seq: 1, data: 30 });
  expect(c.heard().at(-1)?.ack).toBe(61);
  expect(c.readAll()).toHaveLength(60);
  c.say('F.');
  expect(c.recv(1)).toHaveLength(0);
});
