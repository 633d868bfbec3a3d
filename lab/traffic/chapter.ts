import { INFINITE_SSTHRESH } from '../../src/tcp/constants.ts';
import { type Analysis, Analyst } from '../../src/tools/trace/analyse.ts';
import type { CongestionEvent, Conversation, SegmentEvent, TraceEvent } from '../../src/tools/trace/event.ts';
import { ACK, SYN } from '../../src/wire/segment.ts';
import { Flight } from './flight.ts';

/** A segment that leaves so soon after a timer went off was sent by it: on a real clock both take time. */
const SOON = 50_000;
/** A retransmission after so long a silence is taken for one of the timer: Linux's shortest is 200 ms. */
const SILENCE = 190_000;

/** What one end was seen to do last. */
class End {
  readonly flight = new Flight();
  /** Its initial sequence number, once a segment has told it. */
  first: number | null = null;
  timer = '';
  timerAt = 0;
  /** A segment has left since. */
  timerUsed = true;
  sentAt = -1;
  duplicateAcks = 0;
  sacks = false;
  zeroWindow = false;
  cwnd = -1;
  ssthresh = -1;
  sample = '';
}

/** A conversation while its rows are made: what can be said of a segment only by what came before it. */
export class Chapter {
  readonly conversation: Conversation;
  readonly conn: number;
  private readonly analyst: Analyst;
  private readonly ends = [new End(), new End()] as const;
  /** Told by the host itself, with its timers; a capture knows segments only. */
  private readonly witnessed: boolean;

  constructor(conversation: Conversation, conn: number) {
    this.conversation = conversation;
    this.conn = conn;
    this.analyst = new Analyst(conversation);
    this.witnessed = conversation.events.some(
      e =>
        e.kind === 'timer' ||
        e.kind === 'congestion' ||
        e.kind === 'loss' ||
        (e.kind === 'state' && !e.inferred),
    );
  }

  sideOf(event: TraceEvent): 0 | 1 {
    return event.host === this.conversation.left.host ? 0 : 1;
  }

  timer(side: 0 | 1, name: string, at: number): void {
    Object.assign(this.ends[side], { timer: name, timerAt: at, timerUsed: false });
  }

  congestion(side: 0 | 1, e: CongestionEvent): void {
    const end = this.ends[side];
    end.cwnd = e.cwnd;
    end.ssthresh = e.ssthresh >= INFINITE_SSTHRESH ? -1 : e.ssthresh;
  }

  /** Judges a segment, and says why it was sent, '' if there is nothing to say. */
  segment(side: 0 | 1, event: SegmentEvent): { readonly analysis: Analysis; readonly why: string } {
    const me = this.ends[side];
    const peer = this.ends[1 - side]!;
    const { segment: s } = event;
    const analysis = this.analyst.judge(event);
    const why = this.whyOf(me, peer, event, analysis);
    me.flight.sent(event);
    peer.flight.heard(event);
    me.first = (s.seq - analysis.seq) >>> 0;
    if (s.flags & ACK) peer.first ??= (s.ack - analysis.ack) >>> 0;
    me.timerUsed = true;
    me.duplicateAcks = analysis.duplicateAck;
    me.sacks = analysis.sack.length > 0;
    me.zeroWindow = analysis.zeroWindow;
    if (s.length > 0) me.sentAt = event.at;
    return { analysis, why };
  }

  /** A sequence number of one end, counted from its initial one. */
  relative(side: 0 | 1, seq: number): number {
    const { first } = this.ends[side];
    return first === null ? seq : (seq - first) >>> 0;
  }

  /** cwnd, ssthresh, in flight; null if they are as they were when last asked for. */
  sample(side: 0 | 1, time: number): readonly [number, number, number] | null {
    const end = this.ends[side];
    const inFlight = end.flight.at(time);
    const text = `${end.cwnd} ${end.ssthresh} ${inFlight}`;
    if (end.sample === text || (end.cwnd < 0 && inFlight < 0)) return null;
    end.sample = text;
    return [end.cwnd, end.ssthresh, inFlight];
  }

  private whyOf(me: End, peer: End, event: SegmentEvent, a: Analysis): string {
    const { flags, length } = event.segment;
    const recent = me.timer !== '' && event.at - me.timerAt <= SOON;
    if (a.retransmission) {
      // A busy machine may send long after the timer; what was seen from within is the first that goes after it.
      if (recent || (this.witnessed && me.timer !== '' && !me.timerUsed)) return me.timer;
      if ((flags & (SYN | ACK)) === (SYN | ACK)) return 'syn_ack';
      if (this.witnessed) return 'fast';
      if (flags & SYN) return 'rto';
      if (peer.duplicateAcks >= 3 || peer.sacks) return 'fast';
      return me.sentAt >= 0 && event.at - me.sentAt >= SILENCE ? 'rto' : 'again';
    }
    if (recent && !me.timerUsed && me.timer !== 'rto') return me.timer;
    if (a.keepAlive) return peer.zeroWindow ? 'persist' : 'keepalive';
    if (a.gap && length > 0 && !this.witnessed) return 'gap';
    if (a.duplicateAck > 0) return 'dup_ack';
    return a.windowUpdate ? 'window_update' : '';
  }
}
