import type { Kind, Wire } from './impairments.ts';

/**
 * What is measured under loss, once for Linux (in real time, between two namespaces) and once for lastack (in
 * virtual time): in each cell one connection with CUBIC carries bytes one way, MTU 1500, timestamps and SACK on.
 * The client sends. Counted are the seconds from the client's connect() having succeeded until the last byte has
 * been read by the server's program, which reads whatever there is at once.
 */
export interface Cell extends Wire {
  /** Names the cell in results and seeds its runs. */
  readonly name: string;
  readonly group: 'race' | 'matrix';
  readonly bytes: number;
  /**
   * Bytes that Linux carries in the cell, in real time: fewer than `bytes` where those would last for longer than
   * about 80 seconds. There, bytes per second are compared.
   */
  readonly realBytes: number;
  /** Bytes of the largest window that the receiver announces; null for the stack's default, autotuning included. */
  readonly buffer: number | null;
}

/** Runs of each cell, numbered from 1; the number is the seed. */
export const SEEDS = 15;

export const percent = (share: number): string => `${+(share * 100).toFixed(3)}%`;

/** A router's port of 100 Mbit/s in each direction, with a drop-tail queue. */
const RACE_RATE = 100_000_000;
const RACE_QUEUE = 1000;
const RACE_RTTS = [10_000, 50_000, 100_000];
const RACE_KINDS: readonly Kind[] = ['random', 'bursty', 'reordering'];
const RACE_LOSSES: readonly (readonly [loss: number, bytes: number])[] = [
  [0, 20_000_000],
  [0.001, 20_000_000],
  [0.01, 2_000_000],
  [0.02, 2_000_000],
  [0.05, 2_000_000],
  [0.1, 2_000_000],
];

/** Without loss there are no bursts either: that cell is the same as 'random', and left out. */
export const RACE: readonly Cell[] = RACE_RTTS.flatMap(rtt =>
  RACE_LOSSES.flatMap(([loss, bytes]) =>
    RACE_KINDS.filter(kind => loss > 0 || kind !== 'bursty').map((kind): Cell => {
      const name = `race ${rtt / 1000}ms ${percent(loss)} ${kind}`;
      const wire = { kind, loss, rtt, rate: RACE_RATE, queue: RACE_QUEUE };
      return { ...wire, name, group: 'race', bytes, realBytes: bytes, buffer: null };
    }),
  ),
);

const MATRIX_BYTES = 10 * 2 ** 20;
const MATRIX_BUFFERS = [4096, 8192, 16384, 32768];
/** With the bytes per second that are expected at most, by which `realBytes` are chosen. */
const MATRIX_LOSSES: readonly (readonly [loss: number, expected: number])[] = [
  [0, Number.POSITIVE_INFINITY],
  [0.001, Number.POSITIVE_INFINITY],
  [0.01, 100_000],
  [0.02, 60_000],
  [0.05, 24_000],
  [0.1, 10_000],
];
const MATRIX_SECONDS = 80;

/** Small windows on a long wire without a rate: loss is random and independent in both directions. */
export const MATRIX: readonly Cell[] = MATRIX_BUFFERS.flatMap(buffer =>
  MATRIX_LOSSES.map(([loss, expected]): Cell => {
    const rtt = 100_000;
    const name = `matrix ${buffer} ${percent(loss)}`;
    const wire = { kind: 'random' as const, loss, rtt, rate: 0, queue: 0 };
    const perSecond = Math.min((buffer * 1_000_000) / rtt, expected);
    const realBytes = Math.min(MATRIX_BYTES, Math.round((perSecond * MATRIX_SECONDS) / 65_536) * 65_536);
    return { ...wire, name, group: 'matrix', bytes: MATRIX_BYTES, realBytes, buffer };
  }),
);

export const CELLS: readonly Cell[] = [...RACE, ...MATRIX];
