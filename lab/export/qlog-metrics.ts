import type { Connection } from '../../src/tcp/connection.ts';
import { INFINITE_SSTHRESH } from '../../src/tcp/constants.ts';
import type { Testimony } from './witness.ts';

/** What is measured of a connection, null where it is infinite or not known yet. */
type Values = Readonly<Record<string, number | null>>;

/** Connections whose variables are followed. */
const MOST = 2000;

/** Watches the variables of a host's connections. */
export class Metrics {
  private readonly side: 0 | 1;
  private readonly last = new Map<number, Values>();

  constructor(side: 0 | 1) {
    this.side = side;
  }

  /** Those that have changed since it was last asked, by connection. */
  *changes({ stage, recorder }: Testimony): Generator<{ conn: number; data: Values }> {
    const host = stage.hosts[this.side];
    if (host.down) return;
    for (const c of host.stack.tcp.connections()) {
      const conn = recorder.connections.of(
        c.local.toString(),
        c.localPort,
        c.remote.toString(),
        c.remotePort,
      );
      const before = this.last.get(conn);
      if (before === undefined && this.last.size >= MOST) continue;
      const now = valuesOf(c);
      const changed = Object.entries(now).filter(([name, value]) => before?.[name] !== value);
      if (changed.length === 0) continue;
      this.last.set(conn, now);
      yield { conn, data: Object.fromEntries(changed) };
    }
  }
}

function valuesOf(c: Connection): Values {
  return {
    congestion_window: c.cwnd * c.mssCache,
    bytes_in_flight: c.inFlight * c.mssCache,
    ssthresh: c.ssthresh >= INFINITE_SSTHRESH ? null : c.ssthresh * c.mssCache,
    smoothed_rtt: c.srtt === 0 ? null : (c.srtt >> 3) / 1000,
    rto: c.rto / 1000,
  };
}
