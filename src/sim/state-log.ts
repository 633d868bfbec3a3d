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
  /** It is a row of a table (a request of a SYN queue, a TIME_WAIT) rather than a connection. */
  row: boolean;
  /** Number of the last look at which the row was there. */
  look: number;
}

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
  private looks = 0;
  private rows = 0;

  constructor(host: Host) {
    this.host = host;
  }

  watch(stack: Stack): void {
    this.stack = stack;
    stack.tcp.trace = this;
  }

  /** The host has crashed: nothing is known any more. */
  forget(): void {
    this.known.clear();
    this.rows = 0;
  }

  transition(tcb: Tcb, from: State, to: State, why: string): void {
    const known = this.known.get(key(tcb)) ?? this.add(tcb, from);
    if (known.state === to && known.row) return;
    // A connection that becomes TIME_WAIT becomes a row, unless the table is full: the next look tells.
    const row = to === TIME_WAIT;
    if (known.row !== row) this.rows += row ? 1 : -1;
    known.row = row;
    this.change(known, to, why);
  }

  /** Compares the tables of rows with what is known. */
  look(): void {
    const tcp = this.stack?.tcp;
    if (tcp === undefined) return;
    let rows = this.rows + tcp.timeWaitCount;
    for (const listener of tcp.listeners()) rows += listener.synQueueLength;
    if (rows === 0) return;
    this.looks++;
    for (const r of tcp.requests()) this.see(r, SYN_RECV);
    for (const r of tcp.timeWaits()) this.see(r, r.state as State);
    const gone: Known[] = [];
    for (const known of this.known.values()) if (known.row && known.look !== this.looks) gone.push(known);
    for (const known of gone) {
      this.rows--;
      this.change(known, CLOSED, '');
    }
  }

  sent(): void {}
  received(): void {}
  dropped(): void {}
  timer(): void {}
  lost(): void {}
  congestion(): void {}

  private see(ends: Ends, state: State): void {
    const known = this.known.get(key(ends)) ?? this.add(ends, CLOSED);
    if (!known.row) {
      known.row = true;
      this.rows++;
    }
    known.look = this.looks;
    if (known.state !== state) this.change(known, state, '');
  }

  private add(ends: Ends, state: State): Known {
    const known: Known = {
      local: ends.local.toString(),
      localPort: ends.localPort,
      remote: ends.remote.toString(),
      remotePort: ends.remotePort,
      state,
      row: false,
      look: 0,
    };
    this.known.set(key(ends), known);
    return known;
  }

  private change(known: Known, to: State, why: string): void {
    const { local, localPort, remote, remotePort, state } = known;
    known.state = to;
    if (to === CLOSED) this.known.delete(key(known));
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
