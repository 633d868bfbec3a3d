import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { Driver } from '../../src/driver/driver.ts';
import type { Clock, Task } from '../../src/link/link.ts';
import { ReplayLink } from '../../src/link/replay/link.ts';
import { TimeQueue } from '../../src/link/time-queue.ts';
import { buildSegment } from '../../src/sim/build.ts';
import { Stack } from '../../src/stack/stack.ts';
import {
  DIRECTION_IN,
  DIRECTION_OUT,
  DIRECTION_UNKNOWN,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
} from '../../src/wire/capture.ts';
import { CaptureBuffer, PcapngWriter } from '../../src/wire/pcapng.ts';

class HandClock implements Clock {
  time = 500;
  private readonly queue = new TimeQueue<Task>();
  now(): number {
    return this.time;
  }
  soon(task: Task): void {
    this.queue.push(this.time, task);
  }
  schedule(task: Task, at: number): void {
    this.queue.push(Math.max(at, this.time), task);
  }
  run(until = this.time): void {
    while (this.queue.next <= until) {
      this.time = Math.max(this.time, this.queue.next);
      this.queue.pop()!.run();
    }
    this.time = until;
  }
}

const syn = (port: number): Uint8Array =>
  buildSegment({
    source: '10.0.0.2',
    destination: '10.0.0.1',
    sourcePort: port,
    destinationPort: 80,
    flags: 'S',
    seq: 1,
  });

function capture(
  list: readonly (readonly [number, Uint8Array, number])[],
  linktype = LINKTYPE_RAW,
): Uint8Array {
  const buffer = new CaptureBuffer();
  const writer = new PcapngWriter(buffer.sink);
  const id = writer.addInterface('x', linktype);
  for (const [at, bytes, direction] of list) writer.packet(id, at, bytes, 0, bytes.length, direction, '');
  return buffer.bytes();
}

const THREE = capture([
  [1_000_000_000, syn(1), DIRECTION_IN],
  [1_000_000_100, syn(9), DIRECTION_OUT],
  [1_000_001_000, syn(2), DIRECTION_UNKNOWN],
  [1_000_003_000, syn(3), DIRECTION_IN],
]);

function replay(file: Uint8Array, options = {}) {
  const clock = new HandClock();
  const link = new ReplayLink(file, { clock, ...options });
  const got: number[][] = [];
  let ended = '';
  link.onreceive = f => {
    got.push([clock.time - 500, f.bytes[f.start + 21]!]);
    f.release();
  };
  link.onclose = r => (ended = r);
  return { clock, link, got, ended: () => ended };
}

describe('a capture as a link', () => {
  test('plays what came in, at the times at which it came', () => {
    const { clock, link, got, ended } = replay(THREE);
    expect([link.total, link.skipped, link.medium]).toEqual([3, 1, 'ip']);
    expect(got).toEqual([]);
    clock.run(500);
    expect(got).toEqual([[0, 1]]);
    clock.run(10_000);
    expect(got).toEqual([
      [0, 1],
      [1000, 2],
      [3000, 3],
    ]);
    expect(ended()).toContain('ended');
  });

  test('may be quicker, as fast as it goes, or another choice', () => {
    const fast = replay(THREE, { pace: 'fast' });
    fast.clock.run();
    expect(fast.got).toEqual([1, 2, 3].map(n => [0, n]));
    const twice = replay(THREE, { pace: 2, select: () => true });
    twice.clock.run(10_000);
    expect(twice.got).toEqual([
      [0, 1],
      [50, 9],
      [500, 2],
      [1500, 3],
    ]);
    expect(() => replay(THREE, { pace: 0 })).toThrow('above 0');
  });

  test('Ethernet captures stay Ethernet, or give their IP', () => {
    const ethernet = new Uint8Array(14 + 40);
    ethernet.set([8, 0], 12);
    ethernet.set(syn(5), 14);
    const file = capture([[7, ethernet, DIRECTION_IN]], LINKTYPE_ETHERNET);
    expect(replay(file).link.medium).toBe('ethernet');
    const ip = replay(file, { medium: 'ip' });
    ip.clock.run();
    expect(ip.got).toEqual([[0, 5]]);
  });

  test('a broken file plays what could be read; closing ends it', () => {
    const { clock, link, got } = replay(THREE.subarray(0, THREE.length - 5));
    expect(link.errors.length).toBe(1);
    clock.run(500);
    link.close();
    clock.run(10_000);
    expect(got.length).toBe(1);
    const nothing = replay(new Uint8Array([1, 2, 3]));
    nothing.clock.run();
    expect(nothing.ended()).toContain('ended');
  });

  test('a stack answers what it hears, and the answers are handed out', () => {
    const clock = new HandClock();
    const sent: Uint8Array[] = [];
    const link = new ReplayLink(THREE, { clock, onsent: bytes => void sent.push(bytes) });
    const stack = new Stack({ random: seededRandom(1), start: clock.now() });
    const ifc = stack.addInterface({ name: 'x', medium: 'ip', mtu: 1500 });
    ifc.addAddress('10.0.0.1/24');
    new Driver(stack, clock).attach(ifc, link);
    clock.run(10_000);
    // Nobody listens: each SYN is answered by a reset.
    expect(sent.map(b => [b[21], b[33]])).toEqual([
      [80, 0x14],
      [80, 0x14],
      [80, 0x14],
    ]);
    expect(link.sent).toBe(3);
  });
});
