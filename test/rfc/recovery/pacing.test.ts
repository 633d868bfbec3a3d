import { describe, expect, test } from 'vitest';
import { SO_MAX_PACING_RATE, SOL_SOCKET } from '../../../src/socket/constants.ts';
import type { Conn } from '../kit.ts';
import { ack, MSS, ROUND, sender, tcb, write } from './kit.ts';

/** Pacing has no RFC; what is held here is Linux's (tcp_output.c, RFC 9002 §7.7 in words). */

const limited = (rate: number): Conn =>
  sender({ prepare: (lab, fd) => void lab.setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, rate) });

/** When bytes left: seconds since the first, and how many. */
const departures = (c: Conn): [number, number][] => {
  const all = c.heard().filter(h => h.data.length > 0);
  const first = all[0]?.time ?? 0;
  const out: [number, number][] = [];
  for (const h of all) {
    const at = (h.time - first) / 1e6;
    const last = out.at(-1);
    if (last !== undefined && last[0] === at) last[1] += h.data.length;
    else out.push([at, h.data.length]);
  }
  return out;
};

describe('pacing: SO_MAX_PACING_RATE and its timer', () => {
  test('the first ten segments go at once, then a burst at a time, each when the last has had its time', () => {
    const c = limited(100_000);
    write(c, 10);
    expect(departures(c)).toEqual([[0, 10 * MSS]]);
    c.lab.run(ROUND);
    ack(c, 10);
    write(c, 10);
    c.lab.run(0.2);
    // Two segments (tcp_min_tso_segs) take 20 ms; half of the first is given back to a sender that is late.
    const gaps = departures(c);
    expect(gaps.map(([, n]) => n)).toEqual([2, 2, 2, 2, 2].map(n => n * MSS));
    expect(gaps.map(([at]) => Math.round(at * 1e4) / 10)).toEqual([0, 10, 30, 50, 70]);
  });

  test.each([50_000, 200_000, 1_000_000, 10_000_000])('%d bytes a second are what goes in a second', rate => {
    const c = limited(rate);
    let at = 0;
    let bytes = 0;
    const begin = c.lab.now;
    c.feed(Math.min(4 * rate, 3_000_000));
    while (c.lab.now < begin + 2 && bytes < 2_500_000) {
      c.lab.run(0.01);
      for (const h of c.heard()) {
        bytes += h.data.length;
        if (h.data.length > 0) at = h.seq + h.data.length;
      }
      if (at > 0) c.say('.', { ack: at });
    }
    // No faster than the rate, but for the ten that go free, half a burst of credit and a burst at either end; slow
    // start may be slower.
    expect(bytes).toBeLessThanOrEqual(rate * (c.lab.now - begin) + 15 * MSS + rate / 500);
    if (rate <= 200_000) expect(bytes).toBeGreaterThan(1.9 * rate);
  });

  test('a change holds at once; lifted, the connection is paced on at its own rate', () => {
    const c = limited(100_000);
    write(c, 10);
    c.heard();
    c.lab.run(ROUND);
    c.set(SOL_SOCKET, SO_MAX_PACING_RATE, 50_000);
    expect(c.info()).toMatchObject({ pacing_rate: 50_000, max_pacing_rate: 50_000 });
    c.set(SOL_SOCKET, SO_MAX_PACING_RATE, -1);
    expect(c.info()).toMatchObject({ pacing_rate: 50_000, max_pacing_rate: 2 ** 64 - 1 });
    ack(c, 10);
    // Twice the window in a round trip (tcp_pacing_ss_ratio): 2 × 20 × 1000 bytes in 100 ms.
    expect(c.info().pacing_rate).toBe(400_000);
    write(c, 20);
    c.lab.run(0.09);
    const gaps = departures(c);
    expect(gaps.length).toBeGreaterThan(5);
    expect(gaps.at(-1)![0]).toBeGreaterThan(0.035);
  });

  test('tcp_pacing_ss_ratio below half the threshold, tcp_pacing_ca_ratio above', () => {
    const c = sender({ sysctl: { tcp_pacing_ss_ratio: 300, tcp_pacing_ca_ratio: 110 } });
    write(c, 10);
    c.heard();
    c.lab.run(ROUND);
    ack(c, 10);
    expect(c.info().pacing_rate).toBe((20 * MSS * 3) / ROUND);
    const t = tcb(c);
    t.ssthresh = 20;
    write(c, 20);
    c.heard();
    c.lab.run(ROUND);
    ack(c, 30);
    expect(c.info().pacing_rate).toBeCloseTo((t.cwnd * MSS * 1.1) / ROUND, -3);
  });

  test('a first hop that paces (as fq does) spreads every connection over it; without one the window goes at once', () => {
    for (const paced of [false, true]) {
      const c = sender();
      Object.defineProperty(tcb(c).path, 'paced', { value: paced, configurable: true });
      write(c, 10);
      c.heard();
      c.lab.run(ROUND);
      ack(c, 10);
      write(c, 20);
      c.lab.run(0.09);
      const gaps = departures(c);
      if (paced) expect(gaps.length).toBeGreaterThan(5);
      else expect(gaps).toEqual([[0, 20 * MSS]]);
    }
  });

  test('repetitions keep the pace too', () => {
    const c = limited(100_000);
    write(c, 10);
    c.heard();
    c.lab.run(0.15);
    ack(c, 0, [[6, 10]]);
    c.lab.run(0.05);
    ack(c, 1, [[6, 10]]);
    c.lab.run(0.15);
    const gaps = departures(c);
    expect(gaps.length).toBeGreaterThanOrEqual(3);
    for (let i = 1; i < gaps.length; i++) expect(gaps[i]![0] - gaps[i - 1]![0]).toBeGreaterThanOrEqual(0.005);
  });
});
