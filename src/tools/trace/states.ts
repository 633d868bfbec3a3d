import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  type State,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
} from '../../tcp/state.ts';
import { ACK, FIN, RST, SYN } from '../../wire/segment.ts';
import type { SegmentRecord } from './event.ts';

const diff = (a: number, b: number): number => (a - b) | 0;

/**
 * Follows one end of a connection from outside: which of the eleven states must it be in, given the
 * segments that it sent and received (RFC 9293 figure 5)? Used for captures, which hold no states. What
 * an application does (close before its FIN leaves) or a timer (2 MSL) cannot be seen.
 */
export class StateGuess {
  state: State;
  private synEnd = -1;
  private finEnd = -1;
  /** Next in-order byte expected of the peer, −1 before it is known; the end of a FIN not yet in order. */
  private next = -1;
  private peerFinEnd = -1;

  /** @param initial CLOSED for the end that opens, LISTEN for the other, ESTABLISHED for a capture begun later */
  constructor(initial: State) {
    this.state = initial;
  }

  sent(s: SegmentRecord): State {
    if (s.flags & RST) return (this.state = CLOSED);
    if (s.flags & SYN) {
      this.synEnd = (s.seq + 1) >>> 0;
      if (s.flags & ACK) this.state = this.state === ESTABLISHED ? this.state : SYN_RECV;
      else if (this.state === CLOSED || this.state === TIME_WAIT) this.state = SYN_SENT;
    }
    if (s.flags & ACK) this.acknowledge(s.ack);
    if (s.flags & FIN) {
      this.finEnd = (s.seq + s.length + 1) >>> 0;
      if (this.state === ESTABLISHED || this.state === SYN_RECV) this.state = FIN_WAIT_1;
      else if (this.state === CLOSE_WAIT) this.state = LAST_ACK;
    }
    return this.state;
  }

  received(s: SegmentRecord): State {
    if (s.flags & RST) return (this.state = this.state === LISTEN ? LISTEN : CLOSED);
    if (s.flags & SYN) {
      this.next = (s.seq + 1 + s.length) >>> 0;
      if (this.state === SYN_SENT) this.state = s.flags & ACK ? ESTABLISHED : SYN_RECV;
      else if (
        (this.state === LISTEN || this.state === CLOSED || this.state === TIME_WAIT) &&
        !(s.flags & ACK)
      ) {
        this.state = SYN_RECV;
      }
      return this.state;
    }
    if (s.flags & ACK) this.acknowledged(s.ack);
    const end = (s.seq + s.length) >>> 0;
    if (this.next < 0) this.next = s.seq;
    if (diff(s.seq, this.next) <= 0 && diff(end, this.next) > 0) this.next = end;
    if (s.flags & FIN) {
      this.peerFinEnd = (end + 1) >>> 0;
      if (diff(end, this.next) <= 0) this.peerFin();
    }
    return this.state;
  }

  /** What this end acknowledges it has in order, whatever the capture missed. */
  private acknowledge(ack: number): void {
    if (this.next < 0 || diff(ack, this.next) > 0) this.next = ack;
    if (this.peerFinEnd >= 0 && diff(ack, this.peerFinEnd) >= 0) this.peerFin();
  }

  private acknowledged(ack: number): void {
    if (this.state === SYN_RECV && (this.synEnd < 0 || diff(ack, this.synEnd) >= 0)) this.state = ESTABLISHED;
    if (this.finEnd < 0 || diff(ack, this.finEnd) < 0) return;
    if (this.state === FIN_WAIT_1) this.state = FIN_WAIT_2;
    else if (this.state === CLOSING) this.state = TIME_WAIT;
    else if (this.state === LAST_ACK) this.state = CLOSED;
  }

  private peerFin(): void {
    if (this.state === ESTABLISHED || this.state === SYN_RECV) this.state = CLOSE_WAIT;
    else if (this.state === FIN_WAIT_1) this.state = CLOSING;
    else if (this.state === FIN_WAIT_2) this.state = TIME_WAIT;
    this.peerFinEnd = -1;
  }
}
