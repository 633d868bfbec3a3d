import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DirectionReport } from './relay.ts';

/** One run of a cell, as it was measured. */
export interface Result {
  readonly cell: string;
  readonly seed: number;
  /** Seconds that connect() took. */
  readonly connect: number;
  /** From then on until the server had read the last byte. */
  readonly seconds: number;
  readonly bytes: number;
  /** Of the client's TCP_INFO at the end: segments sent again, timeouts; microseconds of the round trip. */
  readonly retransmitted: number;
  readonly timeouts: number;
  readonly minRtt: number;
  readonly rtt: number;
  /** Segments that reached the server out of order, and those of which it said that they came twice. */
  readonly outOfOrder: number;
  readonly dsacks: number;
  /** The window that the server announced last, as the relay saw it. */
  readonly window: number;
  readonly data: DirectionReport;
  readonly acks: DirectionReport;
  /** Microseconds by which packets left the relay late: median, 99 %, largest. */
  readonly late: readonly [number, number, number];
}

/** Where and when it was recorded. */
export interface Origin {
  readonly date: string;
  readonly machine: string;
  readonly kernel: string;
  readonly hz: number | null;
  readonly sysctls: Readonly<Record<string, string>>;
}

/** The columns of a row, in the file. */
export const COLUMNS = [
  ...['cell', 'seed', 'seconds', 'bytesPerSecond', 'bytes', 'connect', 'retransmitted', 'timeouts', 'minRtt'],
  ...['rtt', 'outOfOrder', 'dsacks', 'window', 'dataOffered', 'dataLost', 'dataOverflowed', 'acksOffered'],
  ...['acksLost', 'acksOverflowed', 'lateMedian', 'late99', 'lateMost'],
] as const;

export type Row = readonly [cell: string, seed: number, ...figures: number[]];

interface File {
  readonly recorded: readonly Origin[];
  readonly columns: readonly string[];
  readonly runs: readonly Row[];
}

const round = (n: number, digits: number): number => Number(n.toFixed(digits));

/** The file of results: a row for each run, a line for each row. */
export class Results {
  private readonly path: string;
  private readonly origins: Origin[];
  readonly rows: Row[] = [];

  /** @param origin null if nothing will be added */
  constructor(path: string, origin: Origin | null) {
    this.path = path;
    const old = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as File) : null;
    const same = JSON.stringify(old?.columns) === JSON.stringify(COLUMNS);
    if (old !== null && !same)
      throw new Error(`${path} has other columns: move it away, or choose another with --out`);
    this.rows.push(...(old?.runs ?? []));
    this.origins = [...(old?.recorded ?? [])];
    if (origin !== null && !this.origins.some(o => JSON.stringify(o) === JSON.stringify(origin)))
      this.origins.push(origin);
  }

  has(cell: string, seed: number): boolean {
    return this.rows.some(row => row[0] === cell && row[1] === seed);
  }

  add(r: Result): void {
    const { data, acks } = r;
    this.rows.push([
      ...([r.cell, r.seed] as const),
      ...[round(r.seconds, 4), Math.round(r.bytes / r.seconds), r.bytes, round(r.connect, 4)],
      ...[r.retransmitted, r.timeouts, r.minRtt, r.rtt, r.outOfOrder, r.dsacks, r.window],
      ...[data.offered, data.lost, data.overflowed, acks.offered, acks.lost, acks.overflowed, ...r.late],
    ]);
    if (this.rows.length % 10 === 0) this.save();
  }

  save(): void {
    const rows = [...this.rows].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]));
    const lines = (values: readonly unknown[]): string =>
      values.length === 0 ? '[]' : `[\n    ${values.map(v => JSON.stringify(v)).join(',\n    ')}\n  ]`;
    mkdirSync(dirname(this.path), { recursive: true });
    writeFileSync(
      this.path,
      `{\n  "recorded": ${lines(this.origins)},\n  "columns": ${JSON.stringify(COLUMNS)},\n  "runs": ${lines(rows)}\n}\n`,
    );
  }
}
