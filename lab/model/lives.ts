import { CLOSED } from '../../src/tcp/state.ts';
import { type EventLog, NOTE, STATE } from '../engine/log.ts';

/** A host's end of a connection from one change of state to the next. */
export interface Span {
  readonly state: number;
  /** Its row, and the row at which the next state begins or the host loses its memory; −1 if it lasts. */
  readonly row: number;
  readonly next: number;
}

const NONE: readonly number[] = [];

/** The changes of state of every end of every connection, found once for all who draw them. */
export class Lives {
  private readonly rows = new Map<number, number[]>();
  /** Where each host loses its power: its connections end without a change of state. */
  private crashes: readonly [number[], number[]] = [[], []];
  private log: EventLog | null = null;

  build(log: EventLog): void {
    this.log = log;
    this.rows.clear();
    this.crashes = [[], []];
    const { kind, side, conn } = log.columns;
    for (let i = 0; i < log.length; i++) {
      if (kind[i] === NOTE) this.note(i, log.textOf(i));
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
    return rows.map((row, i) => ({
      state: to[row] ?? 0,
      row,
      next: this.endOf(side, row, rows[i + 1] ?? -1),
    }));
  }

  /** The states of the present life up to a row, the one it came from first; none once the host has lost it. */
  path(side: number, conn: number, last: number): number[] {
    const out: number[] = [];
    if (this.log === null) return out;
    const { from, to } = this.log.columns;
    let before = -1;
    for (const row of this.changes(side, conn)) {
      if (row > last) break;
      if (from[row] === CLOSED || out.at(-1) !== from[row]) {
        out.length = 0;
        out.push(from[row]!);
      }
      out.push(to[row]!);
      before = row;
    }
    return before >= 0 && this.crashAfter(side, before) <= last ? [] : out;
  }

  /** The row of the last change of state up to a row, −1 if there is none. */
  lastChange(side: number, conn: number, last: number): number {
    return this.changes(side, conn).findLast(row => row <= last) ?? -1;
  }

  private note(row: number, text: string): void {
    if (text === 'A crashes') this.crashes[0].push(row);
    else if (text === 'B crashes') this.crashes[1].push(row);
  }

  /** The first crash of a host behind a row, infinity if there is none. */
  private crashAfter(side: number, row: number): number {
    return this.crashes[side === 0 ? 0 : 1].find(crash => crash > row) ?? Number.POSITIVE_INFINITY;
  }

  private endOf(side: number, row: number, next: number): number {
    const crash = this.crashAfter(side, row);
    if (next < 0) return Number.isFinite(crash) ? crash : -1;
    return Math.min(crash, next);
  }
}
