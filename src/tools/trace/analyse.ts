import { ACK, FIN, RST, SYN } from '../../wire/segment.ts';
import type { Conversation, SegmentEvent, SegmentRecord } from './event.ts';

/** What can be said of a segment only by someone who saw those before it. */
export interface Analysis {
  /** Sequence numbers counted from each side's own first (RFC 9293's ISS and IRS). */
  seq: number;
  ack: number;
  /** SACK blocks counted likewise. */
  sack: readonly (readonly [number, number])[];
  /** Receive window in bytes, scaled; −1 if the scale is not known. */
  window: number;
  /** Everything in it had been sent before. */
  retransmission: boolean;
  /** Begins above what the sender had sent before: a segment in between is missing here. */
  gap: boolean;
  /** The n-th ACK in a row that says nothing new, or 0. */
  duplicateAck: number;
  /** One byte or none, just below the peer's next: asks only "are you there?". */
  keepAlive: boolean;
  windowUpdate: boolean;
  zeroWindow: boolean;
  /** Acknowledges the sender's peer's FIN. */
  acksFin: boolean;
}

class Side {
  first = 0;
  known = false;
  /** One past the highest sequence number sent. */
  next = 0;
  scale = 0;
  scaleKnown = false;
  finEnd = -1;
  lastAck = -1;
  lastWindow = -1;
  duplicates = 0;
}

const diff = (a: number, b: number): number => (a - b) | 0;

/** Judges the segments of one connection in the order in which they were sent. */
export class Analyst {
  private readonly left: string;
  private readonly sides = [new Side(), new Side()] as const;

  /** @param conversation only its ends are read */
  constructor(conversation: Pick<Conversation, 'left'>) {
    this.left = conversation.left.host;
  }

  judge(event: SegmentEvent): Analysis {
    return this.judgeSegment(event.segment, event.host === this.left);
  }

  judgeSegment(s: SegmentRecord, fromLeft: boolean): Analysis {
    const [me, peer] = fromLeft ? this.sides : ([this.sides[1], this.sides[0]] as const);
    const syn = (s.flags & SYN) !== 0;
    const fin = (s.flags & FIN) !== 0;
    const rst = (s.flags & RST) !== 0;
    const acks = (s.flags & ACK) !== 0;
    if (!me.known) {
      me.known = true;
      me.first = syn ? s.seq : (s.seq - 1) >>> 0;
      me.next = s.seq;
    } else if (syn && diff(s.seq, me.first) !== 0 && diff(s.seq, me.next) > 0) {
      // The same 4-tuple begins a new life (a TIME_WAIT was reused).
      Object.assign(me, new Side(), { known: true, first: s.seq, next: s.seq });
    }
    if (acks && !peer.known) {
      peer.known = true;
      peer.first = (s.ack - 1) >>> 0;
      peer.next = s.ack;
    }
    if (syn) {
      me.scaleKnown = true;
      me.scale = s.windowScale ?? -1;
    }
    const span = s.length + (syn ? 1 : 0) + (fin ? 1 : 0);
    const end = (s.seq + span) >>> 0;
    const ahead = diff(end, me.next);
    const retransmission = span > 0 && ahead <= 0 && diff(s.seq, me.next) < 0;
    const gap = !rst && diff(s.seq, me.next) > 0;
    const keepAlive = !syn && !fin && !rst && s.length <= 1 && diff(s.seq, me.next) === -1 && acks;
    const window = this.windowOf(s, me, peer, syn);
    let duplicateAck = 0;
    let windowUpdate = false;
    if (acks && !syn && !fin && !rst) {
      const again = s.ack === me.lastAck && s.length === 0 && !keepAlive;
      if (again && window !== me.lastWindow && me.lastWindow >= 0) windowUpdate = !s.sack;
      else if (again && diff(peer.next, s.ack) > 0) duplicateAck = ++me.duplicates;
      if (!again) me.duplicates = 0;
    }
    if (acks) me.lastAck = s.ack;
    me.lastWindow = window;
    if (ahead > 0) me.next = end;
    if (fin) me.finEnd = end;
    return {
      seq: me.known ? (s.seq - me.first) >>> 0 : s.seq,
      ack: acks ? (s.ack - peer.first) >>> 0 : 0,
      sack: (s.sack ?? []).map(([l, r]) => [(l - peer.first) >>> 0, (r - peer.first) >>> 0] as const),
      window,
      retransmission: retransmission && !keepAlive,
      gap,
      duplicateAck,
      keepAlive,
      windowUpdate,
      zeroWindow: s.window === 0 && !rst,
      acksFin: acks && peer.finEnd >= 0 && diff(s.ack, peer.finEnd) >= 0,
    };
  }

  /** The window of a SYN is never scaled (RFC 7323 §2.2); later ones only if both SYNs agreed to it. */
  private windowOf(s: SegmentRecord, me: Side, peer: Side, syn: boolean): number {
    if (syn) return s.window;
    if (!me.scaleKnown || !peer.scaleKnown) return -1;
    return me.scale >= 0 && peer.scale >= 0 ? s.window * 2 ** Math.min(me.scale, 14) : s.window;
  }
}
