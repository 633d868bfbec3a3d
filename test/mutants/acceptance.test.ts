import { describe, expect, test } from 'vitest';
import { EAGAIN } from '../../src/base/errno.ts';
import { IPPROTO_TCP, TCP_QUICKACK } from '../../src/socket/constants.ts';
import { type Conn, Lab } from '../rfc/kit.ts';

const HOUR = 3600;

/** A connection with timestamps whose peer says each of them itself. */
function stamped(first = 5000): Conn {
  const lab = new Lab();
  const listener = lab.listen();
  const c = lab.peer({ sackOk: true });
  c.knock({ mss: 1460, sackOk: true, timestamps: [first, 0] });
  c.take();
  c.say('.', { options: { timestamps: [first, 0] } });
  c.fd = lab.accept(listener);
  return c;
}
const data = (c: Conn, n: number, tsVal: number, seq = c.seq): void =>
  c.say('P.', { seq, data: n, options: { timestamps: [tsVal, 0] } });

describe('resets and challenges (RFC 5961)', () => {
  test('the RST of a peer that has left, one below RCV.NXT, ends LAST_ACK', () => {
    const c = new Lab().accepted();
    c.say('F.');
    c.close();
    expect(c.state()).toBe('LAST_ACK');
    c.say('R', { seq: c.seq - 1 });
    expect(c.state()).toBe('CLOSED');
  });

  test('a RST at the right edge of the highest SACK block is believed, as on Linux', () => {
    const c = new Lab().accepted({ sackOk: true });
    c.say('P.', { seq: 101, data: 100 });
    c.say('R', { seq: 201 });
    expect(c.state()).toBe('CLOSED');
  });

  test('challenges go out once in half a second', () => {
    const c = new Lab().accepted();
    c.say('S', { seq: 10 });
    c.say('R', { seq: 10 });
    c.say('.', { ack: 5000 });
    expect(c.heard()).toHaveLength(1);
    c.lab.run(0.3);
    c.say('S', { seq: 10 });
    expect(c.heard()).toEqual([]);
    c.lab.run(0.3);
    c.say('S', { seq: 10 });
    c.say('S', { seq: 10 });
    expect(c.heard()).toHaveLength(1);
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('a RST is never answered, not even one with an ACK of what was never sent', () => {
    const c = new Lab().dialled();
    c.say('R.', { ack: 5000 });
    expect(c.heard()).toEqual([]);
    expect(c.state()).toBe('SYN_SENT');
  });
});

describe('what is not acceptable', () => {
  test('bare segments before the window are answered once in half a second, data each time', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 20 });
    c.readAll();
    c.heard();
    for (let i = 0; i < 3; i++) c.say('.', { seq: -50 });
    expect(c.lines()).toEqual(['. 1:1(0) ack 21']);
    for (let i = 0; i < 3; i++) c.say('P.', { seq: 1, data: 5 });
    expect(c.lines()).toEqual(Array(3).fill('. 1:1(0) ack 21'));
  });

  test('a segment wholly before the window is refused with its data and its window', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 20 });
    c.heard();
    c.say('P.', { seq: 1, data: 5, window: 0, ack: 1 });
    c.heard();
    c.send('x');
    expect(c.heard()).toHaveLength(1);
    c.say('.', { seq: -100, ack: 2 });
    expect(c.info().unacked).toBe(1);
  });

  test('a segment beyond the window is refused with its ACK', () => {
    const c = new Lab().accepted();
    c.send('x');
    c.heard();
    c.say('P.', { seq: 500_000, data: 5, ack: 2 });
    expect(c.info().unacked).toBe(1);
  });

  test('an ACK that is one step behind what has come meanwhile is taken (RFC 9293 appendix A.2)', () => {
    const c = new Lab().accepted();
    c.send('x');
    c.heard();
    c.set(IPPROTO_TCP, TCP_QUICKACK, 0);
    c.say('P.', { data: 10, ack: 1 });
    expect(c.heard()).toEqual([]);
    c.say('.', { seq: 1, ack: 2 });
    expect(c.info().unacked).toBe(0);
  });

  test('a segment with SYN and FIN opens nothing', () => {
    const lab = new Lab();
    lab.listen();
    lab.peer().say('SF', { seq: 0 });
    expect(lab.segments).toEqual([]);
    expect([...lab.host.stack.tcp.requests()]).toEqual([]);
  });
});

describe('timestamps (RFC 7323)', () => {
  test('two segments with one timestamp are both taken', () => {
    const c = stamped();
    data(c, 5, 6000);
    data(c, 5, 6000);
    expect(c.readAll()).toHaveLength(10);
  });

  test('an old duplicate is refused, and acknowledged', () => {
    const c = stamped();
    data(c, 5, 6000);
    c.heard();
    data(c, 5, 5500);
    expect(c.lines()).toEqual(['. 1:1(0) ack 6']);
    expect(c.readAll()).toHaveLength(5);
  });

  test('after 24 days of silence TS.Recent is not held against anybody', () => {
    const c = stamped();
    data(c, 5, 0x4000_0000);
    c.lab.run(25 * 24 * HOUR);
    data(c, 5, 1000);
    expect(c.readAll()).toHaveLength(10);
  });

  test('TS.Recent follows what is next, not what is early: the echo says so', () => {
    const c = stamped();
    data(c, 5, 6000);
    c.heard();
    data(c, 5, 7000, c.seq + 10);
    expect(c.heard().at(-1)?.timestamps?.[1]).toBe(6000);
  });

  test('TS.Recent never goes back', () => {
    const c = stamped();
    data(c, 5, 6000);
    data(c, 5, 5999);
    expect(c.readAll()).toHaveLength(10);
    c.lab.run(1);
    expect(c.heard().at(-1)?.timestamps?.[1]).toBe(6000);
  });

  test('a RST is believed whatever its timestamp', () => {
    const c = stamped();
    c.say('R', { options: { timestamps: [100, 0] } });
    expect(c.state()).toBe('CLOSED');
  });

  test('in SYN_RECV an old duplicate does not complete the handshake', () => {
    const lab = new Lab();
    const listener = lab.listen();
    const c = lab.peer();
    c.knock({ mss: 1460, timestamps: [5000, 0] });
    c.take();
    c.say('.', { options: { timestamps: [100, 0] } });
    expect(lab.accept(listener)).toBe(-EAGAIN);
    c.say('.', { options: { timestamps: [5001, 0] } });
    expect(lab.accept(listener)).toBeGreaterThanOrEqual(0);
  });
});
