import { describe, expect, test } from 'vitest';
import type { Conn } from '../kit.ts';
import { ack, NO_THRESHOLD, ROUND, sender, sent, tcb, write } from './kit.ts';

/** A sender whose window has grown to 40 in two round trips. */
function grown(sysctl: Record<string, string | number> = {}): Conn {
  const c = sender({ sysctl: { tcp_early_retrans: 0, ...sysctl } });
  write(c, 30);
  let n = sent(c).length;
  c.lab.run(ROUND);
  ack(c, n);
  n += sent(c).length;
  c.lab.run(ROUND);
  ack(c, n);
  expect(n).toBe(30);
  expect(c.info().snd_cwnd).toBe(40);
  return c;
}

describe('restart after idle (RFC 5681 §4.1, RFC 2861), tcp_slow_start_after_idle', () => {
  test('an idle time of no more than a timeout costs nothing', () => {
    const c = grown();
    c.lab.run(tcb(c).rto / 1e6 - ROUND);
    write(c, 20);
    expect(c.info().snd_cwnd).toBe(40);
    expect(sent(c)).toHaveLength(20);
  });

  test('beyond that the window is halved for each timeout that has passed, no further than the restart window', () => {
    for (const [timeouts, cwnd] of [
      [1.5, 20],
      [2.5, 10],
      [3.5, 10],
      [50, 10],
    ] as const) {
      const c = grown();
      // The last data went a round trip before the last ACK.
      c.lab.run((tcb(c).rto / 1e6) * timeouts - ROUND);
      write(c, 40);
      expect(c.info().snd_cwnd, `${timeouts}`).toBe(cwnd);
      expect(sent(c).length, `${timeouts}`).toBe(cwnd);
    }
  });

  test('three quarters of the window are remembered as the threshold, unless that is higher', () => {
    const c = grown({ tcp_congestion_control: 'reno' });
    c.lab.run(10);
    write(c, 1);
    expect(c.info().snd_ssthresh).toBe(NO_THRESHOLD);
    // After a loss there is a threshold.
    const d = sender({ sysctl: { tcp_congestion_control: 'reno' } });
    write(d, 10);
    sent(d);
    d.lab.run(ROUND);
    ack(d, 0, [[1, 5]]);
    d.lab.run(ROUND);
    ack(d, 10);
    expect(d.info()).toMatchObject({ snd_ssthresh: 5, snd_cwnd: 6 });
    d.lab.run(10);
    write(d, 1);
    expect(d.info()).toMatchObject({ snd_ssthresh: 5, snd_cwnd: 6 });
  });

  test('tcp_slow_start_after_idle 0: however long it was', () => {
    const c = grown({ tcp_slow_start_after_idle: 0 });
    c.lab.run(3600);
    write(c, 40);
    expect(sent(c)).toHaveLength(40);
  });

  test('idle time is counted in jiffies, as Linux counts it: not by the microsecond', () => {
    for (const [late, cwnd] of [
      [0, 40],
      [1000, 20],
    ] as const) {
      const c = grown();
      const { lab } = c;
      const t = tcb(c);
      const tick = Math.floor(t.lastDataSentAt / 1000) * 1000;
      // In the last microsecond of the jiffy that is still within the timeout, and of the next.
      lab.run((tick + t.rto + late + 999 - lab.host.stack.tcp.now) / 1e6);
      write(c, 1);
      expect(c.info().snd_cwnd, `${late}`).toBe(cwnd);
    }
  });
});

describe('a window that is not used does not grow (RFC 7661 §4, as Linux decides it)', () => {
  const rounds = (c: Conn, n: number, each: number): void => {
    let at = 0;
    for (let i = 0; i < n; i++) {
      write(c, each);
      at += sent(c).length;
      c.lab.run(ROUND);
      ack(c, at);
    }
  };

  test('slow start: to twice what was in flight, and no further', () => {
    const c = sender();
    rounds(c, 20, 4);
    expect(c.info().snd_cwnd).toBe(10);
    const d = sender();
    rounds(d, 20, 8);
    // 10 is less than twice 8, and the ACK is of eight.
    expect(d.info().snd_cwnd).toBe(18);
  });

  test.each(['reno', 'cubic'])('congestion avoidance, %s: only if the window itself was the limit', cc => {
    const c = sender({ sysctl: { tcp_congestion_control: cc } });
    write(c, 10);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 0, [[1, 5]]);
    c.lab.run(ROUND);
    ack(c, 10);
    sent(c);
    const { snd_cwnd: cwnd } = c.info();
    let at = 10;
    for (let i = 0; i < 30; i++) {
      write(c, cwnd - 2);
      at += sent(c).length;
      c.lab.run(ROUND);
      ack(c, at);
    }
    expect(c.info().snd_cwnd).toBe(cwnd);
    // The same with a full window.
    for (let i = 0; i < 30; i++) {
      write(c, 40);
      at += sent(c).length;
      c.lab.run(ROUND);
      ack(c, at);
    }
    expect(c.info().snd_cwnd).toBeGreaterThan(cwnd + 3);
  });

  test('a peer’s window that is the limit is none of the congestion window’s doing', () => {
    const c = sender({ peer: { window: 4000, windowScale: 0 } });
    let at = 0;
    write(c, 60);
    for (let i = 0; i < 15; i++) {
      at += sent(c).length;
      c.lab.run(ROUND);
      ack(c, at);
    }
    expect(at).toBe(60);
    expect(c.info().snd_cwnd).toBe(10);
  });
});
