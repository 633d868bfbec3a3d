import type { EventLog } from '../engine/log.ts';

/** A value that views may read and follow. */
export interface Read<T> {
  readonly value: T;
  peek(): T;
}

/** What the ladder shows, wherever it comes from: the engine in the page, a capture, or a running gateway. */
export interface Feed {
  readonly log: EventLog;
  /** Counts what has come: whoever reads it sees the log change. */
  readonly version: Read<number>;
  /** Microseconds up to which all is known. */
  readonly known: Read<number>;
  /** Nothing more will come by itself. */
  readonly done: Read<boolean>;
  /** `a:port – b:port`, by number. */
  readonly connections: readonly string[];
  /** Runs of step, time, side, conn, cwnd, ssthresh, inFlight, srtt; −1 for what is not known. */
  readonly samples: readonly Float64Array[];
  /** Names of the two columns. */
  readonly sides: readonly [string, string];
  /** The last event not after a time, where more happens than there are rows. */
  readonly stepAt?: (time: number) => number;
  /** The bytes of a row's datagram, where the feed has them at hand. */
  readonly bytesOf?: (row: number) => Uint8Array | null;
}
