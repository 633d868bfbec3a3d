import { describe, expect, test } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Micros } from '../../src/base/time.ts';
import { CaptureLink, CapturePoint } from '../../src/link/capture.ts';
import { ImpairedLink } from '../../src/link/impair.ts';
import type { Clock, Link, Task } from '../../src/link/link.ts';
import { memoryPair } from '../../src/link/memory.ts';
import { TimeQueue } from '../../src/link/time-queue.ts';
import { buildSegment } from '../../src/sim/build.ts';
import { verifies } from '../../src/wire/checksum.ts';
import { CSUM_PARTIAL, type Frame, FramePool } from '../../src/wire/frame.ts';
import { CaptureBuffer, PcapngWriter, readCapture } from '../../src/wire/pcapng.ts';

/** A clock that the test moves. */
class HandClock implements Clock {
  time = 0;
  private readonly queue = new TimeQueue<Task>();
  now(): Micros {
    return this.time;
  }
  soon(task: Task): void {
    this.queue.push(this.time, task);
  }
  schedule(task: Task, at: Micros): void {
    this.queue.push(Math.max(at, this.time), task);
  }
  run(until: Micros = this.time): void {
    while (this.queue.next <= until) {
      this.time = Math.max(this.time, this.queue.next);
      this.queue.pop()!.run();
    }
    this.time = until;
  }
}

const pool = new FramePool();
const ends = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1, destinationPort: 2 };
const segment = (flags: string, seq = 1): Frame => pool.from(buildSegment({ ...ends, flags, seq }));

/** Notes what a link receives as the last byte of the sequence number. */
function collect(link: Link): number[] {
  const got: number[] = [];
  link.onreceive = frame => {
    got.push(frame.bytes[frame.start + 27]!);
    frame.release();
  };
  return got;
}

describe('a pair of memory links', () => {
  test('carries frames in order, never inside transmit', () => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock);
    const got = collect(b);
    for (let i = 1; i <= 3; i++) expect(a.transmit(segment('.', i))).toBe(true);
    expect(got).toEqual([]);
    clock.run();
    expect(got).toEqual([1, 2, 3]);
  });

  test('a full queue refuses and says when there is room again', () => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock, { queue: 2 });
    const got = collect(b);
    let writable = 0;
    a.onwritable = () => writable++;
    expect([1, 2, 3].map(i => a.transmit(segment('.', i)))).toEqual([true, true, false]);
    clock.run();
    expect([got, writable]).toEqual([[1, 2], 1]);
    expect(a.transmit(segment('.', 3))).toBe(true);
    clock.run();
    expect([got, writable]).toEqual([[1, 2, 3], 1]);
  });

  test('closing one end tells the other, which then loses what it sends', () => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock);
    let told = '';
    a.onclose = reason => (told = reason);
    a.transmit(segment('.'));
    b.close();
    expect(told).toContain('closed');
    expect(a.transmit(segment('.'))).toBe(true);
    clock.run();
  });

  test('an answer sent while receiving goes on in a later turn', () => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock);
    let depth = 0;
    let most = 0;
    let left = 10;
    for (const link of [a, b])
      link.onreceive = frame => {
        depth++;
        most = Math.max(most, depth);
        if (left-- > 0) link.transmit(frame);
        else frame.release();
        depth--;
      };
    a.transmit(segment('.'));
    clock.run();
    expect([left, most]).toEqual([-1, 1]);
  });
});

describe('an impaired link', () => {
  const impaired = (options: Record<string, unknown>): { clock: HandClock; a: ImpairedLink; b: Link } => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock, { queue: 4 });
    return { clock, a: new ImpairedLink(a, { clock, random: seededRandom(1), ...options }), b };
  };

  test('without conditions it is as quick as the link beneath', () => {
    const { clock, a, b } = impaired({});
    const got = collect(b);
    a.transmit(segment('.', 1));
    clock.run();
    expect(got).toEqual([1]);
  });

  test('it delays both directions on its own clock', () => {
    const { clock, a, b } = impaired({ delay: '40ms' });
    const [out, back] = [collect(b), collect(a)];
    a.transmit(segment('.', 1));
    b.transmit(segment('.', 2));
    clock.run(39_999);
    expect([out, back]).toEqual([[], []]);
    clock.run(40_000);
    expect([out, back]).toEqual([[1], [2]]);
  });

  test('it obeys rules, for what this end sends and for what the far end sends', () => {
    const { clock, a, b } = impaired({ rules: ['drop A FIN 1', 'drop B FIN 2'] });
    const [out, back] = [collect(b), collect(a)];
    for (const seq of [1, 2, 3]) {
      a.transmit(segment('F.', seq));
      const other = { source: '10.0.0.2', destination: '10.0.0.1', sourcePort: 2, destinationPort: 1 };
      b.transmit(pool.from(buildSegment({ ...other, flags: 'F.', seq })));
      clock.run();
    }
    expect([out, back]).toEqual([
      [2, 3],
      [1, 3],
    ]);
  });

  test('a rule or option that it does not understand is an error that says so', () => {
    expect(() => impaired({ rules: ['drop C FIN'] })).toThrow('who sends it (A, B, *)');
    expect(() => impaired({ loss: '300%' })).toThrow('loss: expected a share');
  });

  test('it keeps what the link beneath refuses, and refuses itself until that is gone', () => {
    const { clock, a, b } = impaired({});
    const got = collect(b);
    let writable = 0;
    a.onwritable = () => writable++;
    const taken = [1, 2, 3, 4, 5, 6, 7].map(i => a.transmit(segment('.', i)));
    expect(taken).toEqual([true, true, true, true, true, false, false]);
    clock.run();
    expect(got).toEqual([1, 2, 3, 4, 5]);
    expect(writable).toBe(1);
  });

  test('it tells a listener each frame with its fate', () => {
    const { clock, a, b } = impaired({ rules: ['drop A SYN'] });
    collect(b);
    const seen: string[] = [];
    a.watch((channel, packet, _frame, fate) =>
      seen.push(`${channel.from} ${packet.segment.flags} ${fate.reason}`),
    );
    a.transmit(segment('S'));
    a.transmit(segment('.'));
    clock.run();
    expect(seen).toEqual(['A 2 drop A SYN', 'A 16 ']);
  });
});

describe('a captured link', () => {
  test('records both directions with times, and completes a checksum that is left to the link', () => {
    const clock = new HandClock();
    const [a, b] = memoryPair(clock);
    const buffer = new CaptureBuffer();
    const link = new CaptureLink(
      a,
      new CapturePoint(new PcapngWriter(buffer.sink), 'tun0', 'ip'),
      () => clock.now() + 5,
    );
    const got = collect(link);
    collect(b);
    const partial = segment('S', 7);
    partial.bytes.fill(0, partial.start + 36, partial.start + 38);
    partial.csum = CSUM_PARTIAL;
    link.transmit(partial);
    clock.run(1000);
    b.transmit(segment('S.', 9));
    clock.run(2000);
    expect(got).toEqual([9]);
    const capture = readCapture(buffer.bytes());
    expect(capture.errors).toEqual([]);
    expect(capture.interfaces.map(i => i.name)).toEqual(['tun0']);
    expect(capture.packets.map(p => [p.micros, p.direction])).toEqual([
      [5, 2],
      [1005, 1],
    ]);
    const [first] = capture.packets;
    const [source, destination] = [0x0a000001, 0x0a000002].map(w => Address.v4(w));
    expect(verifies(first!.bytes, first!.at + 20, first!.end, source!, destination!, 6)).toBe(true);
  });

  test('a comment made inside transmit stands beside the frame; a refused frame is not recorded', () => {
    const clock = new HandClock();
    const [a] = memoryPair(clock, { queue: 1 });
    const buffer = new CaptureBuffer();
    const worse = new ImpairedLink(a, { clock, random: seededRandom(1), rules: ['drop A SYN'] });
    const link = new CaptureLink(worse, new CapturePoint(new PcapngWriter(buffer.sink), 'tun0', 'ip'), () =>
      clock.now(),
    );
    worse.watch((_channel, _packet, _frame, fate) => {
      if (fate.arrival < 0) link.comment = `dropped: ${fate.reason}`;
    });
    const taken = ['S', '.', '.', '.'].map(flags => link.transmit(segment(flags)));
    expect(taken).toEqual([true, true, true, false]);
    const { packets } = readCapture(buffer.bytes());
    expect(packets.map(p => p.comment)).toEqual(['dropped: drop A SYN', '', '']);
  });
});
