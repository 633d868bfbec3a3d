import { describe, expect, test } from 'vitest';
import { type Conn, fill } from '../kit.ts';
import { NO_THRESHOLD, ROUND, sender, tcb, timeout } from './kit.ts';

const IP_AND_TCP = 40;

/**
 * A sender behind whose path nothing larger than `limit` bytes gets through, and no ICMP message says so: each round
 * trip the peer SACKs what could arrive.
 */
function path(
  limit: number,
  sysctl: Record<string, string | number>,
  family: 4 | 6 = 4,
): { c: Conn; round(): void } {
  const c = sender({
    sysctl: { tcp_congestion_control: 'reno', tcp_early_retrans: 0, tcp_timestamps: 0, ...sysctl },
    peer: { mss: family === 4 ? 1460 : 1440 },
    lab: { family },
  });
  const header = family === 4 ? 20 : 40;
  let next = 1;
  const early = new Map<number, number>();
  return {
    c,
    round() {
      c.lab.run(ROUND);
      for (const h of c.heard()) {
        if (h.data.length === 0 || header + h.headerLength + h.data.length > limit) continue;
        if (h.seq + h.data.length > next)
          early.set(h.seq, Math.max(h.seq + h.data.length, early.get(h.seq) ?? 0));
        for (const [from, to] of [...early].sort((a, b) => a[0] - b[0]))
          if (from <= next) {
            next = Math.max(next, to);
            early.delete(from);
          }
        const sack = [...early]
          .sort((a, b) => b[0] - a[0])
          .slice(0, 3)
          .map(([l, r]): [number, number] => [c.hostIsn + l, c.hostIsn + r]);
        // Segments that leave at the same microsecond would be of the same age to RACK.
        c.lab.run(0.00002);
        c.say('.', { ack: next, ...(sack.length > 0 ? { options: { sack } } : {}) });
      }
    },
  };
}

/** Keeps the writer busy for some round trips; the sizes of segment that were acknowledged in the end. */
function transfer(p: { c: Conn; round(): void }, rounds: number): void {
  for (let i = 0; i < rounds; i++) {
    p.c.send(fill(60_000));
    p.round();
  }
}

const mss = (c: Conn): number => c.info().snd_mss;

describe('packetization-layer path MTU discovery (RFC 4821), tcp_mtu_probing 2', () => {
  test('§7.2, §7.3: it begins with tcp_base_mss, searches between it and the MSS, and ends a few bytes below the limit', () => {
    for (const [limit, family] of [
      [1500, 4],
      [1300, 4],
      [1024, 4],
      [1400, 6],
    ] as const) {
      const p = path(limit, { tcp_mtu_probing: 2, tcp_base_mss: 512 }, family);
      expect(mss(p.c)).toBe(512);
      transfer(p, 40);
      const headers = family === 4 ? IP_AND_TCP : IP_AND_TCP + 20;
      expect(mss(p.c) + headers, `${limit}`).toBeLessThanOrEqual(limit);
      // tcp_probe_threshold: the search ends when the range is narrower than 8 bytes.
      expect(mss(p.c) + headers, `${limit}`).toBeGreaterThan(limit - 9);
    }
  });

  test('§7.6.2: a probe that is lost while what follows arrives is no congestion: the window stays, and is not probed in that size again', () => {
    const p = path(600, { tcp_mtu_probing: 2, tcp_base_mss: 512, tcp_slow_start_after_idle: 0 });
    transfer(p, 6);
    const before = p.c.info();
    expect(p.c.lab.mib.TcpExtTCPMTUPFail).toBeGreaterThan(0);
    expect(before).toMatchObject({ snd_ssthresh: NO_THRESHOLD });
    expect(before.snd_cwnd).toBeGreaterThanOrEqual(20);
    transfer(p, 40);
    expect(p.c.lab.mib.TcpExtTCPMTUPFail, 'halving 948 bytes down to 8 takes seven').toBeLessThanOrEqual(7);
    expect(p.c.info().total_rto).toBe(0);
  });

  test('§7.6.1: a probe that arrives makes segments larger, and the window keeps its bytes', () => {
    const { c } = path(1500, { tcp_mtu_probing: 2, tcp_base_mss: 512 });
    c.set(6, 1, 1);
    c.send(fill(5120));
    c.heard();
    c.lab.run(ROUND);
    c.say('.', { ack: 5121 });
    expect(c.info()).toMatchObject({ snd_cwnd: 20, snd_mss: 512 });
    c.send(fill(4000));
    const [probe] = c.heard();
    expect(probe?.data.length, '(512 + 1460) / 2').toBe(986);
    expect(c.info().snd_cwnd, 'it takes the place of two').toBe(19);
    c.lab.run(ROUND);
    c.say('.', { ack: 5121 + 986 });
    // 19 segments of 512 bytes are ten of 986, headers and all; one more for the ACK.
    expect(c.info()).toMatchObject({ snd_mss: 986, snd_cwnd: 11 });
    expect(c.lab.mib.TcpExtTCPMTUPSuccess).toBe(1);
  });

  test('§7.4: no probe where its loss could not be told at once: little data, little window, small congestion window', () => {
    const p = path(1500, { tcp_mtu_probing: 2, tcp_base_mss: 512 });
    for (let i = 0; i < 20; i++) {
      p.c.send(fill(1500));
      p.round();
    }
    expect(mss(p.c)).toBe(512);
    expect(p.c.lab.mib.TcpExtTCPMTUPSuccess).toBe(0);
  });
});

describe('black holes (RFC 4821 §7.7, RFC 8899 §4.3), tcp_mtu_probing 1', () => {
  test('segments are full-sized until repetitions go unanswered for R1; then they begin at tcp_base_mss and grow again', () => {
    const p = path(1200, { tcp_mtu_probing: 1, tcp_base_mss: 512, tcp_retries1: 1 });
    expect(mss(p.c)).toBe(1460);
    transfer(p, 8);
    expect(p.c.info().bytes_acked, 'nothing gets through but the SYN').toBe(1);
    for (let i = 0; i < 200 && p.c.info().bytes_acked < 60_000; i++) transfer(p, 1);
    expect(p.c.info().bytes_acked).toBeGreaterThan(60_000);
    expect(mss(p.c)).toBeLessThanOrEqual(1160);
    transfer(p, 40);
    expect(mss(p.c)).toBeGreaterThan(1160 - 9);
  });

  test('the size is halved by each further timeout, down to tcp_mtu_probe_floor and tcp_min_snd_mss', () => {
    const c = sender({
      sysctl: {
        tcp_mtu_probing: 1,
        tcp_base_mss: 512,
        tcp_retries1: 1,
        tcp_mtu_probe_floor: 100,
        tcp_early_retrans: 0,
      },
      peer: { mss: 1460 },
    });
    c.send(fill(1460));
    c.heard();
    const sizes: number[] = [];
    for (let i = 0; i < 7; i++) {
      timeout(c);
      sizes.push(tcb(c).mssCache);
    }
    expect(sizes).toEqual([1460, 512, 256, 128, 100, 100, 100]);
  });

  test('tcp_mtu_probing 0: it is never suspected', () => {
    const p = path(1200, { tcp_mtu_probing: 0, tcp_base_mss: 512, tcp_retries1: 1 });
    transfer(p, 100);
    expect(mss(p.c)).toBe(1460);
    expect(p.c.info().bytes_acked).toBe(1);
  });

  test('RFC 8899 §5.3.3, tcp_probe_interval: a path that has become wider is found after the interval, not before', () => {
    const sysctl = { tcp_mtu_probing: 2, tcp_base_mss: 512, tcp_probe_interval: 15 };
    const narrow = path(900, sysctl);
    transfer(narrow, 60);
    const settled = mss(narrow.c);
    expect(settled).toBeLessThanOrEqual(860);
    const failures = narrow.c.lab.mib.TcpExtTCPMTUPFail;
    transfer(narrow, 200);
    expect(narrow.c.lab.mib.TcpExtTCPMTUPFail, 'still too narrow, tried again').toBeGreaterThan(failures);
    expect(mss(narrow.c)).toBeLessThanOrEqual(860);
  });
});
