import { describe, expect, test } from 'vitest';
import type { Conn } from '../kit.ts';
import { ack, DISORDER, OPEN, RECOVERY, ROUND, sender, sent, tcb, timeout, write } from './kit.ts';

/** Ten segments are out, and a round trip has passed. */
function flight(sysctl: Record<string, string | number> = {}): Conn {
  const c = sender({ sysctl: { tcp_congestion_control: 'reno', ...sysctl } });
  write(c, 10);
  expect(sent(c)).toHaveLength(10);
  c.lab.run(ROUND);
  return c;
}

describe('RACK (RFC 8985 §6)', () => {
  test('§6.2 step 4: without reordering seen, three segments behind a hole are enough: no waiting', () => {
    const c = flight();
    ack(c, 0, [[1, 4]]);
    expect(sent(c)).toEqual([0]);
    expect(c.info()).toMatchObject({ ca_state: RECOVERY, lost: 1 });
  });

  test('§6.2 steps 4, 5: fewer, and it waits a quarter of the least round trip, by timer', () => {
    const c = flight();
    ack(c, 0, [[1, 3]]);
    expect(c.info()).toMatchObject({ ca_state: DISORDER, lost: 0 });
    expect(sent(c)).toEqual([]);
    c.lab.run(0.02);
    expect(sent(c)).toEqual([]);
    // min_rtt / 4 is 25 ms; the timer runs in jiffies with two of slack.
    c.lab.run(0.012);
    expect(sent(c)).toEqual([0]);
    expect(c.info().ca_state).toBe(RECOVERY);
  });

  test('§6.2 step 3: what comes within that time was reordered; from then on three are no longer enough', () => {
    const c = flight();
    ack(c, 0, [[1, 3]]);
    c.lab.run(0.01);
    ack(c, 3);
    expect(c.info()).toMatchObject({ ca_state: OPEN, reord_seen: 1, total_retrans: 0 });
    ack(c, 3, [[4, 9]]);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.035);
    expect(sent(c)).toEqual([3]);
  });

  test('§6.2 step 4: a D-SACK widens the window by a quarter more, sixteen recoveries keep it', () => {
    const c = flight();
    ack(c, 0, [[1, 3]]);
    ack(c, 3);
    expect(c.info().reord_seen).toBe(1);
    ack(c, 3, [[4, 9]]);
    c.lab.run(0.035);
    expect(sent(c)).toEqual([3]);
    expect(tcb(c).rackSteps).toBe(1);
    // Both copies arrive.
    ack(c, 9);
    ack(c, 9, [[3, 4]]);
    ack(c, 10);
    expect(tcb(c).rackSteps).toBe(2);
    expect(tcb(c).rackPersist).toBeGreaterThanOrEqual(15);
  });

  test('§6.2 step 5: a repetition that something sent later overtook is lost again, without a timeout', () => {
    const c = flight();
    ack(c, 0, [[1, 4]]);
    expect(sent(c)).toEqual([0]);
    write(c, 10);
    c.lab.run(0.001);
    ack(c, 0, [[1, 10]]);
    const news = sent(c);
    expect(news[0]).toBe(10);
    c.lab.run(ROUND);
    // New data sent after the repetition is here, the repetition is not.
    ack(c, 0, [[1, 10 + news.length]]);
    c.lab.run(0.03);
    expect(sent(c)).toContain(0);
    expect(c.lab.mib.TcpExtTCPLostRetransmit).toBe(1);
    expect(c.info().total_rto).toBe(0);
  });

  /** At one moment an ACK lets segment 10 go, then another sends segment 0 again. */
  function bothAtOnce(sysctl: Record<string, string | number> = {}): Conn {
    const c = flight(sysctl);
    write(c, 1);
    ack(c, 0, [[1, 2]]);
    ack(c, 0, [[1, 10]]);
    expect(sent(c)).toEqual([10, 0]);
    return c;
  }

  test('§6.2 step 5: of what several ACKs send at one moment, the order of sending decides what was overtaken', () => {
    const c = bothAtOnce();
    c.lab.run(ROUND);
    // The new data went before the repetition, whose ACK may yet come.
    ack(c, 0, [[1, 11]]);
    expect(sent(c)).not.toContain(0);
    expect(c.lab.mib.TcpExtTCPLostRetransmit).toBe(0);
    ack(c, 11);
    expect(c.info()).toMatchObject({ ca_state: OPEN, total_retrans: 1 });
  });

  test('a SACK of what was sent before the head begins the timeout of the head anew', () => {
    const c = bothAtOnce({ tcp_early_retrans: 0 });
    c.lab.run(ROUND);
    ack(c, 0, [[1, 11]]);
    expect(sent(c)).toEqual([]);
    expect(tcb(c).xmitAt).toBe(tcb(c).ctx.now + tcb(c).rto);
  });

  test('§6.3: upon a timeout only the head and what is old enough is marked lost', () => {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno', tcp_early_retrans: 0 } });
    write(c, 5);
    sent(c);
    c.lab.run(0.25);
    write(c, 5);
    sent(c);
    timeout(c);
    expect(c.info()).toMatchObject({ lost: 5, unacked: 10 });
  });
});

describe('tail loss probe (RFC 8985 §7)', () => {
  test('§7.2, §7.3: after two round trips of silence the last segment goes again; it is no timeout', () => {
    const c = sender();
    write(c, 4);
    sent(c);
    c.lab.run(0.19);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.03);
    expect(sent(c)).toEqual([3]);
    expect(c.info()).toMatchObject({ ca_state: OPEN, total_rto: 0, snd_cwnd: 10 });
    expect(c.lab.mib.TcpExtTCPLossProbes).toBe(1);
  });

  test('§7.3: new data goes before old', () => {
    const c = sender();
    write(c, 12);
    expect(sent(c)).toHaveLength(10);
    c.lab.run(0.22);
    expect(sent(c)).toEqual([10]);
  });

  test('§7.2: for a lone segment the receiver’s delayed ACK is waited for', () => {
    const c = sender();
    write(c, 1);
    sent(c);
    c.lab.run(0.25);
    expect(sent(c)).toEqual([]);
  });

  test('§7.4: an ACK beyond a probe that repeated, without a D-SACK, means that it repaired a loss: the window shrinks', () => {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno' } });
    write(c, 4);
    sent(c);
    c.lab.run(0.22);
    expect(sent(c)).toEqual([3]);
    ack(c, 4);
    write(c, 2);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 5);
    expect(c.info()).toMatchObject({ ca_state: OPEN, snd_ssthresh: 5 });
    expect(c.lab.mib.TcpExtTCPLossProbeRecovery).toBe(1);
  });

  test('§7.4: with a D-SACK the original had arrived as well: nothing was lost', () => {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno' } });
    write(c, 4);
    sent(c);
    c.lab.run(0.22);
    expect(sent(c)).toEqual([3]);
    ack(c, 4);
    ack(c, 4, [[3, 4]]);
    write(c, 2);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 6);
    expect(c.info().snd_ssthresh).toBe(0x7fffffff);
    expect(c.lab.mib.TcpExtTCPLossProbeRecovery).toBe(0);
  });

  test('§7.2: a probe that found the window closed is made up for when it opens: no timeout', () => {
    const c = flight();
    // The receiver had no room for any of them, and says so.
    c.say('.', { ack: 1, window: 0 });
    c.lab.run(0.11);
    expect(sent(c)).toEqual([]);
    c.say('.', { ack: 1, window: 500 });
    c.lab.run(2 * ROUND + 0.01);
    expect(sent(c)).toEqual([9]);
    expect(c.info()).toMatchObject({ ca_state: OPEN });
  });

  test('§7.3: one probe at a time; the timeout follows it. tcp_early_retrans 0: none', () => {
    const c = sender();
    write(c, 4);
    sent(c);
    c.lab.run(2);
    expect(c.lab.mib.TcpExtTCPLossProbes).toBe(1);
    expect(c.info().total_rto).toBeGreaterThan(0);
    const none = sender({ sysctl: { tcp_early_retrans: 0 } });
    write(none, 4);
    none.lab.run(2);
    expect(none.lab.mib.TcpExtTCPLossProbes).toBe(0);
  });
});

describe('a repetition that is lost, with nothing sent after it', () => {
  /** Two segments are out, the first is lost, and is sent again by recovery. */
  function repeated(sysctl: Record<string, string | number> = {}): Conn {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno', ...sysctl } });
    write(c, 2);
    sent(c);
    c.lab.run(ROUND);
    ack(c, 0, [[1, 2]]);
    c.lab.run(0.03);
    expect(sent(c)).toEqual([0]);
    expect(c.info()).toMatchObject({ ca_state: RECOVERY, lost: 1, retrans: 1 });
    return c;
  }

  test('goes again after two round trips, and it is no timeout', () => {
    const c = repeated();
    c.lab.run(0.19);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.02);
    expect(sent(c)).toEqual([0]);
    expect(c.lab.mib.TcpExtTCPLostRetransmit).toBe(1);
    expect(c.info()).toMatchObject({ ca_state: RECOVERY, total_rto: 0, lost: 1, retrans: 1 });
    ack(c, 2);
    expect(c.info()).toMatchObject({ ca_state: OPEN, lost: 0, retrans: 0, unacked: 0 });
  });

  test('once: after that the timeout, in full', () => {
    const c = repeated();
    c.lab.run(0.21);
    expect(sent(c)).toEqual([0]);
    const { rto } = tcb(c);
    expect(tcb(c).xmitAt - tcb(c).ctx.now).toBeGreaterThan(rto - 20_000);
    c.lab.run(rto / 1e6 - 0.03);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.03);
    expect(sent(c)).toEqual([0]);
    expect(c.info()).toMatchObject({ total_rto: 1 });
  });

  test('not with tcp_early_retrans 0, as all probes', () => {
    const c = repeated({ tcp_early_retrans: 0 });
    c.lab.run(0.25);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.1);
    expect(sent(c)).toEqual([0]);
    expect(c.info()).toMatchObject({ total_rto: 1 });
  });

  test('an ACK of it in time, and what it repaired is not sent again', () => {
    const c = repeated();
    c.lab.run(0.15);
    ack(c, 2);
    c.lab.run(1);
    expect(sent(c)).toEqual([]);
  });

  test('the next hole is waited for from when it was repeated', () => {
    const c = flight();
    ack(c, 0, [
      [2, 4],
      [5, 10],
    ]);
    expect(sent(c)).toEqual([0, 1, 4]);
    c.lab.run(0.13);
    ack(c, 1, [
      [2, 4],
      [5, 10],
    ]);
    c.lab.run(0.06);
    expect(sent(c)).toEqual([]);
    c.lab.run(0.02);
    expect(sent(c)).toEqual([1]);
  });
});

describe('proportional rate reduction (RFC 6937, 9937)', () => {
  test('§3: one loss of twenty: for every second ACK one new segment, and half the window at the end', () => {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno' } });
    tcb(c).cwnd = 20;
    write(c, 60);
    expect(sent(c)).toHaveLength(20);
    c.lab.run(ROUND);
    const said: string[] = [];
    for (let n = 2; n <= 20; n++) {
      // More than a millisecond apart, so that nothing is deferred for a larger burst.
      c.lab.run(0.002);
      ack(c, 0, [[1, n]]);
      said.push(
        sent(c)
          .map(i => (i === 0 ? 'R' : 'N'))
          .join('') || '·',
      );
    }
    // RFC 6937 §4's figure: two by limited transmit, the repetition, then every second.
    expect(said.slice(0, 3)).toEqual(['N', 'N', 'R']);
    const rest = said.slice(3).join('');
    expect(rest).toMatch(/^(·*N·?)+·*$/);
    expect([...said.join('')].filter(x => x !== '·')).toHaveLength(10);
    c.lab.run(ROUND);
    ack(c, 20);
    expect(c.info()).toMatchObject({ snd_ssthresh: 10 });
    expect(c.info().snd_cwnd).toBeLessThanOrEqual(11);
    expect(c.info().snd_cwnd).toBeGreaterThanOrEqual(10);
  });

  test('§3: a burst of losses: what was delivered is what goes out, no more (conservation), until the threshold', () => {
    const c = sender({ sysctl: { tcp_congestion_control: 'reno' } });
    tcb(c).cwnd = 20;
    write(c, 60);
    sent(c);
    c.lab.run(ROUND);
    // Fifteen are lost: the last five come back.
    for (let n = 16; n <= 20; n++) {
      c.lab.run(0.0005);
      const before = tcb(c).delivered;
      ack(c, 0, [[15, n]]);
      expect(sent(c).length, `${n}`).toBeLessThanOrEqual(Math.max(1, tcb(c).delivered - before) + 1);
    }
    expect(c.info()).toMatchObject({ ca_state: RECOVERY, lost: 15, snd_ssthresh: 10 });
  });
});
