import { describe, expect, test } from 'vitest';
import { Cubic } from '../../src/tcp/congestion/cubic.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import { INFINITE_SSTHRESH } from '../../src/tcp/constants.ts';
import { fill, Lab } from '../rfc/kit.ts';

/** A connection whose congestion control the test drives by hand. */
function driven(): { lab: Lab; tcb: Connection; cubic: Cubic } {
  const lab = new Lab();
  lab.accepted({ mss: 1460, windowScale: 3 });
  const tcb = [...lab.host.stack.tcp.connections()][0]!;
  const cubic = new Cubic();
  tcb.cwndLimited = true;
  return { lab, tcb, cubic };
}

/** The host's clock alone: nothing else shall happen meanwhile. */
function pass(lab: Lab, micros: number): void {
  lab.host.stack.tcp.now += micros;
}

/** `seconds` of acknowledgements, a window's worth in each round trip of 100 ms. */
function grow(lab: Lab, tcb: Connection, cubic: Cubic, seconds: number): void {
  const { tcp } = lab.host.stack;
  for (const end = tcp.now + seconds * 1e6; tcp.now < end; ) {
    pass(lab, Math.round(100_000 / tcb.cwnd));
    cubic.congestionAvoidance(tcb, 1);
  }
}

describe('CUBIC (RFC 9438)', () => {
  test('§4.6, §4.2: a loss leaves 0.7 of the window, and after K = ∛(0.3 W_max / C) it is W_max again', () => {
    const { lab, tcb, cubic } = driven();
    tcb.cwnd = 1000;
    tcb.ssthresh = cubic.ssthresh(tcb);
    expect(tcb.ssthresh).toBe(700);
    tcb.cwnd = 700;
    grow(lab, tcb, cubic, 0.1);
    // ∛(300 / 0.4) = 9.086 s, in 1/1024 s.
    expect(Math.abs(tcb.cubicK / 1024 - 9.086)).toBeLessThan(0.01);
    grow(lab, tcb, cubic, 4.4);
    // Half-way: W(t) = C (t − K)³ + W_max = 1000 − 0.4 · 4.5³ = 963.
    expect(Math.abs(tcb.cwnd - 963)).toBeLessThan(6);
    grow(lab, tcb, cubic, 4.6);
    expect(Math.abs(tcb.cwnd - 1000)).toBeLessThan(4);
    grow(lab, tcb, cubic, 5);
    // Beyond it the curve is convex: 1000 + 0.4 · 5³ = 1050.
    expect(Math.abs(tcb.cwnd - 1050)).toBeLessThan(8);
  });

  test('§4.7: a second loss below W_max lets go of 0.15 of the window more (fast convergence)', () => {
    const { tcb, cubic } = driven();
    tcb.cwnd = 100;
    cubic.ssthresh(tcb);
    expect(tcb.cubicLastMax).toBe(100);
    tcb.cwnd = 80;
    cubic.ssthresh(tcb);
    expect(tcb.cubicLastMax).toBe(Math.floor(80 * (1 + 717 / 1024)) >> 1);
  });

  test('§4.3: where Reno would be faster it grows as Reno does: 3(1 − β)/(1 + β) segments a round trip', () => {
    const { lab, tcb, cubic } = driven();
    tcb.cwnd = 10;
    tcb.ssthresh = cubic.ssthresh(tcb);
    tcb.cwnd = 7;
    // W_max is 10 and K nearly two seconds: the cubic curve stays below 10 until then.
    grow(lab, tcb, cubic, 1.5);
    // 15 round trips at 0.53 a round.
    expect(tcb.cwnd).toBeGreaterThanOrEqual(7 + 6);
    expect(tcb.cwnd).toBeLessThanOrEqual(7 + 9);
  });

  test('§4.8: a timeout forgets the epoch', () => {
    const { tcb, cubic } = driven();
    tcb.cwnd = 100;
    cubic.ssthresh(tcb);
    cubic.lossState(tcb);
    expect([tcb.cubicLastMax, tcb.cubicEpoch, tcb.cubicK]).toEqual([0, -1, 0]);
  });
});

describe('HyStart, as Linux leaves slow start', () => {
  const start = (delayMin: number, rate = Number.POSITIVE_INFINITY) => {
    const d = driven();
    const { tcb, cubic } = d;
    tcb.cwnd = 20;
    tcb.ssthresh = INFINITE_SSTHRESH;
    tcb.cubicDelayMin = delayMin;
    cubic.acked(tcb, delayMin);
    tcb.cubicSamples = 0;
    tcb.cubicRoundRtt = Number.POSITIVE_INFINITY;
    tcb.pacingRate = rate;
    return d;
  };
  /** After how many milliseconds of ACKs, one each, it left; 0 never. */
  const train = (rate: number, paced: boolean): number => {
    const { lab, tcb, cubic } = start(100_000, rate);
    if (paced) tcb.options = { ...tcb.options, maxPacingRate: 1e12 } as typeof tcb.options;
    for (let ms = 1; ms <= 200; ms++) {
      pass(lab, 1000);
      cubic.acked(tcb, 100_000);
      if (tcb.cubicFound) return ms;
    }
    return 0;
  };

  test('the least of nine round trips exceeds the minimum by an eighth, 4 to 16 ms', () => {
    const exit = (delayMin: number, rtt: number): boolean => {
      const { lab, tcb, cubic } = start(delayMin);
      for (let i = 0; i < 9; i++) {
        pass(lab, 3000);
        cubic.acked(tcb, rtt);
      }
      return tcb.cubicFound;
    };
    expect([exit(40_000, 45_000), exit(40_000, 45_001)]).toEqual([false, true]);
    expect([exit(8_000, 12_000), exit(8_000, 12_001)]).toEqual([false, true]);
    expect([exit(400_000, 416_000), exit(400_000, 416_001)]).toEqual([false, true]);
    const { lab, tcb, cubic } = start(40_000);
    for (let i = 0; i < 8; i++) cubic.acked(tcb, 80_000);
    expect([tcb.cubicFound, lab.mib.TcpExtTCPHystartDelayDetect]).toEqual([false, 0]);
    cubic.acked(tcb, 80_000);
    expect([tcb.cubicFound, tcb.ssthresh, lab.mib.TcpExtTCPHystartDelayDetect]).toEqual([true, 20, 1]);
  });

  test('a train of ACKs lasts longer than half the minimum; bursts get up to a millisecond, pacing all of it', () => {
    // 261 kB in bursts take no time at this rate, and more than a millisecond at that.
    expect(train(1e12, false)).toBe(51);
    expect(train(1e6, false)).toBe(51);
    expect(train(1e6, true)).toBe(102);
    expect(train(1e12, true)).toBe(101);
  });

  test('an ACK that comes more than 2 ms after the last ends the train', () => {
    const { lab, tcb, cubic } = start(100_000);
    for (let i = 0; i < 100; i++) {
      pass(lab, 2100);
      cubic.acked(tcb, 100_000);
    }
    expect(tcb.cubicFound).toBe(false);
  });

  test('below 16 segments neither counts', () => {
    const { lab, tcb, cubic } = start(10_000);
    tcb.cwnd = 15;
    for (let i = 0; i < 100; i++) {
      pass(lab, 1000);
      cubic.acked(tcb, 30_000);
    }
    expect(tcb.cubicFound).toBe(false);
  });
});

describe('the send buffer grows with the window (tcp_sndbuf_expand)', () => {
  const connection = (prepare?: (lab: Lab, fd: number) => void) => {
    const lab = new Lab({ sysctl: { tcp_wmem: '4096 16384 400000' } });
    const c = lab.accepted({ mss: 1460, windowScale: 7, window: 65535 }, fd => prepare?.(lab, fd));
    return { lab, c, tcb: [...lab.host.stack.tcp.connections()][0]! };
  };

  test('twice ten segments of 2304 bytes to begin with, twice the window while a writer waits, at most tcp_wmem[2]', () => {
    const { lab, c, tcb } = connection();
    expect(tcb.sndbuf).toBe(2 * 10 * 2304);
    let largest = 0;
    for (let round = 0; round < 12; round++) {
      while (c.send(fill(50_000)) > 0);
      lab.run(0.05);
      c.drain();
      c.say('.');
      largest = Math.max(largest, tcb.cwnd);
      expect(tcb.sndbuf).toBeLessThanOrEqual(Math.min(400_000, Math.max(46_080, 2 * largest * 2304)));
    }
    expect(largest).toBeGreaterThan(90);
    expect(tcb.sndbuf).toBe(400_000);
  });

  test('SO_SNDBUF locks it', () => {
    const { lab, c, tcb } = connection((l, fd) => void l.setsockopt(fd, 1, 7, 20_000));
    for (let round = 0; round < 5; round++) {
      while (c.send(fill(50_000)) > 0);
      lab.run(0.05);
      c.drain();
      c.say('.');
    }
    expect(tcb.sndbuf).toBe(40_000);
  });
});
