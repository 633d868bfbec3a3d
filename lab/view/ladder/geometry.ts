import { type EventLog, MARK_INJECTED, MARK_LOOP, PACKET, SEGMENT } from '../../engine/log.ts';
import type { Axis } from '../../model/axis.ts';

/** Where the two life lines stand in a picture of some width. */
export interface Frame {
  readonly width: number;
  readonly a: number;
  readonly b: number;
  /** Little room: no times, short names. */
  readonly narrow: boolean;
}

export function frameOf(width: number): Frame {
  const narrow = width < 560;
  const left = narrow ? 74 : 172;
  const right = narrow ? 74 : 112;
  return { width, a: left, b: Math.max(left + 120, width - right), narrow };
}

/** An arrow from where it is sent to where it arrives, or is lost. */
export interface Arrow {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** How far along its way a lost segment comes. */
export const LOST_AT = 0.62;
/** Depth of the loop of a segment that a host sends to itself. */
export const LOOP = 54;

export const isArrow = (log: EventLog, row: number): boolean =>
  log.columns.kind[row] === SEGMENT || log.columns.kind[row] === PACKET;

export const isLost = (log: EventLog, row: number): boolean =>
  (log.columns.arrival[row] ?? -1) < 0 && !((log.columns.marks[row] ?? 0) & MARK_LOOP);

/** Fills `out` with the whole way of a row's segment. */
export function arrowOf(log: EventLog, axis: Axis, row: number, f: Frame, out: Arrow): Arrow {
  const { side, marks } = log.columns;
  const fromA = side[row] === 0;
  const y = axis.rows[row]!;
  const end = axis.ends[row]!;
  out.x1 = fromA ? f.a : f.b;
  out.x2 = fromA ? f.b : f.a;
  out.y1 = y;
  out.y2 = end;
  if (marks[row]! & MARK_INJECTED) out.x1 = (f.a + f.b) / 2;
  if (isLost(log, row)) {
    out.x2 = out.x1 + (out.x2 - out.x1) * LOST_AT;
    out.y2 = y + 10;
  }
  return out;
}

/** The row whose arrow is nearest to a point, −1 if none is near. */
export function rowAt(log: EventLog, axis: Axis, f: Frame, x: number, y: number): number {
  const arrow: Arrow = { x1: 0, y1: 0, x2: 0, y2: 0 };
  let best = -1;
  let least = 11;
  for (let i = axis.firstReaching(y - 40); i < log.length && axis.rows[i]! < y + 40; i++) {
    if (!isArrow(log, i)) continue;
    const loop = (log.columns.marks[i]! & MARK_LOOP) !== 0;
    const d = loop
      ? loopDistance(axis, i, f, log.columns.side[i] === 0, x, y)
      : distance(arrowOf(log, axis, i, f, arrow), x, y);
    if (d < least) {
      least = d;
      best = i;
    }
  }
  return best;
}

function loopDistance(axis: Axis, row: number, f: Frame, atA: boolean, x: number, y: number): number {
  const inside = atA ? x >= f.a && x <= f.a + 260 : x <= f.b && x >= f.b - 260;
  return inside ? Math.abs(y - axis.rows[row]!) : Number.POSITIVE_INFINITY;
}

/** To the arrow, a label's height above it included. */
function distance({ x1, y1, x2, y2 }: Arrow, x: number, y: number): number {
  const share = x1 === x2 ? 0 : (x - x1) / (x2 - x1);
  if (share < -0.02 || share > 1.02) return Number.POSITIVE_INFINITY;
  const d = y - (y1 + share * (y2 - y1));
  return d < 0 ? Math.max(0, -d - 8) : d;
}
