import { describe, expect, test } from 'vitest';
import { BLOCK, SlabPool } from '../../src/base/ring.ts';
import { seq } from '../../src/base/seq.ts';
import { CSUM_GOOD, FramePool, HEADROOM } from '../../src/wire/frame.ts';

describe('frames', () => {
  test('a released frame is used again, clean', () => {
    const pool = new FramePool();
    const f = pool.from(Uint8Array.of(1, 2, 3));
    f.csum = CSUM_GOOD;
    f.gsoSize = 9;
    f.start -= 10;
    f.release();
    const g = pool.take(100);
    expect(g).toBe(f);
    expect([g.start, g.end, g.length, g.csum, g.gsoSize, g.refs]).toEqual([HEADROOM, HEADROOM, 0, 0, 0, 1]);
  });

  test('a retained frame comes back only after its last release', () => {
    const pool = new FramePool();
    const f = pool.take(10).retain();
    f.release();
    expect(pool.take(10)).not.toBe(f);
    f.release();
    expect(pool.take(10)).toBe(f);
  });

  test('a copy has the same bytes in the same place, and changing it leaves the first alone', () => {
    const pool = new FramePool();
    for (const size of [3, 5000, 200_000]) {
      const f = pool.from(new Uint8Array(size).fill(7));
      f.start -= 4;
      f.csum = CSUM_GOOD;
      const c = f.copy();
      expect([c.start, c.end, c.csum, c.length]).toEqual([f.start, f.end, CSUM_GOOD, size + 4]);
      expect(c.bytes.subarray(c.start + 4, c.end)).toEqual(f.bytes.subarray(f.start + 4, f.end));
      c.bytes[c.end - 1] = 1;
      expect(f.bytes[f.end - 1]).toBe(7);
      expect(f.view.getUint8(f.end - 1)).toBe(7);
    }
  });

  test('payload attached by reference is held until the last release, and can be gathered', () => {
    const slabs = new SlabPool();
    const ring = slabs.takeRing(seq(BLOCK - 10));
    const data = Uint8Array.from({ length: BLOCK + 500 }, (_, i) => i * 7);
    ring.write(seq(BLOCK - 10), data, 0, data.length);
    const pool = new FramePool();
    const f = pool.from(Uint8Array.of(1, 2, 3));
    ring.lend(seq(BLOCK - 10), data.length, f.blocks);
    f.attached = data.length;
    f.attachedAt = seq(BLOCK - 10);
    f.gsoSize = 100;
    expect(f.length).toBe(3 + data.length);
    f.retain();
    const whole = f.gather();
    expect(whole).not.toBe(f);
    expect([whole.start, whole.length, whole.attached, whole.gsoSize]).toEqual([f.start, f.length, 0, 100]);
    expect(whole.bytes.subarray(whole.start, whole.end)).toEqual(Uint8Array.of(1, 2, 3, ...data));
    expect(whole.gather()).toBe(whole);
    ring.free();
    expect(slabs.inUse).toBe(3);
    f.release();
    expect(slabs.inUse).toBe(0);
    expect(pool.take(10).length).toBe(0);
  });

  test('a frame holds what was asked for, up to a 64 KiB super-segment and beyond', () => {
    const pool = new FramePool();
    for (const n of [0, 1500, 2048, 2049, 65536 + 100, 100_000]) {
      expect(pool.take(n).bytes.length).toBeGreaterThanOrEqual(n);
    }
  });
});
