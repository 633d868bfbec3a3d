import { expect, test } from 'vitest';
import { Lab } from './kit.ts';

/** Times, in milliseconds since the first, at which the segment that starts at `seq` was sent. */
function sendings(c: ReturnType<Lab['accepted']>, seq: number): number[] {
  const times = c
    .heard()
    .filter(h => h.seq === seq && h.data.length > 0)
    .map(h => h.time / 1000);
  return times.map(t => Math.round(t - times[0]!));
}

test('MUST-18: the first sample sets SRTT to it and RTTVAR to half of it (RFC 6298 2.2)', () => {
  const lab = new Lab();
  const c = lab.dialled();
  lab.run(0.4);
  c.answer();
  const { rtt, rto } = c.info();
  expect(rtt).toBe(400_000);
  // SRTT + 4 × RTTVAR = R + 4 × R/2.
  expect(Math.abs(rto - 1_200_000)).toBeLessThanOrEqual(1000);
});

test('MUST-18: further samples move SRTT by an eighth (RFC 6298 2.3)', () => {
  const lab = new Lab();
  const c = lab.dialled();
  lab.run(0.4);
  c.answer();
  c.heard();
  c.send('x');
  lab.run(0.48);
  c.heard();
  c.say('.');
  expect(Math.abs(c.info().rtt - 410_000)).toBeLessThanOrEqual(1000);
});

test('MUST-18: each expiry doubles the timeout (RFC 6298 5.5)', () => {
  const lab = new Lab({ sysctl: { tcp_early_retrans: 0 } });
  const c = lab.accepted();
  c.send('x');
  lab.run(7);
  const times = sendings(c, 1);
  expect(times.length).toBe(6);
  const waits = times.slice(1).map((t, i) => t - times[i]!);
  expect(waits[0]).toBeGreaterThanOrEqual(200);
  // Each expiry comes at a tick: up to 1 ms late, and so is the wait measured from it.
  for (let i = 1; i < waits.length; i++)
    expect(Math.abs(waits[i]! - 2 * waits[i - 1]!)).toBeLessThanOrEqual(3);
});

test('MUST-18: no sample is taken from a segment that was sent twice (Karn)', () => {
  const lab = new Lab({ sysctl: { tcp_early_retrans: 0 } });
  const c = lab.accepted();
  c.send('x');
  lab.run(0.01);
  c.heard();
  c.say('.');
  const { rtt } = c.info();
  c.send('y');
  lab.run(0.5);
  expect(c.heard().filter(h => h.data.length > 0).length).toBeGreaterThan(1);
  c.say('.');
  expect(c.info().rtt).toBe(rtt);
});

test('MUST-18: the timeout stays backed off until something that was sent once is acknowledged (Karn)', () => {
  const lab = new Lab({ sysctl: { tcp_early_retrans: 0 } });
  const c = lab.accepted();
  c.send('x');
  lab.run(1.5);
  expect(c.info().backoff).toBeGreaterThanOrEqual(2);
  c.say('.', { ack: 1 });
  expect(c.info().backoff).toBeGreaterThanOrEqual(2);
  c.heard();
  c.say('.', { ack: 2 });
  expect(c.info().backoff).toBeGreaterThanOrEqual(2);
  c.send('y');
  c.heard();
  c.say('.');
  expect(c.info().backoff).toBe(0);
});

test('MUST-18: with timestamps a retransmission may be measured, since the echo says which one it was', () => {
  const lab = new Lab({ sysctl: { tcp_early_retrans: 0 } });
  const c = lab.accepted({ timestamps: true });
  c.send('x');
  lab.run(0.3);
  c.heard();
  lab.run(0.05);
  c.say('.');
  const { rtt } = c.info();
  expect(rtt).toBeGreaterThan(0);
  expect(rtt).toBeLessThan(300_000);
});

test('MAY-4: a retransmission cannot be told by its IPv4 identification: whole datagrams carry 0 and DF', () => {
  const lab = new Lab();
  const c = lab.accepted();
  c.send('x');
  lab.run(3);
  const same = c.heard().filter(h => h.seq === 1 && h.data.length === 1);
  expect(same.length).toBeGreaterThan(2);
  expect(new Set(same.map(h => `${h.id} ${h.df}`))).toEqual(new Set(['0 true']));
});

test('on a retransmission timeout the head of the queue is sent again', () => {
  const lab = new Lab({ sysctl: { tcp_early_retrans: 0 } });
  const c = lab.accepted({ mss: 100 });
  c.send(500);
  c.heard();
  lab.run(0.25);
  expect(c.heard().map(h => [h.seq, h.data.length])).toEqual([[1, 100]]);
});
