import { CLOSED, LISTEN, stateName, TIME_WAIT } from '../../../src/tcp/state.ts';
import { spanText } from '../../words/row.ts';
import { MONO, type Scene } from './painter.ts';
import { stateColour } from './palette.ts';

/** States that last: a name is written along the bar where it is this long, in pixels. */
const LONG = 110;

/** Both life lines: coloured by the state of the chosen connection, TIME_WAIT as a long bar. */
export function drawLives(g: CanvasRenderingContext2D, s: Scene): void {
  for (const side of [0, 1] as const) {
    const x = side === 0 ? s.frame.a : s.frame.b;
    g.globalAlpha = 1;
    g.lineWidth = 1.5;
    g.strokeStyle = s.palette.rule;
    g.beginPath();
    g.moveTo(x, s.top);
    g.lineTo(x, Math.min(s.top + s.height, s.axis.height));
    g.stroke();
    for (const span of s.lives.spans(side, s.conn)) {
      if (span.row > s.last || span.state === CLOSED || span.state === LISTEN) continue;
      const from = s.axis.rows[span.row]!;
      const ends = span.next >= 0 && span.next <= s.last;
      const to = ends ? s.axis.rows[span.next]! : Math.max(from, s.y);
      if (to < s.top || from > s.top + s.height) continue;
      bar(g, s, x, from, to, span.state);
      if (span.state === TIME_WAIT) waitText(g, s, x, side, from, to, span.row, ends ? span.next : -1);
    }
  }
}

function bar(
  g: CanvasRenderingContext2D,
  s: Scene,
  x: number,
  from: number,
  to: number,
  state: number,
): void {
  const wide = state === TIME_WAIT ? 10 : 5;
  g.fillStyle = s.palette[stateColour(state)];
  g.globalAlpha = state === TIME_WAIT ? 0.85 : 0.75;
  g.beginPath();
  g.roundRect(x - wide / 2, from, wide, Math.max(2, to - from), 2);
  g.fill();
  g.globalAlpha = 1;
}

/** How long TIME_WAIT has lasted, along its bar. */
function waitText(
  g: CanvasRenderingContext2D,
  s: Scene,
  x: number,
  side: 0 | 1,
  from: number,
  to: number,
  row: number,
  next: number,
): void {
  const { time } = s.log.columns;
  const lasted = (next < 0 ? s.time : time[next]!) - time[row]!;
  const middle = (Math.max(from, s.top) + Math.min(to, s.top + s.height)) / 2;
  if (to - from < 36) return;
  g.save();
  g.translate(x + (side === 0 ? -13 : 13), middle);
  g.rotate(-Math.PI / 2);
  g.font = `10px ${MONO}`;
  g.textAlign = 'center';
  g.fillStyle = s.palette.blue;
  g.fillText(to - from < LONG ? spanText(lasted) : `TIME_WAIT ${spanText(lasted)}`, 0, 0);
  g.restore();
}

/** The state's name in a pill beside the life line, at the moment it begins. */
export function stateLabel(
  g: CanvasRenderingContext2D,
  s: Scene,
  row: number,
  y: number,
  atA: boolean,
): void {
  const c = s.log.columns;
  const mine = c.conn[row] === s.conn;
  if (row > s.last) return;
  const x = atA ? s.frame.a - 9 : s.frame.b + 9;
  const name = stateName(c.to[row]!);
  const text = s.frame.narrow ? short(name) : name;
  g.font = `600 ${s.frame.narrow ? 9 : 10.5}px ${MONO}`;
  const width = g.measureText(text).width + 10;
  g.textAlign = atA ? 'right' : 'left';
  const colour = s.palette[stateColour(c.to[row]!)];
  if (mine) {
    g.globalAlpha *= 0.16;
    g.fillStyle = colour;
    g.beginPath();
    g.roundRect(atA ? x - width : x, y - 8, width, 16, 8);
    g.fill();
    g.globalAlpha = 1;
  }
  g.fillStyle = mine ? colour : s.palette.soft;
  g.fillText(text, atA ? x - 5 : x + 5, y + 0.5);
}

/** ESTABLISHED is too long for a telephone. */
const short = (name: string): string =>
  name === 'ESTABLISHED' ? 'ESTAB' : name.replace('FIN_WAIT_', 'FIN_W_').replace('CLOSE_WAIT', 'CLOSE_W');
