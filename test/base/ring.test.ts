import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, ByteRing, SlabPool } from '../../src/base/ring.ts';
import { seq } from '../../src/base/seq.ts';

const pattern = (n: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => (i + from) * 31 + ((i + from) >> 8));

describe('ByteRing', () => {
  test('gives back what was written, across blocks and the wrap of sequence space', () => {
    const ring = new ByteRing(new SlabPool());
    const at = seq(2 ** 32 - 20_000);
    ring.reset(at);
    const data = pattern(50_000);
    ring.write(at, data, 0, data.length);
    const out = new Uint8Array(50_000);
    ring.copyOut(at, out, 0, 50_000);
    expect(out).toEqual(data);
    ring.dropTo(seq(at + 30_001));
    const tail = new Uint8Array(19_999);
    ring.copyOut(seq(at + 30_001), tail, 0, 19_999);
    expect(tail).toEqual(data.subarray(30_001));
  });

  test('holds no block when empty, and gives blocks back as the base moves', () => {
    const pool = new SlabPool(2);
    const ring = new ByteRing(pool);
    ring.reset(seq(100));
    expect(ring.blocks).toBe(0);
    ring.write(seq(100), pattern(3 * BLOCK), 0, 3 * BLOCK);
    expect(ring.blocks).toBe(3);
    ring.dropTo(seq(100 + BLOCK + 1));
    expect(ring.blocks).toBe(2);
    ring.dropTo(seq(100 + 3 * BLOCK));
    expect(ring.blocks).toBe(0);
    expect(pool.inUse).toBe(0);
    expect(pool.idle).toBe(2);
  });

  test('a hole costs no block, and can be filled later', () => {
    const ring = new ByteRing(new SlabPool());
    ring.reset(seq(0));
    const far = 5 * BLOCK + 7;
    ring.write(seq(far), pattern(10), 0, 10);
    expect(ring.blocks).toBe(1);
    ring.write(seq(0), pattern(far), 0, far);
    expect(ring.blocks).toBe(6);
    const out = new Uint8Array(far + 10);
    ring.copyOut(seq(0), out, 0, far + 10);
    expect(out.subarray(0, far)).toEqual(pattern(far));
    expect(out.subarray(far)).toEqual(pattern(10));
  });

  test('what lies below the base is left out of a write', () => {
    const ring = new ByteRing(new SlabPool());
    ring.reset(seq(10));
    ring.write(seq(5), pattern(10), 0, 10);
    ring.write(seq(0), pattern(5), 0, 5);
    const out = new Uint8Array(5);
    ring.copyOut(seq(10), out, 0, 5);
    expect(out).toEqual(pattern(5, 5));
  });

  test('moving the base past everything written, or back, is safe', () => {
    const pool = new SlabPool();
    const ring = new ByteRing(pool);
    ring.reset(seq(0));
    ring.write(seq(0), pattern(100), 0, 100);
    ring.dropTo(seq(1_000_000));
    expect(ring.base).toBe(1_000_000);
    expect(ring.blocks).toBe(0);
    ring.dropTo(seq(5));
    expect(ring.base).toBe(1_000_000);
    ring.write(seq(1_000_000), pattern(9), 0, 9);
    ring.free();
    expect(pool.inUse).toBe(0);
  });

  test('behaves as an array of bytes under any sequence of writes, reads and drops', () => {
    const op = fc.record({
      kind: fc.constantFrom('write', 'write', 'drop', 'read'),
      offset: fc.integer({ min: 0, max: 40_000 }),
      n: fc.oneof(fc.integer({ min: 0, max: 64 }), fc.integer({ min: 0, max: 40_000 })),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 25 }), fc.integer(), (ops, origin) => {
        const pool = new SlabPool(1);
        const ring = new ByteRing(pool);
        ring.reset(seq(origin));
        const size = 1_200_000;
        const model = new Uint8Array(size);
        const written = new Uint8Array(size);
        let base = 0;
        let salt = 0;
        for (const { kind, offset, n } of ops) {
          const at = base + offset;
          if (kind === 'write') {
            const data = pattern(n + 3, salt++);
            ring.write(seq(origin + at), data, 3, n);
            model.set(data.subarray(3), at);
            written.fill(1, at, at + n);
          } else if (kind === 'drop') {
            base += offset;
            ring.dropTo(seq(origin + base));
          } else {
            const out = new Uint8Array(n + 5);
            ring.copyOut(seq(origin + at), out, 5, n);
            for (let i = 0; i < n; i++) if (written[at + i]) expect(out[5 + i]).toBe(model[at + i]);
          }
          expect(ring.base).toBe(seq(origin + base));
          expect(pool.inUse).toBe(ring.blocks);
        }
        ring.free();
        expect(pool.inUse).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
