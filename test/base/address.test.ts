import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Address, ANY4, ANY6, LOOPBACK4, LOOPBACK6, parseAddress } from '../../src/base/address.ts';
import {
  seq,
  seqAdd,
  seqBetween,
  seqDiff,
  seqGe,
  seqGt,
  seqLe,
  seqLt,
  seqMax,
  seqMin,
} from '../../src/base/seq.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const sparse = fc.oneof(fc.constantFrom(0, 1, -1, 0xffff, 0x10000), word);
const address = fc.tuple(sparse, sparse, sparse, sparse).map(([a, b, c, d]) => new Address(a, b, c, d));

describe('addresses', () => {
  test('RFC 5952: text is in its shortest form', () => {
    for (const [text, short] of [
      ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
      ['2001:0db8::0001', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:DB8::A', '2001:db8::a'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['fe80::1%3', 'fe80::1%3'],
      ['::', '::'],
      ['::1', '::1'],
      ['1::', '1::'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
      ['10.0.0.255', '10.0.0.255'],
    ] as const) {
      expect(parseAddress(text)?.toString(), text).toBe(short);
    }
  });

  test('what is no address is refused', () => {
    for (const bad of [
      '',
      ':',
      ':::',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '::12345',
      'g::',
      '1.2.3',
      '1.2.3.256',
      '1.2.3.4.5',
      '1:2:3:4:5:6:7::8:9',
      '::1.2.3',
      'fe80::1%eth0',
      '1:2:3:4:5:6:7:8::',
      '1.2.3.4:5',
      ' ::1',
    ]) {
      expect(parseAddress(bad), bad).toBeNull();
    }
  });

  test('text and bytes both give the address back', () => {
    fc.assert(
      fc.property(address, word, (a, v4) => {
        expect(parseAddress(a.toString())).toEqual(a);
        const bytes = new Uint8Array(20);
        a.write6(bytes, 3);
        const b = new Address(0, 0, 0, 0);
        b.assign6(bytes, 3, 0);
        expect(b.equals(a)).toBe(true);
        const four = Address.v4(v4);
        four.write4(bytes, 1);
        b.assign4(bytes, 1);
        expect(b).toEqual(four);
        expect(parseAddress(four.toString())).toEqual(four);
        b.assign(a);
        expect(b).toEqual(a.clone());
      }),
    );
  });

  test('no text can throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.%]{0,40}$/)), text => {
        const a = parseAddress(text);
        if (a !== null) expect(parseAddress(a.toString())).toEqual(a);
      }),
      { numRuns: 1000 },
    );
  });

  test('kinds are known', () => {
    const kinds = (text: string): string => {
      const a = parseAddress(text)!;
      return [
        a.is4 && '4',
        a.isAny && 'any',
        a.isMulticast && 'multicast',
        a.isLoopback && 'loopback',
        a.isLinkLocal && 'link',
      ]
        .filter(Boolean)
        .join(' ');
    };
    expect(kinds('0.0.0.0')).toBe('4 any');
    expect(kinds('::')).toBe('any');
    expect(kinds('127.9.9.9')).toBe('4 loopback');
    expect(kinds('::1')).toBe('loopback');
    expect(kinds('239.1.1.1')).toBe('4 multicast');
    expect(kinds('ff02::1')).toBe('multicast');
    expect(kinds('169.254.1.1')).toBe('4 link');
    expect(kinds('febf::1')).toBe('link');
    expect(kinds('fec0::1')).toBe('');
    expect([ANY4, ANY6, LOOPBACK4, LOOPBACK6].map(String)).toEqual(['0.0.0.0', '::', '127.0.0.1', '::1']);
  });

  test('a scope is kept for link-local addresses only, and tells addresses apart', () => {
    const bytes = new Uint8Array(16);
    const a = new Address(0, 0, 0, 0);
    for (const [text, scope] of [
      ['fe80::1', 7],
      ['ff02::1', 7],
      ['2001:db8::1', 0],
      ['ff0e::1', 0],
    ] as const) {
      parseAddress(text)!.write6(bytes, 0);
      a.assign6(bytes, 0, 7);
      expect(a.scope, text).toBe(scope);
    }
    expect(parseAddress('fe80::1%1')!.equals(parseAddress('fe80::1%2')!)).toBe(false);
  });
});

describe('sequence numbers', () => {
  test('RFC 9293 §3.4: comparisons hold across the wrap for all distances below 2^31', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (n, d) => {
        const a = seq(n);
        const b = seqAdd(a, d);
        expect(seqDiff(b, a)).toBe(d);
        expect([seqLt(a, b), seqLe(a, b), seqGt(a, b), seqGe(a, b)]).toEqual([true, true, false, false]);
        expect([seqLt(a, a), seqLe(a, a), seqGt(a, a), seqGe(a, a)]).toEqual([false, true, false, true]);
        expect([seqMax(a, b), seqMin(a, b)]).toEqual([b, a]);
        expect(seqBetween(seqAdd(a, d >> 1), a, b)).toBe(true);
        expect(seqBetween(seqAdd(b, 1), a, b)).toBe(false);
        expect(seqBetween(seqAdd(a, -1), a, b)).toBe(false);
      }),
    );
  });

  test('any number becomes one by its low 32 bits', () => {
    expect(seq(2 ** 32 + 5)).toBe(5);
    expect(seq(0xffffffff)).toBe(-1);
    expect(seqAdd(seq(-1), 1)).toBe(0);
  });
});
