import type { Micros } from '../base/time.ts';
import { parseProbability, parseRate, parseSize, parseTime } from './units.ts';

/** What one direction of a wire does to all that it carries. */
export interface Conditions {
  /** One-way propagation delay, microseconds. */
  delay: Micros;
  /** Up to this much more, evenly spread; frames keep their order. */
  jitter: Micros;
  /** Bits per second, 0 for no limit. */
  rate: number;
  /** Frames that may wait for the rate limit; those beyond are dropped. */
  queue: number;
  /** The same in bytes; 0 for no limit. */
  queueBytes: number;
  /** Probabilities 0 … 1, each drawn per frame. */
  loss: number;
  duplicate: number;
  corrupt: number;
  /** A reordered frame arrives right after the next one of its direction. */
  reorder: number;
  /** … or after this long if none follows. */
  reorderWait: Micros;
}

export const PERFECT: Readonly<Conditions> = {
  delay: 0,
  jitter: 0,
  rate: 0,
  queue: 1000,
  queueBytes: 0,
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  reorderWait: 10_000,
};

/** Conditions as options of code or command line give them: numbers, or text with units ('40ms', '2%', '10mbit'). */
export type ConditionOptions = { [K in keyof Conditions]?: number | string };

const PARSERS: { [K in keyof Conditions]: [(text: string) => number | null, string] } = {
  delay: [parseTime, 'a time (250us, 40ms)'],
  jitter: [parseTime, 'a time (250us, 40ms)'],
  rate: [parseRate, 'a rate (10mbit, 1gbit)'],
  queue: [text => (/^\d{1,9}$/.test(text) ? Number(text) : null), 'a number of frames'],
  queueBytes: [parseSize, 'a size (64kb, 1mib)'],
  loss: [parseProbability, 'a share (2%, 0.02)'],
  duplicate: [parseProbability, 'a share (2%, 0.02)'],
  corrupt: [parseProbability, 'a share (2%, 0.02)'],
  reorder: [parseProbability, 'a share (2%, 0.02)'],
  reorderWait: [parseTime, 'a time (250us, 40ms)'],
};
const NAMES = Object.keys(PARSERS) as (keyof Conditions)[];

/**
 * Conditions changed by `options`; other keys of `options` are not looked at.
 * @returns a sentence if a value can't be read or is out of range
 */
export function withConditions(base: Readonly<Conditions>, options: ConditionOptions): Conditions | string {
  const result: Conditions = { ...base };
  for (const name of NAMES) {
    const value = options[name];
    if (value === undefined) continue;
    const [parse, expected] = PARSERS[name];
    const number = typeof value === 'number' ? value : parse(value);
    const share = parse === parseProbability;
    if (number === null || !(number >= 0) || (share && number > 1))
      return `${name}: expected ${expected}, found '${value}'`;
    result[name] = number;
  }
  return result;
}
