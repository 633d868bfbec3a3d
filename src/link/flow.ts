import type { Address } from '../base/address.ts';
import { FIN, RST, type Segment, SYN } from '../wire/segment.ts';
import { PACKET_TCP, type Packet } from './packet.ts';

/** Connections remembered per wire; the longest known are forgotten first. */
const LIMIT = 65536;

/**
 * One TCP connection as seen on a wire: both initial sequence numbers, so that sequence numbers can be told
 * relative to them, and how often each rule has matched on it. `side` 0 is the end whose segment was seen
 * first.
 */
export class Flow {
  /** 0, 1, … in order of appearance. */
  readonly id: number;
  readonly first: Address;
  readonly firstPort: number;
  readonly second: Address;
  readonly secondPort: number;
  readonly isn: [number, number] = [0, 0];
  readonly known: [boolean, boolean] = [false, false];
  /** End of the highest sequence number seen from each side. */
  readonly high: [number, number] = [0, 0];
  /** A FIN or RST was seen: the next SYN begins a new life. */
  ending = false;
  /** Matches so far, by rule number. */
  counts: number[] = [];
  next: Flow | null = null;
  /** What whoever watches the wire keeps with the connection. */
  mark: unknown = null;

  constructor(id: number, segment: Segment) {
    this.id = id;
    this.first = segment.source.clone();
    this.firstPort = segment.sourcePort;
    this.second = segment.destination.clone();
    this.secondPort = segment.destinationPort;
  }

  /** Which side sends this segment: 0, 1, or −1 if it is of another connection. */
  sideOf(s: Segment): number {
    if (s.sourcePort === this.firstPort && s.destinationPort === this.secondPort)
      if (s.source.equals(this.first) && s.destination.equals(this.second)) return 0;
    if (s.sourcePort === this.secondPort && s.destinationPort === this.firstPort)
      if (s.source.equals(this.second) && s.destination.equals(this.first)) return 1;
    return -1;
  }
}

/** The connections of one wire. */
export class FlowTable {
  private readonly heads = new Map<number, Flow>();
  private made = 0;
  private held = 0;

  /** Finds or makes the flow of a TCP packet and fills in `packet`'s relative numbers. Null if it is not TCP. */
  observe(packet: Packet): Flow | null {
    if (packet.kind !== PACKET_TCP) {
      packet.flow = null;
      packet.relSeq = 0;
      packet.relAck = 0;
      packet.retransmit = false;
      return null;
    }
    const s = packet.segment;
    let flow = this.find(s);
    if (flow === null) flow = this.add(s);
    const side = flow.sideOf(s) === 1 ? 1 : 0;
    this.number(flow, side, s);
    packet.flow = flow;
    packet.side = side;
    packet.relSeq = (s.seq - flow.isn[side]!) >>> 0;
    packet.relAck = flow.known[side === 0 ? 1 : 0] ? (s.ack - flow.isn[1 - side]!) >>> 0 : s.ack >>> 0;
    const length = s.segLen;
    const end = (s.seq + length) | 0;
    packet.retransmit = length > 0 && ((end - flow.high[side]!) | 0) <= 0;
    if (((end - flow.high[side]!) | 0) > 0) flow.high[side] = end;
    return flow;
  }

  find(s: Segment): Flow | null {
    let flow = this.heads.get(hash(s)) ?? null;
    while (flow !== null && flow.sideOf(s) < 0) flow = flow.next;
    return flow;
  }

  /** Keeps the initial numbers: a SYN says what it is; of a connection met in its middle, the first counts as 1. */
  private number(flow: Flow, side: 0 | 1, s: Segment): void {
    if (s.flags & SYN) {
      if (!flow.known[side] || flow.isn[side] !== s.seq) {
        if (flow.ending) {
          flow.counts = [];
          flow.ending = false;
          flow.known[1 - side] = false;
        }
        flow.known[side] = true;
        flow.isn[side] = s.seq;
        flow.high[side] = s.seq;
      }
    } else if (!flow.known[side]) {
      flow.known[side] = true;
      flow.isn[side] = (s.seq - 1) | 0;
      flow.high[side] = s.seq;
    }
    if (s.flags & (FIN | RST)) flow.ending = true;
  }

  private add(s: Segment): Flow {
    while (this.held >= LIMIT) this.forget();
    const flow = new Flow(this.made++, s);
    const key = hash(s);
    flow.next = this.heads.get(key) ?? null;
    this.heads.set(key, flow);
    this.held++;
    return flow;
  }

  private forget(): void {
    const oldest = this.heads.entries().next();
    if (oldest.done) return;
    const [key, chain] = oldest.value;
    for (let f: Flow | null = chain; f !== null; f = f.next) this.held--;
    this.heads.delete(key);
  }
}

/** The same for both directions. Decides where a flow is looked for, never an order. */
function hash(s: Segment): number {
  const addresses = (s.source.d ^ s.destination.d) + Math.imul(s.source.c ^ s.destination.c, 31);
  return (
    (addresses + Math.imul(s.sourcePort ^ s.destinationPort, 0x9e3779b1) + s.sourcePort + s.destinationPort) |
    0
  );
}
