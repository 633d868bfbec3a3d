import type { Event } from '../timeline.ts';

/** One place where a run differs from its log. */
export interface Finding {
  /** Seconds from the mark, for sorting. */
  t: number;
  what: string;
  logged: Event | null;
  simulated: Event | null;
}

/** Which simulated event each logged one was recognised in. */
export type Pairs = Map<Event, Event>;
