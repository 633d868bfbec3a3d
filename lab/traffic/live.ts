import { batch, signal } from '@preact/signals';
import type { HostSockets, LiveHello } from '../../src/tools/lab-server/protocol.ts';
import { EventLog } from '../engine/log.ts';
import { Gauge } from './gauge.ts';
import { readMessage } from './message.ts';
import { rowsOf } from './rows.ts';
import { Store } from './store.ts';

/** Events that are remembered. */
const MOST_EVENTS = 20_000;

/**
 * The connections of a running `lastack up`, as a feed of the page. It is fed with what /live says; the log
 * is brought up to date by `flush`, which makes it anew: a segment is told of when it arrives, so what is
 * told later may lie earlier. Times and connection numbers stay as they are, steps count the rows.
 */
export class LiveTraffic {
  /** The same object for ever; refilled. */
  readonly log = new EventLog();
  /** Counts the times that the log was brought up to date. */
  readonly version = signal(0);
  readonly known = signal(0);
  readonly done = signal(false);
  connections: readonly string[] = [];
  samples: readonly Float64Array[] = [];
  sides: readonly [string, string] = ['A', 'B'];
  /** What the gateway says of itself; null until it has spoken. */
  readonly hello = signal<LiveHello | null>(null);
  /** Both hosts' sockets, once a second if they change, and the time of the log at which they were so. */
  readonly sockets = signal<readonly HostSockets[]>([]);
  readonly socketsAt = signal(0);
  /** Events that the gateway could not tell because this reader was too slow. */
  missed = 0;
  private readonly store: Store;
  private readonly gauge = new Gauge();
  private origin = 0;
  /** The last moment that was heard of, by the gateway's clock. */
  private latest = 0;
  private lookedAt = 0;
  private changed = false;

  constructor(most = MOST_EVENTS) {
    this.store = new Store(most);
  }

  /** Events that were let go to make room. */
  get forgotten(): number {
    return this.store.forgotten;
  }

  /** Takes in one message; what can not be understood is ignored. */
  take(text: string): void {
    const m = readMessage(text);
    if (m === null) return;
    if ('hello' in m) this.begin(m.hello);
    else if ('sockets' in m) {
      this.hear(m.at);
      this.lookedAt = m.at;
      this.gauge.read(m.sockets, m.at);
      batch(() => {
        this.sockets.value = m.sockets;
        this.placeSockets();
      });
    } else if ('missed' in m) this.missed += m.missed;
    else if ('conversation' in m) this.store.begin(m.conversation, m.left, m.right);
    else if (this.store.add(m.of, m.event)) {
      this.hear(m.event.at);
      this.changed = true;
    }
  }

  /** Brings log, connections and samples up to date. @returns whether anything is new */
  flush(): boolean {
    if (!this.changed) {
      this.known.value = Math.max(this.known.peek(), this.latest - this.origin);
      return false;
    }
    this.changed = false;
    const { conversations } = this.store;
    if (this.origin === 0) {
      const first = conversations.reduce((t, c) => Math.min(t, ...c.events.map(e => e.at)), this.latest);
      this.origin = Math.max(1, first);
    }
    const numbers = new Map(conversations.map(c => [c.id, c.conn]));
    const rows = rowsOf(conversations, { origin: this.origin, connOf: c => numbers.get(c.id) ?? 0 });
    this.log.take(rows.log.piece(0, 1));
    this.connections = rows.connections;
    this.samples = [this.gauge.merge(rows.samples, this.log, this.origin, conversations)];
    batch(() => {
      this.known.value = Math.max(rows.end, this.latest - this.origin);
      this.placeSockets();
      this.version.value++;
    });
    return true;
  }

  /** The gateway speaks for the first time, or again after the line was broken: perhaps it is another one. */
  private begin(hello: LiveHello): void {
    if (this.hello.peek()?.instance !== hello.instance) {
      this.store.clear();
      this.gauge.clear();
      this.origin = 0;
      this.latest = 0;
      this.missed = 0;
      this.known.value = 0;
      this.changed = true;
    }
    this.sides = hello.hosts;
    this.hello.value = hello;
    this.hear(hello.now);
  }

  /** Until the first event is known there is nothing to count from. */
  private placeSockets(): void {
    this.socketsAt.value = this.origin === 0 ? 0 : Math.max(0, this.lookedAt - this.origin);
  }

  private hear(at: number): void {
    this.latest = Math.max(this.latest, at);
  }
}
