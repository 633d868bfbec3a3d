import {
  CLOSED,
  LISTEN,
  type State,
  SYN_SENT,
  stateName,
  TRANSITIONS,
  type Transition,
} from '../../tcp/state.ts';
import { compactCss } from '../cli/css.ts';
import { escapeXml } from '../cli/escape.ts';
import { BOX_HEIGHT, BOX_WIDTH, END, HEIGHT, PLACES, type Role, shapeOf, WIDTH } from './layout.ts';

export interface SvgOptions {
  /** Draws this state as the present one. */
  readonly highlight?: State;
  readonly transitions?: readonly Transition[];
  /** Transitions that a connection has made: they stand out, the others step back. */
  readonly path?: readonly (readonly [from: State, to: State])[];
  /** The colours, as CSS writes them. @default light or dark ones, as the viewer is */
  readonly colours?: Palette;
  /** Whether each transition is also told in words under the pointer. @default true */
  readonly tooltips?: boolean;
}

export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly box: string;
  readonly line: string;
  readonly client: string;
  readonly server: string;
  readonly both: string;
  readonly end: string;
  readonly hot: string;
}

const LIGHT: Palette = {
  paper: '#ffffff',
  ink: '#1f2933',
  soft: '#62707f',
  box: '#f4f6f8',
  line: '#8795a3',
  client: '#0b6bcb',
  server: '#16803c',
  both: '#8250df',
  end: '#b42318',
  hot: '#fff3bf',
};
const DARK: Palette = {
  paper: '#0f151b',
  ink: '#e6edf3',
  soft: '#9aa7b4',
  box: '#1a232c',
  line: '#617080',
  client: '#58a6ff',
  server: '#4cc272',
  both: '#b58cff',
  end: '#ff7b72',
  hot: '#5c4a00',
};

const ROLES: readonly Role[] = ['client', 'server', 'both', 'rare'];
const STATES = Object.keys(PLACES).map(Number) as State[];

/** Plain rules without variables, which not every viewer of SVG knows. */
const colours = (p: Palette): string =>
  [
    `.lk .paper { fill: ${p.paper} }`,
    `.lk .box { fill: ${p.box}; stroke: ${p.ink} }`,
    `.lk .hot { fill: ${p.hot} }`,
    `.lk .name, .lk .title { fill: ${p.ink} }`,
    `.lk .label { stroke: ${p.paper} }`,
    `.lk .legend { fill: ${p.soft} }`,
    `.lk .endtext { fill: ${p.end} }`,
    ...(['client', 'server', 'both'] as const).map(
      r => `.lk .edge.${r} { stroke: ${p[r]} } .lk .label.${r}, .lk .head.${r} { fill: ${p[r]} }`,
    ),
    `.lk .edge.rare { stroke: ${p.line} } .lk .label.rare, .lk .head.rare { fill: ${p.soft} }`,
  ].join('\n');

const VIEWERS = `${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}`;

const STYLE = `
.lk { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif }
.lk .box { stroke-width: 1.5 }
.lk .hot { stroke-width: 3 }
.lk .name { font: 600 15px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; text-anchor: middle }
.lk .edge { fill: none; stroke-width: 2 }
.lk .edge.rare { stroke-width: 1.4; stroke-dasharray: 5 4 }
.lk .label { font-size: 12.5px; paint-order: stroke; stroke-width: 5px; stroke-linejoin: round }
.lk .reply { font-weight: 600 }
.lk .endtext { font-size: 11px; text-anchor: middle }
.lk .title { font-size: 19px; font-weight: 700 }
.lk .legend { font-size: 12.5px }
${ROLES.map(r => `.lk .edge.${r} { marker-end: url(#lk-${r}) }`).join('\n')}
`;

/** Only a picture with a path has these. */
const PATH_STYLE = `
.lk .off { opacity: .28 }
.lk .edge.on { stroke-width: 4 }
.lk .label.on, .lk .endtext.on { font-weight: 700 }
.lk .been { stroke-width: 2.6 }`;

/** The way that a connection has gone: what lies on it, and what does not. */
class Path {
  private readonly steps: readonly (readonly [from: State, to: State])[];

  constructor(steps: readonly (readonly [from: State, to: State])[] = []) {
    this.steps = steps;
  }

  get empty(): boolean {
    return this.steps.length === 0;
  }

  /** It has come to the CLOSED at the bottom: an edge that is drawn leads back to the one at the top. */
  get over(): boolean {
    const [from, to] = this.steps.at(-1) ?? [CLOSED, CLOSED];
    return this.steps.length > 0 && to === CLOSED && from !== SYN_SENT && from !== LISTEN;
  }

  has(from: State, to: State): boolean {
    return this.steps.some(s => s[0] === from && s[1] === to);
  }

  /** A class for a transition, '' without a path. */
  of(from: State, to: State): string {
    return this.empty ? '' : this.has(from, to) ? ' on' : ' off';
  }

  /** A class for a box; CLOSED at the top is only left, CLOSED at the bottom only reached. */
  box(state: State, end: boolean): string {
    if (this.empty) return '';
    const been = this.steps.some(
      ([from, to]) => (!end && from === state) || (to === state && (end ? this.over : state !== CLOSED)),
    );
    return been ? ' been' : '';
  }
}

/** The state diagram of RFC 9293 figure 5, drawn from the engine's own table of transitions. */
export function stateSvg(options: SvgOptions = {}): string {
  const path = new Path(options.path);
  const transitions = options.transitions ?? TRANSITIONS;
  const style = `${STYLE}${options.colours ? colours(options.colours) : VIEWERS}${path.empty ? '' : PATH_STYLE}`;
  const tip = options.tooltips === false ? () => '' : tooltip;
  const drawn = transitions.filter(t => t.main || t.to !== CLOSED);
  const ends = transitions.filter(t => !t.main && t.to === CLOSED);
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lk" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="lk-title">`,
    `<title id="lk-title">The TCP connection states and every transition between them</title>`,
    `<style>${compactCss(style)}</style>`,
    '<defs>',
    ...ROLES.map(
      role =>
        `<marker id="lk-${role}" refX="8.1" refY="4.5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="head ${role}" d="M0 0 9 4.5 0 9z"/></marker>`,
    ),
    '</defs>',
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="28" y="40">TCP connection states</text>`,
    ...drawn.map(t => edge(t, path, tip)),
    ...drawn.map(t => label(t, path)),
    ...STATES.map(s =>
      box(
        s,
        PLACES[s],
        options.highlight === s && !(s === CLOSED && path.over),
        ends.find(t => t.from === s),
        path,
        tip,
        false,
      ),
    ),
    box(CLOSED, END, options.highlight === CLOSED && path.over, undefined, path, tip, true),
    ...legend(ends.length > 0),
    '</svg>',
  ];
  return `${out.join('\n')}\n`;
}

/** What is told of a transition under the pointer, as an element. */
type Tip = (t: Transition) => string;

const tooltip: Tip = t =>
  `<title>${escapeXml(`${stateName(t.from)} → ${stateName(t.to)}: ${t.label}`)}</title>`;

function edge(t: Transition, path: Path, tip: Tip): string {
  const s = shapeOf(t.from, t.to);
  const role: Role = t.main ? s.role : 'rare';
  const told = tip(t);
  const start = `<path class="edge ${role}${path.of(t.from, t.to)}" d="${s.path.replace(/ ?([A-Z]) ?/g, '$1')}"`;
  return told === '' ? `${start}/>` : `${start}>${told}</path>`;
}

/** `event / reply` in two lines. */
function label(t: Transition, path: Path): string {
  const s = shapeOf(t.from, t.to);
  const [x, y, anchor] = s.label;
  const role: Role = t.main ? s.role : 'rare';
  const [event = '', ...replies] = t.label.split(' / ');
  const [first = '', ...further] = broken(event);
  const next = (line: string, reply: string): string =>
    `<tspan x="${x}" dy="15"${reply}>${escapeXml(line)}</tspan>`;
  const lines = [
    escapeXml(first),
    ...further.map(line => next(line, '')),
    ...replies.map(r => next(`send ${r}`, ' class="reply"')),
  ];
  // Where a text begins is where it is anchored if nothing is said.
  const anchored = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text class="label ${role}${path.of(t.from, t.to)}" x="${x}" y="${y}"${anchored}>${lines.join('')}</text>`;
}

function broken(text: string): string[] {
  if (text.length <= 20) return [text];
  const at = text.indexOf(' ', text.indexOf(',') > 0 && text.indexOf(',') < 18 ? text.indexOf(',') : 10);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * @param ending a way out to CLOSED that an RST or a time-out opens: written in the box instead of drawn across
 * the picture
 */
function box(
  state: State,
  [x, y]: readonly [number, number],
  present: boolean,
  ending: Transition | undefined,
  path: Path,
  tip: Tip,
  end: boolean,
): string {
  const hot = `${path.box(state, end)}${present ? ' hot' : ''}`;
  const name = `<text class="name" x="${x}" y="${y + (ending ? -1 : 5)}">${stateName(state)}</text>`;
  const way = ending
    ? `<text class="endtext${path.of(ending.from, CLOSED)}"${ending.label.length > 24 ? ' style="font-size:9.2px"' : ''} x="${x}" y="${y + 17}">${tip(ending)}✕ ${escapeXml(ending.label)}</text>`
    : '';
  return `<rect class="box${hot}" x="${x - BOX_WIDTH / 2}" y="${y - BOX_HEIGHT / 2}" width="${BOX_WIDTH}" height="${BOX_HEIGHT}" rx="10"/>${name}${way}`;
}

function legend(withEnds: boolean): string[] {
  const y = HEIGHT - 62;
  const items: [Role, string][] = [
    ['client', 'the usual way of the end that opens and closes first'],
    ['server', 'the usual way of the other end'],
    ['both', 'both close at once, or FIN and ACK in one segment'],
    ['rare', 'seldom'],
  ];
  const out: string[] = [];
  items.forEach(([role, text], i) => {
    const x = 40 + (i % 2) * 470;
    const line = y + Math.floor(i / 2) * 22;
    out.push(
      `<path class="edge ${role}" d="M ${x} ${line - 4} h 34"/>`,
      `<text class="legend" x="${x + 44}" y="${line}">${text}</text>`,
    );
  });
  if (withEnds) {
    out.push(
      `<text class="endtext" x="57" y="${y + 45}">✕</text>`,
      `<text class="legend" x="84" y="${y + 44}">goes to CLOSED at once</text>`,
    );
  }
  return out;
}
