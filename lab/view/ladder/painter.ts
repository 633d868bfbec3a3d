import {
  CALL,
  type EventLog,
  MARK_AGAIN,
  MARK_COPY,
  MARK_LOOP,
  NOTE,
  SEGMENT,
  STATE,
  TIMER,
} from '../../engine/log.ts';
import type { Axis } from '../../model/axis.ts';
import type { Lives } from '../../model/lives.ts';
import { reasonText } from '../../words/notes.ts';
import { clockText, eventText, fateKey, optionsAndReason, segmentParts } from '../../words/row.ts';
import { timerText } from '../../words/timers.ts';
import { t } from '../../words/words.ts';
import { type Arrow, arrowOf, type Frame, isArrow, isLost, LOOP } from './geometry.ts';
import { drawLives, stateLabel } from './lifelines.ts';
import { type Palette, segmentColour } from './palette.ts';

const SANS = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans CJK SC", sans-serif';
export const MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** All that decides what the ladder looks like. */
export interface Scene {
  readonly log: EventLog;
  readonly axis: Axis;
  readonly lives: Lives;
  readonly frame: Frame;
  readonly height: number;
  readonly top: number;
  /** The moment: how many rows have happened, its time and height. */
  readonly last: number;
  readonly time: number;
  readonly y: number;
  readonly conn: number;
  readonly only: boolean;
  readonly chosen: number;
  readonly repeated: number;
  readonly palette: Palette;
}

const GHOST = 0.13;
const OTHER = 0.42;

/** Draws the rows of the ladder that can be seen. */
export function paintLadder(g: CanvasRenderingContext2D, s: Scene): void {
  const { axis, log } = s;
  g.clearRect(0, 0, s.frame.width, s.height);
  g.save();
  g.translate(0, -s.top);
  g.textBaseline = 'middle';
  drawLives(g, s);
  const first = axis.firstReaching(s.top - 30);
  const end = Math.min(log.length, axis.rowAt(s.top + s.height + 30));
  const arrow: Arrow = { x1: 0, y1: 0, x2: 0, y2: 0 };
  if (s.chosen >= first && s.chosen < end) band(g, s, s.chosen);
  let time = -1;
  for (let i = first; i < end; i++) {
    if (axis.ends[i]! < s.top - 30) continue;
    if (s.only && log.columns.conn[i]! >= 0 && log.columns.conn[i] !== s.conn) continue;
    const past = i <= s.last;
    g.globalAlpha = past ? (log.columns.conn[i] === s.conn || log.columns.conn[i]! < 0 ? 1 : OTHER) : GHOST;
    if (isArrow(log, i)) paintArrow(g, s, i, past, arrowOf(log, axis, i, s.frame, arrow));
    else paintEvent(g, s, i, past);
    if (log.columns.time[i] !== time) {
      time = log.columns.time[i]!;
      if (past) paintTime(g, s, time, axis.rows[i]!);
    }
  }
  g.globalAlpha = 1;
  paintMoment(g, s);
  g.restore();
}

function band(g: CanvasRenderingContext2D, s: Scene, row: number): void {
  g.fillStyle = s.palette.band;
  g.fillRect(0, s.axis.rows[row]! - 11, s.frame.width, 22);
}

function paintTime(g: CanvasRenderingContext2D, s: Scene, time: number, y: number): void {
  if (s.frame.narrow) return;
  g.font = `11px ${MONO}`;
  g.textAlign = 'right';
  g.fillStyle = s.palette.soft;
  g.fillText(clockText(time), 66, y);
}

function paintArrow(g: CanvasRenderingContext2D, s: Scene, row: number, past: boolean, w: Arrow): void {
  const { log } = s;
  const c = log.columns;
  const lost = isLost(log, row);
  const tcp = c.kind[row] === SEGMENT;
  const colour = s.palette[tcp ? segmentColour(c.flags[row]!, c.length[row]!, lost) : lost ? 'red' : 'soft'];
  const again = (c.marks[row]! & (MARK_AGAIN | MARK_COPY)) !== 0;
  g.strokeStyle = colour;
  g.fillStyle = colour;
  g.lineWidth = row === s.chosen || row === s.repeated ? 2.6 : 1.6;
  if (c.marks[row]! & MARK_LOOP) {
    paintLoop(g, s, row, w.y1, c.side[row] === 0);
    return;
  }
  // Of a segment in a capture it is often not known how long it travels.
  const whole = c.arrival[row]! - c.time[row]!;
  const share = !past || lost || whole <= 0 ? 1 : Math.min(1, (s.time - c.time[row]!) / whole);
  const x = w.x1 + (w.x2 - w.x1) * share;
  const y = w.y1 + (w.y2 - w.y1) * share;
  g.setLineDash(again ? [7, 4] : []);
  line(g, w.x1, w.y1, x, y);
  g.setLineDash([]);
  if (share < 1) {
    const alpha = g.globalAlpha;
    g.globalAlpha = alpha * 0.25;
    line(g, x, y, w.x2, w.y2);
    g.globalAlpha = alpha;
    disc(g, x, y, 4);
  } else if (lost) cross(g, x, y);
  else head(g, w);
  if (past) paintLabel(g, s, row, w, colour);
}

function paintLabel(g: CanvasRenderingContext2D, s: Scene, row: number, w: Arrow, colour: string): void {
  const { log, frame } = s;
  const toRight = w.x2 >= w.x1;
  const room = Math.abs(w.x2 - w.x1) - 24;
  g.save();
  g.translate(w.x1, w.y1);
  g.rotate(Math.atan2(w.y2 - w.y1, w.x2 - w.x1) + (toRight ? 0 : Math.PI));
  g.font = `${frame.narrow ? 11 : 12}px ${SANS}`;
  g.textAlign = toRight ? 'left' : 'right';
  const text = fitted(g, labelOf(log, row), room);
  halo(g, text, toRight ? 14 : -14, -8, s.palette.paper, colour);
  g.restore();
  if (isLost(log, row) || fateKey(log, row) !== 'delivered') paintFate(g, s, row, w, toRight);
}

function labelOf(log: EventLog, row: number): string[] {
  const c = log.columns;
  if (c.kind[row] !== SEGMENT) return [optionsAndReason(log, row)[0]];
  const parts = segmentParts(log, row);
  const why = log.whyOf(row);
  if (c.marks[row]! & MARK_COPY) parts.unshift(t('copy'));
  if (c.marks[row]! & MARK_AGAIN) parts.unshift(`↻${why === '' ? '' : ` ${timerText(why)}`}`);
  return parts;
}

function paintFate(g: CanvasRenderingContext2D, s: Scene, row: number, w: Arrow, toRight: boolean): void {
  const [, reason] = optionsAndReason(s.log, row);
  const lost = isLost(s.log, row);
  const fate = lost ? t('dropped') : t(fateKey(s.log, row));
  const by = reasonText(reason).replace(/^drop /, '');
  const text = by === '' ? fate : `${fate}${t('colon')}${by}`;
  g.font = `italic 11px ${SANS}`;
  const room = lost ? Math.abs(s.frame.b - s.frame.a) * 0.36 : 150;
  g.textAlign = toRight ? 'left' : 'right';
  const x = lost ? w.x2 + (toRight ? 12 : -12) : w.x1 + (w.x2 - w.x1) * 0.6;
  const y = lost ? w.y2 : w.y1 + (w.y2 - w.y1) * 0.6 + 10;
  halo(g, fitted(g, [text], room), x, y, s.palette.paper, s.palette.red);
}

/** A segment of a host to itself leaves its life line and comes back to it. */
function paintLoop(g: CanvasRenderingContext2D, s: Scene, row: number, y: number, atA: boolean): void {
  const x = atA ? s.frame.a : s.frame.b;
  const out = atA ? LOOP : -LOOP;
  g.beginPath();
  g.moveTo(x, y - 5);
  g.bezierCurveTo(x + out, y - 7, x + out, y + 7, x, y + 5);
  g.stroke();
  head(g, { x1: x + out / 2, y1: y + 6, x2: x, y2: y + 5 });
  if (row > s.last) return;
  g.font = `12px ${SANS}`;
  g.textAlign = atA ? 'left' : 'right';
  const colour = g.fillStyle as string;
  halo(g, fitted(g, labelOf(s.log, row), 360), x + out, y, s.palette.paper, colour);
}

function paintEvent(g: CanvasRenderingContext2D, s: Scene, row: number, past: boolean): void {
  const { log, axis, frame, palette } = s;
  const c = log.columns;
  const y = axis.rows[row]!;
  const atA = c.side[row] === 0;
  if (c.kind[row] === STATE) {
    stateLabel(g, s, row, y, atA);
    return;
  }
  if (!past) return;
  g.font = `11px ${c.kind[row] === CALL ? MONO : SANS}`;
  if (c.kind[row] === NOTE) {
    g.textAlign = 'center';
    halo(
      g,
      fitted(g, [eventText(log, row)], frame.b - frame.a - 20),
      (frame.a + frame.b) / 2,
      y,
      palette.paper,
      palette.purple,
    );
    return;
  }
  const text = `${c.kind[row] === TIMER ? '◷ ' : ''}${eventText(log, row)}`;
  g.textAlign = atA ? 'left' : 'right';
  const failed = c.kind[row] === CALL && /= E[A-Z]+$/.test(text);
  const colour = failed ? palette.red : c.kind[row] === TIMER ? palette.purple : palette.soft;
  halo(
    g,
    fitted(g, [text], frame.b - frame.a - 20),
    atA ? frame.a + 10 : frame.b - 10,
    y,
    palette.paper,
    colour,
  );
}

function paintMoment(g: CanvasRenderingContext2D, s: Scene): void {
  g.strokeStyle = s.palette.accent;
  g.lineWidth = 1.2;
  g.setLineDash([2, 3]);
  line(g, s.frame.narrow ? 0 : 70, s.y, s.frame.width, s.y);
  g.setLineDash([]);
  g.font = `600 11px ${MONO}`;
  g.textAlign = 'left';
  const text = clockText(Math.round(s.time));
  const width = g.measureText(text).width + 10;
  g.fillStyle = s.palette.accent;
  g.beginPath();
  g.roundRect(2, s.y - 8, width, 16, 4);
  g.fill();
  g.fillStyle = s.palette.paper;
  g.fillText(text, 7, s.y + 0.5);
}

// Small shapes.

function line(g: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x2, y2);
  g.stroke();
}

function disc(g: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  g.beginPath();
  g.arc(x, y, r, 0, Math.PI * 2);
  g.fill();
}

function cross(g: CanvasRenderingContext2D, x: number, y: number): void {
  g.lineWidth = 2.2;
  line(g, x - 5, y - 5, x + 5, y + 5);
  line(g, x - 5, y + 5, x + 5, y - 5);
}

function head(g: CanvasRenderingContext2D, { x1, y1, x2, y2 }: Arrow): void {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  g.beginPath();
  g.moveTo(x2, y2);
  g.lineTo(x2 - 9 * Math.cos(angle - 0.4), y2 - 9 * Math.sin(angle - 0.4));
  g.lineTo(x2 - 9 * Math.cos(angle + 0.4), y2 - 9 * Math.sin(angle + 0.4));
  g.closePath();
  g.fill();
}

/** Text that stays legible on lines. */
export function halo(
  g: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  paper: string,
  colour: string,
): void {
  g.lineJoin = 'round';
  g.lineWidth = 4;
  g.strokeStyle = paper;
  g.strokeText(text, x, y);
  g.fillStyle = colour;
  g.fillText(text, x, y);
}

const widths = new Map<string, number>();

/** Measuring is what costs most in drawing text, and the same texts come again in each frame. */
function widthOf(g: CanvasRenderingContext2D, text: string): number {
  const key = `${g.font}|${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > 20_000) widths.clear();
    width = g.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/** As many of the parts as there is room for. */
function fitted(g: CanvasRenderingContext2D, parts: readonly string[], room: number): string {
  let text = parts[0] ?? '';
  for (const part of parts.slice(1)) {
    const longer = `${text}  ${part}`;
    if (widthOf(g, longer) > room) break;
    text = longer;
  }
  if (widthOf(g, text) <= room) return text;
  let n = text.length;
  while (n > 1 && widthOf(g, `${text.slice(0, n)}…`) > room) n--;
  return `${text.slice(0, n)}…`;
}

/** What a row says, for those who don't see it. */
export function rowText(log: EventLog, row: number, sides: readonly [string, string]): string {
  const c = log.columns;
  const kind = c.kind[row];
  if (kind === STATE) return '';
  if (!isArrow(log, row)) return eventText(log, row);
  const [from, to] = c.side[row] === 0 ? sides : [sides[1], sides[0]];
  const parts = labelOf(log, row);
  if (parts[0]?.startsWith('↻')) parts[0] = parts[0].replace('↻', t('again'));
  return `${from} → ${to} ${parts.join(' ')}`;
}

export const fateText = (log: EventLog, row: number): string =>
  isArrow(log, row) ? (isLost(log, row) ? t('dropped') : t(fateKey(log, row))) : '';
