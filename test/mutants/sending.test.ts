import { describe, expect, test } from 'vitest';
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
  TCP_QUICKACK,
  TCP_USER_TIMEOUT,
} from '../../src/socket/constants.ts';
import { type Conn, Lab, type PeerOptions } from '../rfc/kit.ts';
import { block } from './seam.ts';

const NO_PROBE = { sysctl: { tcp_early_retrans: 0 } };

const small = (c: Conn): Conn => {
  c.set(IPPROTO_TCP, TCP_NODELAY, 1);
  return c;
};
const bytes = (c: Conn): number => c.heard().reduce((n, h) => n + h.data.length, 0);

describe('the retransmission timer', () => {
  test('MUST-18: begins anew with each ACK of new data', () => {
    const c = new Lab(NO_PROBE).accepted({ mss: 1000 });
    c.send(2000);
    c.heard();
    c.lab.run(0.15);
    c.say('.', { ack: 1001 });
    c.lab.run(0.15);
    expect(c.heard()).toEqual([]);
    c.lab.run(0.2);
    expect(c.heard()[0]?.seq).toBe(1001);
  });

  test('MUST-18: stops when all is acknowledged', () => {
    const c = new Lab().accepted();
    c.send('x');
    c.heard();
    expect(block(c).xmitAt).toBeLessThan(Number.POSITIVE_INFINITY);
    c.say('.');
    expect(block(c).xmitAt).toBe(Number.POSITIVE_INFINITY);
  });

  test('MUST-18: a timeout repeats the first of several segments', () => {
    const c = new Lab(NO_PROBE).accepted({ mss: 1000 });
    for (let i = 0; i < 3; i++) c.send(1000);
    expect(c.heard()).toHaveLength(3);
    c.lab.run(0.3);
    expect(c.heard().map(h => h.seq)).toEqual([1]);
  });

  test('MUST-18: its time has an upper bound (tcp_rto_max_ms)', () => {
    const c = new Lab({ sysctl: { tcp_rto_max_ms: 2000, tcp_early_retrans: 0 } }).accepted();
    c.send('x');
    c.lab.run(20);
    const times = c.heard().map(h => h.time);
    expect(times.length).toBeGreaterThan(8);
    expect(times.at(-1)! - times.at(-2)!).toBeLessThanOrEqual(2_010_000);
    expect(c.info().rto).toBe(2_000_000);
  });

  test('MUST-18: an ACK of repeated and of other segments together is no sample (Karn)', () => {
    const c = new Lab(NO_PROBE).accepted({ mss: 1000 });
    c.send(2000);
    c.lab.run(0.3);
    expect(c.heard().filter(h => h.seq === 1)).toHaveLength(2);
    const { rtt } = c.info();
    c.say('.');
    expect(c.info().unacked).toBe(0);
    expect(c.info().rtt).toBe(rtt);
  });

  test('MUST-18: the ACK of a loss probe is no sample (Karn)', () => {
    const c = new Lab().accepted({ sackOk: true });
    const { rtt } = c.info();
    c.send('x');
    c.lab.run(0.25);
    expect(c.heard()).toHaveLength(2);
    c.say('.');
    expect(c.info().rtt).toBe(rtt);
  });

  test('MUST-18: the ACK of a repeated segment leaves the timeout backed off', () => {
    const c = new Lab(NO_PROBE).accepted();
    c.send('x');
    c.lab.run(1);
    c.heard();
    const { rto } = c.info();
    expect(rto).toBeGreaterThan(500_000);
    c.say('.');
    expect(c.info().rto).toBe(rto);
  });

  test('MUST-20: progress ends the count: the next loss begins its own', () => {
    const c = new Lab(NO_PROBE).accepted();
    c.send('x');
    c.lab.run(0.5);
    c.heard();
    c.say('.');
    c.send('y');
    c.lab.run(1);
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('MUST-20: ACKs of nothing new do not move R2', () => {
    const c = new Lab({ sysctl: { tcp_retries2: 4 } }).accepted();
    c.send('x');
    for (let i = 0; i < 40 && c.state() === 'ESTABLISHED'; i++) {
      c.lab.run(0.5);
      c.say('.', { ack: 1 });
    }
    expect(c.state()).toBe('CLOSED');
  });

  test('MUST-20: tcp_retries2 is R2', () => {
    const c = new Lab({ sysctl: { tcp_retries2: 3 } }).accepted();
    c.send('x');
    c.lab.run(10);
    expect(c.state()).toBe('CLOSED');
  });

  test('a timeout sets the slow start threshold', () => {
    const c = new Lab(NO_PROBE).accepted({ mss: 1000 });
    c.send(10_000);
    c.heard();
    c.lab.run(0.3);
    expect(c.info().snd_ssthresh).toBeLessThanOrEqual(7);
  });

  test('small segments that are sent again are joined, never beyond a segment', () => {
    const c = small(new Lab(NO_PROBE).accepted({ mss: 1000 }));
    for (let i = 0; i < 5; i++) c.send(400);
    expect(c.heard()).toHaveLength(5);
    c.lab.run(0.3);
    expect(c.heard().map(h => h.data.length)).toEqual([800]);
  });

  test('segments that are joined keep the FIN of the last', () => {
    const c = small(new Lab(NO_PROBE).accepted());
    c.send('a');
    c.send('b');
    c.close();
    c.heard();
    c.lab.run(0.3);
    expect(c.heard()).toMatchObject([{ seq: 1, flags: 'FP.' }]);
  });

  test('a loss that the probe repaired reduces the window all the same (RFC 8985 7.4)', () => {
    const c = small(new Lab().accepted({ sackOk: true }));
    c.send('x');
    c.lab.run(0.25);
    c.send('y');
    c.heard();
    c.say('.', { ack: 3 });
    expect(c.info().snd_ssthresh).toBeLessThanOrEqual(7);
  });
});

describe('the send window', () => {
  test('MUST-1: no burst goes beyond it', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.say('P.', { data: 1 });
    c.say('P.', { data: 1, window: 1500 });
    c.heard();
    c.send(10_000);
    const sent = c.heard();
    expect(sent.length).toBeGreaterThan(0);
    expect(Math.max(...sent.map(h => h.seq + h.data.length))).toBeLessThanOrEqual(1501);
  });

  test('an older segment does not change it, though it comes in the window (SND.WL1)', () => {
    const c = new Lab().accepted();
    c.say('P.', { seq: 11, data: 10, window: 500 });
    c.say('P.', { seq: 1, data: 10, window: 65535 });
    c.heard();
    c.send(5000);
    expect(bytes(c)).toBeLessThanOrEqual(500);
  });

  test('an ACK of something new gives it, though it be smaller (SND.WL2)', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.send(1000);
    c.heard();
    c.say('.', { ack: 1001, window: 500 });
    c.send(3000);
    c.lab.run(0.01);
    expect(bytes(c)).toBeLessThanOrEqual(500);
  });

  test('an ACK of nothing new does not make it smaller: it may have been overtaken', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.say('.', { window: 1000 });
    c.send(3000);
    expect(bytes(c)).toBe(3000);
  });

  test('MUST-35: a bare ACK can shut it', () => {
    const c = new Lab().accepted();
    c.say('.', { window: 0 });
    c.send('x');
    expect(c.heard()).toEqual([]);
    c.lab.run(0.3);
    expect(c.heard()).toHaveLength(1);
  });

  test('MUST-38: a segment is never larger than half the largest window, lest both ends wait', () => {
    const c = new Lab().accepted({ window: 1000 });
    c.send(3000);
    const sizes = c.heard().map(h => h.data.length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
  });

  test('MUST-36: each probe that is not answered is followed by another', () => {
    const c = new Lab().accepted();
    c.say('.', { window: 0 });
    c.send('x');
    c.lab.run(10);
    expect(c.heard().length).toBeGreaterThanOrEqual(4);
  });

  test('MUST-37: a probe that is answered is followed by another', () => {
    const c = new Lab().accepted();
    c.say('.', { window: 0 });
    c.window = 0;
    c.send('x');
    let probes = 0;
    for (let i = 0; i < 30; i++) {
      c.lab.run(1);
      const n = c.heard().length;
      if (n > 0) c.say('.');
      probes += n;
    }
    expect(probes).toBeGreaterThanOrEqual(4);
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('TCP_USER_TIMEOUT bounds probing, though the probes are answered', () => {
    const c = new Lab().accepted();
    c.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    c.say('.', { window: 0 });
    c.window = 0;
    c.send('x');
    for (let i = 0; i < 2000; i++) {
      c.lab.run(0.01);
      if (c.heard().length > 0) c.say('.');
    }
    expect(c.state()).toBe('CLOSED');
  });

  test('an orphan behind a shut window is not probed for ever, though the probes are answered', () => {
    const c = new Lab().accepted();
    c.say('.', { window: 0 });
    c.window = 0;
    c.send('x');
    c.close();
    for (let i = 0; i < 600 && c.state() !== 'CLOSED'; i++) {
      c.lab.run(1);
      if (c.heard().length > 0) c.say('.');
    }
    expect(c.state()).toBe('CLOSED');
  });
});

describe('what a sender waits for', () => {
  test('Nagle: a small segment does not wait for a full one (Minshall)', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.send(1000);
    expect(bytes(c)).toBe(1000);
    c.send('x');
    expect(bytes(c)).toBe(1);
  });

  test('segments are smaller by the SACK blocks that they carry', () => {
    const c = new Lab().accepted({ sackOk: true });
    c.say('P.', { seq: 101, data: 100 });
    c.heard();
    c.send(1460);
    for (const h of c.heard()) expect(h.headerLength + h.data.length).toBeLessThanOrEqual(1480);
  });

  test('after an idle time the window begins anew from ten segments', () => {
    const c = new Lab().accepted({ mss: 1000 });
    c.feed(200_000);
    c.drain();
    expect(c.info().snd_cwnd).toBeGreaterThan(20);
    c.lab.run(60);
    c.send(60_000);
    expect(bytes(c)).toBeLessThanOrEqual(10_000);
  });

  test('SO_KEEPALIVE that was set before connect() holds', () => {
    const lab = new Lab();
    const c = lab.connected({}, fd => {
      lab.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      lab.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    });
    lab.run(10.5);
    expect(c.heard()).toHaveLength(1);
  });

  test('one timer that went off does not make the others forgotten', () => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_KEEPALIVE, 1);
    c.set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    c.set(IPPROTO_TCP, TCP_QUICKACK, 0);
    c.say('P.', { data: 10 });
    c.lab.run(1);
    expect(c.heard()).toHaveLength(1);
    c.lab.run(10);
    expect(c.heard()).toHaveLength(1);
  });

  test('an ACK is a sign of life to keepalive, not only data', () => {
    const c = new Lab().accepted();
    c.set(SOL_SOCKET, SO_KEEPALIVE, 1);
    c.set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
    c.lab.run(6);
    c.say('.');
    c.lab.run(6);
    expect(c.heard()).toEqual([]);
  });
});

describe('loss recovery', () => {
  /** Ten segments of 1000 bytes have been sent over a path of 100 ms. */
  const sender = (options: PeerOptions = {}, sysctl: Record<string, number | string> = {}): Conn => {
    const lab = new Lab({ sysctl: { tcp_congestion_control: 'reno', ...sysctl } });
    const c = lab.dialled({ mss: 1000, ...options });
    lab.run(0.1);
    c.answer();
    c.heard();
    c.send(15_000);
    expect(c.heard()).toHaveLength(10);
    c.ack = 1;
    return c;
  };
  const sack = (c: Conn, ack: number, ...blocks: [number, number][]): void =>
    c.say('.', { ack, options: { sack: blocks.map(([l, r]) => [c.hostIsn + l, c.hostIsn + r] as const) } });

  test('without SACK three duplicate ACKs repeat the first segment, two do not', () => {
    const c = sender();
    c.lab.run(0.1);
    // The first is newer than the SYN-ACK, which makes it a window update.
    for (let i = 0; i < 3; i++) c.say('.', { ack: 1 });
    expect(c.heard().filter(h => h.seq === 1)).toEqual([]);
    c.say('.', { ack: 1 });
    expect(c.heard().filter(h => h.seq === 1)).toHaveLength(1);
  });

  test('without SACK a partial ACK repeats the next hole, without a timeout (NewReno)', () => {
    const c = sender();
    c.lab.run(0.1);
    for (let i = 0; i < 6; i++) c.say('.', { ack: 1 });
    expect(c.heard().some(h => h.seq === 1)).toBe(true);
    for (let i = 0; i < 5; i++) c.say('.', { ack: 3001 });
    expect(c.heard().some(h => h.seq === 3001)).toBe(true);
  });

  test('the same SACK twice counts once', () => {
    const c = sender({ sackOk: true });
    for (let i = 0; i < 2; i++) sack(c, 1, [1001, 2001]);
    expect(c.info().sacked).toBe(1);
  });

  test('SACK of what was never sent is not believed', () => {
    const c = sender({ sackOk: true });
    sack(c, 1, [1001, 90_001]);
    expect(c.info().sacked).toBe(0);
  });

  test('one segment SACKed beyond a hole: the hole is repeated a quarter of a round trip later (RACK)', () => {
    const c = sender({ sackOk: true });
    c.lab.run(0.1);
    sack(c, 1, [1001, 2001]);
    expect(c.heard().filter(h => h.seq === 1)).toEqual([]);
    c.lab.run(0.05);
    expect(c.heard().filter(h => h.seq === 1)).toHaveLength(1);
  });

  test('of segments sent at one moment, those before one that was SACKed are older (RACK)', () => {
    const c = sender({ sackOk: true });
    c.lab.run(0.1);
    sack(c, 1, [5001, 10_001]);
    const lost = c.info().lost;
    expect(lost).toBe(5);
  });

  test('what the receiver SACKed and then threw away is sent again', () => {
    const c = sender({ sackOk: true });
    c.lab.run(0.1);
    sack(c, 1, [1001, 3001]);
    c.heard();
    // It acknowledges up to what it had SACKed, and not beyond.
    c.say('.', { ack: 1001 });
    c.lab.run(0.5);
    expect(c.heard().some(h => h.seq === 1001)).toBe(true);
  });

  test('D-SACKs beyond what was repeated are not believed', () => {
    const c = sender({ sackOk: true });
    c.say('.', { ack: 10_001 });
    sack(c, 10_001, [1, 1001]);
    expect(c.lab.mib.TcpExtTCPDSACKRecvSegs).toBe(0);
  });

  test('a D-SACK of all that was repeated takes the reduction back', () => {
    const c = sender({ sackOk: true });
    const before = c.info().snd_ssthresh;
    c.lab.run(0.1);
    sack(c, 1, [1001, 5001]);
    expect(c.heard().filter(h => h.seq === 1)).toHaveLength(1);
    expect(c.info().snd_ssthresh).toBeLessThan(before);
    sack(c, 5001, [1, 1001]);
    expect(c.info().snd_ssthresh).toBe(before);
  });

  test('an echo from before the retransmission takes a timeout back (Eifel)', () => {
    const c = sender({ timestamps: true }, { tcp_early_retrans: 0 });
    const before = c.info().snd_ssthresh;
    const original = c.echo;
    c.lab.run(0.5);
    expect(c.heard().some(h => h.seq === 1)).toBe(true);
    expect(c.info().snd_ssthresh).toBeLessThan(before);
    c.say('.', { ack: 1001, options: { timestamps: [c.tsVal, original] } });
    expect(c.info().snd_ssthresh).toBe(before);
  });

  test('an ACK of what was never repeated shows that a timeout was for nothing (F-RTO)', () => {
    const c = sender({ sackOk: true }, { tcp_early_retrans: 0 });
    c.lab.run(0.5);
    expect(c.heard().filter(h => h.seq === 1)).toHaveLength(1);
    c.say('.', { ack: 1001 });
    c.say('.', { ack: 3001 });
    expect(c.lab.mib.TcpExtTCPSpuriousRTOs).toBe(1);
  });
});
