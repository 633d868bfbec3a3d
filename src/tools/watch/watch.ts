import { MICROS_PER_SECOND, type Micros } from '../../base/time.ts';
import type { Stack } from '../../stack/stack.ts';
import type { Connection } from '../../tcp/connection.ts';
import { CLOSE_WAIT, FIN_WAIT_2, LISTEN, type State, TIME_WAIT } from '../../tcp/state.ts';
import { socketRows } from '../ss/collect.ts';
import type { SocketRow } from '../ss/row.ts';
import { examine } from './examine.ts';
import { type Finding, THRESHOLDS, type Thresholds } from './finding.ts';

/** An overflow is spoken of for so long after it happened. */
const REMEMBER: Micros = 60 * MICROS_PER_SECOND;
/** Destinations whose TIME_WAITs are counted apart. */
const MAX_DESTINATIONS = 10_000;

interface Since {
  state: State;
  at: Micros;
}

/**
 * Watches the sockets of one host. Call `look` every second or so: it remembers since when each connection
 * has been in its state, and says what it finds.
 */
export class Watch {
  private readonly stack: Stack;
  private readonly thresholds: Thresholds;
  private readonly ownerOf: ((fd: number) => string | null) | undefined;
  private readonly since = new WeakMap<Connection, Since>();
  private readonly overflows = new Growth();
  private readonly synDrops = new Growth();

  /** @param ownerOf what the application behind a descriptor is called */
  constructor(stack: Stack, thresholds: Thresholds = THRESHOLDS, ownerOf?: (fd: number) => string | null) {
    this.stack = stack;
    this.thresholds = thresholds;
    this.ownerOf = ownerOf;
  }

  /** Seconds since the connection was first seen in its present state, −1 before it was looked at. */
  ageOf = (c: Connection): number => {
    const s = this.since.get(c);
    return s === undefined || s.state !== c.state ? -1 : (this.stack.now - s.at) / MICROS_PER_SECOND;
  };

  /**
   * What is wrong at this moment.
   * @param time the present by the stack's clock: a stack to which nothing happens is told the time by nobody
   */
  look(time: Micros = this.stack.now): Finding[] {
    const { stack } = this;
    stack.tick(time);
    const { now, mib } = stack;
    for (const c of stack.tcp.connections()) {
      const s = this.since.get(c);
      if (s === undefined) this.since.set(c, { state: c.state, at: now });
      else if (s.state !== c.state) {
        s.state = c.state;
        s.at = now;
      }
    }
    return examine(
      {
        host: stack.name,
        rows: this.rows(),
        timeWaits: this.timeWaits(),
        portRange: stack.sysctl.values.ip_local_port_range,
        listenOverflows: this.overflows.of(mib.TcpExtListenOverflows, now),
        synDrops: this.synDrops.of(mib.TcpExtTCPReqQFullDrop, now),
      },
      this.thresholds,
    );
  }

  /** Only those rows that may be found fault with: a host may have 100,000 others. */
  private rows(): SocketRow[] {
    const rows: SocketRow[] = [];
    const options = { ageOf: this.ageOf, ...(this.ownerOf ? { ownerOf: this.ownerOf } : {}) };
    let suspicious = false;
    for (const c of this.stack.tcp.connections()) {
      if (c.state === CLOSE_WAIT || (c.state === FIN_WAIT_2 && !c.orphan)) {
        suspicious = true;
        break;
      }
    }
    for (const r of socketRows(this.stack, options)) {
      if (r.state === LISTEN || (suspicious && (r.state === CLOSE_WAIT || r.state === FIN_WAIT_2)))
        rows.push(r);
      // Listeners come first.
      else if (!suspicious) break;
      if (r.state === TIME_WAIT) break;
    }
    return rows;
  }

  private timeWaits(): Iterable<{ local: string; peer: string; peerPort: number; count: number }> {
    const [low, high] = this.stack.sysctl.values.ip_local_port_range;
    const least = (high - low + 1) * this.thresholds.ports;
    if (this.stack.tcp.timeWaitCount < least) return [];
    const counts = new Map<string, { local: string; peer: string; peerPort: number; count: number }>();
    for (const t of this.stack.tcp.timeWaits()) {
      if (t.localPort < low || t.localPort > high) continue;
      const key = `${t.local} ${t.remote} ${t.remotePort}`;
      const c = counts.get(key);
      if (c !== undefined) c.count++;
      else if (counts.size < MAX_DESTINATIONS) {
        counts.set(key, {
          local: t.local.toString(),
          peer: t.remote.toString(),
          peerPort: t.remotePort,
          count: 1,
        });
      }
    }
    return counts.values();
  }
}

/** How much a counter has grown lately. */
class Growth {
  private last = 0;
  private steps: { at: Micros; by: number }[] = [];

  of(n: number, now: Micros): number {
    if (n > this.last) this.steps.push({ at: now, by: n - this.last });
    this.last = n;
    this.steps = this.steps.filter(s => s.at >= now - REMEMBER);
    return this.steps.reduce((sum, s) => sum + s.by, 0);
  }
}
