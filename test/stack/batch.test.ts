import { expect, it } from 'vitest';
import type { Interface } from '../../src/stack/interface.ts';
import type { Stack } from '../../src/stack/stack.ts';
import { Connection } from '../../src/tcp/connection.ts';
import { TcpOptions } from '../../src/tcp/options.ts';
import type { Frame } from '../../src/wire/frame.ts';
import { address, Bench, bytes } from './net.ts';

/** Frames that come one after the other before a host is asked for what it sends: one turn of a driver. */

const MSS = 1448;

/** A connection from A to B over a wire that carries all that has been sent at once, later. */
class Turns {
  private readonly b = new Bench();
  private readonly A = this.b.host('A');
  private readonly B = this.b.host('B');
  private readonly wire = this.b.wire(this.A, this.B, ['10.9.0.1/24'], ['10.9.0.2/24']);
  readonly c: Connection;
  readonly d: Connection;
  /** The segment of A's data with this number, counted from 0, does not arrive once. */
  lost = -1;

  private readonly oneWay: number;

  constructor(oneWay = 10_000) {
    this.oneWay = oneWay;
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
      const segment = f.length < MSS ? Number.NaN : ((seq - this.c.iss - 1) | 0) / MSS;
      if (segment !== this.lost) to.receive(into, f, b.now);
      else {
        this.lost = -1;
        f.release();
      }
      return segment;
    });
  }

  send(segments: number): void {
    this.c.send(bytes(segments * MSS), 0, segments * MSS, 0);
  }

  read(): void {
    while (this.d.recv(new Uint8Array(65536), 0, 65536, 0) > 0);
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
    // Beyond quick-ack mode.
    for (let i = 0; i < 12; i++) {
      turns.send(4);
      for (let k = 0; k < 4; k++) {
        turns.forth();
        turns.read();
        turns.back();
      }
    }
    turns.send(6);
    expect(turns.forth()).toHaveLength(6);
    return turns.back().length;
  });
  expect(acks).toEqual([1, 3]);
});

it('where packets are lost and a round trip is shorter than a tick, a lone segment is acknowledged at once; else it waits', () => {
  const acks = [-1, 2].map(lost => {
    const turns = new Turns(100);
    turns.lost = lost;
    // Beyond quick-ack mode.
    for (let i = 0; i < 30; i++) {
      turns.send(4);
      for (let k = 0; k < 300; k++) {
        turns.forth();
        turns.read();
        turns.back();
      }
    }
    turns.send(1);
    expect(turns.forth()).toHaveLength(1);
    return turns.back().length;
  });
  expect(acks).toEqual([0, 1]);
});
