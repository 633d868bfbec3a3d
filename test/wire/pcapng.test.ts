import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CaptureBuffer,
  DIRECTION_IN,
  DIRECTION_OUT,
  DIRECTION_UNKNOWN,
  ipOffset,
  LINKTYPE_ETHERNET,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
  PcapngWriter,
  readCapture,
} from '../../src/wire/pcapng.ts';

function capture(fill: (writer: PcapngWriter) => void): Uint8Array {
  const buffer = new CaptureBuffer();
  fill(new PcapngWriter(buffer.sink));
  return buffer.bytes();
}

/** Joins numbers of given widths into bytes. */
function pack(little: boolean, ...fields: (readonly [2 | 4, number] | Uint8Array)[]): Uint8Array {
  const parts = fields.map(f => {
    if (f instanceof Uint8Array) return f;
    const view = new DataView(new ArrayBuffer(f[0]));
    if (f[0] === 2) view.setUint16(0, f[1], little);
    else view.setUint32(0, f[1], little);
    return new Uint8Array(view.buffer);
  });
  return Uint8Array.from(parts.flatMap(p => [...p]));
}

/** A pcapng block around a body. */
function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const length = body.length + 12;
  return pack(little, [4, type], [4, length], body, [4, length]);
}

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap(p => [...p]));
const section = (little: boolean): Uint8Array =>
  block(little, 0x0a0d0d0a, pack(little, [4, 0x1a2b3c4d], [2, 1], [2, 0], [4, 0xffffffff], [4, 0xffffffff]));

describe('PcapngWriter', () => {
  test('what it writes, the reader reads: interfaces, times, directions, comments, bytes', () => {
    const packet = fc.record({
      interface: fc.nat(1),
      micros: fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 51 })),
      data: fc.uint8Array({ maxLength: 100 }),
      direction: fc.constantFrom(DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT),
      comment: fc.string({ unit: 'grapheme', maxLength: 30 }),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 10 }), packets => {
        const file = capture(writer => {
          expect(writer.addInterface('A eth0', LINKTYPE_ETHERNET)).toBe(0);
          expect(writer.addInterface('B tun0 ⇄', LINKTYPE_RAW, 96)).toBe(1);
          for (const p of packets) {
            writer.packet(p.interface, p.micros, p.data, 0, p.data.length, p.direction, p.comment);
          }
        });
        expect(file.length % 4).toBe(0);
        const read = readCapture(file);
        expect(read.errors).toEqual([]);
        expect(read.format).toBe('pcapng');
        expect(read.interfaces).toEqual([
          { linktype: 1, name: 'A eth0', snaplen: 0 },
          { linktype: 101, name: 'B tun0 ⇄', snaplen: 96 },
        ]);
        expect(read.packets.length).toBe(packets.length);
        for (const [i, p] of packets.entries()) {
          const got = read.packets[i]!;
          expect(got).toMatchObject({
            index: i,
            interface: p.interface,
            linktype: p.interface === 0 ? 1 : 101,
            direction: p.direction,
            comment: p.comment,
            originalLength: p.data.length,
          });
          expect(got.seconds * 1e6 + got.nanoseconds / 1e3).toBe(p.micros);
          expect(got.micros).toBe(p.micros);
          expect(got.bytes.slice(got.at, got.end)).toEqual(p.data);
        }
      }),
    );
  });

  test('a buffer stops at its limit, and the file stays readable', () => {
    const buffer = new CaptureBuffer(300);
    const writer = new PcapngWriter(buffer.sink);
    writer.addInterface('x', LINKTYPE_RAW);
    for (let i = 0; i < 10; i++) writer.packet(0, i, new Uint8Array(40), 0, 40);
    expect(buffer.size).toBeLessThanOrEqual(300);
    expect(buffer.omitted).toBeGreaterThan(0);
    const read = readCapture(buffer.bytes());
    expect(read.errors).toEqual([]);
    expect(read.packets.length + buffer.omitted).toBe(10);
  });

  test('a part of a buffer is written, with the length it had on the wire', () => {
    const bytes = Uint8Array.from({ length: 50 }, (_, i) => i);
    const file = capture(w => {
      w.addInterface('', LINKTYPE_RAW);
      w.packet(0, 1.9, bytes, 10, 15, DIRECTION_OUT, '', 1500);
    });
    const got = readCapture(file).packets[0]!;
    expect([...got.bytes.slice(got.at, got.end)]).toEqual([10, 11, 12, 13, 14]);
    expect([got.originalLength, got.micros]).toEqual([1500, 1]);
  });
});

describe('readCapture', () => {
  test('reads pcapng of either byte order, in the resolution each interface states', () => {
    for (const little of [true, false]) {
      const seconds = pack(little, [2, 9], [2, 1], Uint8Array.of(0x80 | 10, 0, 0, 0), [4, 0]);
      const file = join(
        section(little),
        block(little, 1, pack(little, [2, 1], [2, 0], [4, 0])),
        block(little, 1, pack(little, [2, 101], [2, 0], [4, 0], seconds)),
        block(little, 0x0bad, new Uint8Array(8)),
        block(
          little,
          6,
          pack(little, [4, 0], [4, 0], [4, 1_500_000], [4, 1], [4, 1], Uint8Array.of(7, 0, 0, 0)),
        ),
        block(little, 6, pack(little, [4, 1], [4, 0], [4, 1024 + 512], [4, 0], [4, 0])),
      );
      const read = readCapture(file);
      expect(read.errors).toEqual([]);
      expect(read.packets.map(p => [p.seconds, p.nanoseconds])).toEqual([
        [1, 500_000_000],
        [1, 500_000_000],
      ]);
      expect(read.packets[0]!.bytes[read.packets[0]!.at]).toBe(7);
    }
  });

  test('reads simple packets, obsolete packets and a second section with interfaces of its own', () => {
    const file = join(
      section(true),
      block(true, 1, pack(true, [2, 1], [2, 0], [4, 2])),
      block(true, 3, pack(true, [4, 10], Uint8Array.of(1, 2, 0, 0))),
      section(false),
      block(false, 1, pack(false, [2, 228], [2, 0], [4, 0])),
      block(false, 2, pack(false, [2, 0], [2, 0], [4, 0], [4, 5], [4, 0], [4, 60])),
    );
    const read = readCapture(file);
    expect(read.errors).toEqual([]);
    expect(read.packets.map(p => [p.interface, p.linktype, p.end - p.at, p.originalLength])).toEqual([
      [0, 1, 2, 10],
      [1, 228, 0, 60],
    ]);
  });

  test('reads classic pcap of either byte order, in micro- and nanoseconds', () => {
    for (const little of [true, false]) {
      for (const [magic, unit] of [
        [0xa1b2c3d4, 1000],
        [0xa1b23c4d, 1],
      ] as const) {
        const file = pack(
          little,
          [4, magic],
          [2, 2],
          [2, 4],
          [4, 0],
          [4, 0],
          [4, 65535],
          [4, 101],
          [4, 1_700_000_000],
          [4, 999_999],
          [4, 3],
          [4, 40],
          Uint8Array.of(1, 2, 3),
        );
        const read = readCapture(file);
        expect(read.format).toBe('pcap');
        expect(read.errors).toEqual([]);
        expect(read.packets).toHaveLength(1);
        expect(read.packets[0]).toMatchObject({
          seconds: 1_700_000_000,
          nanoseconds: 999_999 * unit,
          linktype: 101,
          originalLength: 40,
        });
      }
    }
  });

  test('says what is wrong with a broken file, and keeps what came before', () => {
    const good = capture(w => {
      w.addInterface('x', LINKTYPE_RAW);
      w.packet(0, 1, Uint8Array.of(1, 2, 3, 4), 0, 4);
    });
    expect(readCapture(new Uint8Array(0)).errors).toEqual(['the file is too short to be a capture']);
    expect(readCapture(Uint8Array.of(1, 2, 3, 4)).errors).toEqual(['neither a pcapng nor a pcap file']);
    const cut = readCapture(join(good, good.slice(0, 20)));
    expect(cut.packets).toHaveLength(1);
    expect(cut.errors[0]).toContain(`byte ${good.length}`);
    const stray = readCapture(
      join(section(true), block(true, 6, pack(true, [4, 3], [4, 0], [4, 0], [4, 0], [4, 0]))),
    );
    expect(stray.errors[0]).toContain('interface 3');
    for (const [claimed, ok] of [
      [4, true],
      [5, false],
      [24, false],
      [0xffffffff, false],
    ] as const) {
      const body = pack(true, [4, 0], [4, 0], [4, 0], [4, claimed], [4, 4], new Uint8Array(4));
      const read = readCapture(
        join(section(true), block(true, 1, pack(true, [2, 1], [2, 0], [4, 0])), block(true, 6, body)),
      );
      expect([read.packets.length, read.errors.length]).toEqual(ok ? [1, 0] : [0, 1]);
    }
    const zero = readCapture(join(section(true), pack(true, [4, 1], [4, 0], [4, 0])));
    expect(zero.errors[0]).toContain('0 bytes long');
  });

  test('whatever the file, damaged or random: no throw, no endless loop, packets within the file', () => {
    const good = capture(w => {
      w.addInterface('x', LINKTYPE_RAW);
      w.addInterface('y', LINKTYPE_ETHERNET);
      w.packet(0, 1e15, new Uint8Array(20), 0, 20, DIRECTION_IN, 'a comment');
      w.packet(1, 2e15, new Uint8Array(33), 0, 33);
    });
    const classic = pack(
      true,
      [4, 0xa1b2c3d4],
      [4, 0],
      [4, 0],
      [4, 0],
      [4, 0],
      [4, 1],
      [4, 1],
      [4, 1],
      [4, 2],
      [4, 2],
      [4, 0],
    );
    const damage = fc.tuple(
      fc.constantFrom(good, classic),
      fc.array(fc.tuple(fc.nat(400), fc.oneof(fc.nat(255), fc.constantFrom(0, 255, 127))), { maxLength: 8 }),
      fc.nat(40),
    );
    const broken = damage.map(([file, edits, cut]) => {
      const copy = file.slice(0, Math.max(0, file.length - (cut > 20 ? cut : 0)));
      for (const [at, value] of edits) if (copy.length > 0) copy[at % copy.length] = value;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(broken, broken, fc.uint8Array({ maxLength: 200 })), file => {
        const read = readCapture(file);
        for (const p of read.packets) {
          expect(p.at).toBeGreaterThanOrEqual(0);
          expect(p.end).toBeGreaterThanOrEqual(p.at);
          expect(p.end).toBeLessThanOrEqual(file.length);
          expect(p.originalLength).toBeGreaterThanOrEqual(p.end - p.at);
          ipOffset(p.linktype, p.bytes, p.at, p.end);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

test('the IP header is found behind each known link header', () => {
  const behind = (linktype: number, ...bytes: number[]): number =>
    ipOffset(linktype, Uint8Array.from(bytes), 0, bytes.length);
  const zeros = (n: number): number[] => new Array<number>(n).fill(0);
  expect(behind(LINKTYPE_RAW, 0x45)).toBe(0);
  expect(behind(LINKTYPE_RAW, 0x15)).toBe(-1);
  expect(behind(LINKTYPE_RAW)).toBe(-1);
  expect(behind(LINKTYPE_NULL, 2, 0, 0, 0, 0x60)).toBe(4);
  expect(behind(LINKTYPE_ETHERNET, ...zeros(12), 8, 0, 0x45)).toBe(14);
  expect(behind(LINKTYPE_ETHERNET, ...zeros(12), 0x81, 0, 0, 5, 0x86, 0xdd, 0x60)).toBe(18);
  expect(behind(LINKTYPE_ETHERNET, ...zeros(12), 8, 6, 0)).toBe(-1);
  expect(behind(LINKTYPE_ETHERNET, ...zeros(13))).toBe(-1);
  expect(behind(LINKTYPE_LINUX_SLL, ...zeros(14), 8, 0, 0x45)).toBe(16);
  expect(behind(LINKTYPE_LINUX_SLL2, 8, 0, ...zeros(18), 0x45)).toBe(20);
  expect(behind(999, 0x45)).toBe(-1);
});
