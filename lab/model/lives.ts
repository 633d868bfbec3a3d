import { CLOSED } from '../../src/tcp/state.ts';
import { type EventLog, STATE } from '../engine/log.ts';

/** A host's end of a connection from one change of state to the next. */
export interface Span {
  readonly state: number;
  /** Its row, and the row at which the next state begins; −1 if it lasts. */
  readonly row: number;
  readonly next: number;
}

const NONE: readonly number[] = [];

/** The changes of state of every end of every connection, found once for all who draw them. */
export class Lives {
  private readonly rows = new Map<number, number[]>();
  private log: EventLog | null = null;

  build(log: EventLog): void {
    this.log = log;
    this.rows.clear();
    const { kind, side, conn } = log.columns;
    for (let i = 0; i < log.length; i++) {
      if (kind[i] !== STATE) continue;
      const key = conn[i]! * 2 + side[i]!;
      const list = this.rows.get(key);
      if (list === undefined) this.rows.set(key, [i]);
      else list.push(i);
    }
  }

  changes(side: number, conn: number): readonly number[] {
    return this.rows.get(conn * 2 + side) ?? NONE;
  }

  spans(side: number, conn: number): Span[] {
    const rows = this.changes(side, conn);
    const { to } = this.log?.columns ?? { to: [] };
    return rows.map((row, i) => ({ state: to[row] ?? 0, row, next: rows[i + 1] ?? -1 }));
  }

  /** The states of the present life up to a row, the one it came from first. */
  path(side: number, conn: number, last: number): number[] {
    const out: number[] = [];
    if (this.log === null) return out;
    const { from, to } = this.log.columns;
    for (const row of this.changes(side, conn)) {
      if (row > last) break;
      if (from[row] === CLOSED || out.at(-1) !== from[row]) {
        out.length = 0;
        out.push(from[row]!);
      }
      out.push(to[row]!);
    }
    return out;
  }
}
