import { describe, expect, test } from 'vitest';
import { ECONNRESET } from '../../src/base/errno.ts';
import { type Conn, footprint, Lab, line, type PeerOptions, spoof } from './kit.ts';

/** A connection that the host has closed first, in TIME_WAIT. */
function waiting(options: PeerOptions = {}, sysctl: Record<string, number> = {}): Conn {
  const c = new Lab({ sysctl }).accepted(options);
  c.close();
  c.drain();
  c.say('F.');
  c.heard();
  expect(c.state()).toBe('TIME_WAIT');
  return c;
}

describe('attack 58: TIME-WAIT assassination', () => {
  test('attack 58: an acceptable RST deletes the row, as Linux does; any other is ignored', () => {
    const c = waiting();
    for (const seq of [1, 3, 1000, -50]) spoof(c, 'R', { seq });
    expect(c.state()).toBe('TIME_WAIT');
    spoof(c, 'R', { seq: 2 });
    expect(c.state()).toBe('CLOSED');
    expect(footprint(c.lab)).toMatchObject({ rows: 0, timers: 0 });
  });

  test('attack 58: with tcp_rfc1337 no RST does', () => {
    const c = waiting({}, { tcp_rfc1337: 1 });
    for (const seq of [1, 2, 3]) spoof(c, 'R', { seq });
    expect(c.state()).toBe('TIME_WAIT');
    expect(c.lines()).toEqual([]);
  });

  test('attack 58: old duplicate data is acknowledged; the peer that answers with a RST of that number does no harm', () => {
    const c = waiting();
    spoof(c, 'P.', { seq: 1, data: 'x' });
    const [ack] = c.heard();
    expect(ack).toMatchObject({ flags: '.', ack: 2 });
    spoof(c, 'R', { seq: 1 });
    expect(c.state()).toBe('TIME_WAIT');
  });
});

describe('attack 59: a SYN in TIME_WAIT', () => {
  test('attack 59: with a higher number or a newer timestamp it opens anew, above all that was sent', () => {
    for (const timestamps of [false, true]) {
      const c = waiting({ timestamps });
      c.lab.run(2);
      const seq = timestamps ? -5000 : 5000;
      spoof(c, 'S', {
        seq,
        options: { mss: 1460, ...(timestamps ? { timestamps: [c.tsVal, 0] as const } : {}) },
      });
      const [synAck] = c.lab.segments;
      expect(synAck?.flags).toBe('S.');
      // Old SND.NXT, which was our FIN's number plus one, and 65537 beyond.
      expect(((synAck?.seq ?? 0) - c.hostIsn) | 0).toBe(2 + 65_537);
      expect(footprint(c.lab)).toMatchObject({ rows: 0, requests: 1 });
    }
  });

  test('attack 59: with a lower one it is acknowledged, and TIME_WAIT stays', () => {
    for (const timestamps of [false, true]) {
      const c = waiting({ timestamps });
      for (const seq of [-5000, 0, 2]) {
        spoof(c, 'S', {
          seq,
          options: { mss: 1460, ...(timestamps ? { timestamps: [10, 0] as const } : {}) },
        });
        expect(c.lines(), `seq ${seq}`).toEqual(['. 2:2(0) ack 2']);
        expect(c.state()).toBe('TIME_WAIT');
        c.lab.run(0.6);
      }
    }
  });
});

describe('attack 60: data or FIN in TIME_WAIT', () => {
  test('attack 60: a repeated FIN is acknowledged again, and the two MSL begin anew', () => {
    const c = waiting();
    c.lab.run(40);
    spoof(c, 'F.', { seq: 1 });
    expect(c.lines()).toEqual(['. 2:2(0) ack 2']);
    c.lab.run(40);
    expect(c.state()).toBe('TIME_WAIT');
    c.lab.run(21);
    expect(c.state()).toBe('CLOSED');
  });

  test('attack 60: a thousand segments outside the window get an answer in half a second', () => {
    const c = waiting();
    for (let i = 0; i < 1000; i++) spoof(c, '.', { seq: 500_000 + i });
    expect(c.heard().length).toBe(1);
    expect(footprint(c.lab)).toMatchObject({ rows: 1, timers: 1 });
  });
});

test('attack 61: half-open recovery: a rebooted peer is challenged, and its RST ends what it has forgotten', () => {
  const c = new Lab().accepted();
  c.send('into the void');
  c.heard();
  c.say('S', { seq: 77_777 });
  const [challenge] = c.heard();
  expect(line(challenge!)).toBe('. 14:14(0) ack 1');
  spoof(c, 'R', { seq: challenge!.ack });
  expect(c.state()).toBe('CLOSED');
  expect(c.recv(1)).toBe(-ECONNRESET);
  const again = c.lab.peer({ port: c.port, isn: c.isn + 77_777 });
  again.knock();
  expect(again.take().flags).toBe('S.');
});
