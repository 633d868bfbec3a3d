import { FixedWindow } from '../../src/sim/index.ts';
import { fixed, table, type Verdict, whole } from '../book/markdown.ts';
import { MATRIX, percent } from './cells.ts';
import type { Recorded } from './recorded.ts';
import type { Progress, Section } from './report.ts';
import { BUFFERS, BYTES, LOSSES, MSS, RTT, SMOLTCP } from './smoltcp.ts';
import { median } from './statistics.ts';
import { type Transfer, transfer } from './transfer.ts';

/** Small windows on a long wire: 10 MiB one way, a round trip of 100 ms, loss in both directions, no rate limit. */

/** With as much loss as here Linux's own patience (15 retries) would end a connection within hours. */
const PATIENCE = { tcp_retries2: 255 };
const HEAD = ['buffer', ...LOSSES.map(percent)];

interface Grid {
  /** Rates of the seeds by buffer and loss. */
  readonly rates: Readonly<Record<number, readonly (readonly number[])[]>>;
}

/** How many transfers a grid takes. */
export const GRID = BUFFERS.length * LOSSES.length;
/** Losses with which CUBIC carries 10 MiB within days. */
const CUBIC_LOSSES = LOSSES.filter(loss => loss <= 0.1);

function grid(
  name: string,
  seeds: number,
  bytes: number,
  progress: Progress,
  losses: readonly number[],
  of: (buffer: number) => Partial<Transfer>,
): Grid {
  const rates: Record<number, number[][]> = {};
  for (const buffer of BUFFERS) {
    rates[buffer] = losses.map(loss => {
      const cell = `matrix ${buffer} ${percent(loss)}`;
      return Array.from({ length: seeds }, (_, i) => {
        const wire = { kind: 'random' as const, loss, rtt: RTT, rate: 0, queue: 0 };
        const { rate } = transfer({ ...wire, name: cell, seed: i + 1, bytes, buffer, ...of(buffer) });
        progress.step(`${name}: ${cell}, seed ${i + 1}`);
        return rate;
      });
    });
  }
  return { rates };
}

const cells = (g: Grid, show: (rate: number, buffer: number, i: number) => string): string[][] =>
  BUFFERS.map(buffer => [
    whole(buffer),
    ...g.rates[buffer]!.map((rates, i) => show(median(rates), buffer, i)),
  ]);

/** What a sender of full segments can reach: as many as fit the buffer, each round trip. */
const cap = (buffer: number, mss: number): number => (Math.floor(buffer / mss) * mss * 1e6) / RTT;

/** smoltcp's sender and receiver fill a buffer to the byte; so do lastack's if they are asked to, and not by default. */
export function fixedWindow(seeds: number, quick: boolean, progress: Progress): Section {
  const bytes = quick ? 2 ** 18 : BYTES;
  const sysctl = { ...PATIENCE, tcp_timestamps: 0 };
  const congestion = new FixedWindow();
  const exact = grid('fixed window', seeds, bytes, progress, LOSSES, () => ({
    congestion,
    exact: true,
    sysctl,
  }));
  const plain = grid('fixed window, defaults', seeds, bytes, progress, LOSSES, () => ({
    congestion,
    sysctl,
  }));
  const times = (rate: number, buffer: number, i: number): string =>
    `${whole(rate)} (${fixed(rate / SMOLTCP[buffer]![i]!)})`;
  const wanted = (buffer: number, i: number): number =>
    (LOSSES[i]! >= 0.2 ? 1.5 : 0.95) * SMOLTCP[buffer]![i]!;
  const short = BUFFERS.flatMap(buffer =>
    LOSSES.flatMap((loss, i) => {
      const rate = median(exact.rates[buffer]![i]!);
      if (loss === 0 || rate >= wanted(buffer, i)) return [];
      return [`${buffer} ${percent(loss)}: ${fixed(rate / SMOLTCP[buffer]![i]!, 3)}`];
    }),
  );
  const idle = BUFFERS.filter(b => median(exact.rates[b]![0]!) < 0.95 * cap(b, MSS));
  const verdicts: Verdict[] = [
    {
      what: `fixed window: 0.95 of smoltcp's with loss, 1.5 at 20 and 30 %${short.length > 0 ? ` (${short.join(', ')})` : ''}`,
      holds: short.length === 0,
    },
    {
      what: `fixed window without loss: 0.95 of the full segments that fit the buffer${idle.length > 0 ? ` (${idle})` : ''}`,
      holds: idle.length === 0,
    },
  ];
  const text = [
    `Bytes per second, medians of ${seeds} seeds; in brackets the part of smoltcp's published figure.`,
    `Buffers filled to the byte (\`tcp_shrink_window\` at the receiver, \`TCP_NODELAY\` at the sender):`,
    table(HEAD, cells(exact, times)),
    'The defaults, by which window and flight are whole segments; nothing is wanted of these:',
    table(HEAD, cells(plain, times)),
    "smoltcp's figures:",
    table(
      HEAD,
      BUFFERS.map(b => [whole(b), ...SMOLTCP[b]!.map(whole)]),
    ),
  ].join('\n\n');
  return {
    name: 'fixed',
    title: 'A fixed window beside smoltcp',
    text,
    verdicts,
    data: { exact, plain, smoltcp: SMOLTCP },
  };
}

/** With CUBIC and Linux's rules. */
export function cubic(seeds: number, quick: boolean, recorded: Recorded, progress: Progress): Section {
  const bytes = quick ? 2 ** 20 : BYTES;
  const plain = grid('CUBIC', seeds, bytes, progress, CUBIC_LOSSES, () => ({ sysctl: PATIENCE }));
  const options = { hz: recorded.hz, sysctl: { ...recorded.sysctl, ...PATIENCE } };
  const rows: string[][] = [];
  const short: string[] = [];
  const data: unknown[] = [];
  for (const cell of beside(recorded, quick)) {
    const linux = recorded.rates(cell.name);
    const ours = Array.from({ length: seeds }, (_, i) => {
      const { rate } = transfer({ ...cell, ...options, seed: i + 1, bytes: cell.realBytes });
      progress.step(`beside Linux: ${cell.name}, seed ${i + 1}`);
      return rate;
    });
    const ratio = median(ours) / median(linux);
    data.push({ cell: cell.name, bytes: cell.realBytes, linux, ours });
    if (cell.loss > 0 && ratio < 0.95) short.push(`${cell.name}: ${fixed(ratio, 3)}`);
    rows.push([whole(cell.buffer ?? 0), percent(cell.loss), range(ours), range(linux), fixed(ratio)]);
  }
  const idle = BUFFERS.filter(b => median(plain.rates[b]![0]!) < 0.95 * cap(b, MSS - 12));
  const verdicts = [
    {
      what: `CUBIC: 0.95 of Linux's from 0.1 to 10 %${short.length > 0 ? ` (${short.join(', ')})` : ''}`,
      holds: short.length === 0,
    },
    {
      what: `CUBIC without loss: 0.95 of the full segments that fit the buffer${idle.length > 0 ? ` (${idle})` : ''}`,
      holds: idle.length === 0,
    },
  ];
  const text = [
    `Bytes per second of ${quick ? 1 : 10} MiB, medians of ${seeds} seeds (CUBIC, timestamps, segments of ${MSS - 12} bytes):`,
    table(['buffer', ...CUBIC_LOSSES.map(percent)], cells(plain, whole)),
    'Beside what Linux did in real time, with the bytes that it carried; medians, least and most:',
    table(['buffer', 'loss', 'lastack', 'Linux', 'ratio'], rows),
  ].join('\n\n');
  return { name: 'cubic', title: "CUBIC, Linux's rules", text, verdicts, data };
}

const range = (values: readonly number[]): string =>
  `${whole(median(values))} (${whole(Math.min(...values))} – ${whole(Math.max(...values))})`;

/** The cells that were recorded; a few for the quick form. */
const beside = (recorded: Recorded, quick: boolean): typeof MATRIX =>
  MATRIX.filter(cell => recorded.rates(cell.name).length > 0 && (!quick || cell.loss === 0.05));

/** Transfers of `cubic`, for its progress. */
export const cubicCount = (seeds: number, quick: boolean, recorded: Recorded): number =>
  seeds * (BUFFERS.length * CUBIC_LOSSES.length + beside(recorded, quick).length);
