import { describe, expect, test } from 'vitest';
import { EAGAIN } from '../../src/base/errno.ts';
import { IPPROTO_TCP, POLLPRI, SO_RCVBUF, SOL_SOCKET, TCP_QUICKACK } from '../../src/socket/constants.ts';
import { type Conn, fill, Lab } from '../rfc/kit.ts';
import { block } from './seam.ts';

describe('the text of segments', () => {
  test('what was received already is cut off the front', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 10 });
    c.say('P.', { seq: 1, data: 30 });
    expect(c.readAll()).toEqual(fill(30));
  });

  test('early data is kept as far as the window reaches, and no FIN behind it', () => {
    const c = new Lab().accepted({ sackOk: true });
    const edge = 1 + block(c).receiveWindow;
    c.say('FP.', { seq: edge - 10, data: 100 });
    expect(c.take()).toMatchObject({ ack: 1, sack: [[edge - 10, edge]] });
    expect(block(c).oooFin).toBe(false);
  });

  test('data beyond the window is not taken', () => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_RCVBUF, 4096);
    let last = 0;
    for (let i = 0; i < 60; i++) {
      c.say('P.', { seq: 1 + block(c).bytesReceived, data: 500 });
      c.lab.run(0.3);
      last = block(c).bytesReceived;
    }
    expect(last).toBeLessThan(12_000);
    expect(c.readAll()).toHaveLength(last);
  });

  test('gaps are remembered up to a bound (SegmentSmack)', () => {
    const c = new Lab().accepted();
    for (let i = 0; i < 600; i++) c.say('P.', { seq: 11 + 2 * i, data: 1 });
    expect(block(c).ooo?.count).toBeLessThanOrEqual(256);
    expect(c.recv(1)).toBe(-EAGAIN);
  });

  test('a newer urgent mark replaces the older one', () => {
    const c = new Lab().accepted();
    c.say('PU.', { data: 10, urgent: 5 });
    expect(c.poll() & POLLPRI).toBe(POLLPRI);
    c.say('PU.', { data: 10, urgent: 8 });
    expect(block(c).urgentSeq).toBe((c.isn + 11 + 7) | 0);
  });
});

describe('acknowledging', () => {
  test('a segment that fills a gap is acknowledged at once', () => {
    const c = new Lab().accepted();
    // Where a round trip takes a while: else any segment is acknowledged at once once packets were lost.
    c.send('x');
    c.lab.run(0.05);
    c.say('.');
    c.say('P.', { seq: 11, data: 10 });
    c.heard();
    c.set(IPPROTO_TCP, TCP_QUICKACK, 0);
    c.say('P.', { seq: 1, data: 10 });
    expect(c.take()).toMatchObject({ ack: 21 });
  });

  test('segments that come together are not acknowledged one by one', () => {
    const c = new Lab().accepted();
    c.say('P.', { data: 1460 });
    expect(c.heard().length).toBeLessThanOrEqual(1);
  });

  test('a delayed ACK waits no longer than 200 ms, however slow the stream', () => {
    const c = new Lab().accepted();
    c.set(IPPROTO_TCP, TCP_QUICKACK, 0);
    for (let i = 0; i < 8; i++) {
      const before = c.lab.now;
      c.say('P.', { data: 10 });
      for (let ms = 0; ms < 700 && c.heard().length === 0; ms += 10) c.lab.run(0.01);
      expect(c.lab.now - before).toBeLessThan(0.25);
      c.lab.run(0.3);
    }
  });
});

describe('SACK', () => {
  const early = (c: Conn, seq: number, n = 100): [number, number][] => {
    c.say('P.', { seq, data: n });
    return c.heard().at(-1)!.sack;
  };

  test('the newest block comes first, the others keep their order', () => {
    const c = new Lab().accepted({ sackOk: true });
    expect(early(c, 101)).toEqual([[101, 201]]);
    expect(early(c, 301)).toEqual([
      [301, 401],
      [101, 201],
    ]);
    expect(early(c, 501)).toEqual([
      [501, 601],
      [301, 401],
      [101, 201],
    ]);
  });

  test('blocks that come to touch are one', () => {
    const c = new Lab().accepted({ sackOk: true });
    early(c, 101);
    early(c, 301);
    expect(early(c, 201)).toEqual([[101, 401]]);
  });

  test('what RCV.NXT has passed is not reported any more', () => {
    const c = new Lab().accepted({ sackOk: true });
    early(c, 101);
    early(c, 301);
    c.say('P.', { seq: 1, data: 100 });
    expect(c.heard().at(-1)).toMatchObject({ ack: 201, sack: [[301, 401]] });
  });

  test('a D-SACK reports what came twice and no more', () => {
    const c = new Lab().accepted({ sackOk: true });
    c.say('P.', { data: 30 });
    c.heard();
    c.say('P.', { seq: 1, data: 5 });
    expect(c.heard().at(-1)).toMatchObject({ ack: 31, sack: [[1, 6]] });
  });
});

describe('our window', () => {
  test('its edge stands on the wire as it stands in the block, whatever the scale', () => {
    const c = new Lab().accepted({ windowScale: 7 });
    c.say('P.', { data: 1000 });
    const h = c.heard().at(-1)!;
    expect(h.window << block(c).rcvWscale).toBe(block(c).rcvWnd);
    expect(block(c).rcvWscale).toBeGreaterThan(0);
  });

  /** The window is shut by data that nobody has read. */
  const shut = (): Conn => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_RCVBUF, 16_384);
    for (let i = 0; i < 100 && block(c).receiveWindow > 0; i++) {
      c.say('P.', { seq: 1 + block(c).bytesReceived, data: Math.min(1000, block(c).receiveWindow) });
      c.lab.run(0.3);
    }
    c.heard();
    expect(block(c).receiveWindow).toBe(0);
    return c;
  };

  test('MUST-39: a few free bytes are not announced, not even when a probe asks', () => {
    const c = shut();
    c.recv(200);
    c.say('.', { seq: block(c).bytesReceived });
    expect(c.heard().map(h => h.window)).toEqual([0]);
  });
});
