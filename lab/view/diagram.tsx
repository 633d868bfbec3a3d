import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  SYN_RECV,
  SYN_SENT,
  stateName,
  TIME_WAIT,
  TRANSITIONS,
} from '../../src/tcp/state.ts';
import { edgeText } from '../words/causes.ts';
import { t } from '../words/words.ts';
import { stateColour } from './ladder/palette.ts';

type Point = readonly [x: number, y: number];

const WIDTH = 324;
const HEIGHT = 306;
const BOX: Point = [92, 24];

/** Where the boxes stand. CLOSED stands twice: where connections begin and where they end. */
const PLACES: Readonly<Record<number, Point>> = {
  [CLOSED]: [162, 16],
  [LISTEN]: [54, 56],
  [SYN_RECV]: [54, 104],
  [SYN_SENT]: [270, 104],
  [ESTABLISHED]: [162, 146],
  [FIN_WAIT_1]: [54, 196],
  [CLOSING]: [162, 196],
  [CLOSE_WAIT]: [270, 196],
  [FIN_WAIT_2]: [54, 244],
  [TIME_WAIT]: [162, 244],
  [LAST_ACK]: [270, 244],
};
const END: Point = [162, 290];
const STATES = Object.keys(PLACES).map(Number);

/** Edges that a straight line would draw through a box, or over another edge. */
const CURVES: Readonly<Record<string, string>> = {
  [`${LISTEN}-${CLOSED}`]: 'M 40 44 C 44 22 70 10 114 12',
  [`${CLOSED}-${LISTEN}`]: 'M 122 28 L 88 43',
  [`${SYN_SENT}-${CLOSED}`]: 'M 284 92 C 280 50 250 12 210 12',
  [`${CLOSED}-${SYN_SENT}`]: 'M 194 28 L 248 91',
  [`${SYN_RECV}-${CLOSE_WAIT}`]: 'M 92 116 C 120 172 200 168 238 184',
  [`${FIN_WAIT_1}-${TIME_WAIT}`]: 'M 90 208 L 128 231',
  [`${TIME_WAIT}-${SYN_RECV}`]: 'M 120 256 C 60 292 4 280 4 200 C 4 150 4 130 14 117',
  [`${ESTABLISHED}-${CLOSED}`]: 'M 162 134 L 162 30',
  [`${CLOSE_WAIT}-${CLOSED}`]: 'M 317 200 C 326 260 310 296 212 294',
  [`${FIN_WAIT_1}-${CLOSED}`]: 'M 8 204 C -2 270 20 298 112 294',
  [`${FIN_WAIT_2}-${CLOSED}`]: 'M 54 257 C 58 276 80 286 113 288',
  [`${CLOSING}-${CLOSED}`]: 'M 205 208 C 226 226 226 262 204 276',
  [`${LAST_ACK}-${CLOSED}`]: 'M 270 257 C 266 276 244 286 211 288',
  [`${SYN_RECV}-${CLOSED}`]: 'M 82 91 C 110 70 128 46 146 30',
};

function pathOf(from: number, to: number): string {
  const curve = CURVES[`${from}-${to}`];
  if (curve !== undefined) return curve;
  const a = PLACES[from] ?? END;
  const b = to === CLOSED ? END : (PLACES[to] ?? END);
  const [x1, y1] = border(a, b, 1);
  const [x2, y2] = border(b, a, 3);
  return `M ${x1} ${y1} L ${x2} ${y2}`;
}

/** Where the line from the middle of a box to another leaves the box. */
function border([x, y]: Point, [tx, ty]: Point, gap: number): Point {
  const dx = tx - x;
  const dy = ty - y;
  const share = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : (BOX[0] / 2 + gap) / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : (BOX[1] / 2 + gap) / Math.abs(dy),
  );
  return [Math.round(x + dx * share), Math.round(y + dy * share)];
}

/** The eleven states and the edges of the engine's own table; the path that was taken, and where it is. */
export function Diagram({ path, cause, host }: { path: readonly number[]; cause: string; host: string }) {
  const present = path.at(-1) ?? 0;
  const taken = new Set<string>();
  for (let i = 1; i < path.length; i++) taken.add(`${path[i - 1]}-${path[i]}`);
  const visited = new Set(path);
  const last = path.length > 1 ? `${path.at(-2)}-${present}` : '';
  const edges = TRANSITIONS.filter(e => e.main || taken.has(`${e.from}-${e.to}`));
  const ended = present === CLOSED && path.length > 1;
  const id = `arrow-${host}`;
  const words = `${t('states')} ${host}: ${path.length === 0 ? t('noConnection') : path.map(stateName).join(' → ')}`;
  return (
    <figure class="diagram">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
        <defs>
          {['', 'taken', 'last'].map(kind => (
            <marker
              key={kind}
              id={`${id}${kind}`}
              viewBox="0 0 10 10"
              refX="8"
              refY="5"
              markerWidth="7"
              markerHeight="7"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path class={`head ${kind}`} d="M 0 1 L 9 5 L 0 9 z" />
            </marker>
          ))}
        </defs>
        {edges.map(e => {
          const key = `${e.from}-${e.to}`;
          const kind = key === last ? 'last' : taken.has(key) ? 'taken' : '';
          return (
            <path key={key} class={`edge ${kind}`} d={pathOf(e.from, e.to)} marker-end={`url(#${id}${kind})`}>
              <title>{`${stateName(e.from)} → ${stateName(e.to)}${t('colon')}${edgeText(e.label)}`}</title>
            </path>
          );
        })}
        {STATES.map(s => (
          <Box key={s} state={s} at={PLACES[s]!} here={s === present && !ended} seen={visited.has(s)} />
        ))}
        <Box state={CLOSED} at={END} here={ended} seen={ended} />
      </svg>
      <figcaption>
        {present === 0 ? (
          <span class="dim">{t('noConnection')}</span>
        ) : (
          <>
            <b class={`state s-${stateColour(present)}`}>{stateName(present)}</b>{' '}
            <span class="dim">{path.length > 1 ? cause : ''}</span>
          </>
        )}
      </figcaption>
    </figure>
  );
}

function Box({ state, at: [x, y], here, seen }: { state: number; at: Point; here: boolean; seen: boolean }) {
  const kind = here ? `here s-${stateColour(state)}` : seen ? 'seen' : '';
  return (
    <g class={`box ${kind}`}>
      <rect x={x - BOX[0] / 2} y={y - BOX[1] / 2} width={BOX[0]} height={BOX[1]} rx="6" />
      <text x={x} y={y + 3.5}>
        {stateName(state)}
      </text>
    </g>
  );
}
