import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address } from '../../src/base/address.ts';
import { CSUM_GOOD, CSUM_PARTIAL, FramePool } from '../../src/wire/frame.ts';
import { OK, reasonName, TCP_CHECKSUM, TCP_DATA_OFFSET, TCP_SHORT } from '../../src/wire/reason.ts';
import { ACK, AE, FIN, PSH, Segment, SYN, URG } from '../../src/wire/segment.ts';
import {
  decodeTcp,
  decodeTcpFrame,
  putTcpChecksum,
  putTcpChecksumFrame,
  putTcpHeader,
} from '../../src/wire/tcp.ts';
import {
  putFastOpen,
  putMss,
  putSack,
  putSackPermitted,
  putSackPermittedTimestamps,
  putTimestamps,
  putWindowScale,
} from '../../src/wire/tcp-options.ts';
import { addressPair, guarded, hinted, surrounded, u16, word } from './guard.ts';

const A = Address.v4(0x0a090001);
const B = Address.v4(0x0a090002);

/** A segment from A to B with the given raw options (padded with EOL to a word) and payload. */
function build(flags: number, options: readonly number[], payload: readonly number[] = []): Uint8Array {
  const header = 20 + ((options.length + 3) & ~3);
  const bytes = new Uint8Array(header + payload.length);
  putTcpHeader(bytes, 0, 1000, 80, 0xfffffff0 | 0, 7, header, flags, 65535, 0);
  bytes.set(options, 20);
  bytes.set(payload, header);
  putTcpChecksum(bytes, 0, bytes.length, A, B);
  return bytes;
}

function decode(bytes: Uint8Array): Segment {
  const s = new Segment();
  s.source.assign(A);
  s.destination.assign(B);
  expect(reasonName(decodeTcp(guarded(bytes, 0, bytes.length), 0, bytes.length, s))).toBe('ok');
  return s;
}

const noOptions = {
  mss: -1,
  windowScale: -1,
  sackPermitted: false,
  hasTimestamps: false,
  sackBlocks: 0,
  cookieLength: -1,
};

describe('decodeTcp', () => {
  test('gives back what was written: fields, options and payload, at any offset and in both families', () => {
    const options = fc.record({
      mss: fc.option(u16),
      scale: fc.option(fc.nat(14)),
      sack: fc.boolean(),
      ts: fc.option(fc.tuple(word, word)),
      blocks: fc.array(fc.tuple(word, word), { maxLength: 3 }),
      cookie: fc.option(fc.constantFrom(0, 4, 8)),
    });
    fc.assert(
      fc.property(
        addressPair,
        fc.tuple(u16, u16, word, word, fc.nat(0x1ff), u16, u16),
        options,
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(5),
        ([source, destination], [sport, dport, seq, ack, flags, window, urgent], o, payload, at) => {
          const syn = (flags & SYN) !== 0;
          const bytes = new Uint8Array(200);
          let p = at + 20;
          if (o.ts !== null) p = putTimestamps(bytes, p, o.ts[0], o.ts[1]);
          if (syn) {
            if (o.mss !== null) p = putMss(bytes, p, o.mss);
            if (o.scale !== null) p = putWindowScale(bytes, p, o.scale);
            if (o.sack) p = putSackPermitted(bytes, p);
            if (o.cookie !== null)
              p = putFastOpen(bytes, p, payload, 0, Math.min(o.cookie, payload.length & ~3));
          } else if (o.blocks.length > 0) {
            const left = Int32Array.from(o.blocks, b => b[0]);
            p = putSack(
              bytes,
              p,
              left,
              Int32Array.from(o.blocks, b => b[1]),
              left.length,
            );
          }
          const header = p - at;
          expect(header % 4).toBe(0);
          expect(header).toBeLessThanOrEqual(60);
          const end = p + payload.length;
          bytes.set(payload, p);
          putTcpHeader(bytes, at, sport, dport, seq, ack, header, flags, window, urgent);
          putTcpChecksum(bytes, at, end, source, destination);

          const s = new Segment();
          s.source.assign(source);
          s.destination.assign(destination);
          expect(decodeTcp(guarded(bytes, at, end), at, end, s)).toBe(OK);
          expect([s.sourcePort, s.destinationPort, s.seq, s.ack, s.flags, s.window, s.urgent]).toEqual([
            sport,
            dport,
            seq,
            ack,
            flags,
            window,
            urgent,
          ]);
          expect(bytes.slice(s.at, s.at + s.length)).toEqual(payload);
          expect(s.hasTimestamps ? [s.tsVal, s.tsEcr] : null).toEqual(o.ts);
          expect(s.mss).toBe(syn ? (o.mss ?? -1) : -1);
          expect(s.windowScale).toBe(syn ? (o.scale ?? -1) : -1);
          expect(s.sackPermitted).toBe(syn && o.sack);
          if (!syn) {
            const blocks = o.blocks.map((_, i) => [s.sackLeft[i], s.sackRight[i]]);
            expect(s.sackBlocks).toBe(o.blocks.length);
            expect(blocks).toEqual(o.blocks);
          }
        },
      ),
    );
  });

  test('row 46: a data offset below 5 or beyond the segment is refused before anything else is read', () => {
    for (let offset = 0; offset < 16; offset++) {
      const bytes = build(ACK, []);
      bytes[12] = offset << 4;
      const s = new Segment();
      const reason = decodeTcp(guarded(bytes, 0, 20), 0, 20, s, true);
      expect(reason).toBe(offset === 5 ? OK : TCP_DATA_OFFSET);
    }
  });

  test('row 47: fewer than 20 bytes are refused', () => {
    for (let n = 0; n < 20; n++) {
      expect(decodeTcp(guarded(build(ACK, []), 0, n), 0, n, new Segment())).toBe(TCP_SHORT);
    }
  });

  test('row 48: an option of length 0 or 1, or past the end, ends parsing; the segment and what came before live', () => {
    for (const bad of [[8, 0], [8, 1], [8, 20], [253, 200], [5], [2]]) {
      const s = decode(
        build(SYN, [2, 4, 5, 0xb4, 1, 1, 1, ...(bad.length === 1 ? [...bad] : [1, ...bad, 1, 1])]),
      );
      expect(s.mss).toBe(1460);
      expect(s.hasTimestamps).toBe(false);
    }
  });

  test('row 48: nothing behind an option of length 0 or 1 is read as an option', () => {
    for (const length of [0, 1]) {
      expect(decode(build(SYN, [1, 1, 253, length, 2, 4, 5, 0xb4])).mss).toBe(-1);
      expect(decode(build(SYN, [1, 1, 8, length, 2, 4, 5, 0xb4])).mss).toBe(-1);
    }
  });

  test('row 48: an option whose last byte is missing is not read, nor anything behind the options', () => {
    const whole = [
      [2, 4, 5, 0xb4],
      [3, 3, 7],
      [8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
      [34, 10, 1, 2, 3, 4, 5, 6, 7, 8],
      [254, 8, 0xf9, 0x89, 1, 2, 3, 4],
    ];
    for (const option of whole) {
      const cut = option.slice(0, -1);
      const nops = new Array<number>(40 - cut.length).fill(1);
      expect(decode(build(SYN, [...nops, ...cut]))).toMatchObject(noOptions);
      // With payload behind, which must not be taken for the missing byte.
      expect(decode(build(SYN, [...nops, ...cut], [9, 9, 9]))).toMatchObject(noOptions);
      expect(decode(build(SYN, [...nops.slice(1), ...option]))).not.toMatchObject(noOptions);
    }
    const sack = [5, 10, 0, 0, 0, 1, 0, 0, 0];
    expect(decode(build(ACK, [...new Array<number>(31).fill(1), ...sack], [9])).sackBlocks).toBe(0);
  });

  test('row 48: a known option with a wrong length is skipped by its length', () => {
    const s = decode(build(SYN, [2, 3, 9, 3, 4, 9, 9, 4, 3, 9, 8, 9, 1, 2, 3, 4, 5, 6, 7, 2, 4, 5, 0xb4]));
    expect(s).toMatchObject({ ...noOptions, mss: 1460 });
    const odd = decode(build(ACK, [5, 9, 0, 0, 0, 1, 0, 0, 0, 5, 4, 2, 1, 1]));
    expect(odd.sackBlocks).toBe(0);
    const empty = decode(build(ACK, [5, 2, 1, 1]));
    expect(empty.sackBlocks).toBe(0);
  });

  test('row 49: handshake options outside SYN, unknown and experimental kinds, and what follows EOL are ignored', () => {
    const nonSyn = decode(build(ACK, [2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 34, 6, 1, 2, 3, 4]));
    expect(nonSyn).toMatchObject(noOptions);
    const unknown = decode(build(SYN, [253, 4, 1, 2, 254, 4, 1, 2, 77, 2, 2, 4, 2, 24]));
    expect(unknown).toMatchObject({ ...noOptions, mss: 536 });
    const afterEnd = decode(build(SYN, [0, 2, 4, 2, 24]));
    expect(afterEnd).toMatchObject(noOptions);
    const nops = decode(build(SYN, new Array(40).fill(1)));
    expect(nops).toMatchObject(noOptions);
    const sackOnSyn = decode(build(SYN, [5, 10, 0, 0, 0, 1, 0, 0, 0, 5]));
    expect(sackOnSyn.sackBlocks).toBe(0);
  });

  test('row 49: of repeated options the last counts', () => {
    expect(decode(build(SYN, [2, 4, 0, 1, 2, 4, 0, 2])).mss).toBe(2);
    const s = decode(build(ACK, [5, 10, 0, 0, 0, 1, 0, 0, 0, 5, 5, 10, 0, 0, 0, 7, 0, 0, 0, 9]));
    expect([s.sackBlocks, s.sackLeft[0], s.sackRight[0]]).toEqual([1, 7, 9]);
  });

  test('row 50: a window scale above 14 counts as 14', () => {
    expect(decode(build(SYN, [3, 3, 255])).windowScale).toBe(14);
    expect(decode(build(SYN, [3, 3, 14])).windowScale).toBe(14);
    expect(decode(build(SYN, [3, 3, 0])).windowScale).toBe(0);
  });

  test('row 51: MSS 0 and 65535 are reported as they stand, for the host to clamp', () => {
    expect(decode(build(SYN, [2, 4, 0, 0])).mss).toBe(0);
    expect(decode(build(SYN, [2, 4, 255, 255])).mss).toBe(65535);
  });

  test('row 38: at most four SACK blocks are kept, whatever the length says', () => {
    const five = [5, 42, ...new Array(38).fill(3)];
    expect(decode(build(ACK, five)).sackBlocks).toBe(0);
    const four = [1, 1, 5, 34, ...Array.from({ length: 32 }, (_, i) => i)];
    const s = decode(build(ACK, four));
    expect(s.sackBlocks).toBe(4);
    expect(s.sackRight[3]).toBe(0x1c1d1e1f);
  });

  test('row 53: a wrong checksum is refused, unless it was verified before', () => {
    const bytes = build(ACK, [], [1, 2, 3]);
    bytes[21]! ^= 4;
    const s = new Segment();
    s.source.assign(A);
    s.destination.assign(B);
    expect(decodeTcp(bytes, 0, bytes.length, s)).toBe(TCP_CHECKSUM);
    expect(decodeTcp(bytes, 0, bytes.length, s, true)).toBe(OK);
  });

  test('a segment in a frame decodes alike; a checksum that the frame vouches for is not looked at', () => {
    const frame = new FramePool().from(build(ACK, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [1, 2, 3]));
    const s = new Segment();
    s.source.assign(A);
    s.destination.assign(B);
    frame.bytes[frame.start + 16] = 0;
    putTcpChecksumFrame(frame, frame.start, A, B);
    expect(decodeTcpFrame(frame, frame.start, frame.end, s)).toBe(OK);
    expect([s.length, s.tsEcr]).toEqual([3, 2]);
    frame.bytes[frame.end - 1]! ^= 1;
    expect(decodeTcpFrame(frame, frame.start, frame.end, s)).toBe(TCP_CHECKSUM);
    for (const known of [CSUM_GOOD, CSUM_PARTIAL]) {
      frame.csum = known;
      expect(decodeTcpFrame(frame, frame.start, frame.end, s)).toBe(OK);
    }
    frame.csum = 0;
    expect(decodeTcpFrame(frame, frame.start, frame.start + 19, s)).toBe(TCP_SHORT);
    frame.bytes[frame.start + 12] = 0xf0;
    expect(decodeTcpFrame(frame, frame.start, frame.end, s)).toBe(TCP_DATA_OFFSET);
  });

  test('row 54: reserved bits are left out of the flags, AE is the ninth', () => {
    const bytes = build(ACK | AE | PSH, []);
    bytes[12]! |= 0x0e;
    const s = new Segment();
    expect(decodeTcp(bytes, 0, bytes.length, s, true)).toBe(OK);
    expect(s.flags).toBe(ACK | AE | PSH);
  });

  test('row 52, 55, 57: urgent pointers, sequence numbers at the wrap and port 0 are passed on as they are', () => {
    const bytes = build(ACK | URG, [], [1]);
    bytes[18] = 0xff;
    bytes[19] = 0xff;
    bytes[0] = 0;
    bytes[1] = 0;
    const s = new Segment();
    expect(decodeTcp(bytes, 0, bytes.length, s, true)).toBe(OK);
    expect([s.urgent, s.sourcePort, s.seq]).toEqual([65535, 0, -16]);
  });

  test('SEG.LEN counts SYN and FIN', () => {
    expect(decode(build(SYN | FIN, [], [1, 2, 3])).segLen).toBe(5);
    expect(decode(build(ACK, [], [])).segLen).toBe(0);
  });

  test('Fast Open cookies come in 4 to 16 bytes, an even number, or none; the experimental kind has a magic', () => {
    const request = decode(build(SYN, [34, 2]));
    expect([request.cookieLength, request.cookieExperimental]).toEqual([0, false]);
    const bytes = build(SYN, [34, 10, 1, 2, 3, 4, 5, 6, 7, 8]);
    const cookie = decode(bytes);
    expect(bytes.slice(cookie.cookieAt, cookie.cookieAt + cookie.cookieLength)).toEqual(
      Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    );
    expect(decode(build(SYN, [34, 5, 1, 2, 3])).cookieLength).toBe(-1);
    expect(decode(build(SYN, [34, 7, 1, 2, 3, 4, 5])).cookieLength).toBe(-1);
    expect(decode(build(SYN, [34, 20, ...new Array(18).fill(1)])).cookieLength).toBe(-1);
    const old = decode(build(SYN, [254, 8, 0xf9, 0x89, 1, 2, 3, 4]));
    expect([old.cookieLength, old.cookieExperimental]).toEqual([4, true]);
    const padded = new Uint8Array(16);
    expect(putFastOpen(padded, 0, Uint8Array.of(1, 2, 3, 4), 0, 4)).toBe(8);
    expect(Array.from(padded.slice(0, 8))).toEqual([34, 6, 1, 2, 3, 4, 1, 1]);
    expect(putFastOpen(padded, 0, Uint8Array.of(1, 2, 3, 4), 0, 4, true)).toBe(8);
    expect(putFastOpen(padded, 0, padded, 0, 0)).toBe(4);
  });

  test('SACK-permitted with timestamps packs into 12 bytes, as Linux sends it', () => {
    const bytes = new Uint8Array(12);
    expect(putSackPermittedTimestamps(bytes, 0, 1, 2)).toBe(12);
    expect(Array.from(bytes)).toEqual([4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    expect(decode(build(SYN, [...bytes]))).toMatchObject({
      sackPermitted: true,
      hasTimestamps: true,
      tsVal: 1,
      tsEcr: 2,
    });
  });

  test('a reused segment keeps nothing of the one before', () => {
    const s = decode(build(SYN, [2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 34, 2]));
    for (const next of [build(ACK, []), build(ACK, [1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 5])]) {
      expect(decodeTcp(next, 0, next.length, s)).toBe(OK);
      expect(s).toMatchObject({ ...noOptions, sackBlocks: next.length === 20 ? 0 : 1 });
    }
    const plainTs = build(ACK, [1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4]);
    expect(decodeTcp(plainTs, 0, plainTs.length, s)).toBe(OK);
    expect(s).toMatchObject({ ...noOptions, hasTimestamps: true, tsVal: 3, tsEcr: 4 });
  });

  test('whatever the bytes: no throw, no read outside, payload and cookie within', () => {
    const header = fc
      .tuple(fc.uint8Array({ minLength: 20, maxLength: 80 }), fc.integer({ min: 5, max: 15 }), fc.boolean())
      .map(([b, offset, syn]) => {
        b[12] = (offset << 4) | (b[12]! & 15);
        if (syn) b[13]! |= SYN;
        return b;
      });
    const optionSoup = fc
      .array(fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 10, 18, 26, 34, 34, 254, 255), {
        minLength: 40,
        maxLength: 40,
      })
      .map(o => build(o[0]! & 1 ? SYN : ACK, o));
    fc.assert(
      fc.property(surrounded(hinted([header, optionSoup])), ({ bytes, at, end }) => {
        const s = new Segment();
        if (decodeTcp(guarded(bytes, at, end), at, end, s, true) !== OK) return;
        expect(s.at).toBeGreaterThanOrEqual(at + 20);
        expect(s.at + s.length).toBe(end);
        expect(s.sackBlocks).toBeLessThanOrEqual(4);
        if (s.cookieLength > 0) expect(s.cookieAt + s.cookieLength).toBeLessThanOrEqual(s.at);
      }),
      { numRuns: 3000 },
    );
  });
});
