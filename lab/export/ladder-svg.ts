import { CLOSED, type State, TIME_WAIT } from '../../src/tcp/state.ts';
import { stateSvg } from '../../src/tools/diagram/svg.ts';
import { RST } from '../../src/wire/segment.ts';
import {
  CALL,
  type EventLog,
  MARK_AGAIN,
  MARK_INJECTED,
  MARK_LOOP,
  NOTE,
  PACKET,
  SEGMENT,
  SIDE_A,
  STATE,
  TIMER,
} from '../engine/log.ts';
import { ADDRESS } from '../engine/names.ts';
import { Axis } from '../model/axis.ts';
import { HEADS, label, legend, round } from './ladder-parts.ts';
import { LADDER_STYLE } from './ladder-style.ts';
import {
  againText,
  clip,
  clockText,
  fateText,
  type Lang,
  reasonOf,
  segmentText,
  spanText,
  stateText,
  WORDS,
  xml,
} from './ladder-text.ts';

export interface LadderOptions {
  /** First row, and the one behind the last. @default all rows */
  readonly from?: number;
  readonly to?: number;
  /** Where rows stand; made of the log if left out. */
  readonly axis?: Axis;
  /** Names of the two life lines. @default A and B with their addresses */
  readonly names?: readonly [string, string];
  readonly title?: string;
  /** Names of the connections, by number: more than one, and states say whose they are. */
  readonly connections?: readonly string[];
  readonly lang?: Lang;
}

/** The most rows that one picture holds. */
export const MOST_ROWS = 3000;

const WIDTH = 1230;
const A = 340;
const B = 940;
const TIME_X = 14;
const HEAD = 112;
const FOOT = 64;
/** How far a lost segment comes, and a looped one goes out. */
const LOST_AT = 0.62;
const LOOP = 46;
/** Degrees up to which a label lies along its arrow. */
const STEEP = 34;
/** Arrows nearer to each other than this, px, are written alike. */
const CLOSE = 90;
/** Room for texts, in columns of 6 and 6.6 px. */
const LABEL = 47;
const REASON = 28;
const OUTSIDE = 38;
const STATES = 34;

/**
 * The ladder of a log as a picture of its own: the two hosts' life lines, time at the left, a slanting arrow
 * for each segment, broken off with a cross where it is lost, states and calls beside the lines. Light or dark
 * as the viewer is; texts of scripts are escaped; what is too long ends in an ellipsis with the whole in its
 * tool tip; more than 3000 rows are left out, and it says so.
 */
export function ladderSvg(log: EventLog, options: LadderOptions = {}): string {
  return new Ladder(log, options).draw();
}

/** The diagram of the eleven states with the way that a connection has gone and the state that it is in. */
export function statesSvg(path: readonly (readonly [State, State])[], present: State): string {
  return stateSvg({ path, highlight: present });
}

class Ladder {
  private readonly log: EventLog;
  private readonly axis: Axis;
  private readonly lang: Lang;
  private readonly from: number;
  private readonly to: number;
  private readonly last: number;
  private readonly options: LadderOptions;
  /** What lies under the arrows, the arrows, and the texts above them. */
  private readonly below: string[] = [];
  private readonly arrows: string[] = [];
  private readonly texts: string[] = [];
  private bottom = HEAD;
  private top = 0;
  /** Where the last time was written. */
  private timed = Number.NEGATIVE_INFINITY;
  /** Rows whose texts lie flat. */
  private readonly steep = new Set<number>();
  /** Bars of TIME_WAIT: their ends by lane, on each side. */
  private readonly lanes: [number[], number[]] = [[], []];

  constructor(log: EventLog, options: LadderOptions) {
    this.log = log;
    this.options = options;
    this.lang = options.lang ?? 'en';
    this.from = Math.max(0, Math.min(options.from ?? 0, log.length));
    this.last = Math.max(this.from, Math.min(options.to ?? log.length, log.length));
    this.to = Math.min(this.last, this.from + MOST_ROWS);
    this.axis = options.axis ?? axisOf(log);
  }

  draw(): string {
    const { time } = this.log.columns;
    if (this.to > this.from) this.top = this.axis.yOf(time[this.from]!);
    this.level();
    for (let row = this.from; row < this.to; row++) this.row(row);
    for (let row = this.from; row < this.to; row++) this.wait(row);
    const height = Math.ceil(this.bottom + FOOT);
    const title = this.options.title ?? 'TCP';
    const out = [
      `<svg xmlns="http://www.w3.org/2000/svg" class="ll" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" lang="${this.lang}" aria-labelledby="ll-title">`,
      `<title id="ll-title">${xml(title)}</title>`,
      `<style>${LADDER_STYLE}</style>`,
      '<defs>',
      ...HEADS,
      '</defs>',
      `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
      `<text class="title" x="${TIME_X}" y="34">${xml(clip(title, 100))}</text>`,
      ...this.below,
      ...this.lives(),
      ...this.arrows,
      ...this.texts,
      ...legend(WIDTH, height, this.left(), this.lang),
      '</svg>',
    ];
    return `${out.join('\n')}\n`;
  }

  private y(row: number): number {
    return round(this.axis.rows[row]! - this.top + HEAD);
  }

  private yAt(time: number): number {
    return this.axis.yOf(time) - this.top + HEAD;
  }

  private landing(row: number): number {
    return this.axis.ends[row]! - this.top + HEAD;
  }

  /** Where a lost segment would have arrived: beside one that was sent with it, if there is one. */
  private would(row: number, y: number): number {
    const { kind, side, time, arrival } = this.log.columns;
    for (const way of [-1, 1])
      for (let i = row + way; i >= this.from && i < this.to && time[i] === time[row]; i += way)
        if (kind[i] === SEGMENT && side[i] === side[row] && arrival[i]! > time[i]!)
          return this.landing(i) - way * 6;
    return y + 18;
  }

  /**
   * Along a steep arrow a text would run into its neighbours'. Arrows of one side that begin close to each other
   * are written one way.
   */
  private level(): void {
    const { kind, side } = this.log.columns;
    for (const from of [0, 1]) {
      let group: number[] = [];
      let most = 0;
      const close = (): void => {
        if (most > (B - A) * Math.tan((STEEP * Math.PI) / 180)) for (const row of group) this.steep.add(row);
        group = [];
        most = 0;
      };
      for (let row = this.from; row < this.to; row++) {
        if ((kind[row] !== SEGMENT && kind[row] !== PACKET) || side[row] !== from) continue;
        if (group.length > 0 && this.y(row) - this.y(group.at(-1)!) > CLOSE) close();
        group.push(row);
        most = Math.max(most, this.landing(row) - this.y(row));
      }
      close();
    }
  }

  private lives(): string[] {
    const names = this.options.names ?? [`A  ${ADDRESS.A}`, `B  ${ADDRESS.B}`];
    return [A, B].flatMap((x, i) => [
      `<path class="life" d="M ${x} 84 V ${round(this.bottom + 8)}"/>`,
      `<rect class="box" x="${x - 76}" y="56" width="152" height="28" rx="7"/>`,
      `<text class="name" x="${x}" y="75">${xml(clip(names[i] ?? '', 17))}</text>`,
    ]);
  }

  private row(row: number): void {
    const { kind, side } = this.log.columns;
    this.time(row);
    this.bottom = Math.max(this.bottom, this.y(row) + 8);
    if (kind[row] === SEGMENT || kind[row] === PACKET) this.arrow(row);
    else if (kind[row] === STATE) {
      const since = this.log.columns.from[row] === TIME_WAIT ? this.before(row) : -1;
      this.outside(
        row,
        side[row]!,
        'state',
        `${this.whose(row)}${stateText(this.log, row, since, this.lang)}`,
        STATES,
      );
      this.below.push(
        `<circle class="dot" cx="${side[row] === SIDE_A ? A : B}" cy="${this.y(row)}" r="2.6"/>`,
      );
    } else if (kind[row] === CALL) {
      const blocked = Number(this.log.whyOf(row));
      const text = `${this.log.textOf(row)}${blocked > 0 ? ` (${spanText(blocked)})` : ''}`;
      this.outside(row, side[row]!, 'call', text, OUTSIDE);
    } else if (kind[row] === TIMER)
      this.outside(row, side[row]!, 'timer', `${WORDS.timer[this.lang]} ${this.log.textOf(row)}`, OUTSIDE);
    else if (kind[row] === NOTE) this.note(row);
  }

  /** The connection of a row, where there are several. */
  private whose(row: number): string {
    const conn = this.log.columns.conn[row]!;
    return conn >= 0 && (this.options.connections?.length ?? 0) > 1 ? `#${conn + 1} ` : '';
  }

  /** The time of a row, if it is another one than that above it and there is room for it. */
  private time(row: number): void {
    const { time } = this.log.columns;
    if (row > this.from && time[row] === time[row - 1]) return;
    const line = round(this.yAt(time[row]!));
    const y = round(this.y(row) + 3.6);
    this.below.push(`<path class="grid" d="M ${TIME_X} ${line} H ${WIDTH - TIME_X}"/>`);
    if (y - this.timed < 12) return;
    this.timed = y;
    this.below.push(`<text class="time" x="${TIME_X}" y="${y}">${clockText(time[row]!)}</text>`);
  }

  /** A text outside the life lines, away from them. */
  private outside(row: number, side: number, style: string, text: string, columns: number): void {
    const [x, anchor] = side === SIDE_A ? [A - 22, ' end'] : [B + 22, ''];
    this.texts.push(label(`${style}${anchor}`, x, round(this.y(row) + 3.6), text, columns, ''));
  }

  private note(row: number): void {
    const text = this.log.textOf(row);
    const side = /^([AB])(?=[ :])/.exec(text)?.[1];
    if (side !== undefined) this.outside(row, side === 'A' ? 0 : 1, 'note', text, STATES);
    else this.texts.push(label('note middle', (A + B) / 2, round(this.y(row) + 3.6), text, 80, ''));
  }

  private arrow(row: number): void {
    const { log } = this;
    const c = log.columns;
    const fromA = c.side[row] === SIDE_A;
    const marks = c.marks[row]!;
    const arrives = c.arrival[row]! >= 0;
    const segment = c.kind[row] === SEGMENT;
    const colour = segment && c.flags[row]! & RST ? 'bad' : marks & MARK_AGAIN ? 'again' : fromA ? 'a' : 'b';
    const style = `arrow ${colour}${marks & MARK_AGAIN && colour !== 'again' ? ' again' : ''}`;
    const text = segment
      ? `${this.whose(row)}${segmentText(log, row)}${againText(log, row, this.lang)}${fateText(log, row)}`
      : `${log.textOf(row).split('|')[0]} (${c.length[row]})`;
    const y1 = this.y(row);
    if (marks & MARK_LOOP) {
      this.loop(row, style, colour, text, y1);
      return;
    }
    const [x1, x2] = fromA
      ? [marks & MARK_INJECTED ? (A + B) / 2 : A, B]
      : [marks & MARK_INJECTED ? (A + B) / 2 : B, A];
    const full = Math.max(y1, round(arrives ? this.landing(row) : this.would(row, y1)));
    const share = arrives ? 1 : LOST_AT;
    const end = round(x1 + (x2 - x1) * share);
    const y2 = round(y1 + (full - y1) * share);
    this.bottom = Math.max(this.bottom, y2 + 10);
    const tip = `<title>${xml(`${clockText(c.time[row]!)} ${text} ${optionsText(log, row)}`.trim())}</title>`;
    const head = arrives ? ` marker-end="url(#ll-${colour})"` : '';
    this.arrows.push(
      `<path class="${style}" data-row="${row}"${head} d="M ${x1} ${y1} L ${end} ${y2}">${tip}</path>`,
    );
    const slope = (full - y1) / (x2 - x1);
    const turn = round((Math.atan(slope) * 180) / Math.PI, 100);
    const at = x1 + (fromA ? 13 : -13);
    const columns = marks & MARK_INJECTED ? LABEL - 4 : LABEL;
    const where = `text ${colour}${fromA ? '' : ' end'}`;
    if (this.steep.has(row)) {
      const why = arrives ? '' : `✗ ${this.why(row)} `;
      this.texts.push(label(where, at, round(y1 + 1), `${why}${text}`, columns, ''));
    } else
      this.texts.push(
        label(
          where,
          at,
          -4,
          text,
          columns,
          `translate(0 ${round(y1 + slope * (at - x1))}) rotate(${turn} ${at} 0)`,
        ),
      );
    if (!arrives) this.lost(row, end, y2, fromA, turn);
  }

  private why(row: number): string {
    return reasonOf(this.log, row) || WORDS.lost[this.lang];
  }

  private lost(row: number, x: number, y: number, fromA: boolean, turn: number): void {
    this.arrows.push(
      `<path class="cross" d="M ${x - 5} ${y - 5} L ${x + 5} ${y + 5} M ${x - 5} ${y + 5} L ${x + 5} ${y - 5}"/>`,
    );
    if (this.steep.has(row)) return;
    const at = x + (fromA ? 10 : -10);
    this.texts.push(
      label(
        `why bad${fromA ? '' : ' end'}`,
        at,
        4,
        this.why(row),
        REASON,
        `translate(0 ${y}) rotate(${turn} ${at} 0)`,
      ),
    );
  }

  /** What a host sends to itself goes out a little and comes back. */
  private loop(row: number, style: string, colour: string, text: string, y: number): void {
    const [x, to] = this.log.columns.side[row] === SIDE_A ? [A, A + LOOP] : [B, B - LOOP];
    this.arrows.push(
      `<path class="${style}" data-row="${row}" marker-end="url(#ll-${colour})" d="M ${x} ${y - 4} C ${to} ${y - 7} ${to} ${y + 8} ${x + (to > x ? 2 : -2)} ${y + 5}"><title>${xml(text)}</title></path>`,
    );
    this.texts.push(
      label(`text ${colour}${to > x ? '' : ' end'}`, to + (to > x ? -4 : 4), y + 4, text, LABEL, ''),
    );
  }

  /** The row at which the connection came to the state that it leaves here, −1 if that is not known. */
  private before(row: number): number {
    const { kind, side, conn } = this.log.columns;
    for (let i = row - 1; i >= 0; i--)
      if (kind[i] === STATE && side[i] === side[row] && conn[i] === conn[row]) return i;
    return -1;
  }

  /** A TIME_WAIT is a bar from the row where it begins to that where it ends. */
  private wait(row: number): void {
    const { kind, side, conn, to } = this.log.columns;
    if (kind[row] !== STATE || to[row] !== TIME_WAIT) return;
    let end = row + 1;
    while (end < this.to && !(kind[end] === STATE && side[end] === side[row] && conn[end] === conn[row]))
      end++;
    const y = this.y(row);
    const y2 = end < this.to ? this.y(end) : this.bottom;
    const lanes = this.lanes[side[row] === SIDE_A ? 0 : 1];
    let lane = lanes.findIndex(free => free < y);
    if (lane < 0) lane = lanes.length;
    lane = Math.min(lane, 2);
    lanes[lane] = y2;
    const x = side[row] === SIDE_A ? A - 7 - lane * 5 : B + 3 + lane * 5;
    this.below.push(
      `<rect class="wait" x="${x}" y="${y}" width="4" height="${round(Math.max(4, y2 - y))}" rx="2"><title>TIME_WAIT</title></rect>`,
    );
  }

  /** What was left out, in words. */
  private left(): string {
    const left: string[] = [];
    if (this.from > 0) left.push(`${this.from} ${WORDS.before[this.lang]}`);
    if (this.last > this.to) left.push(`${this.last - this.to} ${WORDS.behind[this.lang]}`);
    return left.join(' · ');
  }
}

function axisOf(log: EventLog): Axis {
  const axis = new Axis();
  let end = 0;
  for (let i = 0; i < log.length; i++) end = Math.max(end, log.columns.time[i]!);
  axis.build(log, end);
  return axis;
}

const optionsText = (log: EventLog, row: number): string =>
  log.textOf(row).replace(/\|$/, '').replace('|', ' · ');

/** The states that one end of a connection went through, as the pairs that `statesSvg` takes. */
export function pathOf(log: EventLog, side: number, conn: number, last: number): [State, State][] {
  const { kind, from, to, side: sides, conn: conns } = log.columns;
  let path: [State, State][] = [];
  for (let i = 0; i <= Math.min(last, log.length - 1); i++) {
    if (kind[i] !== STATE || sides[i] !== side || conns[i] !== conn) continue;
    if (from[i] === CLOSED) path = [];
    path.push([from[i]! as State, to[i]! as State]);
  }
  return path;
}
