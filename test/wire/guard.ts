import fc from 'fast-check';
import { Address } from '../../src/base/address.ts';

/**
 * `bytes` as something that decoders take for a Uint8Array and that throws when an index outside
 * [at, end) is read, or anything is written.
 */
export function guarded(bytes: Uint8Array, at: number, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^-?\d+$/.test(key)) {
        const i = Number(key);
        if (i < at || i >= end) throw new RangeError(`read at ${i}, outside ${at}..${end}`);
        return target[i];
      }
      return Reflect.get(target, key, target);
    },
    set(_, key) {
      throw new RangeError(`write at ${String(key)}`);
    },
  });
}

export const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u8 = fc.integer({ min: 0, max: 0xff });

/** A pair of addresses of one family. */
export const addressPair: fc.Arbitrary<[Address, Address]> = fc.oneof(
  fc.tuple(word, word).map(([a, b]): [Address, Address] => [Address.v4(a), Address.v4(b)]),
  fc
    .tuple(word, word, word, word)
    .map(([a, b, c, d]): [Address, Address] => [
      new Address(0x20010db8, a, b, c),
      new Address(0x20010db8, d, a, c),
    ]),
);

/** A buffer with garbage around its middle part [at, end). */
export const surrounded = (
  inner: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<{ bytes: Uint8Array; at: number; end: number }> =>
  fc.tuple(inner, fc.nat(9), fc.nat(9), u8).map(([middle, before, after, filler]) => {
    const bytes = new Uint8Array(before + middle.length + after).fill(filler);
    bytes.set(middle, before);
    return { bytes, at: before, end: before + middle.length };
  });

/** Random bytes with a few of the first ones set to `hints`, so that more of a decoder is reached. */
export const hinted = (
  hints: readonly fc.Arbitrary<Uint8Array>[],
  maxLength = 120,
): fc.Arbitrary<Uint8Array> => fc.oneof(fc.uint8Array({ maxLength }), ...hints);
