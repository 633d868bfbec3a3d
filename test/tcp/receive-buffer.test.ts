import { describe, expect, test } from 'vitest';
import { type Conn, Lab } from '../rfc/kit.ts';

/**
 * Receive-buffer auto-tuning (dynamic right-sizing), with the numbers that Linux 6.18 gave for the same segments:
 * 1448 bytes each, timestamps, an application that reads each at once, round trips of about 60 ms.
 */
const MSS = 1448;

interface Reader {
  lab: Lab;
  c: Conn;
  /** A round trip: `n` segments, each read at once unless `lazy`. */
  round(n: number, lazy?: boolean, from?: number): void;
  rcvbuf(): number;
}

function reader(sysctl: Record<string, string | number> = {}): Reader {
  const lab = new Lab({ sysctl });
  const c = lab.accepted({ mss: 1460, windowScale: 3, sackOk: true, timestamps: true });
  const tcb = [...lab.host.stack.tcp.connections()][0]!;
  return {
    lab,
    c,
    round(n, lazy = false, from = -1): void {
      lab.run(0.1);
      // The echo is of 60 ms ago.
      c.echo += 40;
      for (let i = 0; i < n; i++) {
        if (from >= 0) c.say('.', { seq: from + i * MSS, data: MSS });
        else c.say('.', { data: MSS });
        if (!lazy) c.recv(5000);
      }
      if (lazy) c.recv(1_000_000);
      c.drain();
    },
    rcvbuf: () => tcb.rcvbuf,
  };
}

describe('the receive buffer', () => {
  test('begins with ten segments a round trip, and keeps a segment of the window back (tcp_app_win)', () => {
    const { lab } = reader();
    const tcb = [...lab.host.stack.tcp.connections()][0]!;
    expect([tcb.rcvSpace, tcb.windowClamp, tcb.rcvSsthresh, tcb.rcvbuf]).toEqual([
      14480, 64088, 64088, 131072,
    ]);
  });

  test('grows with what is read in a round trip: twice that, and faster while it grows itself', () => {
    const { round, rcvbuf } = reader();
    const seen = [5, 15, 20, 20, 30, 40, 40, 60, 60].map(n => {
      round(n);
      return rcvbuf();
    });
    expect(seen).toEqual([131072, 131072, 139008, 154451, 154451, 278016, 308905, 308905, 556032]);
  });

  test('does not grow for a reader that lets a round trip’s worth lie', () => {
    const { round, rcvbuf } = reader();
    for (const n of [15, 20, 20, 30, 40, 40]) round(n, true);
    expect(rcvbuf()).toBe(131072);
  });

  test('grows for what waits behind a gap', () => {
    const { round, rcvbuf, c } = reader();
    const seen = [20, 20, 5].map((n, i) => {
      round(n, false, 1 + MSS + [0, 20, 40][i]! * MSS);
      return rcvbuf();
    });
    expect(seen).toEqual([131072, 141324, 152908]);
    expect(c.state()).toBe('ESTABLISHED');
  });

  test('stays where SO_RCVBUF or tcp_moderate_rcvbuf has put it, and ends at tcp_rmem[2]', () => {
    const off = reader({ tcp_moderate_rcvbuf: 0 });
    for (const n of [15, 20, 40, 60]) off.round(n);
    expect(off.rcvbuf()).toBe(131072);
    const low = reader({ tcp_rmem: '4096 131072 140000' });
    for (const n of [15, 20, 40, 60]) low.round(n);
    expect(low.rcvbuf()).toBe(140000);
  });

  test('while its window grows each segment is acknowledged at once, after that every second', () => {
    const { lab, c } = reader();
    let acks = '';
    for (let i = 0; i < 60; i++) {
      c.say('.', { data: MSS });
      lab.run(0.004);
      c.recv(5000);
      acks += c.drain().length;
    }
    expect(acks).toBe('111111111111111111111101010101010101010101010101010101010101');
  });
});
