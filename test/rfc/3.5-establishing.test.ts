import { expect, test } from 'vitest';
import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../src/base/errno.ts';
import { Lab } from './kit.ts';

test.each([4, 6] as const)('a connection opens with three segments, from either side (IPv%i)', family => {
  const lab = new Lab({ family });
  const passive = lab.accepted();
  expect(passive.state()).toBe('ESTABLISHED');
  const active = lab.connected();
  expect(active.state()).toBe('ESTABLISHED');
});

test('MUST-10: two crossing SYNs make one connection', () => {
  const lab = new Lab();
  const c = lab.dialled();
  c.say('S', { seq: 0, options: c.synOptions });
  expect(c.state()).toBe('SYN_RECV');
  const [reply, ...more] = c.heard();
  expect(more).toEqual([]);
  expect(reply).toMatchObject({ flags: 'S.', seq: 0, ack: 1 });
  c.say('S.', { seq: 0, ack: 1, options: c.synOptions });
  expect(c.state()).toBe('ESTABLISHED');
  expect(lab.states()).toEqual(['ESTABLISHED']);
  expect(c.error()).toBe(0);
  c.heard();
  expect(c.send('x')).toBe(1);
  c.say('P.', { data: 'y' });
  expect(c.readAll()).toHaveLength(1);
});

test('MUST-10: a plain ACK completes it as well', () => {
  const c = new Lab().dialled();
  c.say('S', { seq: 0, options: c.synOptions });
  c.heard();
  c.say('.');
  expect(c.state()).toBe('ESTABLISHED');
});

test('MUST-11: a RST takes SYN_RECEIVED of a passive open back to LISTEN, and nobody is told', () => {
  const lab = new Lab();
  const listener = lab.listen();
  const c = lab.peer();
  c.knock();
  c.take();
  c.say('R');
  c.say('.');
  expect(lab.accept(listener)).toBe(-11);
  c.heard();
  const next = lab.peer();
  next.knock();
  next.take();
  next.say('.');
  expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
});

test('MUST-11: a RST ends SYN_RECEIVED of an active open, and the user is told', () => {
  const c = new Lab().dialled();
  c.say('S', { seq: 0, options: c.synOptions });
  c.heard();
  c.say('R');
  expect(c.state()).toBe('CLOSED');
  expect(c.error()).toBe(ECONNRESET);
});

test('a RST that acknowledges our SYN refuses the connection; one that does not is ignored', () => {
  const c = new Lab().dialled();
  c.say('R', { seq: 0 });
  c.say('R.', { seq: 0, ack: 2 });
  expect(c.state()).toBe('SYN_SENT');
  c.say('R.', { seq: 0, ack: 1 });
  expect(c.state()).toBe('CLOSED');
  expect(c.error()).toBe(ECONNREFUSED);
});

test('in SYN_SENT an acknowledgement of what was never sent is answered with a RST of that number', () => {
  for (const ack of [0, 2]) {
    const c = new Lab().dialled();
    c.say('S.', { seq: 0, ack });
    expect(c.heard().map(h => [h.flags, h.seq])).toContainEqual(['R', ack]);
    expect(c.state()).toBe('SYN_SENT');
  }
});

test('in SYN_SENT a segment without SYN and RST is dropped', () => {
  const c = new Lab().dialled();
  c.say('.', { seq: 1, ack: 1 });
  c.say('F.', { seq: 1, ack: 1 });
  expect(c.state()).toBe('SYN_SENT');
  expect(c.lines()).toEqual([]);
});

test('a listener drops RST and bare FIN, and answers an ACK with a RST of its number', () => {
  const lab = new Lab();
  lab.listen();
  const c = lab.peer();
  c.hostIsn = 0;
  c.say('R', { seq: 5 });
  c.say('F', { seq: 5 });
  expect(lab.segments).toEqual([]);
  c.say('.', { seq: 5, ack: 777 });
  expect(lab.segments.map(s => [s.flags, s.seq])).toEqual([['R', 777]]);
});

test('without a connection: a SYN is answered <SEQ=0><ACK=SEQ+LEN><RST,ACK>, an ACK <SEQ=ACK><RST>, a RST not', () => {
  const lab = new Lab();
  const c = lab.peer({}, 4444);
  c.hostIsn = 0;
  c.say('S', { seq: 0, data: 'abc' });
  expect(lab.segments.map(s => [s.flags, s.seq, s.ack])).toEqual([['R.', 0, c.isn + 4]]);
  lab.segments = [];
  c.say('.', { seq: 1, ack: 99 });
  expect(lab.segments.map(s => [s.flags, s.seq])).toEqual([['R', 99]]);
  lab.segments = [];
  c.say('R', { seq: 1 });
  c.say('R.', { seq: 1, ack: 1 });
  expect(lab.segments).toEqual([]);
});

test('in SYN_RECEIVED a wrong acknowledgement is answered with a RST of its number and the entry stays', () => {
  const lab = new Lab();
  const listener = lab.listen();
  const c = lab.peer();
  c.knock();
  c.take();
  c.say('.', { ack: 9 });
  expect(c.heard().map(h => [h.flags, h.seq])).toEqual([['R', 9]]);
  c.say('.', { ack: 1 });
  expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
});

test('SHLD-2: a RST may carry data', () => {
  const c = new Lab().accepted();
  c.say('R', { data: 'go away, said the application' });
  expect(c.state()).toBe('CLOSED');
  expect(c.error()).toBe(ECONNRESET);
});

test('SHLD-2: so may one that answers a SYN', () => {
  const c = new Lab().dialled();
  c.say('R.', { seq: 0, ack: 1, data: 'no' });
  expect(c.error()).toBe(ECONNREFUSED);
});

test('a RST inside the window but not at its edge draws a challenge ACK, one outside nothing', () => {
  const c = new Lab().accepted();
  c.say('R', { seq: 100 });
  expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
  c.seq = 1;
  c.say('R', { seq: 200_000 });
  expect(c.lines()).toEqual([]);
  expect(c.state()).toBe('ESTABLISHED');
  c.say('R', { seq: 1 });
  expect(c.state()).toBe('CLOSED');
});

test('a SYN on a connection draws a challenge ACK, wherever it lies', () => {
  for (const seq of [0, 1, 1000, 500_000]) {
    const c = new Lab().accepted();
    c.say('S', { seq });
    expect(c.lines()).toEqual(['. 1:1(0) ack 1']);
    expect(c.state()).toBe('ESTABLISHED');
  }
});

test('a peer that has crashed and comes back finds its old connection gone', () => {
  const lab = new Lab();
  const c = lab.connected();
  c.say('S', { seq: 70_000 });
  c.say('R', { seq: 1 }); // what the reborn peer answers to the challenge ACK
  expect(c.state()).toBe('CLOSED');
  expect(c.recv(1)).toBe(-ECONNRESET);
  expect(c.send('x')).toBe(-EPIPE);
});
