import { PACKET_TCP, Packet } from '../../link/packet.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LISTEN,
  type State,
  SYN_RECV,
  TIME_WAIT,
} from '../../tcp/state.ts';
import { type Capture, type CapturedPacket, DIRECTION_IN, ipOffset, readCapture } from '../../wire/pcapng.ts';
import { ACK, SYN } from '../../wire/segment.ts';
import type { Conversation, Endpoint, SegmentEvent, SegmentRecord, TraceEvent } from './event.ts';
import { segmentRecord } from './record.ts';
import { StateGuess } from './states.ts';

/** Connections read from one file at most, and events of one connection. */
const MAX_CONVERSATIONS = 10_000;
const MAX_EVENTS = 100_000;

export interface CaptureOptions {
  /** Segments read at most; all of them if it is left out. */
  readonly segments?: number;
}

export interface CaptureTrace {
  readonly conversations: readonly Conversation[];
  readonly format: Capture['format'];
  readonly packets: number;
  /** Packets that are not TCP, or not readable. */
  readonly others: number;
  /** Segments beyond the bounds on segments, connections and events of one connection. */
  readonly omitted: number;
  /** What was wrong with the file. */
  readonly errors: readonly string[];
  /** The IP datagram in a packet of the file, as far as it was captured; null if there is none. */
  bytesOf(frame: number): Uint8Array | null;
}

/**
 * The TCP connections in a capture file. A capture knows no states: they are inferred from the segments.
 * A comment that begins with "lost" or "dropped" marks a segment that did not arrive, as `lastack up
 * --capture` writes it.
 */
export function traceCapture(file: Uint8Array, options: CaptureOptions = {}): CaptureTrace {
  const capture = readCapture(file);
  const builder = new Builder();
  const packet = new Packet();
  const most = options.segments ?? Number.POSITIVE_INFINITY;
  let others = 0;
  let segments = 0;
  let omitted = 0;
  for (const p of capture.packets) {
    const at = ipOffset(p.linktype, p.bytes, p.at, p.end);
    if (at < 0 || packet.readBytes(p.bytes, at, p.end, 'ip') !== PACKET_TCP) others++;
    else if (segments >= most) omitted++;
    else if (builder.add(p, segmentRecord(packet.segment, packet.size))) segments++;
    else omitted++;
  }
  return {
    conversations: builder.conversations,
    format: capture.format,
    packets: capture.packets.length,
    others,
    omitted,
    errors: capture.errors,
    bytesOf: frame => {
      const p = capture.packets[frame];
      const at = p === undefined ? -1 : ipOffset(p.linktype, p.bytes, p.at, p.end);
      return p === undefined || at < 0 ? null : p.bytes.subarray(at, p.end);
    },
  };
}

/** One connection of a capture while it is read. */
class Reading implements Conversation {
  readonly id: number;
  readonly left: Endpoint;
  readonly right: Endpoint;
  readonly events: TraceEvent[] = [];
  skipped = 0;
  gapAt = 0;
  private order = 0;
  /** The first SYN of each side, −1 before it is seen. */
  private readonly syns: [number, number] = [-1, -1];
  private readonly states: readonly [StateGuess, StateGuess];

  constructor(id: number, left: Endpoint, right: Endpoint, fromStart: boolean) {
    this.id = id;
    this.left = left;
    this.right = right;
    const [l, r]: [State, State] = fromStart ? [CLOSED, LISTEN] : [ESTABLISHED, ESTABLISHED];
    this.states = [new StateGuess(l), new StateGuess(r)];
  }

  /** Whether a SYN of its sender begins a new connection on the same 4-tuple: its number is another than the first's. */
  isOver(s: SegmentRecord): boolean {
    const first = this.syns[this.isFromLeft(s) ? 0 : 1];
    return first < 0 || (first !== s.seq && this.events.length > 2);
  }

  /** False if it has too many events already. */
  add(p: CapturedPacket, segment: SegmentRecord): boolean {
    if (this.events.length >= MAX_EVENTS) {
      this.skipped++;
      this.gapAt = this.events.length;
      return false;
    }
    const fromLeft = this.isFromLeft(segment);
    if (segment.flags & SYN && this.syns[fromLeft ? 0 : 1] < 0) this.syns[fromLeft ? 0 : 1] = segment.seq;
    const [me, peer] = fromLeft ? [this.left, this.right] : [this.right, this.left];
    const [mine, theirs] = fromLeft ? this.states : ([this.states[1], this.states[0]] as const);
    const lost = /^(?:lost|dropped)\b:?\s*(.*)/i.exec(p.comment);
    const corrupted = /^corrupted\b/i.test(p.comment);
    const gone = lost !== null || corrupted;
    const event: SegmentEvent = {
      kind: 'segment',
      n: 0,
      at: p.micros,
      host: me.host,
      to: peer.host,
      segment,
      fate: lost ? 'lost' : corrupted ? 'corrupted' : 'arrived',
      arrivedAt: gone ? null : p.micros,
      arrivedN: 0,
      frame: p.index,
      ...(lost ? { reason: lost[1] || 'lost' } : {}),
      ...(p.comment === '' ? {} : { comment: p.comment }),
    };
    this.change(me.host, mine, s => s.sent(segment), p.micros);
    this.events.push(Object.assign(event, { n: this.order++ }));
    if (gone) return true;
    event.arrivedN = this.order++;
    this.change(peer.host, theirs, s => s.received(segment), p.micros);
    return true;
  }

  private isFromLeft(s: SegmentRecord): boolean {
    return isEnd(this.left, s.source, s.sourcePort);
  }

  private change(host: string, guess: StateGuess, step: (g: StateGuess) => State, at: number): void {
    const { state: from } = guess;
    const state = step(guess);
    if (state === from) return;
    // One segment may bring two changes: the ACK of our FIN and the peer's own.
    const between = BETWEEN.find(([a, , b]) => a === from && b === state)?.[1];
    if (between !== undefined) this.changed(host, from, between, at);
    this.changed(host, between ?? from, state, at);
  }

  private changed(host: string, from: State, state: State, at: number): void {
    const n = this.order++;
    this.events.push({ kind: 'state', n, at, host, from, state, why: 'inferred', inferred: true });
  }
}

const BETWEEN: readonly (readonly [from: State, between: State, to: State])[] = [
  [FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT],
  [SYN_RECV, ESTABLISHED, CLOSE_WAIT],
];

class Builder {
  readonly conversations: Reading[] = [];
  private readonly open = new Map<string, Reading>();

  /** False if there are too many connections already, or too many events of this one. */
  add(p: CapturedPacket, s: SegmentRecord): boolean {
    const key = keyOf(s);
    const opens = (s.flags & (SYN | ACK)) === SYN;
    let c = this.open.get(key);
    if (c === undefined || (opens && c.isOver(s))) {
      if (this.conversations.length >= MAX_CONVERSATIONS) return false;
      c = begin(this.conversations.length, p, s, opens);
      this.conversations.push(c);
      this.open.set(key, c);
    }
    return c.add(p, s);
  }
}

function begin(id: number, p: CapturedPacket, s: SegmentRecord, opens: boolean): Reading {
  const source = { address: s.source, port: s.sourcePort };
  const destination = { address: s.destination, port: s.destinationPort };
  // Without a SYN the end with the lower port is taken for the server.
  const answer = (s.flags & SYN) !== 0 && !opens;
  const sourceIsLeft = opens || (!answer && s.sourcePort >= s.destinationPort);
  const [left, right] = sourceIsLeft ? [source, destination] : [destination, source];
  const here = (p.direction === DIRECTION_IN) === sourceIsLeft ? 'right' : 'left';
  const name = (side: 'left' | 'right', fallback: string): string =>
    p.direction !== 0 && here === side ? `${fallback} (captured here)` : fallback;
  return new Reading(
    id,
    { host: name('left', 'client'), ...left },
    { host: name('right', 'server'), ...right },
    (s.flags & SYN) !== 0,
  );
}

const isEnd = (e: Endpoint, address: string, port: number): boolean =>
  e.port === port && e.address === address;

function keyOf(s: SegmentRecord): string {
  const a = `${s.source} ${s.sourcePort}`;
  const b = `${s.destination} ${s.destinationPort}`;
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
