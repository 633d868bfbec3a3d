import { describe, expect, test } from 'vitest';
import type { Conn } from '../kit.ts';
import { ack, LOSS, NO_THRESHOLD, OPEN, RECOVERY, sender, sent, timeout, write } from './kit.ts';

/** Ten segments are out and the timeout repeats the first. Without tail loss probes, which the RFC knows nothing of. */
function timedOut(options: { sackOk?: boolean; tcp_frto?: number; window?: number } = {}): Conn {
  const c = sender({
    sysctl: { tcp_early_retrans: 0, tcp_congestion_control: 'reno', tcp_frto: options.tcp_frto ?? 2 },
    peer: { sackOk: options.sackOk ?? true },
  });
  if (options.window !== undefined) {
    c.window = options.window;
    c.say('.');
  }
  write(c, 20);
  expect(sent(c)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(timeout(c)).toEqual([0]);
  expect(c.info()).toMatchObject({ ca_state: LOSS, snd_cwnd: 1, snd_ssthresh: 5, total_rto: 1 });
  return c;
}

describe.each([
  ['§2.1, without SACK', false],
  ['§3.1, with SACK', true],
])('F-RTO (RFC 5682 %s)', (_, sackOk) => {
  test('steps 2b, 3b: the first ACK is answered by two new segments; when the second ACK advances over what was never repeated, the timeout was spurious', () => {
    const c = timedOut({ sackOk });
    ack(c, 1);
    expect(sent(c), 'new data, no repetition').toEqual([10, 11]);
    ack(c, 2);
    expect(c.info()).toMatchObject({ ca_state: OPEN, snd_ssthresh: NO_THRESHOLD });
    expect(c.info().snd_cwnd).toBeGreaterThanOrEqual(10);
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(1);
    expect(c.lab.mib.TcpRetransSegs).toBe(1);
  });

  test('step 3a: if the second ACK is a duplicate the timeout was right: what was lost is repeated in slow start', () => {
    const c = timedOut({ sackOk });
    ack(c, 1);
    expect(sent(c)).toEqual([10, 11]);
    ack(c, 1, sackOk ? [[10, 11]] : []);
    expect(sent(c)[0]).toBe(1);
    expect(c.info()).toMatchObject({ ca_state: LOSS, snd_ssthresh: 5 });
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(0);
  });

  test('step 2a: a duplicate ACK after the timeout is no sign of a spurious one', () => {
    const c = timedOut({ sackOk });
    ack(c, 0, sackOk ? [[0, 1]] : []);
    expect(
      sent(c).every(n => n < 10),
      'no new data',
    ).toBe(true);
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(0);
    expect(c.info().ca_state).toBe(LOSS);
  });

  test('step 2: an ACK of all that was out ends it; nothing is left to find out', () => {
    const c = timedOut({ sackOk });
    ack(c, 10);
    // Without SACK the state lasts until beyond what was out, lest old duplicates begin a recovery (RFC 6582 §6).
    expect(c.info().ca_state).toBe(sackOk ? OPEN : LOSS);
    const next = sent(c);
    expect(next[0]).toBe(10);
    ack(c, 10 + next.length);
    expect(c.info().ca_state).toBe(OPEN);
  });

  test('step 1: a second timeout of the same data tells nothing: no F-RTO without progress', () => {
    const c = timedOut({ sackOk });
    expect(timeout(c)).toEqual([0]);
    expect(c.info()).toMatchObject({ ca_state: LOSS, snd_ssthresh: 5, retransmits: 2 });
    ack(c, 1);
    expect(c.info().ca_state).toBe(LOSS);
  });

  test('tcp_frto 0: the first ACK is answered by repetitions', () => {
    const c = timedOut({ sackOk, tcp_frto: 0 });
    ack(c, 1);
    expect(sent(c)).toEqual([1, 2]);
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(0);
  });
});

describe('F-RTO (RFC 5682)', () => {
  test('appendix A: where the window lets no new data out there is nothing to find out with; the repetitions go', () => {
    // 79 × 128 bytes: just the ten segments.
    const c = timedOut({ window: 79 });
    c.window = 71;
    ack(c, 1);
    expect(sent(c)).toEqual([1, 2]);
  });

  test('§3.1: with SACK the original of a segment that was never repeated tells it too, out of order', () => {
    const c = timedOut();
    ack(c, 0, [[3, 4]]);
    expect(c.info().ca_state).not.toBe(RECOVERY);
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(1);
  });
});
