import { describe, expect, test } from 'vitest';
import { ENOENT } from '../../src/base/errno.ts';
import { IPPROTO_TCP, TCP_CONGESTION } from '../../src/socket/constants.ts';
import { type Conn, Lab } from './kit.ts';

/** A round trip of 100 ms: time passes, then each segment that was heard is acknowledged on its own. */
function round(c: Conn): number {
  c.lab.run(0.1);
  const ends = c
    .heard()
    .filter(h => h.data.length > 0)
    .map(h => h.seq + h.data.length);
  for (const ack of ends) c.say('.', { ack });
  return ends.length;
}

/** A connection with much to send. */
function sender(sysctl: Record<string, string | number> = {}): Conn {
  const lab = new Lab({ sysctl: { tcp_wmem: '4096 4194304 4194304', ...sysctl } });
  const c = lab.dialled({ mss: 1000, windowScale: 10, sackOk: true });
  lab.run(0.1);
  c.answer();
  c.heard();
  expect(c.send(2_000_000)).toBeGreaterThan(1_000_000);
  return c;
}

describe('congestion control', () => {
  test('MUST-19: slow start begins with ten segments and doubles each round trip', () => {
    const c = sender();
    const windows = [c.info().snd_cwnd];
    for (let i = 0; i < 4; i++) {
      round(c);
      windows.push(c.info().snd_cwnd);
    }
    expect(windows).toEqual([10, 20, 40, 80, 160]);
  });

  test('MUST-19: a loss found by SACK cuts the window and sets the slow start threshold', () => {
    const c = sender({ tcp_congestion_control: 'reno' });
    c.heard();
    const before = c.info().snd_cwnd;
    const sack = (from: number, to: number): readonly [number, number] => [c.hostIsn + from, c.hostIsn + to];
    c.lab.run(0.1);
    for (let i = 2; i <= 9; i++) c.say('.', { ack: 1, options: { sack: [sack(1001, 1 + i * 1000)] } });
    expect(c.heard().some(h => h.seq === 1)).toBe(true);
    const info = c.info();
    expect(info.snd_ssthresh).toBeLessThanOrEqual(before / 2 + 1);
    expect(info.snd_ssthresh).toBeGreaterThanOrEqual(2);
  });

  test('MUST-19: above the threshold the window grows by about one segment a round trip', () => {
    const c = sender({ tcp_congestion_control: 'reno' });
    c.heard();
    c.lab.run(0.1);
    for (let i = 2; i <= 10; i++) {
      c.say('.', { ack: 1, options: { sack: [[c.hostIsn + 1001, c.hostIsn + 1 + i * 1000]] } });
    }
    c.lab.run(0.05);
    c.heard();
    c.say('.');
    for (let i = 0; i < 3; i++) round(c);
    const before = c.info();
    expect(before.snd_cwnd).toBeGreaterThanOrEqual(before.snd_ssthresh);
    for (let i = 0; i < 5; i++) round(c);
    const grown = c.info().snd_cwnd - before.snd_cwnd;
    expect(grown).toBeGreaterThanOrEqual(3);
    expect(grown).toBeLessThanOrEqual(6);
  });

  test('MUST-19: a timeout leaves a window of one segment', () => {
    const c = sender({ tcp_early_retrans: 0 });
    c.heard();
    c.lab.run(0.5);
    expect(c.info().snd_cwnd).toBe(1);
    expect(c.heard().map(h => h.seq)).toEqual([1]);
  });

  test('MUST-19: timeouts back off exponentially', () => {
    const c = sender({ tcp_early_retrans: 0 });
    c.heard();
    c.lab.run(20);
    const times = c.heard().map(h => h.time);
    const gaps = times.slice(1).map((t, i) => t - times[i]!);
    expect(gaps.length).toBeGreaterThan(3);
    for (let i = 1; i < gaps.length; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 1);
  });

  test.each(['reno', 'cubic'])('MAY-18: %s can be chosen for a connection', name => {
    const c = new Lab().accepted({}, () => {});
    c.set(IPPROTO_TCP, TCP_CONGESTION, name);
    c.feed(100_000);
    expect(c.drain().reduce((n, h) => n + h.data.length, 0)).toBe(100_000);
  });

  test('MAY-18: one that does not exist is refused', () => {
    const c = new Lab().accepted();
    expect(c.lab.setsockopt(c.fd, IPPROTO_TCP, TCP_CONGESTION, 'vegetable')).toBe(-ENOENT);
  });
});

describe('ECN (RFC 3168)', () => {
  test('SHLD-8: a SYN that asks for it is answered with ECE', () => {
    const lab = new Lab();
    lab.listen();
    const c = lab.peer({ synFlags: 'EW' });
    c.knock();
    expect(c.take().flags).toBe('SE.');
  });

  test('SHLD-8: our own SYN asks if tcp_ecn is 1', () => {
    const lab = new Lab({ sysctl: { tcp_ecn: 1 } });
    lab.dialled();
    expect(lab.all[0]?.flags).toBe('SEW');
    const quiet = new Lab();
    quiet.dialled();
    expect(quiet.all[0]?.flags).toBe('S');
  });

  test('SHLD-8: new data goes as ECN-capable; SYN, pure ACKs and retransmissions do not', () => {
    const lab = new Lab();
    const c = lab.accepted({ synFlags: 'EW' });
    c.say('P.', { data: 'x' });
    c.send('y');
    lab.run(1);
    const all = lab.all.filter(s => s.sourcePort === 80);
    const first = all.find(s => s.data.length > 0)!;
    expect(first.tos & 3).toBe(2);
    for (const s of all) if (s !== first) expect(s.tos & 3, s.flags).toBe(0);
  });

  test('SHLD-8: congestion that was met is echoed until the peer says that it has reduced its window', () => {
    const c = new Lab().accepted({ synFlags: 'EW' });
    c.say('P.', { data: 'a', tos: 3 });
    c.lab.run(0.3);
    expect(c.heard().at(-1)?.flags).toContain('E');
    c.say('P.', { data: 'b', tos: 2 });
    c.lab.run(0.3);
    expect(c.heard().at(-1)?.flags).toContain('E');
    c.say('PW.', { data: 'c', tos: 2 });
    c.lab.run(0.3);
    expect(c.heard().at(-1)?.flags).not.toContain('E');
  });

  test('SHLD-8: an echo halves the window once a round trip, and CWR says so', () => {
    const lab = new Lab({ sysctl: { tcp_ecn: 1, tcp_congestion_control: 'reno' } });
    const c = lab.dialled({ synFlags: 'E', mss: 1000, windowScale: 7 });
    lab.run(0.1);
    c.answer();
    c.heard();
    c.send(100_000);
    c.heard();
    const before = c.info().snd_cwnd;
    lab.run(0.1);
    for (let i = 1; i <= 10; i++) c.say('E.', { ack: 1 + 1000 * i });
    expect(c.heard().some(h => h.flags.includes('W'))).toBe(true);
    const after = c.info();
    expect(after.snd_ssthresh).toBeLessThanOrEqual(Math.ceil(before / 2));
    expect(after.snd_cwnd).toBeGreaterThanOrEqual(2);
  });
});
