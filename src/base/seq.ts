/**
 * Sequence numbers: arithmetic modulo 2^32 (RFC 9293 §3.4).
 *
 * A `Seq` is held as a signed 32-bit integer, so that V8 keeps it in a register; the sign carries no
 * meaning. Two numbers can be compared only while they lie within 2^31 of each other, which every
 * window does.
 */
export type Seq = number & { readonly __brand: 'Seq' };

/** Any number as a sequence number (the low 32 bits). */
export const seq = (n: number): Seq => (n | 0) as Seq;
export const seqAdd = (a: Seq, n: number): Seq => ((a + n) | 0) as Seq;
/** a − b as a signed distance in −2^31 .. 2^31−1. */
export const seqDiff = (a: Seq, b: Seq): number => (a - b) | 0;
export const seqLt = (a: Seq, b: Seq): boolean => ((a - b) | 0) < 0;
export const seqLe = (a: Seq, b: Seq): boolean => ((a - b) | 0) <= 0;
export const seqGt = (a: Seq, b: Seq): boolean => ((a - b) | 0) > 0;
export const seqGe = (a: Seq, b: Seq): boolean => ((a - b) | 0) >= 0;
export const seqMax = (a: Seq, b: Seq): Seq => (((a - b) | 0) >= 0 ? a : b);
export const seqMin = (a: Seq, b: Seq): Seq => (((a - b) | 0) <= 0 ? a : b);
/** low ≤ n ≤ high, going upward from low. */
export const seqBetween = (n: Seq, low: Seq, high: Seq): boolean => (high - low) >>> 0 >= (n - low) >>> 0;
