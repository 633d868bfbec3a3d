import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Micros } from '../../src/base/time.ts';
import { type Arrival, Channel, type ChannelHost, Medley } from '../../src/link/channel.ts';
import { type ConditionOptions, PERFECT, withConditions } from '../../src/link/conditions.ts';
import { frameBytes, Packet } from '../../src/link/packet.ts';
import { DROP, DUPLICATE, PASS, REORDER } from '../../src/link/rule.ts';
import { TimeQueue } from '../../src/link/time-queue.ts';
import { buildSegment } from '../../src/sim/build.ts';
import { fold, sum } from '../../src/wire/checksum.ts';
import { FramePool } from '../../src/wire/frame.ts';

/** One direction of a wire whose arrivals are collected in order of time. */
class Bench implements ChannelHost {
  readonly pool = new FramePool();
  readonly wire = new Medley(this, ['A', 'B'], 'ip', 1500);
  readonly channel: Channel;
  readonly fates: string[] = [];
  private readonly queue = new TimeQueue<{ arrival: Arrival; at: Micros }>();
  constructor(options: ConditionOptions = {}, seed: number = 1) {
    this.channel = new Channel(this.wire, 0, seededRandom(seed));
    const conditions = withConditions(PERFECT, options);
    if (typeof conditions === 'string') throw new Error(conditions);
    this.channel.conditions = conditions;
    this.wire.watched = true;
  }
  carry(arrival: Arrival, at: Micros): void {
    this.queue.push(at, { arrival, at });
  }
  observe(
    _channel: Channel,
    packet: Packet,
    _frame: unknown,
    fate: { reason: string; action: number },
  ): void {
    this.fates.push(`${packet.segment.seq}${fate.action & DROP ? ` dropped (${fate.reason})` : ''}`);
  }
  send(seq: number, now: Micros, size = 40): void {
    const ends = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 };
    const bytes = buildSegment({ ...ends, seq, flags: '.', data: new Uint8Array(size - 40), tos: 2 });
    this.channel.offer(this.pool.from(bytes), now);
  }
  /** What arrives, as 'seq@time'; a rule calls the first one's number 1. */
  arrivals(): string[] {
    return this.taken().map(({ seq, at }) => `${seq}@${at}`);
  }
  taken(): { seq: number; at: Micros; bytes: Uint8Array }[] {
    const list = [];
    const packet = new Packet();
    for (let e = this.queue.pop(); e !== undefined; e = this.queue.pop()) {
      const frame = e.arrival.take();
      if (frame === null) continue;
      packet.read(frame, 'ip');
      list.push({ seq: packet.segment.seq as number, at: e.at, bytes: frameBytes(frame) });
      frame.release();
    }
    return list;
  }
  burst(n: number, size = 40): string[] {
    for (let i = 0; i < n; i++) this.send(i, 0, size);
    return this.arrivals();
  }
}

describe('one direction of a wire', () => {
  test('a perfect wire delivers at once, in order', () => {
    expect(new Bench().burst(3)).toEqual(['0@0', '1@0', '2@0']);
  });

  test('delay is added to each frame', () => {
    expect(new Bench({ delay: '40ms' }).burst(2)).toEqual(['0@40000', '1@40000']);
  });

  test('a model decides when frames arrive, in the place of delay and rate; rules still drop', () => {
    const b = new Bench({ delay: '40ms', rate: '1mbit' });
    b.channel.model = (now, length) => (length > 100 ? -1 : now + 300 - length);
    b.wire.addRule('drop A any 4');
    for (const [seq, size] of [
      [0, 40],
      [1, 90],
      [2, 101],
      [3, 50],
    ] as const)
      b.send(seq, 1000, size);
    expect(b.arrivals()).toEqual(['1@1210', '0@1260']);
    expect(b.fates[2]).toBe('2 dropped (model)');
    b.channel.model = null;
    b.send(4, 2000, 125);
    expect(b.arrivals()).toEqual(['4@43000']);
  });

  test('jitter spreads arrivals but keeps their order', () => {
    const b = new Bench({ delay: 1000, jitter: 500 });
    for (let i = 0; i < 200; i++) b.send(i, i * 10);
    const taken = b.taken();
    expect(taken.map(t => t.seq)).toEqual(taken.map((_, i) => i));
    expect(taken.every((t, i) => t.at >= i * 10 + 1000 && t.at <= 1990 + 1500)).toBe(true);
    expect(new Set(taken.map((t, i) => t.at - i * 10)).size).toBeGreaterThan(20);
  });

  test('a rate spaces frames by their length, and a full queue drops', () => {
    const b = new Bench({ rate: '8mbit', queue: 3 });
    expect(b.burst(5, 1000)).toEqual(['0@1000', '1@2000', '2@3000']);
    expect(b.fates.slice(3)).toEqual(['3 dropped (queue)', '4 dropped (queue)']);
    b.send(9, 2500, 1000);
    expect(b.arrivals()).toEqual(['9@4000']);
  });

  test('a queue may be limited in bytes', () => {
    expect(new Bench({ rate: '8mbit', queueBytes: 2500 }).burst(5, 1000)).toHaveLength(2);
  });

  test('a reordered frame arrives right behind the next one', () => {
    const b = new Bench();
    b.wire.addRule('reorder A seq=1');
    expect(b.burst(3)).toEqual(['1@0', '0@0', '2@0']);
  });

  test('a reordered frame that nothing follows arrives after its time', () => {
    const b = new Bench();
    b.wire.addRule('reorder 50ms A seq=1');
    b.send(0, 0);
    expect(b.arrivals()).toEqual(['0@50000']);
    b.send(1, 60_000);
    expect(b.arrivals()).toEqual(['1@60000']);
  });

  test('a delayed frame is overtaken; delays of several rules add up', () => {
    const b = new Bench();
    b.wire.addRule('delay 1ms A seq=1');
    b.wire.addRule('delay 2ms A any 1');
    expect(b.burst(2)).toEqual(['1@0', '0@3000']);
  });

  test('a duplicate follows at once or after a time', () => {
    const b = new Bench();
    b.wire.addRule('duplicate A seq=1');
    b.wire.addRule('duplicate 5ms A seq=2');
    expect(b.burst(2)).toEqual(['0@0', '0@0', '1@0', '1@5000']);
  });

  test('a drop wins over all else, and is told with its reason', () => {
    const b = new Bench();
    b.wire.addRule('duplicate A seq=2');
    b.wire.addRule('drop A seq=2');
    expect(b.burst(3)).toEqual(['0@0', '2@0']);
    expect(b.fates[1]).toBe('1 dropped (drop A seq=2)');
    expect([b.channel.carried, b.channel.dropped]).toEqual([2, 1]);
  });

  test('a partition drops all, and frames beyond the MTU are dropped', () => {
    const b = new Bench();
    b.channel.blocked = true;
    b.send(1, 0);
    b.channel.blocked = false;
    b.send(2, 0, 1501);
    b.send(3, 0, 1500);
    expect(b.arrivals()).toEqual(['3@0']);
    expect(b.fates).toEqual(['1 dropped (partition)', '2 dropped (mtu)', '3']);
  });

  test('corruption changes one bit of a copy, never the sender’s bytes', () => {
    const b = new Bench({ corrupt: 1 });
    const bytes = buildSegment({
      source: '10.0.0.1',
      destination: '10.0.0.2',
      sourcePort: 1,
      destinationPort: 2,
      flags: '.',
    });
    const frame = b.pool.from(bytes).retain();
    b.channel.offer(frame, 0);
    expect(frameBytes(frame)).toEqual(bytes);
    const [got] = b.taken();
    let bits = 0;
    for (let i = 0; i < bytes.length; i++) for (let x = bytes[i]! ^ got!.bytes[i]!; x; x &= x - 1) bits++;
    expect(bits).toBe(1);
  });

  test('a congestion mark keeps the IP checksum right', () => {
    const b = new Bench();
    b.wire.addRule('mark A any');
    b.send(0, 0);
    const [got] = b.taken();
    expect(got!.bytes[1]! & 3).toBe(3);
    expect(fold(sum(got!.bytes, 0, 20))).toBe(0xffff);
  });

  test('probabilities are met, and the same seed gives the same fates', () => {
    const run = (seed: number): string[] => {
      const b = new Bench({ loss: '10%', duplicate: 0.1, reorder: '10%' }, seed);
      for (let i = 0; i < 2000; i++) b.send(i, i * 100);
      return b.arrivals();
    };
    const first = run(7);
    expect(run(7)).toEqual(first);
    expect(run(8)).not.toEqual(first);
    expect(Math.abs(first.length - 2000 * 0.9 * 1.1)).toBeLessThan(120);
  });

  test('a plan decides by the number of the frame', () => {
    const b = new Bench();
    b.wire.plan = index => [PASS, DROP, REORDER, DUPLICATE][index] ?? PASS;
    expect(b.burst(4)).toEqual(['0@0', '3@0', '3@0', '2@0']);
  });

  test('frames that are done with go back to their pool', () => {
    const b = new Bench();
    b.wire.addRule('drop A seq=2');
    b.wire.addRule('corrupt A seq=3');
    b.wire.addRule('duplicate A seq=4');
    b.burst(5);
    // Five were offered; with the copies never more than four were on their way at once.
    expect(b.pool['small' as never]).toHaveLength(5);
  });
});

test('conditions that make no sense are refused with what was expected', () => {
  expect(withConditions(PERFECT, { loss: '120%' })).toBe("loss: expected a share (2%, 0.02), found '120%'");
  expect(withConditions(PERFECT, { loss: 2 })).toContain('loss: expected');
  expect(withConditions(PERFECT, { delay: 'soon' })).toBe(
    "delay: expected a time (250us, 40ms), found 'soon'",
  );
  expect(withConditions(PERFECT, { delay: Number.NaN })).toContain('delay');
  expect(withConditions(PERFECT, { rate: '10mbit', queueBytes: '64kib' })).toMatchObject({
    rate: 1e7,
    queueBytes: 65536,
  });
});
