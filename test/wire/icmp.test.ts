import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, parseAddress } from '../../src/base/address.ts';
import { decodeQuote4, decodeQuote6, IcmpQuote } from '../../src/wire/icmp-quote.ts';
import { decodeIcmp4, ICMP_UNREACHABLE, Icmp4Message, putIcmp4 } from '../../src/wire/icmp4.ts';
import { decodeIcmp6, ICMP6_PACKET_TOO_BIG, Icmp6Message, putIcmp6 } from '../../src/wire/icmp6.ts';
import { putIpv4 } from '../../src/wire/ipv4.ts';
import { putFragmentHeader, putIpv6 } from '../../src/wire/ipv6.ts';
import { OK, reasonName } from '../../src/wire/reason.ts';
import { putTcpHeader } from '../../src/wire/tcp.ts';
import { guarded, hinted, surrounded, u8, word } from './guard.ts';

const A = Address.v4(0x0a090001);
const B = Address.v4(0x0a090002);
const A6 = parseAddress('2001:db8::1')!;
const B6 = parseAddress('2001:db8::2')!;

describe('ICMP for IPv4', () => {
  test('gives back what was written', () => {
    fc.assert(
      fc.property(
        u8,
        u8,
        word,
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(4),
        (type, code, value, data, at) => {
          const bytes = new Uint8Array(at + 8 + data.length);
          bytes.set(data, at + 8);
          putIcmp4(bytes, at, bytes.length, type, code, value);
          const m = new Icmp4Message();
          expect(decodeIcmp4(guarded(bytes, at, bytes.length), at, bytes.length, m)).toBe(OK);
          expect(m).toMatchObject({ type, code, word: value, at: at + 8, end: bytes.length });
          expect((m.id << 16) | m.sequence).toBe(value);
        },
      ),
    );
  });

  test('fewer than 8 bytes and a wrong checksum are refused', () => {
    const bytes = new Uint8Array(12);
    putIcmp4(bytes, 0, 12, 8, 0, 1);
    for (let n = 0; n < 8; n++)
      expect(reasonName(decodeIcmp4(bytes, 0, n, new Icmp4Message()))).toBe('icmp-short');
    bytes[11] = 1;
    expect(reasonName(decodeIcmp4(bytes, 0, 12, new Icmp4Message()))).toBe('icmp-checksum');
  });

  test('an error says which MTU or byte it means, and that it is an error', () => {
    const m = new Icmp4Message();
    m.type = ICMP_UNREACHABLE;
    m.word = 1400;
    expect([m.mtu, m.isError]).toEqual([1400, true]);
    m.type = 8;
    m.word = 0x16000000;
    expect([m.pointer, m.isError]).toEqual([0x16, false]);
  });
});

describe('ICMP for IPv6', () => {
  test('gives back what was written; the checksum covers the addresses', () => {
    fc.assert(
      fc.property(u8, u8, word, fc.uint8Array({ maxLength: 50 }), (type, code, value, data) => {
        const bytes = new Uint8Array(8 + data.length);
        bytes.set(data, 8);
        putIcmp6(bytes, 0, bytes.length, type, code, value, A6, B6);
        const m = new Icmp6Message();
        expect(decodeIcmp6(guarded(bytes, 0, bytes.length), 0, bytes.length, A6, B6, m)).toBe(OK);
        expect(m).toMatchObject({ type, code, word: value, isError: type < 128 });
        expect(reasonName(decodeIcmp6(bytes, 0, bytes.length, A6, A6, m))).toBe('icmp-checksum');
      }),
    );
    const m = new Icmp6Message();
    m.type = ICMP6_PACKET_TOO_BIG;
    m.word = -1;
    expect([m.mtu, m.pointer]).toEqual([0xffffffff, 0xffffffff]);
  });
});

function quoted4(keep: number): Uint8Array {
  const bytes = new Uint8Array(40);
  putIpv4(bytes, 0, 1500, 0, 1, 0, 64, 6, A, B);
  putTcpHeader(bytes, 20, 1234, 80, 0xdeadbeef | 0, 0, 20, 0, 0, 0);
  return bytes.slice(0, keep);
}

function quoted6(): Uint8Array {
  const bytes = new Uint8Array(40 + 8 + 8 + 20);
  putIpv6(bytes, 0, 1000, 0, 0, 60, 64, A6, B6);
  bytes[40] = 44;
  putFragmentHeader(bytes, 48, 6, 0, true, 1);
  putTcpHeader(bytes, 56, 1234, 80, 5, 0, 20, 0, 0, 0);
  return bytes;
}

describe('the packet that an ICMP error quotes', () => {
  test('gives addresses, ports and sequence number from 8 bytes of transport header', () => {
    const q = new IcmpQuote();
    const bytes = quoted4(28);
    expect(decodeQuote4(guarded(bytes, 0, 28), 0, 28, q)).toBe(OK);
    expect(q).toMatchObject({
      source: A,
      destination: B,
      protocol: 6,
      sourcePort: 1234,
      destinationPort: 80,
      at: 20,
      end: 28,
    });
    expect(q.seq).toBe(0xdeadbeef | 0);
  });

  test('row 68: fewer bytes, a bad inner header length, another version or a later fragment are refused', () => {
    const q = new IcmpQuote();
    for (let n = 0; n < 28; n++) {
      expect(reasonName(decodeQuote4(guarded(quoted4(40), 0, n), 0, n, q))).toBe('icmp-quote');
    }
    for (const first of [0x44, 0x40, 0x4f, 0x65]) {
      const bytes = quoted4(40);
      bytes[0] = first;
      expect(reasonName(decodeQuote4(guarded(bytes, 0, 40), 0, 40, q))).toBe('icmp-quote');
    }
    const later = quoted4(40);
    later[7] = 1;
    expect(reasonName(decodeQuote4(later, 0, 40, q))).toBe('icmp-quote');
  });

  test('IPv6: extension headers and a first fragment are stepped over, a later fragment is refused', () => {
    const q = new IcmpQuote();
    const bytes = quoted6();
    expect(decodeQuote6(guarded(bytes, 0, bytes.length), 0, bytes.length, 0, q)).toBe(OK);
    expect(q).toMatchObject({ source: A6, destination: B6, protocol: 6, sourcePort: 1234, at: 56 });
    for (let n = 0; n < 64; n++) {
      expect(reasonName(decodeQuote6(guarded(bytes, 0, n), 0, n, 0, q))).toBe('icmp-quote');
    }
    bytes[51] = 8;
    expect(reasonName(decodeQuote6(bytes, 0, bytes.length, 0, q))).toBe('icmp-quote');
  });

  test('whatever the bytes: no throw, no read outside, at least 8 transport bytes', () => {
    const four = fc.uint8Array({ minLength: 28, maxLength: 80 }).map(b => {
      b[0] = 0x40 | (b[0]! & 15);
      return b;
    });
    const six = fc.uint8Array({ minLength: 48, maxLength: 120 }).map(b => {
      b[0] = 0x60;
      for (let i = 6; i < b.length; i = i === 6 ? 40 : i + 8) b[i] = [0, 43, 44, 60, 6][b[i]! % 5]!;
      return b;
    });
    fc.assert(
      fc.property(surrounded(hinted([four, six])), ({ bytes, at, end }) => {
        for (const q of [new IcmpQuote()]) {
          const g = guarded(bytes, at, end);
          if (decodeQuote4(g, at, end, q) === OK) expect(q.end - q.at).toBeGreaterThanOrEqual(8);
          if (decodeQuote6(g, at, end, 1, q) === OK) expect(q.end - q.at).toBeGreaterThanOrEqual(8);
          decodeIcmp4(g, at, end, new Icmp4Message());
          decodeIcmp6(g, at, end, A6, B6, new Icmp6Message());
        }
      }),
      { numRuns: 2000 },
    );
  });
});
