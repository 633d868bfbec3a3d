import type { Logs } from './kit.ts';

/** A program whose logs differ, and why that is right. */
interface Difference {
  readonly reason: string;
  /** Takes out of the logs what may differ. */
  readonly adapt: (logs: Logs) => Logs;
}

/** By the name of the program. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {};
