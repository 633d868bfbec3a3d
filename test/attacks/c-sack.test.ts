import { describe, expect, test } from 'vitest';
import { IPPROTO_TCP, TCP_NODELAY } from '../../src/socket/constants.ts';
import { alive, fill, forget, Lab, quietLab, spoof, stuff } from './kit.ts';

describe('attacks 35 to 38: SACK', () => {
  const BYTES = 40_000;

  test('attack 35: SACK panic: the smallest MSS and every pattern of SACKs: nothing breaks, all arrives', () => {
    const lab = quietLab();
    const c = lab.accepted({ mss: 48, sackOk: true });
    c.set(IPPROTO_TCP, TCP_NODELAY, 1);
    c.feed(BYTES);
    const got = new Uint8Array(BYTES);
    let round = 0;
    while (c.ack <= BYTES && round++ < 20_000) {
      const base = c.ack;
      for (const h of c.heard()) got.set(h.data, h.seq - 1);
      const from = base + 1 + (round % 7) * 8;
      spoof(c, '.', {
        ack: base,
        options: {
          sack: [
            [c.hostIsn + from + 8, c.hostIsn + from + 9],
            [c.hostIsn + from + 40, c.hostIsn + from + 71],
            [c.hostIsn + from + 200, c.hostIsn + from + 201],
          ],
        },
      });
      for (const h of c.heard()) got.set(h.data, h.seq - 1);
      c.say('.');
      lab.run(0.01);
    }
    expect(c.ack).toBe(BYTES + 1);
    expect(got).toEqual(fill(BYTES));
    forget(lab);
  });

  test('attack 36: SACK slowness: a queue is not sliced finer than its segments, work per ACK is bounded', () => {
    const lab = quietLab();
    const c = lab.accepted({ sackOk: true, window: 65_535, windowScale: 7 });
    for (let i = 0; i < 4; i++) {
      stuff(c);
      c.drain();
    }
    stuff(c);
    const out = c.heard();
    const end = Math.max(...out.map(h => h.seq + h.data.length));
    const base = Math.min(...out.map(h => h.seq));
    const begun = performance.now();
    for (let i = 0; i < 20_000; i++) {
      const at = c.hostIsn + base + 10 + ((i * 3) % (end - base - 20));
      spoof(c, '.', { ack: base, options: { sack: [[at, at + 1]] } });
      if (i % 500 === 0) forget(lab);
    }
    expect(performance.now() - begun).toBeLessThan(15_000);
    const tcb = [...lab.host.stack.tcp.connections()][0]!;
    expect(tcb.sent.size).toBeLessThanOrEqual(Math.ceil((end - base) / 100) + 16);
    c.ack = end;
    c.say('.');
    c.drain();
    expect(c.state()).toBe('ESTABLISHED');
    forget(lab);
  });

  test('attack 37: an MSS of 1, 8 or 48 is raised to a floor', () => {
    for (const mss of [1, 8, 48]) {
      const c = new Lab().accepted({ mss });
      c.set(IPPROTO_TCP, TCP_NODELAY, 1);
      c.send(1000);
      const sizes = c.drain().map(h => h.data.length);
      expect(Math.max(...sizes), `MSS ${mss}`).toBeGreaterThanOrEqual(48);
      expect(sizes.length).toBeLessThanOrEqual(22);
    }
  });

  test('attack 38: blocks that make no sense are ignored one by one, and nothing is freed on a SACK alone', () => {
    const c = new Lab().accepted({ sackOk: true });
    c.set(IPPROTO_TCP, TCP_NODELAY, 1);
    c.send(5000);
    const first = c.heard();
    const bogus: [number, number][][] = [
      [[-1000, 1]],
      [[4000, 9000]],
      [[3000, 2000]],
      [[1461, 1461]],
      [[2 ** 31, 1]],
      [[1, 2 ** 31]],
      [
        [1461, 2921],
        [1400, 3000],
      ],
      [[100_000, 200_000]],
      [[-100, -50]],
    ];
    for (const blocks of bogus) {
      spoof(c, '.', {
        ack: 1,
        options: { sack: blocks.map(([l, r]) => [c.hostIsn + l, c.hostIsn + r] as const) },
      });
      const { packetsOut, sackedOut, lostOut } = [...c.lab.host.stack.tcp.connections()][0]!;
      expect(sackedOut + lostOut).toBeLessThanOrEqual(packetsOut);
    }
    // Everything SACKed, then denied: all of it can be sent again.
    spoof(c, '.', { ack: 1, options: { sack: [[c.hostIsn + 1461, c.hostIsn + 5001]] } });
    c.heard();
    const got = new Uint8Array(5000);
    let next = 1;
    for (let i = 0; i < 200 && next < 5001; i++) {
      c.lab.run(0.5);
      for (const h of c.heard()) {
        got.set(h.data, h.seq - 1);
        if (h.seq <= next) next = Math.max(next, h.seq + h.data.length);
      }
      c.ack = next;
      c.say('.');
    }
    expect(first.length).toBeGreaterThan(2);
    expect(got).toEqual(fill(5000));
    alive(c);
  });
});
