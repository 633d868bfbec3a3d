import type { Conversation } from '../../src/tools/trace/event.ts';
import { EventLog } from '../engine/log.ts';

/** What conversations look like in the page's own terms. */
export interface Rows {
  readonly log: EventLog;
  /** `a:port – b:port`, by number; the end on the left opened it. */
  readonly connections: string[];
  /** Runs of step, time, side, conn, cwnd, ssthresh, inFlight, srtt; −1 for what is not known. */
  readonly samples: Float64Array;
  /** The last moment of which something is known. */
  readonly end: number;
}

export interface RowsOptions {
  /** The moment that is shown as 0; the first event's if it is left out. */
  readonly origin?: number;
  /** The number of a conversation; its place in the list if it is left out. */
  readonly connOf?: (conversation: Conversation) => number;
}

/**
 * Rows in the order in which things happened, each a step of its own. `why` of a segment says what caused
 * it or what it is: `rto`, `fast`, `syn_ack`, `tlp`, `persist`, `keepalive` … as in the engine's log, and
 * `again` (repeated, nobody knows why), `dup_ack`, `window_update`, `gap` (the one before it is missing here).
 */
export function rowsOf(_conversations: readonly Conversation[], _options: RowsOptions = {}): Rows {
  return { log: new EventLog(), connections: [], samples: new Float64Array(0), end: 0 };
}
