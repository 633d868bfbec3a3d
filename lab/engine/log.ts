/**
 * What happened in a run, as columns of typed arrays: a row is one event. It grows in the worker, and what
 * is new goes to the page in pieces.
 */
export const SEGMENT = 0;
export const STATE = 1;
export const CALL = 2;
export const NOTE = 3;
export const TIMER = 4;
export const PACKET = 5;

export const SIDE_A = 0;
export const SIDE_B = 1;
export const SIDE_NONE = 2;

/** Fates by number; the first is no news. */
export const FATES = [
  'delivered',
  'dropped',
  'delayed',
  'duplicated',
  'corrupted',
  'reordered',
  'marked',
] as const;

/** Bits of `marks`. */
export const MARK_AGAIN = 1;
export const MARK_INJECTED = 2;
export const MARK_LOOP = 4;
/** The second copy that the wire has made of the row before. */
export const MARK_COPY = 8;

interface Arrays {
  kind: Uint8Array;
  /** Events of the world before this row's, this one included. */
  step: Int32Array;
  /** Microseconds: when it happened or was sent, and when it arrives (−1: it does not). */
  time: Float64Array;
  arrival: Float64Array;
  /** Whose event it is: the sender of a segment. */
  side: Uint8Array;
  /** The connection, in order of appearance; −1 none. */
  conn: Int16Array;
  flags: Uint16Array;
  /** Relative to the initial numbers; ack is 0 without the flag. */
  seq: Uint32Array;
  ack: Uint32Array;
  length: Uint32Array;
  window: Uint32Array;
  fate: Uint8Array;
  marks: Uint8Array;
  /** Number on the wire, −1 none. */
  frame: Int32Array;
  /** Timestamps of a segment; both 0: none. */
  tsVal: Uint32Array;
  tsEcr: Uint32Array;
  /** States of a transition. */
  from: Uint8Array;
  to: Uint8Array;
  /** Numbers of strings: the row's words, and why. */
  text: Int32Array;
  why: Int32Array;
}

const MAKERS: { readonly [K in keyof Arrays]: (n: number) => Arrays[K] } = {
  kind: n => new Uint8Array(n),
  step: n => new Int32Array(n),
  time: n => new Float64Array(n),
  arrival: n => new Float64Array(n),
  side: n => new Uint8Array(n),
  conn: n => new Int16Array(n),
  flags: n => new Uint16Array(n),
  seq: n => new Uint32Array(n),
  ack: n => new Uint32Array(n),
  length: n => new Uint32Array(n),
  window: n => new Uint32Array(n),
  fate: n => new Uint8Array(n),
  marks: n => new Uint8Array(n),
  frame: n => new Int32Array(n),
  tsVal: n => new Uint32Array(n),
  tsEcr: n => new Uint32Array(n),
  from: n => new Uint8Array(n),
  to: n => new Uint8Array(n),
  text: n => new Int32Array(n),
  why: n => new Int32Array(n),
};
const COLUMNS = Object.keys(MAKERS) as (keyof Arrays)[];

/** One row as it is added; what is left out is 0, −1 or ''. */
export type Row = { [K in keyof Omit<Arrays, 'text' | 'why'>]?: number } & {
  kind: number;
  step: number;
  time: number;
  text?: string;
  why?: string;
};

/** Rows in a message to the page. */
export interface LogPiece {
  readonly from: number;
  readonly count: number;
  readonly columns: Arrays;
  readonly stringsFrom: number;
  readonly strings: readonly string[];
}

export class EventLog {
  length = 0;
  columns: Arrays = make(256);
  strings: string[] = [''];
  private readonly numbers = new Map<string, number>([['', 0]]);

  /** @returns the number of the row */
  add(row: Row): number {
    if (this.length === this.columns.kind.length) this.grow(this.length * 2);
    const n = this.length++;
    const c = this.columns;
    c.kind[n] = row.kind;
    c.step[n] = row.step;
    c.time[n] = row.time;
    c.arrival[n] = row.arrival ?? -1;
    c.side[n] = row.side ?? 0;
    c.conn[n] = row.conn ?? -1;
    c.flags[n] = row.flags ?? 0;
    c.seq[n] = row.seq ?? 0;
    c.ack[n] = row.ack ?? 0;
    c.length[n] = row.length ?? 0;
    c.window[n] = row.window ?? 0;
    c.fate[n] = row.fate ?? 0;
    c.marks[n] = row.marks ?? 0;
    c.frame[n] = row.frame ?? -1;
    c.tsVal[n] = row.tsVal ?? 0;
    c.tsEcr[n] = row.tsEcr ?? 0;
    c.from[n] = row.from ?? 0;
    c.to[n] = row.to ?? 0;
    c.text[n] = this.intern(row.text ?? '');
    c.why[n] = this.intern(row.why ?? '');
    return n;
  }

  /** Of a segment: its options, `|`, and what befell it. */
  textOf(row: number): string {
    const text = this.strings[this.columns.text[row] ?? 0] ?? '';
    const value = this.columns.tsVal[row] ?? 0;
    const echo = this.columns.tsEcr[row] ?? 0;
    return value === 0 && echo === 0 ? text : text.replace('|', ` ts ${value}/${echo}|`);
  }

  whyOf(row: number): string {
    return this.strings[this.columns.why[row] ?? 0] ?? '';
  }

  /** The rows from `from` on, and the strings that the reader does not have yet. */
  piece(from: number, stringsFrom: number): LogPiece {
    const columns = make(0);
    for (const name of COLUMNS) copy(columns, name, this.columns, from, this.length);
    return {
      from,
      count: this.length - from,
      columns,
      stringsFrom,
      strings: this.strings.slice(stringsFrom),
    };
  }

  /** Takes a piece in; what stood at its place and behind it is forgotten. */
  take(piece: LogPiece): void {
    const end = piece.from + piece.count;
    if (end > this.columns.kind.length) this.grow(Math.max(end, this.columns.kind.length * 2));
    for (const name of COLUMNS) this.columns[name].set(piece.columns[name], piece.from);
    this.length = end;
    this.strings.length = piece.stringsFrom;
    this.strings.push(...piece.strings);
  }

  /** The last row of an event not after `step`, −1 if there is none. */
  lastOfStep(step: number): number {
    return this.search(n => this.columns.step[n]! > step) - 1;
  }

  /** The last row not after a time, −1 if there is none. */
  lastOfTime(time: number): number {
    return this.search(n => this.columns.time[n]! > time) - 1;
  }

  private search(beyond: (n: number) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (beyond(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private intern(text: string): number {
    let n = this.numbers.get(text);
    if (n === undefined) {
      n = this.strings.length;
      this.strings.push(text);
      this.numbers.set(text, n);
    }
    return n;
  }

  private grow(size: number): void {
    const old = this.columns;
    this.columns = make(size);
    for (const name of COLUMNS) this.columns[name].set(old[name].subarray(0, this.length));
  }
}

function make(size: number): Arrays {
  const out: Partial<Record<keyof Arrays, Arrays[keyof Arrays]>> = {};
  for (const name of COLUMNS) out[name] = MAKERS[name](size);
  return out as Arrays;
}

function copy<K extends keyof Arrays>(into: Arrays, name: K, from: Arrays, begin: number, end: number): void {
  into[name] = from[name].slice(begin, end) as Arrays[K];
}
