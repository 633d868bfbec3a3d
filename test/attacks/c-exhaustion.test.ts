import { describe, expect, test } from 'vitest';
import { EAGAIN, ETIMEDOUT } from '../../src/base/errno.ts';
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../../src/socket/constants.ts';
import { alive, type Conn, fill, footprint, forget, Lab, line, quietLab, spoof, stuff } from './kit.ts';

const NOTHING = { connections: 0, requests: 0, rows: 0, timers: 0, blocks: 0 };
const SECOND = 1e6;

describe('attack 31: sockstress', () => {
  test('attack 31: a window shut for ever by a peer that answers: probes ever rarer, memory bounded, no end', () => {
    const c = new Lab().accepted({ window: 0 });
    const taken = stuff(c);
    expect(taken).toBeLessThan(5_000_000);
    c.heard();
    const begin = c.lab.world.now;
    const times: number[] = [];
    for (let s = 0; s < 2000; s++) {
      c.lab.run(1);
      for (const probe of c.heard()) {
        expect(probe.data).toHaveLength(0);
        times.push((probe.time - begin) / SECOND);
        spoof(c, '.', { window: 0 });
      }
    }
    expect(times.length).toBeLessThan(30);
    expect(times.at(-1)! - times.at(-2)!).toBeGreaterThan(100);
    expect(c.state()).toBe('ESTABLISHED');
    expect(footprint(c.lab)).toMatchObject({ connections: 1, timers: 1 });
  });

  test('attack 31: silent, it is given up after tcp_retries2; orphaned, in minutes even if it answers', () => {
    const silent = new Lab({ sysctl: { tcp_retries2: 5 } }).accepted({ window: 0 });
    stuff(silent);
    silent.lab.run(100);
    expect(silent.state()).toBe('CLOSED');
    expect(silent.error()).toBe(ETIMEDOUT);
    const c = new Lab().accepted({ window: 0 });
    stuff(c);
    c.close();
    for (let s = 0; s < 400; s++) {
      c.lab.run(1);
      if (c.heard().length > 0) spoof(c, '.', { window: 0 });
    }
    c.lab.run(1);
    expect(footprint(c.lab)).toEqual(NOTHING);
  });

  test('attack 31: a window of four bytes is not served in dribbles', () => {
    const c = new Lab().accepted({ window: 4 });
    c.send(20_000);
    let segments = 0;
    for (let i = 0; i < 200; i++) {
      c.lab.run(0.05);
      const heard = c.heard();
      segments += heard.length;
      if (heard.length > 0) c.say('.', { window: 4 });
    }
    expect(segments).toBeLessThan(100);
  });
});

describe('attack 32: a FIN that is never answered', () => {
  test('attack 32: not acknowledged: gone after the orphan retries', () => {
    const c = new Lab().accepted();
    c.close();
    c.lab.run(250);
    expect(c.heard().length).toBeLessThanOrEqual(12);
    expect(footprint(c.lab)).toEqual(NOTHING);
  });

  test('attack 32: acknowledged and no more: gone after tcp_fin_timeout; late data is reset', () => {
    const c = new Lab().accepted();
    c.close();
    c.drain();
    expect(c.state()).toBe('FIN_WAIT_2');
    c.lab.run(61);
    expect(footprint(c.lab)).toEqual(NOTHING);
    c.say('P.', { data: 'late' });
    expect(c.heard().map(h => h.flags)).toEqual(['R']);
  });
});

describe('attack 33: TIME_WAIT exhaustion', () => {
  const close = (c: Conn): void => {
    c.close();
    c.drain();
    c.say('F.');
    c.heard();
  };

  test('attack 33: rows are bounded; a port in one is used again for a newer SYN', () => {
    const lab = new Lab({ sysctl: { tcp_max_tw_buckets: 100 } });
    const conns = Array.from({ length: 300 }, () => {
      const c = lab.accepted();
      close(c);
      return c;
    });
    expect(footprint(lab)).toMatchObject({ rows: 100, timers: 100, connections: 0, blocks: 0 });
    expect(lab.mib.TcpExtTCPTimeWaitOverflow).toBe(200);
    const first = conns[0]!;
    expect(first.state()).toBe('TIME_WAIT');
    const again = lab.peer({ port: first.port, isn: first.isn + 100_000 });
    again.knock();
    expect(again.take().flags).toBe('S.');
    expect(footprint(lab)).toMatchObject({ rows: 99, requests: 1 });
    again.say('R', { seq: 1 });
    lab.run(61);
    expect(footprint(lab)).toEqual(NOTHING);
  });
});

describe('attack 34: SegmentSmack', () => {
  test('attack 34: endless one-byte segments out of order: bounded memory and work, and the data still comes', () => {
    const lab = quietLab();
    const c = lab.accepted();
    const [tcb] = lab.host.stack.tcp.connections();
    let gaps = 0;
    for (let i = 0; i < 30_000; i++) {
      spoof(c, '.', { seq: 3 + 2 * (i % 30_000), data: 1 });
      gaps = Math.max(gaps, tcb?.ooo?.count ?? 0);
      if (i % 1000 === 999) forget(lab);
    }
    // What a segment costs grows with the gaps that are remembered: so they are few, whatever comes.
    expect(gaps).toBeGreaterThan(0);
    expect(gaps).toBeLessThanOrEqual(256);
    expect(footprint(lab)['blocks']).toBeLessThan(16);
    expect(c.info().rcv_ooopack).toBeLessThanOrEqual(30_000);
    let at = 1;
    for (let rounds = 0; rounds < 400 && at < 60_001; rounds++) {
      c.seq = at;
      c.say('.', { data: Math.min(1000, 60_001 - at) });
      lab.run(0.01);
      const heard = c.heard();
      at = heard.at(-1)?.ack ?? at;
      c.readAll();
    }
    expect(at).toBeGreaterThan(30_000);
    expect(c.state()).toBe('ESTABLISHED');
    forget(lab);
  });

  test('attack 34: they are charged to the receive buffer with their overhead', () => {
    const lab = quietLab({ sysctl: { tcp_rmem: '4096 8192 8192' } });
    const c = lab.accepted();
    for (let i = 0; i < 5000; i++) spoof(c, '.', { seq: 3 + 2 * i, data: 1 });
    expect(footprint(lab)['blocks']).toBeLessThanOrEqual(2);
    expect(lab.mib.TcpExtTCPOFOQueue).toBeLessThan(5000);
    forget(lab);
  });
});

test('attack 39: optimistic ACK: of what was never sent it is answered and moves nothing', () => {
  const c = new Lab().accepted();
  c.send(1000);
  c.heard();
  spoof(c, '.', { ack: 2000 });
  expect(c.heard().map(line)).toEqual(['. 1001:1001(0) ack 1']);
  expect(c.info().unacked).toBe(1);
  spoof(c, '.', { ack: 1001 });
  expect(c.info().unacked).toBe(0);
  expect(c.info().snd_cwnd, 'growth counts bytes').toBeLessThanOrEqual(11);
});

describe('attack 40: ACK division and fake duplicates', () => {
  test('attack 40: a thousand ACKs for one segment grow the window as one does', () => {
    const c = new Lab().accepted();
    c.set(IPPROTO_TCP, TCP_NODELAY, 1);
    c.send(1460);
    c.heard();
    for (let i = 1; i <= 1000; i++) spoof(c, '.', { ack: 1 + i });
    expect(c.info().snd_cwnd).toBeLessThanOrEqual(11);
  });

  test('attack 40: a thousand duplicate ACKs without SACK let out no more than was outstanding', () => {
    const c = new Lab().accepted();
    c.feed(200_000);
    const before = c.heard().length;
    for (let i = 0; i < 1000; i++) spoof(c, '.', { ack: 1 });
    const after = c.heard().length;
    expect(before).toBeLessThanOrEqual(10);
    // Each segment let out admits another duplicate, and seven tenths of a segment for it: a sum that ends.
    expect(after).toBeLessThanOrEqual(4 * before);
    for (let i = 0; i < 1000; i++) spoof(c, '.', { ack: 1 });
    expect(c.heard()).toHaveLength(0);
  });
});

test('attack 41: shrew: losses each timeout: the back-off is kept until new data is acknowledged, then it recovers', () => {
  const c = new Lab().accepted();
  c.send(1000);
  const begin = c.heard()[0]!.time;
  c.lab.run(10);
  const times = c.heard().map(h => (h.time - begin) / SECOND);
  const gaps = times.map((t, i) => t - (times[i - 1] ?? 0));
  for (let i = 2; i < gaps.length; i++) expect(gaps[i]! / gaps[i - 1]!).toBeCloseTo(2, 1);
  // An ACK of what was repeated says nothing about the round trip (Karn); one of new data does.
  c.ack = 1001;
  c.say('.');
  c.send(1000);
  c.drain();
  c.send(1000);
  const again = c.heard()[0]!.time;
  c.ack = 2001;
  c.lab.run(3);
  expect((c.heard()[0]!.time - again) / SECOND).toBeLessThan(1);
});

test('attack 42: window games: shut, ajar, shut, the edge moved back: nothing lost, no dribble, no spin', () => {
  const c = new Lab().accepted();
  c.feed(50_000);
  const got = new Uint8Array(50_000);
  let segments = 0;
  for (let i = 0; i < 4000 && c.ack <= 50_000; i++) {
    c.lab.run(0.1);
    let next = c.ack;
    for (const h of c.lab.segments.length > 0 ? c.heard() : []) {
      segments++;
      got.set(h.data, Math.max(0, h.seq - 1));
      next = Math.max(next, h.seq + h.data.length);
    }
    c.ack = next;
    c.say('.', { window: [0, 1, 3000, 0, 1460, 500, 0, 1][i % 8]! });
  }
  expect(c.ack).toBe(50_001);
  expect(got).toEqual(fill(50_000));
  expect(segments).toBeLessThan(4000);
  c.say('.', { window: 65_535 });
  alive(c);
});

test('attack 43: a peer that vanishes is noticed by keepalive', () => {
  const c = new Lab().accepted();
  c.set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  c.set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  c.set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  c.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  c.lab.run(26);
  expect(c.heard().map(h => h.flags)).toEqual(['.', '.', '.', 'R.']);
  expect(c.error()).toBe(ETIMEDOUT);
  expect(footprint(c.lab)).toMatchObject({ connections: 0, timers: 0 });
});

test('attack 44: ten megabytes sent in spite of the window: memory bounded, what fits is delivered', () => {
  const lab = quietLab();
  const c = lab.accepted();
  const most = 6 * 1024 * 1024;
  for (let at = 0; at < 10_000_000; at += 1460) {
    spoof(c, '.', { seq: 1 + at, data: fill(1460, at) });
    if (at % 146_000 === 0) forget(lab);
  }
  expect(footprint(lab)['blocks']! * 16_384).toBeLessThanOrEqual(most);
  const got = c.readAll();
  expect(got.length).toBeGreaterThan(10_000);
  expect(got).toEqual(fill(got.length));
  expect(
    lab.mib.TcpExtBeyondWindow + lab.mib.TcpExtTCPRcvQDrop + lab.mib.TcpExtTCPZeroWindowDrop,
  ).toBeGreaterThan(0);
  expect(footprint(lab)['blocks']).toBe(0);
});

test('attack 45: the same segment a hundred thousand times: at most one ACK each, and nothing grows', () => {
  const lab = quietLab();
  const c = lab.accepted({ sackOk: true });
  c.say('P.', { seq: 1, data: 'once' });
  c.recv(10);
  c.heard();
  const before = footprint(lab);
  let answers = 0;
  for (let i = 0; i < 100_000; i++) {
    spoof(c, 'P.', { seq: 1, data: 'once' });
    if (i % 1000 === 0) answers += forget(lab);
  }
  answers += forget(lab);
  expect(answers).toBeLessThanOrEqual(100_000);
  for (let i = 0; i < 1000; i++) spoof(c, '.', { seq: -5 });
  expect(forget(lab), 'bare ones once in half a second').toBeLessThanOrEqual(1);
  lab.run(1);
  c.heard();
  expect(footprint(lab)).toEqual(before);
  expect(c.recv(10)).toBe(-EAGAIN);
});
