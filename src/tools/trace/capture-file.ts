import { PACKET_TCP, Packet } from '../../link/packet.ts';
import { CLOSED, ESTABLISHED, LISTEN, type State } from '../../tcp/state.ts';
import { type Capture, type CapturedPacket, DIRECTION_IN, ipOffset, readCapture } from '../../wire/pcapng.ts';
import { ACK, SYN } from '../../wire/segment.ts';
import type { Conversation, Endpoint, SegmentEvent, SegmentRecord, TraceEvent } from './event.ts';
import { segmentRecord } from './record.ts';
import { StateGuess } from './states.ts';

/** Connections read from one file at most, and events of one connection. */
const MAX_CONVERSATIONS = 10_000;
const MAX_EVENTS = 100_000;

export interface CaptureTrace {
  readonly conversations: readonly Conversation[];
  readonly format: Capture['format'];
  readonly packets: number;
  /** Packets that are not TCP, or not readable. */
  readonly others: number;
  /** What was wrong with the file. */
  readonly errors: readonly string[];
}

/**
 * The TCP connections in a capture file. A capture knows no states: they are inferred from the segments.
 * A comment that begins with "lost" or "dropped" marks a segment that did not arrive, as `lastack up
 * --capture` writes it.
 */
export function traceCapture(file: Uint8Array): CaptureTrace {
  const capture = readCapture(file);
  const builder = new Builder();
  const packet = new Packet();
  let others = 0;
  for (const p of capture.packets) {
    const at = ipOffset(p.linktype, p.bytes, p.at, p.end);
    if (at < 0 || packet.readBytes(p.bytes, at, p.end, 'ip') !== PACKET_TCP) others++;
    else if (!builder.add(p, segmentRecord(packet.segment, packet.size))) others++;
  }
  return {
    conversations: builder.conversations,
    format: capture.format,
    packets: capture.packets.length,
    others,
    errors: capture.errors,
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
  private readonly states: readonly [StateGuess, StateGuess];

  constructor(id: number, left: Endpoint, right: Endpoint, fromStart: boolean) {
    this.id = id;
    this.left = left;
    this.right = right;
    const [l, r]: [State, State] = fromStart ? [CLOSED, LISTEN] : [ESTABLISHED, ESTABLISHED];
    this.states = [new StateGuess(l), new StateGuess(r)];
  }

  add(p: CapturedPacket, segment: SegmentRecord): void {
    if (this.events.length >= MAX_EVENTS) {
      this.skipped++;
      this.gapAt = this.events.length;
      return;
    }
    const fromLeft = isEnd(this.left, segment.source, segment.sourcePort);
    const [me, peer] = fromLeft ? [this.left, this.right] : [this.right, this.left];
    const [mine, theirs] = fromLeft ? this.states : ([this.states[1], this.states[0]] as const);
    const lost = /^(?:lost|dropped)\b:?\s*(.*)/i.exec(p.comment);
    const event: SegmentEvent = {
      kind: 'segment',
      n: 0,
      at: p.micros,
      host: me.host,
      to: peer.host,
      segment,
      fate: lost ? 'lost' : 'arrived',
      arrivedAt: lost ? null : p.micros,
      arrivedN: 0,
      ...(lost ? { reason: lost[1] || 'lost' } : {}),
    };
    this.change(me.host, mine, s => s.sent(segment), p.micros);
    this.events.push(Object.assign(event, { n: this.order++ }));
    if (lost) return;
    event.arrivedN = this.order++;
    this.change(peer.host, theirs, s => s.received(segment), p.micros);
  }

  private change(host: string, guess: StateGuess, step: (g: StateGuess) => State, at: number): void {
    const from = guess.state;
    const state = step(guess);
    if (state === from) return;
    this.events.push({
      kind: 'state',
      n: this.order++,
      at,
      host,
      from,
      state,
      why: 'inferred',
      inferred: true,
    });
  }
}

class Builder {
  readonly conversations: Reading[] = [];
  private readonly open = new Map<string, Reading>();

  /** False if there are too many connections already. */
  add(p: CapturedPacket, s: SegmentRecord): boolean {
    const key = keyOf(s);
    const opens = (s.flags & (SYN | ACK)) === SYN;
    let c = this.open.get(key);
    if (c === undefined || (opens && isNewLife(c, s))) {
      if (this.conversations.length >= MAX_CONVERSATIONS) return false;
      c = begin(this.conversations.length, p, s, opens);
      this.conversations.push(c);
      this.open.set(key, c);
    }
    c.add(p, s);
    return true;
  }
}

/** A SYN with another sequence number than the first begins a new connection on the same 4-tuple. */
function isNewLife(c: Reading, s: SegmentRecord): boolean {
  const syn = c.events.find(
    e =>
      e.kind === 'segment' &&
      e.segment.flags & SYN &&
      isEnd(c.left, s.source, s.sourcePort) === (e.host === c.left.host),
  );
  return syn?.kind !== 'segment' || (syn.segment.seq !== s.seq && c.events.length > 2);
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
