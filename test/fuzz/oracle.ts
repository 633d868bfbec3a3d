import { type Seq, seqGe, seqGt } from '../../src/base/seq.ts';
import type { Connection } from '../../src/tcp/connection.ts';
import { RCV_SHUTDOWN } from '../../src/tcp/constants.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  type State,
  SYN_RECV,
  SYN_SENT,
  stateName,
} from '../../src/tcp/state.ts';
import { ACK, FIN, RST, type Segment, SYN } from '../../src/wire/segment.ts';

/** What must be known of a connection before a segment arrives, to say whether it may end by it. */
export class Before {
  state: State = CLOSED;
  rcvNxt = 0;
  sndUna = 0;
  sndNxt = 0;
  writeSeq = 0;
  highest: number | null = null;
  orphan = false;
  shut = 0;
  passive = false;
  window = 0;

  note(c: Connection): void {
    this.state = c.state;
    this.rcvNxt = c.rcvNxt;
    this.sndUna = c.sndUna;
    this.sndNxt = c.sndNxt;
    this.writeSeq = c.writeSeq;
    this.orphan = c.orphan;
    this.shut = c.shut;
    this.passive = c.passive;
    this.window = c.receiveWindow;
    this.highest = null;
    for (let i = 0; i < c.sackCount && c.sackBlocks !== null; i++) {
      const right = c.sackBlocks[2 * i + 1]!;
      if (this.highest === null || ((right - this.highest) | 0) > 0) this.highest = right;
    }
  }
}

/**
 * A second opinion, written from the rules and not from the code: whether this segment may have moved the
 * connection from where it was to where it is. It says what is wrong, or null.
 */
export function judgeStep(b: Before, after: State, s: Segment): string | null {
  if (after === b.state) return null;
  const fin = (s.flags & FIN) !== 0;
  const end = (s.seq + s.length + (s.flags & SYN ? 1 : 0) + (fin ? 1 : 0)) | 0;
  const acksFin = (s.flags & ACK) !== 0 && s.ack === b.writeSeq;
  const what = `${stateName(b.state)} became ${stateName(after)}`;
  if (b.state === SYN_SENT) {
    const good = (s.flags & ACK) !== 0 && seqGt(s.ack, b.sndUna as Seq) && !seqGt(s.ack, b.sndNxt as Seq);
    if (after === CLOSED)
      return s.flags & RST && good ? null : `${what} without a RST that acknowledges the SYN`;
    if (after === ESTABLISHED) return s.flags & SYN && good ? null : `${what} without a SYN-ACK`;
    return s.flags & SYN && !(s.flags & (ACK | RST)) ? null : `${what} without a SYN`;
  }
  if (s.flags & RST) {
    if (after !== CLOSED) return `${what} by a RST`;
    const late = b.state === CLOSE_WAIT || b.state === LAST_ACK || b.state === CLOSING;
    const exact = s.seq === b.rcvNxt || s.seq === b.highest || (late && s.seq === ((b.rcvNxt - 1) | 0));
    return exact ? null : `${what} by a RST at ${(s.seq - b.rcvNxt) | 0} from RCV.NXT`;
  }
  if (s.flags & SYN && b.state !== SYN_RECV) return `${what} by a SYN`;
  if (!(s.flags & ACK)) return `${what} by a segment without ACK`;
  // Where it lies: something of it at or beyond RCV.NXT, nothing beyond the window.
  if (seqGt(s.seq, ((b.rcvNxt + b.window) | 0) as Seq)) return `${what} by a segment beyond the window`;
  if (seqGt(s.ack, b.sndNxt as Seq)) return `${what} by an ACK of what was never sent`;
  const brings = (fin || s.length > 0) && seqGt(end as Seq, b.rcvNxt as Seq);
  const reset =
    b.shut & RCV_SHUTDOWN && (s.length > 0 || fin) && seqGt(((s.seq + s.length) | 0) as Seq, b.rcvNxt as Seq);
  // What begins before the peer's FIN and goes beyond it: the peer contradicts itself (as Linux, a reset).
  const overrun = reset && seqGt(b.rcvNxt as Seq, s.seq);
  switch (b.state) {
    case SYN_RECV:
      return s.ack === b.sndNxt || seqGe(s.ack, b.sndUna as Seq) ? null : `${what} by a wrong ACK`;
    case ESTABLISHED:
      if (after !== CLOSE_WAIT) return what;
      return brings ? null : `${what} without a FIN in order`;
    case FIN_WAIT_1:
      if (after === FIN_WAIT_2) return acksFin ? null : `${what} without an ACK of the FIN`;
      if (after === CLOSING) return brings ? null : `${what} without the peer's FIN`;
      // CLOSED: a row took over (the FIN acknowledged), or data for nobody.
      return acksFin || reset ? null : what;
    case FIN_WAIT_2:
      return brings || reset ? null : `${what} without FIN or data`;
    case CLOSE_WAIT:
      return after === CLOSED && overrun ? null : what;
    case CLOSING:
    case LAST_ACK:
      return after === CLOSED && (acksFin || overrun) ? null : `${what} without an ACK of the FIN`;
    default:
      return what;
  }
}
