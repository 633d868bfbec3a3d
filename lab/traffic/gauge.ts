import type { HostSockets } from '../../src/tools/lab-server/protocol.ts';
import type { Conversation } from '../../src/tools/trace/event.ts';
import type { EventLog } from '../engine/log.ts';
import { SAMPLE } from '../engine/samples.ts';

/** Readings that are remembered. */
const MOST = 6000;

/** What the sockets of a host told of one connection at a moment. */
interface Reading {
  readonly at: number;
  readonly side: 0 | 1;
  /** `address port` of both ends, the host's own first. */
  readonly ends: string;
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly inFlight: number;
  readonly srtt: number;
}

/**
 * What the sockets tell once a second that no segment does: the smoothed round trip, and the window of a
 * connection in which it has not changed yet.
 */
export class Gauge {
  private readings: Reading[] = [];

  clear(): void {
    this.readings = [];
  }

  read(sockets: readonly HostSockets[], at: number): void {
    sockets.slice(0, 2).forEach((host, side) => {
      for (const { info, local, localPort, peer, peerPort } of host.rows) {
        if (info === null) continue;
        this.readings.push({
          at,
          side: side === 0 ? 0 : 1,
          ends: endsOf(local, localPort, peer, peerPort),
          cwnd: info.cwnd,
          ssthresh: info.ssthresh,
          inFlight: info.unacked,
          srtt: info.rtt,
        });
      }
    });
    if (this.readings.length > MOST) this.readings = this.readings.slice(-MOST * 0.8);
  }

  /** The samples of the rows with the readings among them; what a sample does not know is as it was last read. */
  merge(
    samples: Float64Array,
    log: EventLog,
    origin: number,
    conversations: readonly (Conversation & { readonly conn: number })[],
  ): Float64Array {
    const conns = new Map<string, number>();
    for (const { left, right, conn } of conversations) {
      conns.set(endsOf(left.address, left.port, right.address, right.port), conn);
      conns.set(endsOf(right.address, right.port, left.address, left.port), conn);
    }
    const all: number[][] = [];
    for (let i = 0; i < samples.length; i += SAMPLE) all.push([...samples.subarray(i, i + SAMPLE)]);
    for (const r of this.readings) {
      const conn = conns.get(r.ends);
      const time = r.at - origin;
      if (conn === undefined || time < 0) continue;
      const row = log.lastOfTime(time);
      const step = row < 0 ? 0 : log.columns.step[row]!;
      all.push([step, time, r.side, conn, r.cwnd, r.ssthresh, r.inFlight, r.srtt > 0 ? r.srtt : -1]);
    }
    all.sort((x, y) => x[1]! - y[1]!);
    fill(all);
    return Float64Array.from(all.flat());
  }
}

function fill(samples: readonly number[][]): void {
  const last = new Map<number, readonly number[]>();
  for (const s of samples) {
    const key = s[3]! * 2 + s[2]!;
    const before = last.get(key);
    if (before !== undefined) {
      if (s[4]! < 0) [s[4], s[5]] = [before[4]!, before[5]!];
      if (s[7]! < 0) s[7] = before[7]!;
    }
    last.set(key, s);
  }
}

const endsOf = (a: string, ap: number, b: string, bp: number): string => `${a} ${ap} ${b} ${bp}`;
