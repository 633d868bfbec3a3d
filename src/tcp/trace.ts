import type { Segment } from '../wire/segment.ts';
import type { State } from './state.ts';
import type { Tcb } from './tcb.ts';

/**
 * Where a host tells what its connections do, one call per event. A host without a sink pays one null
 * check. The `Segment` and the `Tcb` are the engine's own and change after the call: copy what you keep.
 */
export interface TraceSink {
  /** A segment leaves (before IP sees it): sequence numbers as on the wire. */
  sent(tcb: Tcb, seq: number, length: number, flags: number, kind: SentKind): void;
  /** A segment has reached a connection. */
  received(tcb: Tcb, segment: Segment): void;
  /** A segment that reached a connection was thrown away. */
  dropped(tcb: Tcb, reason: string): void;
  transition(tcb: Tcb, from: State, to: State, why: string): void;
  /** A timer of the connection has gone off. */
  timer(tcb: Tcb, name: TimerName): void;
  /** Bytes [seq, end) are believed lost. */
  lost(tcb: Tcb, seq: number, end: number): void;
  /** The congestion window or its state changed. */
  congestion(tcb: Tcb): void;
}

export type SentKind = 'data' | 'ack' | 'retransmit' | 'probe' | 'reset' | 'syn';
export type TimerName =
  | 'rto'
  | 'persist'
  | 'tlp'
  | 'reorder'
  | 'delack'
  | 'keepalive'
  | 'fin_wait_2'
  | 'pacing';
