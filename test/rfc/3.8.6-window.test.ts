import { describe, expect, test } from 'vitest';
import { ETIMEDOUT } from '../../src/base/errno.ts';
import { SO_RCVBUF, SOL_SOCKET } from '../../src/socket/constants.ts';
import { type Conn, fill, Lab } from './kit.ts';
import type { Heard } from './packet.ts';

/** A sender that has four segments on their way, from 1001 on, when the peer takes its window back. */
function shrunk(window: number): Conn {
  const c = new Lab().accepted({ mss: 1000 });
  c.send(fill(5000));
  expect(c.heard()).toHaveLength(5);
  c.say('.', { ack: 1001, window });
  c.window = window;
  c.ack = 1001;
  return c;
}

describe('a window that shrinks', () => {
  test('MUST-34: is survived, and when it opens again nothing is missing', () => {
    const c = shrunk(500);
    c.send(fill(1000, 5000));
    const got = new Map<number, number>();
    const collect = (all: Heard[]): void => {
      for (const h of all) for (const [i, b] of h.data.entries()) got.set(h.seq + i, b);
    };
    c.lab.run(1);
    collect(c.heard());
    c.window = 20_000;
    for (let i = 0; i < 20; i++) {
      c.say('.');
      collect(c.heard());
      c.lab.run(0.5);
    }
    expect(c.ack).toBe(6001);
    // What was sent before it shrank came from the same bytes.
    for (const [seq, b] of got) expect(b).toBe(fill(1, seq - 1)[0]);
  });

  test('SHLD-15: no new data is sent into it', () => {
    const c = shrunk(500);
    c.send(1000);
    c.lab.run(5);
    expect(Math.max(...c.heard().map(h => h.seq + h.data.length))).toBeLessThanOrEqual(5001);
  });

  test('SHLD-16: old data inside it is sent again', () => {
    const c = shrunk(500);
    c.lab.run(1);
    const again = c.heard().filter(h => h.data.length > 0);
    expect(again.length).toBeGreaterThan(0);
    expect(again[0]?.seq).toBe(1001);
    expect(Math.max(...again.map(h => h.seq + h.data.length))).toBeLessThanOrEqual(5001);
  });

  test('SHLD-17: what lies beyond its right edge does not time out while the peer is there', () => {
    const c = shrunk(0);
    for (let i = 0; i < 4000 && c.state() === 'ESTABLISHED'; i++) {
      c.lab.run(1);
      if (c.heard().length > 0) c.say('.', { ack: 1001, window: 0 });
    }
    expect(c.state()).toBe('ESTABLISHED');
    c.ack = 1001;
    c.window = 20_000;
    c.say('.');
    c.lab.run(121);
    c.drain();
    expect(c.ack).toBe(5001);
  });

  test('MUST-35: one that shrank to nothing is probed', () => {
    const c = shrunk(0);
    c.lab.run(10);
    expect(c.heard().length).toBeGreaterThan(2);
  });

  test('MAY-7: the head of the queue is sent again even beyond the right edge', () => {
    const c = shrunk(0);
    c.lab.run(5);
    expect(c.heard().filter(h => h.seq === 1001 && h.data.length > 0).length).toBeGreaterThan(0);
  });

  test('SHLD-14: our own right edge never moves to the left', () => {
    const lab = new Lab();
    const c = lab.accepted({}, fd => {
      lab.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 20_000);
    });
    let edge = 0;
    for (let i = 0; i < 60; i++) {
      c.say('P.', { data: 500 });
      c.lab.run(0.3);
      for (const h of c.heard()) {
        expect(h.ack + h.window).toBeGreaterThanOrEqual(edge);
        edge = h.ack + h.window;
      }
      if (i % 7 === 0) c.recv(100);
      if (edge - c.seq < 500) break;
    }
    expect(edge).toBeGreaterThan(5000);
  });
});

/** A sender that knows of a zero window and has `bytes` more to send. */
function blocked(bytes: number, lab = new Lab()): Conn {
  const c = lab.accepted({ mss: 1000 });
  c.send(1000);
  c.heard();
  c.say('.', { window: 0 });
  c.send(bytes);
  expect(c.heard()).toEqual([]);
  return c;
}

describe('zero-window probes', () => {
  test('MUST-36: a shut window is probed, and what waits goes out when it opens', () => {
    const c = blocked(500);
    c.lab.run(1);
    const probes = c.heard();
    expect(probes.length).toBeGreaterThan(0);
    c.window = 1000;
    c.say('.', { ack: 1001 });
    c.lab.run(1);
    expect(c.heard().some(h => h.seq === 1001 && h.data.length === 500)).toBe(true);
  });

  test('SHLD-29: the first probe comes after one retransmission timeout', () => {
    const c = blocked(500);
    const { rto } = c.info();
    const from = c.lab.world.now;
    c.lab.run(2);
    const first = c.heard()[0]!;
    expect(first.time - from).toBeGreaterThanOrEqual(rto - 2000);
    expect(first.time - from).toBeLessThanOrEqual(rto + 2000);
  });

  test('SHLD-30: the interval between probes doubles up to a limit', () => {
    const c = blocked(500);
    const times: number[] = [c.lab.world.now];
    for (let i = 0; i < 6000; i++) {
      c.lab.run(0.1);
      const probes = c.heard();
      if (probes.length === 0) continue;
      times.push(...probes.map(h => h.time));
      c.say('.', { ack: 1001, window: 0 });
    }
    const gaps = times.slice(1).map((t, i) => t - times[i]!);
    expect(gaps.length).toBeGreaterThan(9);
    for (let i = 2; i < 9; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 0);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(120.1e6);
  });

  test('MUST-37: while its probes are acknowledged the connection stays open, be it for hours', () => {
    const c = blocked(500);
    for (let i = 0; i < 10_000; i++) {
      c.lab.run(1);
      if (c.heard().length > 0) c.say('.', { ack: 1001, window: 0 });
    }
    expect(c.state()).toBe('ESTABLISHED');
    c.window = 1000;
    c.say('.', { ack: 1001 });
    c.lab.run(130);
    expect(c.heard().some(h => h.data.length === 500)).toBe(true);
  });

  test('where nothing acknowledges them the connection ends', () => {
    const c = blocked(500);
    c.lab.run(3000);
    expect(c.state()).toBe('CLOSED');
    expect(c.error()).toBe(ETIMEDOUT);
  });
});

/** A receiver that does not read: the peer has filled its window. */
function full(rcvbuf: number): Conn {
  const lab = new Lab();
  const c = lab.accepted({}, fd => {
    lab.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf);
  });
  let window = 1460;
  for (let i = 0; i < 300 && window > 0; i++) {
    c.say('P.', { data: Math.min(1460, window) });
    c.lab.run(0.3);
    window = c.heard().at(-1)?.window ?? window;
  }
  expect(window).toBe(0);
  return c;
}

describe('our own window', () => {
  test('MAY-8: stays shut as long as nobody reads, and every probe is answered with it', () => {
    const c = full(10_000);
    const expected = c.seq;
    for (let i = 0; i < 100; i++) {
      c.lab.run(60);
      c.say('.', { seq: expected - 1 });
      expect(c.heard()).toMatchObject([{ flags: '.', ack: expected, window: 0 }]);
    }
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('MUST-39: a byte that is read does not open it; half the buffer or a segment does', () => {
    const c = full(10_000);
    c.recv(1);
    c.lab.run(1);
    expect(c.heard()).toEqual([]);
    c.readAll();
    const updates = c.heard();
    expect(updates).toHaveLength(1);
    expect(updates[0]!.window).toBeGreaterThanOrEqual(1460);
  });

  test('MUST-39: every advance of the right edge is worth sending for', () => {
    const c = full(10_000);
    let edge = c.seq;
    for (let i = 0; i < 2000; i++) {
      c.recv(7);
      for (const h of c.heard()) {
        const right = h.ack + h.window;
        if (right !== edge) expect(right - edge).toBeGreaterThanOrEqual(Math.min(5000, 1460));
        edge = right;
      }
    }
    expect(edge).toBeGreaterThan(c.seq);
  });
});

describe('sender-side silly window avoidance', () => {
  test('MUST-38: a window that opens by a few bytes draws no few bytes', () => {
    const c = blocked(900);
    for (let window = 10; window <= 200; window += 10) {
      c.say('.', { ack: 1001, window });
      expect(c.heard().filter(h => h.data.length > 0)).toEqual([]);
    }
    c.say('.', { ack: 1001, window: 2000 });
    expect(c.heard().map(h => h.data.length)).toEqual([900]);
  });

  test('MUST-38: what does not fit is sent all the same after a while', () => {
    const c = blocked(900);
    c.say('.', { ack: 1001, window: 200 });
    c.lab.run(3);
    expect(c.heard().some(h => h.data.length > 0 && h.data.length <= 200)).toBe(true);
  });
});
