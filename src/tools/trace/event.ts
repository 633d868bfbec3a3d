import type { Micros } from '../../base/time.ts';
import type { State } from '../../tcp/state.ts';

/** A TCP segment as a trace keeps it: copied out of the engine, numbers as on the wire, JSON as it stands. */
export interface SegmentRecord {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** Unsigned 32-bit. */
  readonly seq: number;
  readonly ack: number;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128, AE 256. */
  readonly flags: number;
  /** The header's 16 bits, unscaled. */
  readonly window: number;
  /** Bytes of payload. */
  readonly length: number;
  /** Bytes of the IP datagram. */
  readonly size: number;
  readonly urgent?: number;
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  readonly tsVal?: number;
  readonly tsEcr?: number;
  /** SACK blocks, [left, right) as unsigned numbers. */
  readonly sack?: readonly (readonly [number, number])[];
}

export type Fate = 'travelling' | 'arrived' | 'lost' | 'corrupted';

interface EventBase {
  /** Order of observation: sorts events whose times are equal. */
  readonly n: number;
  readonly at: Micros;
  /** The host at which it happened; for a segment, its sender. */
  readonly host: string;
}

export interface SegmentEvent extends EventBase {
  readonly kind: 'segment';
  readonly to: string;
  readonly segment: SegmentRecord;
  fate: Fate;
  /** When and in which order it reached the other host; null if it did not (yet). */
  arrivedAt: Micros | null;
  arrivedN: number;
  /** Why it was lost. */
  reason?: string;
  /** A second copy that the wire made. */
  duplicate?: boolean;
  /** Of a capture: the packet's number in the file, from 0, and the comment that it carries. */
  readonly frame?: number;
  readonly comment?: string;
}

export interface StateEvent extends EventBase {
  readonly kind: 'state';
  readonly from: State;
  readonly state: State;
  readonly why: string;
  /** The time was guessed from the segments seen (captures do not hold states). */
  readonly inferred?: boolean;
}

export interface TimerEvent extends EventBase {
  readonly kind: 'timer';
  readonly timer: string;
}

/** The sender believes bytes [seq, end) lost. */
export interface LossEvent extends EventBase {
  readonly kind: 'loss';
  readonly seq: number;
  readonly end: number;
}

export interface CongestionEvent extends EventBase {
  readonly kind: 'congestion';
  /** Segments. */
  readonly cwnd: number;
  readonly ssthresh: number;
  /** open, disorder, cwr, recovery, loss */
  readonly state: string;
}

/** A segment that arrived was thrown away by the host. */
export interface DropEvent extends EventBase {
  readonly kind: 'drop';
  readonly reason: string;
}

/** One thing that happened to a connection. */
export type TraceEvent = SegmentEvent | StateEvent | TimerEvent | LossEvent | CongestionEvent | DropEvent;

export interface Endpoint {
  /** The host's name. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** All that is known of one connection; `left` opened it. */
export interface Conversation {
  readonly id: number;
  readonly left: Endpoint;
  readonly right: Endpoint;
  readonly events: readonly TraceEvent[];
  /** Events in the middle that were not kept. */
  readonly skipped: number;
  /** The events before this index come before the gap. */
  readonly gapAt: number;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [0x02, 'SYN'],
  [0x01, 'FIN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
  [0x10, 'ACK'],
  [0x20, 'URG'],
  [0x40, 'ECE'],
  [0x80, 'CWR'],
  [0x100, 'AE'],
];

/** `SYN, ACK` */
export const flagNames = (flags: number, separator = ', '): string =>
  FLAG_NAMES.filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(separator);

export const hostAndPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
