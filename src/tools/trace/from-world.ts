import { TimeQueue } from '../../link/time-queue.ts';
import type { SimEvent, SegmentEvent as SimSegment, StateEvent as SimState } from '../../sim/log.ts';
import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_2,
  type State,
  SYN_RECV,
  SYN_SENT,
  stateName,
  TIME_WAIT,
} from '../../tcp/state.ts';
import { ACK, FIN, SYN } from '../../wire/segment.ts';
import type { Conversation, SegmentEvent, SegmentRecord } from './event.ts';
import { ConversationLog } from './log.ts';

const LETTERS: Readonly<Record<string, number>> = {
  F: 1,
  S: 2,
  R: 4,
  P: 8,
  '.': 16,
  U: 32,
  E: 64,
  W: 128,
  A: 256,
};
const STATES = new Map(Array.from({ length: 11 }, (_, i) => [stateName((i + 1) as State), (i + 1) as State]));

/**
 * The connections in the log of a simulated world, for the ladder, the table and JSON. Each has its own
 * hosts' names; segments that were injected are left out.
 */
export function conversationsOf(log: readonly SimEvent[]): Conversation[] {
  const reader = new Reader(log);
  // What is due later than it is logged: the log gives a segment's arrival when it is sent.
  const arrivals = new TimeQueue<Arriving>();
  const until = (time: number): void => {
    while (arrivals.size > 0 && arrivals.next <= time) reader.due(arrivals.pop()!);
  };
  for (const e of log) {
    if (e.kind === 'segment' && !e.injected) {
      until(e.time);
      const arriving = reader.segment(e);
      if (e.arrival !== null) arrivals.push(e.arrival, arriving);
    } else if (e.kind === 'state') {
      until(e.time);
      reader.state(e);
    }
  }
  until(Number.POSITIVE_INFINITY);
  reader.flushAll();
  return reader.conversations;
}

/** A segment on its way, or arrived at a moment at which other things happen too. */
interface Arriving {
  readonly log: ConversationLog;
  readonly event: SegmentEvent;
  readonly at: number;
}

interface End {
  readonly address: string;
  readonly port: number;
}

class Reader {
  readonly conversations: ConversationLog[] = [];
  private readonly open = new Map<string, ConversationLog>();
  /** Whose addresses these are: a state may be told of before the first segment. */
  private readonly hosts = new Map<string, string>();
  /** Arrived, and not yet put in order among the changes that they bring. */
  private pending: Arriving[] = [];

  constructor(log: readonly SimEvent[]) {
    for (const e of log) {
      if (e.kind === 'segment' && e.from !== '' && !this.hosts.has(e.source))
        this.hosts.set(e.source, e.from);
      else if (e.kind === 'state') this.hosts.set(e.local, e.host);
    }
  }

  segment(e: SimSegment): Arriving {
    const from = { address: e.source, port: e.sourcePort };
    const to = { address: e.destination, port: e.destinationPort };
    const host = this.hostOf(from);
    // It answers what has come before.
    this.flush(host, () => false);
    const log = this.logOf(from, to, e.flags === 'S');
    const event: SegmentEvent = {
      kind: 'segment',
      n: log.next(),
      at: e.time,
      host,
      to: this.hostOf(to),
      segment: recordOf(e),
      fate: e.arrival === null ? 'lost' : 'travelling',
      arrivedAt: null,
      arrivedN: 0,
      ...(e.arrival === null ? { reason: e.reason || 'lost' } : {}),
    };
    log.add(event);
    return { log, event, at: e.arrival ?? e.time };
  }

  /** A segment arrives; what of it comes first is seen by the changes that follow at this moment. */
  due(arriving: Arriving): void {
    const first = this.pending[0];
    if (first !== undefined && first.at < arriving.at) this.flushAll();
    this.pending.push(arriving);
  }

  state(e: SimState): void {
    const from = STATES.get(e.from);
    const state = STATES.get(e.to);
    if (from === undefined || state === undefined) return;
    const local = { address: e.local, port: e.localPort };
    const log = this.logOf(
      local,
      { address: e.remote, port: e.remotePort },
      from === CLOSED && state === SYN_SENT,
    );
    const cause = CAUSES[state];
    this.flush(e.host, a => a.log === log && cause !== undefined && (a.event.segment.flags & cause) !== 0);
    log.add({ kind: 'state', n: log.next(), at: e.time, host: e.host, from, state, why: e.why });
    log.ended = [log.left.host, log.right.host].every(h => {
      const last = log.findLast(x => x.kind === 'state' && x.host === h);
      return last?.kind === 'state' && (last.state === CLOSED || last.state === TIME_WAIT);
    });
  }

  flushAll(): void {
    for (const a of this.pending) arrive(a);
    this.pending = [];
  }

  /** Lets what has arrived at a host arrive in the log, up to the first for which `last` is true, or all of it. */
  private flush(host: string, last: (a: Arriving) => boolean): void {
    const rest: Arriving[] = [];
    let done = false;
    for (const a of this.pending) {
      if (done || a.event.to !== host) {
        rest.push(a);
        continue;
      }
      arrive(a);
      done = last(a);
    }
    this.pending = rest;
  }

  /** Through a router, the last wire's sender is not the host that the address belongs to. */
  private hostOf(end: End): string {
    return this.hosts.get(end.address) ?? end.address;
  }

  /** The connection between two ends; a new one if there is none, or if this opens another on the same ports. */
  private logOf(from: End, to: End, opens: boolean): ConversationLog {
    const key = [keyOf(from, to), keyOf(to, from)].sort().join(' ');
    let log = this.open.get(key);
    if (log === undefined || (opens && log.ended)) {
      const left = { host: this.hostOf(from), ...from };
      log = new ConversationLog(this.conversations.length, left, { host: this.hostOf(to), ...to });
      this.conversations.push(log);
      this.open.set(key, log);
    }
    return log;
  }
}

/** The flag without which a segment can't bring a connection into the state. */
const CAUSES: Readonly<Partial<Record<State, number>>> = {
  [SYN_RECV]: SYN,
  [ESTABLISHED]: ACK,
  [FIN_WAIT_2]: ACK,
  [CLOSE_WAIT]: FIN,
  [CLOSING]: FIN,
};

function arrive({ log, event, at }: Arriving): void {
  event.fate = 'arrived';
  event.arrivedAt = at;
  event.arrivedN = log.next();
}

const keyOf = (a: End, b: End): string => `${a.address} ${a.port} ${b.address} ${b.port}`;

function recordOf(e: SimSegment): SegmentRecord {
  let flags = 0;
  for (const letter of e.flags) flags |= LETTERS[letter] ?? 0;
  const first = (e.absoluteAck - (e.ack ?? 0)) >>> 0;
  return {
    source: e.source,
    sourcePort: e.sourcePort,
    destination: e.destination,
    destinationPort: e.destinationPort,
    seq: e.absoluteSeq >>> 0,
    ack: e.absoluteAck >>> 0,
    flags,
    window: e.window,
    length: e.length,
    size: 0,
    ...(e.urgent === null ? {} : { urgent: e.urgent }),
    ...(e.mss === null ? {} : { mss: e.mss }),
    ...(e.windowScale === null ? {} : { windowScale: e.windowScale }),
    ...(e.sackOk ? { sackPermitted: true } : {}),
    ...(e.timestamps === null ? {} : { tsVal: e.timestamps[0] >>> 0, tsEcr: e.timestamps[1] >>> 0 }),
    ...(e.sack.length === 0
      ? {}
      : { sack: e.sack.map(([l, r]) => [(first + l) >>> 0, (first + r) >>> 0] as const) }),
  };
}
