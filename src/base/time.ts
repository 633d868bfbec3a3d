/**
 * Time: microseconds since an epoch that the driver chose, as a plain number (exact up to 2^53, 285
 * years). Nothing in the engine reads a clock: time is always an argument.
 */
export type Micros = number;

export const MICROS_PER_MS = 1_000;
export const MICROS_PER_SECOND = 1_000_000;

/** A deadline that never comes. */
export const NEVER: Micros = Number.POSITIVE_INFINITY;

export const milliseconds = (n: number): Micros => n * MICROS_PER_MS;
export const seconds = (n: number): Micros => n * MICROS_PER_SECOND;
