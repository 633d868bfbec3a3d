import { describe, expect, test } from 'vitest';
import { EHOSTUNREACH } from '../../src/base/errno.ts';
import { IPPROTO_TCP, POLLPRI, TCP_NODELAY } from '../../src/socket/constants.ts';
import { fill, Lab } from '../rfc/kit.ts';
import { block, seam } from './seam.ts';

/** The peer's initial numbers just below the two places where 32 bits come to an end. */
const SEAMS = [0x7fff_fff0, 0xffff_fff0];

describe("the peer's numbers pass 2³¹ and 2³² without a seam", () => {
  test.each(SEAMS)('early data, the gap before it and a repetition, from %i', isn => {
    const c = new Lab().accepted({ isn, sackOk: true });
    c.say('P.', { seq: 31, data: 30 });
    expect(c.take()).toMatchObject({ ack: 1, sack: [[31, 61]] });
    expect(c.readAll()).toHaveLength(0);
    c.say('P.', { seq: 1, data: 30 });
    expect(c.take()).toMatchObject({ ack: 61, sack: [] });
    expect(c.readAll()).toEqual(fill(60));
    c.say('P.', { seq: 5, data: 20 });
    expect(c.take()).toMatchObject({ ack: 61, sack: [[5, 25]] });
    c.say('F.');
    expect(c.recv(1)).toHaveLength(0);
    expect(c.state()).toBe('CLOSE_WAIT');
  });

  test.each(SEAMS)('an early piece that lies across, joined by one that ends in it, from %i', isn => {
    const c = new Lab().accepted({ isn, sackOk: true });
    c.say('P.', { seq: 11, data: 10 });
    expect(c.take()).toMatchObject({ ack: 1, sack: [[11, 21]] });
    c.say('P.', { seq: 1, data: 16 });
    expect(c.heard().at(-1)).toMatchObject({ ack: 21 });
    expect(c.readAll()).toEqual(fill(20));
  });

  test('what overlaps early data is reported as far as it came twice', () => {
    const c = new Lab().accepted({ isn: 0x8000_0000 - 250, sackOk: true });
    c.say('P.', { seq: 101, data: 100 });
    c.heard();
    c.say('P.', { seq: 151, data: 150 });
    expect(c.take()).toMatchObject({
      ack: 1,
      sack: [
        [151, 201],
        [101, 301],
      ],
    });
  });

  test('a newer segment gives the window (SND.WL1)', () => {
    const c = new Lab().accepted({ isn: 0x7fff_fff0 });
    c.say('P.', { data: 30 });
    c.say('P.', { data: 30, window: 500 });
    c.heard();
    c.send(5000);
    expect(c.heard().reduce((n, h) => n + h.data.length, 0)).toBeLessThanOrEqual(500);
  });

  test('an urgent mark', () => {
    const c = new Lab().accepted({ isn: 0x7fff_fff0 });
    c.say('PU.', { data: 60, urgent: 50 });
    expect(c.poll() & POLLPRI).toBe(POLLPRI);
  });

  test('a RST just below RCV.NXT in CLOSE_WAIT', () => {
    const c = new Lab().accepted({ isn: 0x7fff_fffe });
    c.say('F.');
    expect(c.state()).toBe('CLOSE_WAIT');
    c.say('R', { seq: 1 });
    expect(c.state()).toBe('CLOSED');
  });

  test('data for an orphan in FIN_WAIT_2', () => {
    const c = new Lab().accepted({ isn: 0x7fff_fff0 });
    c.close();
    c.heard();
    c.say('.');
    expect(c.state()).toBe('FIN_WAIT_2');
    c.say('P.', { seq: 5, data: 100 });
    expect(c.take().flags).toBe('R');
    expect(c.state()).toBe('CLOSED');
  });

  test('a SYN that opens TIME_WAIT anew', () => {
    const c = new Lab().accepted({ isn: 0x7fff_fff0 });
    c.close();
    c.heard();
    c.say('F.');
    expect(c.state()).toBe('TIME_WAIT');
    c.heard();
    const again = c.lab.peer({ port: c.port, isn: c.isn + 100_000 });
    again.knock();
    expect(again.take().flags).toBe('S.');
  });

  test('timestamps', () => {
    const c = new Lab().peer();
    const listener = c.lab.listen();
    c.knock({ mss: 1460, timestamps: [0x7fff_fff0, 0] });
    c.take();
    c.say('.', { options: { timestamps: [0x7fff_fff1, 0] } });
    c.fd = c.lab.accept(listener);
    c.say('P.', { data: 'ab', options: { timestamps: [0x8000_0010, 0] } });
    expect(c.readAll()).toHaveLength(2);
  });
});

describe('our own numbers pass 2³¹ without a seam', () => {
  test('data, its acknowledgement and the end', () => {
    const c = seam(1500, { mss: 1000 });
    c.send(fill(4000));
    const sent = c.heard();
    expect(sent.map(h => h.seq)).toEqual([1, 1001, 2001, 3001]);
    for (const h of sent) expect(h.data).toEqual(fill(1000, h.seq - 1));
    c.say('.', { ack: 1001 });
    expect(c.info().unacked).toBe(3);
    c.say('.', { ack: 4001 });
    expect(c.info().unacked).toBe(0);
    c.lab.run(5);
    expect(c.heard()).toEqual([]);
    c.close();
    expect(c.take()).toMatchObject({ flags: 'F.', seq: 4001 });
    c.say('.');
    expect(c.state()).toBe('FIN_WAIT_2');
  });

  test('an ACK of all counts as progress: a timeout before it does not count any more', () => {
    const c = seam(50, {}, { sysctl: { tcp_early_retrans: 0 } });
    c.send(100);
    c.lab.run(1);
    c.heard();
    expect(c.info().retransmits).toBeGreaterThan(0);
    c.say('.');
    expect(c.info().retransmits).toBe(0);
  });

  test('a repetition of an old ACK is no ACK of what was never sent', () => {
    const c = seam(50);
    c.send(100);
    c.heard();
    c.say('.');
    c.say('P.', { ack: 1, data: 'late' });
    expect(c.readAll()).toHaveLength(4);
  });

  test('SACK finds what it names', () => {
    const c = seam(2500, { mss: 1000, sackOk: true });
    c.send(4000);
    c.heard();
    const at = (n: number): number => c.hostIsn + n;
    c.say('.', { ack: 1, options: { sack: [[at(2001), at(3001)]] } });
    expect(c.info().sacked).toBe(1);
  });

  test('Nagle remembers the small segment that is out', () => {
    const c = seam(50);
    c.send(100);
    c.heard();
    c.send('x');
    expect(c.heard()).toEqual([]);
    c.say('.');
    expect(c.heard()).toHaveLength(1);
  });

  test('a FIN that waits is no data', () => {
    const c = seam(200);
    c.set(IPPROTO_TCP, TCP_NODELAY, 1);
    const n = 2 ** 31 - 2 - (c.hostIsn >>> 0);
    c.send(n);
    c.heard();
    c.say('.', { window: 0 });
    expect(block(c).sndNxt).toBe(0x7fff_ffff);
    c.close();
    c.say('.', { window: 1000 });
    expect(c.heard()).toMatchObject([{ flags: 'F.', seq: n + 1, data: new Uint8Array(0) }]);
  });

  test('an ICMP error that quotes what is in flight is believed', () => {
    const c = seam(50);
    c.send(100);
    const sent = c.take();
    c.lab.icmp(3, 1, sent.datagram);
    expect(c.error()).toBe(EHOSTUNREACH);
  });
});
