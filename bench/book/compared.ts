import type { Figure } from '../harness.ts';
import { table, type Verdict } from './markdown.ts';

/** Figures set beside each other, with what the project wants of them. */

export interface Compared {
  readonly what: string;
  readonly ours: Figure;
  /** What it is laid beside; its median is 1 in the ratio. */
  readonly beside?: Figure;
  readonly goals?: readonly Goal[];
}

/** A bound for the median, or for its ratio to that of the other. */
export interface Goal {
  readonly of: 'median' | 'ratio';
  readonly is: 'at least' | 'at most';
  readonly value: number;
}

export const times = (value: number): Goal => ({ of: 'ratio', is: 'at least', value });
export const timesAtMost = (value: number): Goal => ({ of: 'ratio', is: 'at most', value });
export const atLeast = (value: number): Goal => ({ of: 'median', is: 'at least', value });
export const atMost = (value: number): Goal => ({ of: 'median', is: 'at most', value });

/** With as many digits as such a figure is worth. */
function number(n: number): string {
  const digits = Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return n.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const cell = (f: Figure): string =>
  f.values.length === 1 ? number(f.median) : `${number(f.median)} (${number(f.min)} – ${number(f.max)})`;

const ratioOf = ({ ours, beside }: Compared): number => ours.median / (beside?.median ?? Number.NaN);

function holds(c: Compared, { of, is, value }: Goal): boolean {
  const n = of === 'ratio' ? ratioOf(c) : c.ours.median;
  return is === 'at least' ? n >= value : n <= value;
}

const words = ({ of, is, value }: Goal): string =>
  `${is} ${value.toLocaleString('en')}${of === 'ratio' ? ' ×' : ''}`;

/** One table of the book. */
export interface Table {
  /** Its place there. */
  readonly name: string;
  readonly rows: readonly Compared[];
  readonly text: string;
}

/** A table in Markdown: each row with its goals, and whether they are met. */
export function comparison(name: string, head: string, beside: string, rows: readonly Compared[]): Table {
  const cells = [
    [head, 'lastack', beside, 'ratio', 'wanted'],
    ...rows.map(row => [
      row.what,
      cell(row.ours),
      row.beside === undefined ? '' : cell(row.beside),
      row.beside === undefined ? '' : number(ratioOf(row)),
      (row.goals ?? []).map(g => `${holds(row, g) ? '✓' : '✗'} ${words(g)}`).join(', '),
    ]),
  ];
  // A column that has nothing to say is left out.
  const [first, ...others] = cells.map(row => row.filter((_, i) => cells.slice(1).some(r => r[i] !== '')));
  const text = table(first!, others);
  return { name, rows, text };
}

/** The goals of all rows, for the last lines of a report. */
export const verdicts = (rows: readonly Compared[]): Verdict[] =>
  rows.flatMap(row =>
    (row.goals ?? []).map(g => ({
      what: `${row.what}: ${words(g)} (${number(g.of === 'ratio' ? ratioOf(row) : row.ours.median)})`,
      holds: holds(row, g),
    })),
  );

/** Finds figures by what was measured and on which side. */
export function finder(figures: readonly Figure[]): (measurement: string, side: string) => Figure {
  return (measurement, side) => {
    const found = figures.find(f => f.measurement === measurement && f.side === side);
    if (found === undefined) throw new Error(`bench: no figure of '${measurement}' by '${side}'`);
    return found;
  };
}
