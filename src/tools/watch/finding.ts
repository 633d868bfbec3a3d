import type { SocketRow } from '../ss/row.ts';

export type FindingKind =
  | 'close-wait'
  | 'fin-wait-2'
  | 'time-wait-ports'
  | 'accept-overflow'
  | 'syn-overflow';

/** Something about the sockets of a host that will hurt, with its cause and what to do. */
export interface Finding {
  readonly kind: FindingKind;
  readonly host: string;
  /** What is the case: how many, which, since when. */
  readonly what: string;
  readonly cause: string;
  readonly remedy: string;
  /** How many sockets or events are meant. */
  readonly count: number;
}

/** What the watch reads of a host. */
export interface HostFacts {
  readonly host: string;
  /** Full sockets, with ages where known. TIME_WAIT rows may be left out if `timeWaits` counts them. */
  readonly rows: Iterable<SocketRow>;
  /** Ports in use by TIME_WAIT per destination. */
  readonly timeWaits: Iterable<{
    readonly local: string;
    readonly peer: string;
    readonly peerPort: number;
    readonly count: number;
  }>;
  readonly portRange: readonly [number, number];
  /** Since the host was last looked at. */
  readonly listenOverflows: number;
  readonly synDrops: number;
}

/** After how many seconds, or at which share, the watch speaks. */
export interface Thresholds {
  readonly closeWait: number;
  readonly finWait2: number;
  readonly ports: number;
}

export const THRESHOLDS: Thresholds = { closeWait: 60, finWait2: 60, ports: 0.8 };
