import { describe, expect, test } from 'vitest';
import type { Conn } from '../kit.ts';
import { ack, LOSS, NO_THRESHOLD, OPEN, RECOVERY, ROUND, sender, sent, timeout, write } from './kit.ts';

const reno = { tcp_early_retrans: 0, tcp_congestion_control: 'reno' };

/** What the window and the threshold are. */
const window = (c: Conn): [number, number] => [c.info().snd_cwnd, c.info().snd_ssthresh];

/** Fast retransmit of segment 0 of ten: three behind it are SACKed. */
function fastRetransmit(c: Conn): void {
  write(c, 10);
  expect(sent(c)).toHaveLength(10);
  c.lab.run(ROUND);
  ack(c, 0, [[1, 2]]);
  ack(c, 0, [[1, 3]]);
  ack(c, 0, [[1, 4]]);
  expect(sent(c)).toEqual([0]);
  expect(c.info()).toMatchObject({ ca_state: RECOVERY, snd_ssthresh: 5 });
}

describe('Eifel detection (RFC 3522) and response (RFC 4015), with timestamps', () => {
  const start = (): Conn => sender({ sysctl: { ...reno, tcp_frto: 0 }, peer: { timestamps: true } });

  test('§3.2 steps 3, 4: an ACK that echoes a time before the repetition answers the original', () => {
    const c = start();
    write(c, 10);
    expect(sent(c)).toHaveLength(10);
    const before = window(c);
    const original = c.echo;
    expect(timeout(c)).toEqual([0]);
    expect(window(c)).toEqual([1, 5]);
    c.echo = original;
    ack(c, 1);
    // RFC 4015 §3.2: the window and the threshold are what they were, and the window grows by what was acknowledged.
    expect(c.info().ca_state).toBe(OPEN);
    expect(window(c)).toEqual([before[0] + 1, NO_THRESHOLD]);
    expect(c.lab.mib.TcpExtTCPLossUndo).toBe(1);
  });

  test('an ACK that echoes the repetition answers that: the reduction stays', () => {
    const c = start();
    write(c, 10);
    expect(sent(c)).toHaveLength(10);
    expect(timeout(c)).toEqual([0]);
    ack(c, 1);
    expect(c.info().ca_state).toBe(LOSS);
    expect(window(c)[1]).toBe(5);
    expect(c.lab.mib.TcpExtTCPLossUndo).toBe(0);
  });

  test('a fast retransmit is taken back in the same way', () => {
    const c = start();
    write(c, 10);
    const original = c.heard() && c.echo;
    c.lab.run(ROUND);
    for (const to of [2, 3, 4]) ack(c, 0, [[1, to]]);
    const repeated = c.heard();
    expect(repeated).toHaveLength(1);
    expect(c.info().ca_state).toBe(RECOVERY);
    c.echo = original;
    ack(c, 4);
    expect(window(c)).toEqual([11, NO_THRESHOLD]);
    expect(c.lab.mib.TcpExtTCPPartialUndo + c.lab.mib.TcpExtTCPFullUndo).toBe(1);
  });
});

describe('D-SACK (RFC 2883) and what it proves (RFC 3708)', () => {
  const start = (): Conn => sender({ sysctl: { ...reno, tcp_frto: 0 } });

  test('§2.2: a D-SACK for every repetition takes the reduction back', () => {
    const c = start();
    fastRetransmit(c);
    ack(c, 10);
    expect(window(c)[1], 'an ACK alone proves nothing').toBe(5);
    ack(c, 10, [[0, 1]]);
    expect(window(c)).toEqual([10, NO_THRESHOLD]);
    expect(c.info()).toMatchObject({ ca_state: OPEN, dsack_dups: 1 });
    expect(c.lab.mib.TcpExtTCPDSACKUndo).toBe(1);
  });

  test('§2.2: in recovery too, as soon as the last repetition is reported', () => {
    const c = start();
    fastRetransmit(c);
    // The original fills the gap up to 4, the repetition is reported with the rest still out.
    ack(c, 4);
    ack(c, 4, [[0, 1]]);
    expect(c.info().ca_state).toBe(OPEN);
    expect(window(c)[1]).toBe(NO_THRESHOLD);
  });

  test('one repetition without a D-SACK, and the reduction stays', () => {
    const c = start();
    write(c, 10);
    expect(sent(c)).toHaveLength(10);
    c.lab.run(ROUND);
    ack(c, 0, [[2, 3]]);
    ack(c, 0, [[2, 4]]);
    ack(c, 0, [[2, 8]]);
    c.lab.run(0.03);
    expect(sent(c).sort()).toEqual([0, 1]);
    ack(c, 10);
    ack(c, 10, [[0, 1]]);
    expect(window(c)[1]).toBe(5);
    expect(c.lab.mib.TcpExtTCPDSACKUndo).toBe(0);
  });

  test('§3 and attacks: more D-SACKs than repetitions are made up, and taken for nothing', () => {
    const c = start();
    fastRetransmit(c);
    ack(c, 10);
    for (let i = 0; i < 5; i++) ack(c, 10, [[0, 1]]);
    expect(c.lab.mib.TcpExtTCPDSACKIgnoredDubious).toBe(4);
    expect(window(c)).toEqual([10, NO_THRESHOLD]);
    fastRetransmitAgain(c);
  });
});

/** After all that a loss is still a loss. */
function fastRetransmitAgain(c: Conn): void {
  write(c, 10);
  sent(c);
  c.lab.run(ROUND);
  ack(c, 10, [[11, 14]]);
  c.lab.run(0.05);
  expect(sent(c)).toContain(10);
  expect(c.info().ca_state).toBe(RECOVERY);
}
