import { expect, it } from 'vitest';
import type { Interface } from '../../src/stack/interface.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { Connection } from '../../src/tcp/connection.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import type { Frame } from '../../src/wire/frame.ts';
import { address, Bench, bytes } from './net.ts';

/** Frames that come one after the other before a host is asked for what it sends: one turn of a driver. */

/** A connection from A to B over a wire that carries all that has been sent at once, later. */
class Turns {
  private readonly b = new Bench();
  private readonly A: Stack;
  private readonly B: Stack;
  private readonly wire: [Interface, Interface];
  private readonly mss: number;
  readonly c: Connection;
  readonly d: Connection;
  /** The segment of A's data with this number, counted from 0, does not arrive once. */
  lost = -1;

  /** Microseconds. */
  oneWay: number;

  constructor(oneWay = 10_000, timestamps = true) {
    this.oneWay = oneWay;
    this.mss = timestamps ? 1448 : 1460;
    // A window that grows would have segments acknowledged at once.
    const sysctl = { tcp_timestamps: timestamps ? 1 : 0, tcp_moderate_rcvbuf: 0 };
    this.A = this.b.host('A', sysctl);
    this.B = this.b.host('B', sysctl);
    this.wire = this.b.wire(this.A, this.B, ['10.9.0.1/24'], ['10.9.0.2/24']);
    const at = { address: address('10.9.0.2'), port: 80 };
    const listener = this.B.tcp.listen(new TcpOptions(), at, 10);
    const c = this.A.tcp.connect(new TcpOptions(), null, at.address, at.port);
    if (typeof listener === 'number' || typeof c === 'number') throw new Error('no connection');
    this.c = c;
    this.forth();
    this.back();
    this.forth();
    const d = listener.accept();
    if (!(d instanceof Connection)) throw new Error('not accepted');
    this.d = d;
  }

  /** All that A has sent goes to B. @returns the numbers of its segments, NaN for one without data */
  forth(): number[] {
    return this.carry(this.A, this.wire[0], this.B, this.wire[1]);
  }

  /** All that B has sent goes to A. @returns one for each frame */
  back(): number[] {
    return this.carry(this.B, this.wire[1], this.A, this.wire[0]);
  }

  private carry(from: Stack, out: Interface, to: Stack, into: Interface): number[] {
    const { b } = this;
    const frames: Frame[] = [];
    from.transmit(out, b.now, f => frames.push(f) > 0);
    b.now += this.oneWay;
    for (const s of [from, to]) s.expire(b.now);
    return frames.map(f => {
      const seq = new DataView(f.bytes.buffer, f.start).getInt32(24);
      const segment = f.length < this.mss ? Number.NaN : ((seq - this.c.iss - 1) | 0) / this.mss;
      if (segment !== this.lost) to.receive(into, f, b.now);
      else {
        this.lost = -1;
        f.release();
      }
      return segment;
    });
  }

  send(segments: number): void {
    const n = segments * this.mss;
    this.c.send(bytes(n), 0, n, 0);
  }

  read(): void {
    while (this.d.recv(new Uint8Array(65536), 0, 65536, 0) > 0);
  }

  /** Bursts of four segments with rests between them, until quick-ack mode has ended. */
  settle(): void {
    for (let i = 0; i < 30; i++) {
      this.b.now += 60_000;
      this.send(4);
      for (let k = 0; k < 5; k++) {
        this.forth();
        this.read();
        this.back();
      }
    }
    this.b.now += 60_000;
    expect(this.back()).toEqual([]);
  }

  /** Sends one segment. @returns milliseconds from its arrival until its ACK leaves, to the tick */
  delay(): number {
    this.send(1);
    expect(this.forth()).toHaveLength(1);
    const from = this.b.now;
    while (this.back().length === 0) expect(this.b.now - from).toBeLessThan(1_000_000);
    return Math.floor((this.b.now - this.oneWay - from) / 1000);
  }
}

it('each ACK of a loss is answered by itself: the first duplicate lets new data go before what is lost is repeated (RFC 3042)', () => {
  const turns = new Turns();
  turns.lost = 0;
  turns.send(40);
  expect(turns.forth()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(turns.back().length).toBeGreaterThan(3);
  expect(turns.forth().slice(0, 2)).toEqual([10, 0]);
});

it('on a path that has lost packets, every second segment of a turn has its own ACK; else the turn has one', () => {
  const acks = [-1, 2].map(lost => {
    const turns = new Turns();
    turns.lost = lost;
    turns.settle();
    turns.send(6);
    expect(turns.forth()).toHaveLength(6);
    turns.read();
    return turns.back().length;
  });
  expect(acks).toEqual([1, 3]);
});

it('where packets are lost and a round trip is shorter than a tick, a lone segment is acknowledged at once; else it waits', () => {
  const delays = [-1, 2].map(lost => {
    const turns = new Turns(100, false);
    turns.lost = lost;
    turns.settle();
    return turns.delay();
  });
  expect(delays).toEqual([40, 0]);
});

it('so too where only timestamps tell how short it is, because the handshake took longer', () => {
  const delays = [-1, 2].map(lost => {
    const turns = new Turns();
    turns.oneWay = 100;
    turns.lost = lost;
    // More than may go at once: what the first ACKs let go echoes what they said within the same tick.
    turns.send(20);
    turns.settle();
    expect(turns.d.srtt / 8).toBe(20_000);
    return turns.delay();
  });
  expect(delays).toEqual([40, 0]);
});

it('where packets are lost, a lone segment waits four round trips at most; else 40 ms', () => {
  const delays = [-1, 2].map(lost => {
    const turns = new Turns(2000);
    turns.lost = lost;
    turns.settle();
    return turns.delay();
  });
  expect(delays).toEqual([40, 16]);
});

it('what is early has three ACKs of its own and then one within a millisecond, however short the path', () => {
  const turns = new Turns(100);
  turns.settle();
  turns.lost = 120;
  turns.send(10);
  expect(turns.forth()).toHaveLength(10);
  expect([turns.back().length, turns.back().length, turns.back().length]).toEqual([3, 1, 0]);
});
