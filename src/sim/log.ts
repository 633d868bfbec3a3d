import type { Micros } from '../base/time.ts';

/** What happened in a world, in the order in which it happened. Times are absolute. */
export type SimEvent = SegmentEvent | PacketEvent | StateEvent | CallEvent | NoteEvent;

/** A TCP segment was put on a wire (or injected into a host). */
export interface SegmentEvent {
  readonly kind: 'segment';
  readonly time: Micros;
  readonly wire: string;
  /** Sender and receiver; the sender of an injected segment is ''. */
  readonly from: string;
  readonly to: string;
  readonly injected: boolean;
  /** Number of the frame on its wire, from 0; −1 if injected. */
  readonly index: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** S F R P . U E W A, as analyzers write them. */
  readonly flags: string;
  /** Relative to the initial numbers; `ack` is null without the ACK flag. */
  readonly seq: number;
  readonly ack: number | null;
  readonly absoluteSeq: number;
  readonly absoluteAck: number;
  /** As on the wire, unscaled. */
  readonly window: number;
  readonly length: number;
  readonly urgent: number | null;
  readonly retransmit: boolean;
  readonly mss: number | null;
  readonly windowScale: number | null;
  readonly sackOk: boolean;
  readonly sack: readonly (readonly [number, number])[];
  readonly timestamps: readonly [number, number] | null;
  readonly tos: number;
  readonly fate: FateName;
  /** The rule, or 'loss', 'queue', 'partition', 'mtu'; '' if nothing was done to it. */
  readonly reason: string;
  /** When it arrives at the far end; null if it does not. */
  readonly arrival: Micros | null;
  /** When a second copy of it arrives; null if there is none. */
  readonly copy: Micros | null;
}

/** Something else on a wire. */
export interface PacketEvent {
  readonly kind: 'packet';
  readonly time: Micros;
  readonly wire: string;
  readonly from: string;
  readonly to: string;
  readonly injected: boolean;
  readonly index: number;
  readonly protocol: 'ICMP' | 'UDP' | 'ARP' | 'fragment' | 'other';
  readonly source: string;
  readonly destination: string;
  readonly size: number;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly fate: FateName;
  readonly reason: string;
  readonly arrival: Micros | null;
}

export type FateName =
  | 'delivered'
  | 'dropped'
  | 'delayed'
  | 'duplicated'
  | 'corrupted'
  | 'reordered'
  | 'marked';

/** A connection of a host changed its state. */
export interface StateEvent {
  readonly kind: 'state';
  readonly time: Micros;
  readonly host: string;
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  /** RFC names with underscores; CLOSED when the connection has gone. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** A program's call returned. */
export interface CallEvent {
  readonly kind: 'call';
  /** When it returned, and for how long it had blocked. */
  readonly time: Micros;
  readonly blocked: Micros;
  readonly host: string;
  readonly process: string;
  readonly call: string;
  readonly args: readonly (number | string)[];
  /** ≥ 0 or −errno; for reads the number of bytes. */
  readonly result: number;
  /** What was read; null for calls that read nothing. */
  readonly data: Uint8Array | null;
}

export interface NoteEvent {
  readonly kind: 'note';
  readonly time: Micros;
  readonly text: string;
}
