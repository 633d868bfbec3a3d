import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, type Block, ByteRing, SlabPool } from '../../src/base/ring.ts';
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
    ring.reset(seq(0));
    expect(ring.blocks).toBe(0);
    ring.write(seq(0), pattern(3 * BLOCK), 0, 3 * BLOCK);
    expect(ring.blocks).toBe(3);
    ring.dropTo(seq(BLOCK + 1));
    expect(ring.blocks).toBe(2);
    ring.dropTo(seq(3 * BLOCK));
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

  describe('lends its blocks', () => {
    const read = (ring: ByteRing, at: number, n: number): Uint8Array => {
      const out = new Uint8Array(n);
      ring.copyOut(seq(at), out, 0, n);
      return out;
    };
    const rings = () => {
      const pools = [new SlabPool(), new SlabPool()] as const;
      const [sender, receiver] = [new ByteRing(pools[0]), new ByteRing(pools[1])];
      sender.reset(seq(1000));
      receiver.reset(seq(1000));
      /** What a frame does with [at, at+n): holds it, gives it to the receiver, lets go. */
      const carry = (at: number, n: number) => {
        const list: Block[] = [];
        sender.lend(seq(at), n, list);
        receiver.borrow(seq(at), n, list, seq(at));
        for (const block of list) block.release();
      };
      return { pools, sender, receiver, carry };
    };

    test('and the borrower has the bytes when the lender is done with them, and gives them home', () => {
      const { pools, sender, receiver, carry } = rings();
      const data = pattern(3 * BLOCK);
      sender.write(seq(1000), data, 0, data.length);
      carry(1000, data.length);
      sender.free();
      expect(read(receiver, 1000, data.length)).toEqual(data);
      // None was copied: the receiver's own pool gave nothing.
      expect(pools[1].inUse).toBe(0);
      expect(pools[0].inUse).toBe(receiver.blocks);
      receiver.dropTo(seq(1000 + data.length));
      expect(pools[0].inUse).toBe(0);
    });

    test('and goes on writing behind what it has lent', () => {
      const { pools, sender, receiver, carry } = rings();
      const data = pattern(2000);
      sender.write(seq(1000), data, 0, 700);
      carry(1000, 700);
      sender.write(seq(1700), data, 700, 1300);
      expect(pools[0].inUse).toBe(1);
      carry(1700, 1300);
      expect(read(receiver, 1000, 2000)).toEqual(data);
    });

    test('a borrower that writes into a block copies it first, so that the lender keeps its bytes', () => {
      const { sender, receiver, carry } = rings();
      const data = pattern(900);
      sender.write(seq(1000), data, 0, 900);
      carry(1000, 500);
      receiver.write(seq(1500), pattern(400, 77), 0, 400);
      expect(read(sender, 1000, 900)).toEqual(data);
      expect(read(receiver, 1000, 500)).toEqual(data.subarray(0, 500));
      expect(read(receiver, 1500, 400)).toEqual(pattern(400, 77));
    });

    test('a block that its lender has left belongs to the last who holds it', () => {
      const { pools, sender, receiver, carry } = rings();
      sender.write(seq(1000), pattern(100), 0, 100);
      carry(1000, 100);
      sender.free();
      receiver.write(seq(1100), pattern(50, 3), 0, 50);
      expect(pools[1].inUse).toBe(0);
      expect(read(receiver, 1100, 50)).toEqual(pattern(50, 3));
    });

    test('a stream cut in any way, some of it carried by copy and some twice, arrives whole', () => {
      const piece = fc.record({
        n: fc.integer({ min: 1, max: 3 * BLOCK }),
        how: fc.constantFrom('lend', 'lend', 'copy', 'both'),
        ahead: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.integer(), (pieces, origin) => {
          const pools = [new SlabPool(), new SlabPool()] as const;
          const [sender, receiver] = [new ByteRing(pools[0]), new ByteRing(pools[1])];
          sender.reset(seq(origin));
          receiver.reset(seq(origin));
          const total = pieces.reduce((sum, p) => sum + p.n, 0);
          const data = pattern(total);
          let at = 0;
          const early: [number, number][] = [];
          const deliver = (from: number, n: number, how: string) => {
            if (how !== 'copy') {
              const list: Block[] = [];
              sender.lend(seq(origin + from), n, list);
              receiver.borrow(seq(origin + from), n, list, seq(origin + from));
              for (const block of list) block.release();
            }
            if (how !== 'lend') receiver.write(seq(origin + from), data, from, n);
          };
          for (const { n, how, ahead } of pieces) {
            sender.write(seq(origin + at), data, at, n);
            if (ahead) early.push([at, n]);
            else deliver(at, n, how);
            at += n;
          }
          for (const [from, n] of early) deliver(from, n, 'lend');
          const out = new Uint8Array(total);
          receiver.copyOut(seq(origin), out, 0, total);
          expect(Buffer.compare(out, data)).toBe(0);
          sender.copyOut(seq(origin), out, 0, total);
          expect(Buffer.compare(out, data)).toBe(0);
          sender.dropTo(seq(origin + total));
          receiver.dropTo(seq(origin + total));
          expect([pools[0].inUse, pools[1].inUse]).toEqual([0, 0]);
        }),
        { numRuns: 200 },
      );
    });
  });
});
