import type { Micros } from '../../base/time.ts';
import type { Channel, Fate as WireFate } from '../../link/channel.ts';
import type { Flow } from '../../link/flow.ts';
import { PACKET_TCP, type Packet } from '../../link/packet.ts';
import { CORRUPT, DROP } from '../../link/rule.ts';
import { CLOSED, FIN_WAIT_2, LISTEN, type State, SYN_RECV, TIME_WAIT } from '../../tcp/state.ts';
import type { Tcb } from '../../tcp/tcb.ts';
import type { TraceSink } from '../../tcp/trace.ts';
import type { Frame } from '../../wire/frame.ts';
import { ACK, FIN, RST, SYN } from '../../wire/segment.ts';
import type { Endpoint, SegmentEvent, TraceEvent } from './event.ts';
import { ConversationLog } from './log.ts';
import { segmentRecord } from './record.ts';

const CA_NAMES = ['open', 'disorder', 'cwr', 'recovery', 'loss'];

/** Told of each event as soon as its fate is known. */
export type RecorderListener = (log: ConversationLog, event: TraceEvent) => void;

/** A log and the states that both hosts are known to be in. */
class Entry {
  readonly log: ConversationLog;
  readonly key: string;
  /** By side of the wire: 0 for the first host. */
  readonly states: [State, State];
  /** Made room for others; what still happens to it is not written down. */
  forgotten = false;
  /** Highest FIN seen from each side, one past it; −1 none. */
  readonly fins: [number, number] = [-1, -1];
  /** The connection as its wire knows it, marked with this entry. */
  flow: Flow | null = null;

  constructor(log: ConversationLog, key: string, states: [State, State]) {
    this.log = log;
    this.key = key;
    this.states = states;
  }
}

/**
 * What the wire, which knows a connection for long after, has in place of an entry that made room: one that had
 * ended, so that its ends may begin another, or one that had not.
 */
const FORGOTTEN = [false, true].map(ended => {
  const nobody: Endpoint = { host: '', address: '', port: 0 };
  const entry = new Entry(new ConversationLog(-1, nobody, nobody), '', [CLOSED, CLOSED]);
  entry.forgotten = true;
  entry.log.ended = ended;
  return entry;
});

/**
 * Records the connections between two hosts: segments as the wire sees them, and the hosts' own states,
 * timers and losses. Keeps the last `limit` connections, each bounded.
 */
export class Recorder {
  /** Connections begun so far. */
  begun = 0;
  private readonly names: readonly [string, string];
  private readonly limit: number;
  private readonly now: () => Micros;
  private readonly entries = new Map<string, Entry>();
  /** Oldest first, from `first` on. */
  private readonly kept: Entry[] = [];
  private first = 0;
  private readonly byTcb = new WeakMap<Tcb, Entry>();
  /** Frames on their way, to know when they arrive. */
  private readonly travelling = new Map<Frame, { entry: Entry; event: SegmentEvent }>();
  private readonly listeners = new Set<RecorderListener>();
  /** A change to TIME_WAIT that the host is expected to tell, or else is inferred. */
  private pending: { entry: Entry; side: 0 | 1; at: Micros } | null = null;

  /** @param names the hosts, the one that opens connections first */
  constructor(names: readonly [string, string], now: () => Micros, limit = 256) {
    this.names = names;
    this.now = now;
    this.limit = limit;
  }

  /** Kept connections, oldest first. */
  get logs(): readonly ConversationLog[] {
    return this.kept.slice(this.first).map(e => e.log);
  }

  /** Up to `n` of them, newest first, without one. */
  newest(n: number, without: ConversationLog | null): ConversationLog[] {
    const list: ConversationLog[] = [];
    for (let i = this.kept.length - 1; i >= this.first && list.length < n; i--) {
      const { log } = this.kept[i]!;
      if (log !== without) list.push(log);
    }
    return list;
  }

  listen(listener: RecorderListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The log of the connection between two ends of the hosts; the newest if there were several. */
  find(
    first: Endpoint | { address: string; port: number },
    second: { address: string; port: number },
  ): ConversationLog | null {
    return this.entries.get(keyOf(first.address, first.port, second.address, second.port))?.log ?? null;
  }

  /** To be called for each frame that enters the wire: see `ImpairedLink.watch`. */
  observe(channel: Channel, packet: Packet, frame: Frame, fate: WireFate, now: Micros): void {
    if (packet.kind !== PACKET_TCP || packet.flow === null) return;
    const side = channel.side;
    const s = packet.segment;
    const entry = this.entryOf(packet, side);
    if (entry.forgotten) return;
    const lost = (fate.action & DROP) !== 0;
    const corrupted = (fate.action & CORRUPT) !== 0;
    const log = entry.log;
    if (s.flags & SYN && s.flags & ACK) this.infer(entry, side, SYN_RECV, now);
    const event: SegmentEvent = {
      kind: 'segment',
      n: log.next(),
      at: now,
      host: this.names[side],
      to: this.names[1 - side]!,
      segment: segmentRecord(
        s,
        packet.size,
        this.endOf(entry.log, side),
        this.endOf(entry.log, side === 0 ? 1 : 0),
      ),
      fate: lost ? 'lost' : corrupted ? 'corrupted' : 'travelling',
      arrivedAt: null,
      arrivedN: 0,
    };
    if (lost) event.reason = reasonText(fate.reason);
    log.add(event);
    if (s.flags & FIN) entry.fins[side] = (s.seq + s.length + 1) >>> 0;
    if (lost || corrupted) {
      this.tell(log, event);
      return;
    }
    this.travelling.set(frame, { entry, event });
    // Frames whose arrival nobody reports (their link was closed) must not pile up.
    if (this.travelling.size > 20_000) {
      for (const f of this.travelling.keys()) {
        this.travelling.delete(f);
        break;
      }
    }
  }

  /** To be called when a frame reaches a host, before the host's stack is given it. */
  arrived(frame: Frame): void {
    const t = this.travelling.get(frame);
    if (t === undefined) return;
    this.travelling.delete(frame);
    const { entry, event } = t;
    event.fate = 'arrived';
    event.arrivedAt = this.now();
    event.arrivedN = entry.log.next();
    this.tell(entry.log, event);
    this.foresee(entry, event);
  }

  /** To be called when a host has put a SYN into a listener's queue: that is SYN_RECV, and no connection yet. */
  queued(host: string, local: string, localPort: number, remote: string, remotePort: number): void {
    const side = host === this.names[0] ? 0 : 1;
    const entry = this.entries.get(tupleKey(side, local, localPort, remote, remotePort));
    if (entry !== undefined) this.infer(entry, side, SYN_RECV, this.now());
  }

  /** What a host's engine is to be given as its trace. */
  sink(host: string): TraceSink {
    const side = host === this.names[0] ? 0 : 1;
    /** The connection's record, unless it is not, or no longer, written. */
    const open = (tcb: Tcb): Entry | null => {
      const entry = this.ofTcb(tcb, side);
      return entry === null || entry.forgotten ? null : entry;
    };
    // Each event is made in one piece: copies of pieces took a tenth of the recording.
    return {
      sent: () => {},
      received: () => {},
      dropped: (tcb, reason) => {
        const e = open(tcb);
        if (e !== null) this.add(e, { kind: 'drop', at: tcb.ctx.now, host, reason, n: e.log.next() });
      },
      transition: (tcb, from, to, why) => {
        const entry = this.ofTcb(tcb, side) ?? this.begin(tcb, side);
        if (entry.states[side] === to) return;
        entry.states[side] = to;
        const { log } = entry;
        if (!entry.forgotten)
          this.add(entry, { kind: 'state', at: tcb.ctx.now, host, from, state: to, why, n: log.next() });
        this.settle(entry);
      },
      timer: (tcb, timer) => {
        const e = open(tcb);
        if (e !== null) this.add(e, { kind: 'timer', at: tcb.ctx.now, host, timer, n: e.log.next() });
      },
      lost: (tcb, seq, end) => {
        const e = open(tcb);
        if (e === null) return;
        const at = tcb.ctx.now;
        this.add(e, { kind: 'loss', at, host, seq: seq >>> 0, end: end >>> 0, n: e.log.next() });
      },
      congestion: tcb => {
        const e = open(tcb);
        if (e === null) return;
        const { cwnd, ssthresh, caState } = tcb;
        const state = CA_NAMES[caState] ?? String(caState);
        this.add(e, { kind: 'congestion', at: tcb.ctx.now, host, cwnd, ssthresh, state, n: e.log.next() });
      },
    };
  }

  private endOf(log: ConversationLog, side: 0 | 1): string {
    return log.left.host === this.names[side] ? log.left.address : log.right.address;
  }

  private add(entry: Entry, event: TraceEvent): void {
    entry.log.add(event);
    this.tell(entry.log, event);
  }

  private tell(log: ConversationLog, event: TraceEvent): void {
    for (const listener of this.listeners) listener(log, event);
  }

  /** The connection of a segment on the wire; a new one if this SYN begins another life of the 4-tuple. */
  private entryOf(packet: Packet, side: 0 | 1): Entry {
    const s = packet.segment;
    const opens = (s.flags & (SYN | ACK)) === SYN;
    const flow = packet.flow!;
    const known = flow.mark instanceof Entry ? flow.mark : undefined;
    let entry = known;
    if (entry === undefined || (opens && entry.log.ended)) {
      const key = tupleKey(
        side,
        s.source.toString(),
        s.sourcePort,
        s.destination.toString(),
        s.destinationPort,
      );
      entry = this.entries.get(key);
    }
    if (entry === undefined || (opens && entry.log.ended)) {
      const from = { host: this.names[side], address: s.source.toString(), port: s.sourcePort };
      const to = { host: this.names[1 - side]!, address: s.destination.toString(), port: s.destinationPort };
      entry = this.create(from, to, side);
    }
    if (entry !== known) {
      flow.mark = entry;
      entry.flow = flow;
    }
    return entry;
  }

  private ofTcb(tcb: Tcb, side: 0 | 1): Entry | null {
    const known = this.byTcb.get(tcb);
    if (known !== undefined) return known;
    const key = tupleKey(side, tcb.local.toString(), tcb.localPort, tcb.remote.toString(), tcb.remotePort);
    const entry = this.entries.get(key);
    if (entry === undefined || entry.log.ended) return null;
    this.byTcb.set(tcb, entry);
    return entry;
  }

  /** connect() was called: the connection's record begins before its first segment. */
  private begin(tcb: Tcb, side: 0 | 1): Entry {
    const local = { host: this.names[side], address: tcb.local.toString(), port: tcb.localPort };
    const remote = { host: this.names[1 - side]!, address: tcb.remote.toString(), port: tcb.remotePort };
    const entry = this.create(local, remote, side);
    this.byTcb.set(tcb, entry);
    return entry;
  }

  private create(from: Endpoint, to: Endpoint, side: 0 | 1): Entry {
    const key = tupleKey(side, from.address, from.port, to.address, to.port);
    const log = new ConversationLog(this.begun++, from, to);
    const states: [State, State] = side === 0 ? [CLOSED, LISTEN] : [LISTEN, CLOSED];
    const entry = new Entry(log, key, states);
    this.entries.set(key, entry);
    this.kept.push(entry);
    if (this.kept.length - this.first > this.limit) this.forgetOne();
    return entry;
  }

  /** The oldest that has ended, or else the oldest. */
  private forgetOne(): void {
    const { kept, first } = this;
    let at = first;
    while (at < kept.length && !kept[at]!.log.ended) at++;
    if (at === kept.length) at = first;
    const gone = kept[at]!;
    // Those before it move up by a place, and what is left at the beginning holds nothing.
    for (; at > first; at--) kept[at] = kept[at - 1]!;
    kept[first] = FORGOTTEN[1]!;
    if (++this.first > this.limit) {
      kept.splice(0, this.first);
      this.first = 0;
    }
    gone.forgotten = true;
    if (gone.flow?.mark === gone) gone.flow.mark = FORGOTTEN[+gone.log.ended];
    if (this.entries.get(gone.key) === gone) this.entries.delete(gone.key);
  }

  /**
   * A request in the SYN queue and a TIME_WAIT row are no connections and tell nobody of their changes: these
   * states are taken from the segments.
   */
  private foresee(entry: Entry, event: SegmentEvent): void {
    const side = event.to === this.names[0] ? 0 : 1;
    const { flags, seq, length } = event.segment;
    const state = entry.states[side];
    const fin = entry.fins[1 - side]!;
    if (flags & RST && (state === SYN_RECV || state === LISTEN))
      this.infer(entry, side, CLOSED, event.arrivedAt!);
    else if (state === FIN_WAIT_2 && flags & FIN && (seq + length + 1) >>> 0 === fin) {
      this.pending = { entry, side, at: event.arrivedAt! };
    }
  }

  /** To be called after a host has worked: fills in what it did not tell. */
  caughtUp(): void {
    const p = this.pending;
    this.pending = null;
    if (p !== null && p.entry.states[p.side] === FIN_WAIT_2) this.infer(p.entry, p.side, TIME_WAIT, p.at);
  }

  private infer(entry: Entry, side: 0 | 1, state: State, at: Micros): void {
    const from = entry.states[side];
    if (from === state || (state === SYN_RECV && from !== LISTEN)) return;
    entry.states[side] = state;
    if (!entry.forgotten) {
      this.add(entry, {
        kind: 'state',
        at,
        host: this.names[side],
        from,
        state,
        why: 'as the segments tell',
        inferred: true,
        n: entry.log.next(),
      });
    }
    this.settle(entry);
  }

  private settle(entry: Entry): void {
    entry.log.ended = entry.states.every(s => s === CLOSED || s === TIME_WAIT || s === LISTEN);
  }
}

const keyOf = (a: string, ap: number, b: string, bp: number): string => `${a} ${ap} ${b} ${bp}`;

/** The same key for both directions: the first host's end comes first. */
const tupleKey = (
  side: 0 | 1,
  local: string,
  localPort: number,
  remote: string,
  remotePort: number,
): string =>
  side === 0 ? keyOf(local, localPort, remote, remotePort) : keyOf(remote, remotePort, local, localPort);

/** Why the wire lost a frame, as people read it. */
export function reasonText(reason: string): string {
  switch (reason) {
    case 'loss':
      return 'lost at random';
    case 'queue':
      return 'queue of the wire full';
    case 'mtu':
      return 'larger than the MTU';
    case 'partition':
      return 'wire cut';
    default:
      return reason;
  }
}
