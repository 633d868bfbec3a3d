/**
 * One life of a connection to be explored, as data: who closes and how, the options of the hosts, the round
 * trip, when the applications call, and what the wire does to the first segments. It has a short text form,
 * with which any life can be run again.
 */
export const ORDERS = ['A-first', 'B-first', 'both', 'A-half', 'B-half', 'A-abort', 'B-abort'] as const;
export type Order = (typeof ORDERS)[number];

/** What the closing call is: close(), or shutdown(SHUT_WR) and close() after the peer's end. */
export const HOWS = ['close', 'shutdown'] as const;
export type How = (typeof HOWS)[number];

/** Segments, counted over both directions from 0, on which faults may fall. */
export const WINDOW = 12;

/**
 * When the applications call. `early`: as soon as each call is possible, without waiting for the peer's
 * byte; `turn`: request and answer; `late`: the same, each call 3 s after it became possible; a number n:
 * the close comes when n segments have been sent, whatever has happened by then.
 */
export type When = 'early' | 'turn' | 'late' | number;
export const WHENS: readonly When[] = [
  'early',
  'turn',
  'late',
  ...Array.from({ length: WINDOW }, (_, i) => i + 1),
];

/** Round trips, in microseconds. */
export const RTTS = [500, 100_000] as const;

export const DROP = 1;
export const DUPLICATE = 2;
/** It arrives after the next segment of its direction, else one RTO later. */
export const DELAY = 3;
/** From this segment on everything that A sends is lost; that B sends; that either sends. */
export const CUT_A = 4;
export const CUT_B = 5;
export const CUT_AB = 6;
const LETTERS = ['', 'x', 'd', 'y', 'A', 'B', 'AB'];

/** What happens to one segment, packed: number × 8 + action. */
export type Fault = number;
export const fault = (segment: number, action: number): Fault => segment * 8 + action;
export const segmentOf = (f: Fault): number => f >> 3;
export const actionOf = (f: Fault): number => f & 7;
export const isCut = (f: Fault): boolean => (f & 7) >= CUT_A;

/** What stays the same while fault patterns are tried. */
export interface Setting {
  readonly order: Order;
  readonly how: How;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly rtt: number;
  readonly when: When;
}

export interface Life extends Setting {
  /** In the order of segments. */
  readonly faults: readonly Fault[];
}

/** `A-first/close/sack+ts/0.5ms/turn/3x.7d.9AB`: drop 3, duplicate 7, lose everything from 9 on. */
export function lifeName(life: Life): string {
  const options = [life.sack ? 'sack' : '', life.timestamps ? 'ts' : ''].filter(s => s !== '').join('+');
  const faults = life.faults.map(f => `${segmentOf(f)}${LETTERS[actionOf(f)]}`).join('.');
  return [
    life.order,
    life.how,
    options || 'plain',
    `${life.rtt / 1000}ms`,
    life.when,
    faults || 'clean',
  ].join('/');
}

/** @returns null if the text is no life's name */
export function parseLife(text: string): Life | null {
  const [order, how, options, rtt, when, faults] = text.split('/');
  if (!ORDERS.includes(order as Order) || !HOWS.includes(how as How)) return null;
  if (options === undefined || rtt === undefined || when === undefined || faults === undefined) return null;
  const words = new Set(options.split('+'));
  const micros = Math.round(Number.parseFloat(rtt) * 1000);
  const at: When | undefined = WHENS.find(w => String(w) === when);
  if (!(micros > 0) || at === undefined) return null;
  const list: Fault[] = [];
  if (faults !== 'clean') {
    for (const word of faults.split('.')) {
      const m = /^(\d+)(x|d|y|AB|A|B)$/.exec(word);
      if (m === null) return null;
      list.push(fault(Number(m[1]), LETTERS.indexOf(m[2]!)));
    }
  }
  return {
    order: order as Order,
    how: how as How,
    sack: words.has('sack'),
    timestamps: words.has('ts'),
    rtt: micros,
    when: at,
    faults: list,
  };
}

/** Every setting, in a fixed order. */
export function* settings(whens: readonly When[] = WHENS): Generator<Setting> {
  for (const when of whens)
    for (const order of ORDERS)
      for (const how of HOWS)
        for (const rtt of RTTS)
          for (const sack of [true, false])
            for (const timestamps of [true, false]) yield { order, how, sack, timestamps, rtt, when };
}
