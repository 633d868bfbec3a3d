import type { Stack } from '../stack/stack.ts';
import { CLOSED, type State, SYN_RECV, stateName, TIME_WAIT } from '../tcp/state.ts';
import type { Tcb } from '../tcp/tcb.ts';
import type { TraceSink } from '../tcp/trace.ts';
import type { Host } from './host.ts';

/** Both ends of a connection, and the state in which it was last seen. */
interface Known {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  state: State;
  /** The table that it is a row of, if it is no connection. */
  row: Rows | null;
  /** Number of the last look at which the row was there. */
  look: number;
}

/** What is known of the rows of a table: the requests of SYN queues, or TIME_WAIT and orphans' FIN_WAIT_2. */
type Rows = Set<Known>;

interface Ends {
  readonly local: { toString(): string };
  readonly localPort: number;
  readonly remote: { toString(): string };
  readonly remotePort: number;
}

const key = (e: Ends): string => `${e.localPort} ${e.local} ${e.remotePort} ${e.remote}`;

/**
 * Writes a host's state transitions into the world's log: those of connections as they happen, those of
 * rows (a SYN queue's requests, TIME_WAIT and an orphan's FIN_WAIT_2) at the end of the step in which they
 * came and went.
 */
export class StateLog implements TraceSink {
  private readonly host: Host;
  private stack: Stack | null = null;
  private readonly known = new Map<string, Known>();
  private readonly requests: Rows = new Set();
  private readonly waits: Rows = new Set();
  private looks = 0;
  /** The changes of the TIME_WAIT table at the last look: thousands of rows are not walked in vain. */
  private seen = 0;

  constructor(host: Host) {
    this.host = host;
  }

  watch(stack: Stack): void {
    this.stack = stack;
    this.seen = 0;
    stack.tcp.trace = this;
  }

  /** The host has crashed: nothing is known any more. */
  forget(): void {
    this.known.clear();
    this.requests.clear();
    this.waits.clear();
  }

  transition(tcb: Tcb, from: State, to: State, why: string): void {
    const known = this.known.get(key(tcb)) ?? this.add(tcb, from);
    if (known.state === to && known.row !== null) return;
    // A connection that becomes TIME_WAIT becomes a row, unless the table is full: the next look tells.
    this.put(known, to === TIME_WAIT ? this.waits : null);
    this.change(known, to, why);
  }

  /** Compares the tables of rows with what is known. */
  look(): void {
    const tcp = this.stack?.tcp;
    if (tcp === undefined) return;
    const gone: Known[] = [];
    let queued = this.requests.size;
    for (const listener of tcp.listeners()) queued += listener.synQueueLength;
    if (queued > 0) {
      this.looks++;
      for (const r of tcp.requests()) this.see(r, SYN_RECV, this.requests);
      this.collect(this.requests, gone);
    }
    // A transition told of a row may have been refused by the table: then there is one too many known.
    if (tcp.timeWaitChanges !== this.seen || this.waits.size !== tcp.timeWaitCount) {
      this.seen = tcp.timeWaitChanges;
      this.looks++;
      for (const r of tcp.timeWaits()) this.see(r, r.state as State, this.waits);
      this.collect(this.waits, gone);
    }
    for (const known of gone) this.change(known, CLOSED, '');
  }

  sent(): void {}
  received(): void {}
  dropped(): void {}
  timer(): void {}
  lost(): void {}
  congestion(): void {}

  private see(ends: Ends, state: State, rows: Rows): void {
    const known = this.known.get(key(ends)) ?? this.add(ends, CLOSED);
    this.put(known, rows);
    known.look = this.looks;
    if (known.state !== state) this.change(known, state, '');
  }

  private put(known: Known, rows: Rows | null): void {
    if (known.row === rows) return;
    known.row?.delete(known);
    known.row = rows;
    rows?.add(known);
  }

  /** Those of which this look has seen nothing. */
  private collect(rows: Rows, gone: Known[]): void {
    for (const known of rows) if (known.look !== this.looks) gone.push(known);
  }

  private add(ends: Ends, state: State): Known {
    const known: Known = {
      local: ends.local.toString(),
      localPort: ends.localPort,
      remote: ends.remote.toString(),
      remotePort: ends.remotePort,
      state,
      row: null,
      look: 0,
    };
    this.known.set(key(ends), known);
    return known;
  }

  private change(known: Known, to: State, why: string): void {
    const { local, localPort, remote, remotePort, state } = known;
    known.state = to;
    if (to === CLOSED) {
      this.known.delete(key(known));
      this.put(known, null);
    }
    const { world } = this.host;
    world.log.push({
      kind: 'state',
      time: world.now,
      host: this.host.name,
      local,
      localPort,
      remote,
      remotePort,
      from: stateName(state),
      to: stateName(to),
      why,
    });
  }
}
