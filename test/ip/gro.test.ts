import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Coalescer } from '../../src/ip/gro.ts';
import { segmentInSoftware } from '../../src/ip/gso.ts';
import { adjust } from '../../src/wire/checksum.ts';
import { CSUM_PARTIAL, type Frame, FramePool } from '../../src/wire/frame.ts';
import { ACK, CWR, ECE, FIN, PSH, SYN } from '../../src/wire/segment.ts';
import { putTcpChecksum, putTcpHeader } from '../../src/wire/tcp.ts';
import { address } from '../stack/net.ts';
import { raw4, raw6 } from './raw.ts';

const pool = new FramePool();

interface Made {
  family?: 4 | 6;
  port?: number;
  seq?: number;
  ack?: number;
  size?: number;
  flags?: number;
  window?: number;
  /** Of the timestamps option; without it none. */
  stamp?: number;
  tos?: number;
  ttl?: number;
  id?: number;
  df?: boolean;
  /** An Ethernet header in front, to this station. */
  station?: number;
}

/** The frame of a segment; its payload tells its sequence numbers. */
function segment(o: Made = {}): Frame {
  const { family = 4, port = 1000, seq = 1, ack = 7, size = 100, flags = ACK, window = 500 } = o;
  const header = o.stamp === undefined ? 20 : 32;
  const tcp = new Uint8Array(header + size);
  putTcpHeader(tcp, 0, port, 80, seq, ack, header, flags, window, 0);
  if (o.stamp !== undefined) tcp.set([1, 1, 8, 10, 0, 0, 0, o.stamp, 0, 0, 0, 0], 20);
  for (let i = 0; i < size; i++) tcp[header + i] = (seq + i) & 0xff;
  const ends: [string, string] = family === 4 ? ['10.9.0.2', '10.9.0.1'] : ['fd00::2', 'fd00::1'];
  putTcpChecksum(tcp, 0, tcp.length, address(ends[0]), address(ends[1]));
  const { tos = 0, ttl = 64, id = 0, df = true } = o;
  const ip = family === 4 ? raw4(tcp, { protocol: 6, tos, ttl, id, df }) : raw6(tcp, 6, ...ends, ttl);
  if (o.station === undefined) return pool.from(ip);
  const ether = [2, 0, 0, 0, 0, o.station, 2, 0, 0, 0, 0, 9, ...(family === 4 ? [8, 0] : [0x86, 0xdd])];
  return pool.from(new Uint8Array([...ether, ...ip]));
}

const bytesOf = (f: Frame): Uint8Array => f.bytes.slice(f.start, f.end);

/** What comes out of one batch. */
function coalesce(frames: readonly Frame[], link = 0): Frame[] {
  const out: Frame[] = [];
  const c = new Coalescer(pool, link, f => out.push(f));
  for (const f of frames) c.add(f);
  c.flush();
  return out;
}

/** How many bytes of payload each frame that comes out has, for segments with 40 bytes of headers. */
const sizes = (made: readonly Made[]): number[] => coalesce(made.map(segment)).map(f => f.length - 40);

/** Cut up again, as the sender had it. */
function segments(f: Frame): Uint8Array[] {
  if (f.gsoSize === 0) return [bytesOf(f)];
  const pieces: Uint8Array[] = [];
  segmentInSoftware(pool, f, f.bytes[f.start]! >>> 4 === 4 ? 20 : 40, 6, piece =>
    pieces.push(bytesOf(piece)),
  );
  return pieces;
}

const portOf = (b: Uint8Array): number => {
  const at = b[0]! >>> 4 === 4 ? 20 : 40;
  return (b[at]! << 8) | b[at + 1]!;
};

describe('segments that come together', () => {
  test('become one super-segment with an unfinished checksum, as a device with offload gives it', () => {
    const [f, ...others] = coalesce([1, 101, 201].map(seq => segment({ seq })));
    expect(others).toEqual([]);
    expect(f).toMatchObject({ length: 340, gsoSize: 100, csum: CSUM_PARTIAL });
    expect([...f!.bytes.subarray(f!.start + 40, f!.end)]).toEqual(
      Array.from({ length: 300 }, (_, i) => (1 + i) & 255),
    );
  });

  test('a shorter one is the last, PSH ends it too, and the next begins anew', () => {
    expect(sizes([{ seq: 1 }, { seq: 101, size: 40 }, { seq: 141 }])).toEqual([140, 100]);
    expect(sizes([{ seq: 1 }, { seq: 101, flags: ACK | PSH }, { seq: 201 }])).toEqual([200, 100]);
    expect(sizes([{ seq: 1 }, { seq: 101, size: 101 }])).toEqual([100, 101]);
  });

  test('a gap, a repetition, and anything else that a receiver could tell apart stays apart', () => {
    expect(sizes([{ seq: 1 }, { seq: 102 }])).toEqual([100, 100]);
    expect(sizes([{ seq: 101 }, { seq: 1 }])).toEqual([100, 100]);
    const [first, next] = [{ seq: 1 }, { seq: 101 }];
    for (const other of [
      { ack: 8 },
      { window: 501 },
      { flags: ACK | ECE },
      { flags: ACK | CWR },
      { flags: ACK | FIN },
      { flags: SYN | ACK },
      { flags: ACK | 0x100 },
      { flags: 0 },
      { tos: 3 },
      { ttl: 63 },
      { df: false },
    ]) {
      expect(sizes([first, { ...next, ...other }]), JSON.stringify(other)).toEqual([100, 100]);
    }
    for (const stamps of [
      [1, 2],
      [undefined, 1],
      [1, undefined],
    ]) {
      const made = stamps.map((stamp, i) =>
        segment({ seq: 1 + 100 * i, ...(stamp === undefined ? {} : { stamp }) }),
      );
      expect(coalesce(made)).toHaveLength(2);
    }
    expect(coalesce([segment({ seq: 1, stamp: 1 }), segment({ seq: 101, stamp: 1 })])).toHaveLength(1);
  });

  test('what fails its checksum is passed as it came, for the host to count', () => {
    for (const at of [70, 10]) {
      const bad = segment({ seq: 101 });
      bad.bytes[bad.start + at]! ^= 1;
      const before = bytesOf(bad);
      const out = coalesce([segment({ seq: 1 }), bad, segment({ seq: 201 })]);
      expect(out.map(f => f.length)).toEqual([140, 140, 140]);
      expect(bytesOf(out[1]!)).toEqual(before);
      expect(out[1]!.csum).toBe(0);
    }
  });

  test('an ACK without data comes after the data before it, and other connections in between do no harm', () => {
    const out = coalesce([
      segment({ seq: 1 }),
      segment({ port: 2000, seq: 1 }),
      segment({ seq: 101 }),
      segment({ port: 2000, seq: 101 }),
      segment({ seq: 201, size: 0 }),
      segment({ family: 6, port: 2000 }),
    ]);
    expect(out.map(f => f.length)).toEqual([240, 40, 240, 160]);
  });

  test('at most 64 KiB together', () => {
    const made = Array.from({ length: 64 }, (_, i) => segment({ seq: 1 + 1400 * i, size: 1400 }));
    expect(coalesce(made).map(f => f.length)).toEqual([40 + 46 * 1400, 40 + 18 * 1400]);
  });

  test('on Ethernet for one station only, and not with padding behind', () => {
    const two = (a: number, b: number): Frame[] => [
      segment({ station: a }),
      segment({ seq: 101, station: b }),
    ];
    expect(coalesce(two(1, 1), 14).map(f => f.length)).toEqual([14 + 240]);
    expect(coalesce(two(1, 2), 14)).toHaveLength(2);
    const padded = segment({ seq: 101, station: 1 });
    padded.end += 4;
    expect(coalesce([segment({ station: 1 }), padded], 14)).toHaveLength(2);
  });

  test('a batch that holds more streams than are gathered at a time', () => {
    const made = [0, 1].flatMap(i =>
      Array.from({ length: 9 }, (_, k) => segment({ port: k, seq: 1 + 100 * i })),
    );
    const out = coalesce(made);
    expect(out.reduce((n, f) => n + segments(f).length, 0)).toBe(18);
  });
});

describe('any batch', () => {
  /** One step of a stream: what the next segment has, and how it differs from the last. */
  const step = fc.record({
    stream: fc.integer({ min: 0, max: 2 }),
    size: fc.constantFrom(0, 1, 50, 100, 100, 100, 100),
    skip: fc.constantFrom(0, 0, 0, 0, 0, 1, -100),
    flags: fc.constantFrom(ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | ECE),
    window: fc.constantFrom(500, 500, 500, 501),
    stamp: fc.constantFrom(1, 1, 1, 2),
    flip: fc.constantFrom(-1, -1, -1, -1, -1, 0, 3, 25, 60),
  });

  test('is cut up again into what it was, in the order of each connection', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, wrap) => {
        const next: number[] = [0, 1, 2].map(() => (wrap ? 0x7fffff00 : 1));
        const ids = [0, 0, 0];
        const frames = steps.map(({ stream: i, skip, flip, size, ...rest }) => {
          const seq = (next[i]! + skip) | 0;
          next[i] = (seq + size) | 0;
          const family = i === 2 ? 6 : 4;
          const f = segment({ ...rest, family, port: 1000 + i, seq, size, id: ids[i]!++ });
          if (flip >= 0 && flip < f.length) f.bytes[f.start + flip]! ^= 0x10;
          return f;
        });
        const before = frames.map(bytesOf);
        const broken = steps.map(s => s.flip >= 0 && s.flip < 40);
        const after = coalesce(frames).flatMap(segments);
        expect(after.length).toBe(before.length);
        // Identifications of a super-segment count on from its first.
        const plain = (b: Uint8Array): string => {
          if (b[0] === 0x45) {
            const id = (b[4]! << 8) | b[5]!;
            const sum = adjust((b[10]! << 8) | b[11]!, id, 0);
            b.set([0, 0], 4);
            b.set([sum >>> 8, sum & 255], 10);
          }
          return Buffer.from(b).toString('hex');
        };
        const sent = before.map(plain);
        const got = after.map(plain);
        expect(got.toSorted()).toEqual(sent.toSorted());
        // A datagram whose headers can't be read belongs to no connection: its place means nothing.
        const whole = new Set(sent.filter((_, i) => !broken[i]));
        for (const port of new Set(before.map(portOf))) {
          const of = (list: string[], raw: Uint8Array[]): string[] =>
            list.filter((text, i) => portOf(raw[i]!) === port && whole.has(text));
          expect(of(got, after)).toEqual(of(sent, before));
        }
      }),
      { numRuns: 500 },
    );
  });
});
