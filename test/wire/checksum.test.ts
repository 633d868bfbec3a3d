import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { ByteRing, SlabPool } from '../../src/base/ring.ts';
import type { Seq } from '../../src/base/seq.ts';
import {
  adjust,
  checksum,
  finish,
  fold,
  pseudoSum,
  sum,
  sumView,
  transportChecksum,
  verifies,
} from '../../src/wire/checksum.ts';
import { Frame } from '../../src/wire/frame.ts';
import { OK, TCP_CHECKSUM } from '../../src/wire/reason.ts';
import { Segment } from '../../src/wire/segment.ts';
import { decodeTcpFrame, putTcpChecksumFrame, putTcpHeader } from '../../src/wire/tcp.ts';
import { addressPair, guarded, surrounded, u16 } from './guard.ts';

/** RFC 1071 word by word. */
function plain(bytes: Uint8Array, at: number, end: number): number {
  let total = 0;
  for (let i = at; i < end; i += 2) {
    total += (bytes[i]! << 8) | (i + 1 < end ? bytes[i + 1]! : 0);
    if (total > 0xffff) total -= 0xffff;
  }
  return total;
}

describe('the Internet checksum', () => {
  test('the example of RFC 1071 sums to ddf2', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(fold(sum(bytes, 0, 8))).toBe(0xddf2);
    expect(checksum(bytes, 0, 8)).toBe(0x220d);
  });

  test('the checksum of a well-known IPv4 header comes out', () => {
    const header = Uint8Array.of(
      0x45,
      0,
      0,
      0x73,
      0,
      0,
      0x40,
      0,
      0x40,
      0x11,
      0,
      0,
      0xc0,
      0xa8,
      0,
      1,
      0xc0,
      0xa8,
      0,
      0xc7,
    );
    expect(checksum(header, 0, 20)).toBe(0xb861);
  });

  test('equals the plain definition at any offset and length, reading nothing outside', () => {
    fc.assert(
      fc.property(surrounded(fc.uint8Array({ maxLength: 200 })), ({ bytes, at, end }) => {
        expect(fold(sum(guarded(bytes, at, end), at, end)) % 0xffff).toBe(plain(bytes, at, end) % 0xffff);
      }),
      { numRuns: 500 },
    );
  });

  test('is the same word-wise over a DataView', () => {
    fc.assert(
      fc.property(surrounded(fc.uint8Array({ maxLength: 200 })), ({ bytes, at, end }) => {
        const exact = new DataView(bytes.buffer, at, end - at);
        expect(sumView(exact, 0, end - at) % 0xffff).toBe(plain(bytes, at, end) % 0xffff);
        expect(sumView(new DataView(bytes.buffer), at, end)).toBe(sumView(exact, 0, end - at));
      }),
      { numRuns: 500 },
    );
    const ones = new Uint8Array(65536).fill(0xff);
    expect(sumView(new DataView(ones.buffer), 0, 65536)).toBe(0xffff);
    expect(sumView(new DataView(ones.buffer), 0, 65535)).toBe(fold(sum(ones, 0, 65535)));
  });

  test('does not overflow on 64 KiB of ones', () => {
    const bytes = new Uint8Array(65536).fill(0xff);
    expect(sum(bytes, 0, 65536)).toBeLessThan(2 ** 26);
    expect(fold(sum(bytes, 0, 65536))).toBe(0xffff);
    expect(fold(sum(bytes, 0, 65535)) % 0xffff).toBe(plain(bytes, 0, 65535) % 0xffff);
  });

  test('sums of pieces that begin at even offsets add up', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), fc.nat(50), (bytes, half) => {
        const cut = Math.min(bytes.length & ~1, half * 2);
        expect(fold(sum(bytes, 0, cut) + sum(bytes, cut, bytes.length)) % 0xffff).toBe(
          fold(sum(bytes, 0, bytes.length)) % 0xffff,
        );
      }),
    );
  });

  test('of a payload attached by reference, in blocks cut anywhere, is that of the whole segment', () => {
    fc.assert(
      fc.property(
        addressPair,
        fc.integer(),
        fc.integer({ min: 1, max: 9000 }),
        fc.nat(),
        ([s, d], at, n, bit) => {
          const pool = new SlabPool();
          const ring = new ByteRing(pool);
          ring.reset(at as Seq);
          const payload = Uint8Array.from({ length: n }, (_, i) => (i * 31 + (i >> 8) + 7) & 255);
          ring.write(at as Seq, payload, 0, n);
          const frame = new Frame(200);
          frame.start = 80;
          frame.end = 100;
          putTcpHeader(frame.bytes, 80, 1, 2, at, 0, 20, 0x10, 100, 0);
          ring.lend(at as Seq, n, frame.blocks);
          frame.attached = n;
          frame.attachedAt = at as Seq;
          putTcpChecksumFrame(frame, 80, s, d);
          const whole = frame.retain().gather();
          expect(verifies(whole.bytes, whole.start, whole.end, s, d, 6)).toBe(true);
          const segment = new Segment();
          segment.source.assign(s);
          segment.destination.assign(d);
          expect(decodeTcpFrame(frame, 80, 100 + n, segment)).toBe(OK);
          const wrong = bit % n;
          ring.write((at + wrong) as Seq, Uint8Array.of(payload[wrong]! ^ (1 << (bit % 8))), 0, 1);
          expect(decodeTcpFrame(frame, 80, 100 + n, segment)).toBe(TCP_CHECKSUM);
        },
      ),
    );
  });

  test('a message with its checksum verifies in both families; with one bit changed it does not', () => {
    fc.assert(
      fc.property(
        addressPair,
        fc.uint8Array({ minLength: 20, maxLength: 90 }),
        fc.nat(),
        ([s, d], bytes, bit) => {
          bytes[16] = 0;
          bytes[17] = 0;
          const field = transportChecksum(bytes, 0, bytes.length, s, d, 6);
          bytes[16] = field >> 8;
          bytes[17] = field;
          const view = new DataView(bytes.buffer);
          expect(verifies(bytes, 0, bytes.length, s, d, 6)).toBe(true);
          expect(sumView(view, 0, bytes.length) % 0xffff).toBe(fold(sum(bytes, 0, bytes.length)) % 0xffff);
          const i = bit % bytes.length;
          bytes[i]! ^= 1 << (bit % 8);
          expect(verifies(bytes, 0, bytes.length, s, d, 6)).toBe(false);
        },
      ),
    );
  });

  test('the pseudo-header is that of RFC 9293 for IPv4 and of RFC 8200 for IPv6', () => {
    const s4 = parseAddress('192.0.2.1')!;
    const d4 = parseAddress('198.51.100.2')!;
    const bytes4 = Uint8Array.of(192, 0, 2, 1, 198, 51, 100, 2, 0, 6, 0, 20);
    expect(fold(pseudoSum(s4, d4, 6, 20))).toBe(plain(bytes4, 0, 12));
    const s6 = parseAddress('2001:db8::1')!;
    const d6 = parseAddress('fe80::2')!;
    const bytes6 = new Uint8Array(40);
    s6.write6(bytes6, 0);
    d6.write6(bytes6, 16);
    bytes6.set([0, 1, 0x12, 0x34, 0, 0, 0, 58], 32);
    expect(fold(pseudoSum(s6, d6, 58, 0x11234))).toBe(plain(bytes6, 0, 40));
  });

  test('can be adjusted for one changed word (RFC 1624)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), u16, (bytes, word) => {
        bytes[0] = 0x45;
        bytes[10] = 0;
        bytes[11] = 0;
        const before = checksum(bytes, 0, 20);
        const old = (bytes[8]! << 8) | bytes[9]!;
        bytes[8] = word >> 8;
        bytes[9] = word;
        expect(adjust(before, old, word) % 0xffff).toBe(checksum(bytes, 0, 20) % 0xffff);
      }),
    );
    expect(finish(0)).toBe(0xffff);
    expect(pseudoSum(Address.v4(0), Address.v4(0), 0, 0)).toBe(0);
  });
});
