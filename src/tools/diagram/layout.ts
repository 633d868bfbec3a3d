import {
  CLOSE_WAIT,
  CLOSED,
  CLOSING,
  ESTABLISHED,
  FIN_WAIT_1,
  FIN_WAIT_2,
  LAST_ACK,
  LISTEN,
  type State,
  SYN_RECV,
  SYN_SENT,
  TIME_WAIT,
} from '../../tcp/state.ts';

/** Where each state stands: the centre of its box. CLOSED stands twice, as the beginning and as the end. */
export const PLACES: Readonly<Record<State, readonly [x: number, y: number]>> = {
  [CLOSED]: [520, 70],
  [LISTEN]: [210, 190],
  [SYN_RECV]: [210, 350],
  [SYN_SENT]: [830, 350],
  [ESTABLISHED]: [520, 470],
  [FIN_WAIT_1]: [210, 640],
  [CLOSING]: [520, 640],
  [CLOSE_WAIT]: [830, 640],
  [FIN_WAIT_2]: [210, 820],
  [TIME_WAIT]: [520, 820],
  [LAST_ACK]: [830, 820],
};

/** The second CLOSED, where a connection ends. */
export const END: readonly [number, number] = [520, 960];
export const WIDTH = 1040;
export const HEIGHT = 1080;
export const BOX_WIDTH = 160;
export const BOX_HEIGHT = 56;

/** How people speak of a way through the diagram; decides the colour of an edge. */
export type Role = 'client' | 'server' | 'both' | 'rare';

export interface EdgeShape {
  /** SVG path data, drawn from one box to the other. */
  readonly path: string;
  /** Where the label's first line stands, and how it is anchored there. */
  readonly label: readonly [x: number, y: number, anchor: 'start' | 'middle' | 'end'];
  readonly role: Role;
}

const key = (from: State, to: State): string => `${from}-${to}`;
const shape = (
  from: State,
  to: State,
  role: Role,
  path: string,
  x: number,
  y: number,
  anchor: 'start' | 'middle' | 'end',
): [string, EdgeShape] => [key(from, to), { path, label: [x, y, anchor], role }];

const SHAPES: ReadonlyMap<string, EdgeShape> = new Map([
  shape(CLOSED, LISTEN, 'server', 'M 440 78 C 330 88 216 104 206 157', 300, 84, 'end'),
  shape(LISTEN, CLOSED, 'rare', 'M 270 162 C 310 128 370 116 450 104', 352, 146, 'start'),
  shape(CLOSED, SYN_SENT, 'client', 'M 600 74 C 740 92 840 170 844 317', 796, 132, 'start'),
  shape(SYN_SENT, CLOSED, 'rare', 'M 800 322 C 770 230 700 156 594 104', 742, 262, 'end'),
  shape(LISTEN, SYN_RECV, 'server', 'M 210 218 L 210 317', 222, 262, 'start'),
  shape(SYN_SENT, SYN_RECV, 'rare', 'M 750 350 L 295 350', 520, 326, 'middle'),
  shape(SYN_SENT, ESTABLISHED, 'client', 'M 812 378 C 790 430 700 456 605 466', 778, 438, 'start'),
  shape(SYN_RECV, ESTABLISHED, 'server', 'M 250 378 C 286 430 350 456 435 466', 318, 418, 'start'),
  shape(SYN_RECV, FIN_WAIT_1, 'rare', 'M 180 378 C 166 450 166 540 180 607', 156, 480, 'end'),
  shape(SYN_RECV, CLOSE_WAIT, 'rare', 'M 222 378 C 290 610 560 566 745 630', 578, 562, 'middle'),
  shape(ESTABLISHED, FIN_WAIT_1, 'client', 'M 470 498 C 430 566 370 612 295 630', 352, 584, 'end'),
  shape(ESTABLISHED, CLOSE_WAIT, 'server', 'M 580 498 C 640 552 760 560 812 608', 714, 540, 'start'),
  shape(FIN_WAIT_1, FIN_WAIT_2, 'client', 'M 210 668 L 210 787', 198, 734, 'end'),
  shape(FIN_WAIT_1, CLOSING, 'both', 'M 290 648 L 435 648', 362, 666, 'middle'),
  shape(FIN_WAIT_1, TIME_WAIT, 'both', 'M 256 668 C 310 726 400 776 462 789', 348, 716, 'start'),
  shape(FIN_WAIT_2, TIME_WAIT, 'client', 'M 290 820 L 435 820', 362, 840, 'middle'),
  shape(CLOSING, TIME_WAIT, 'both', 'M 520 668 L 520 787', 532, 734, 'start'),
  shape(CLOSE_WAIT, LAST_ACK, 'server', 'M 830 668 L 830 787', 842, 724, 'start'),
  shape(LAST_ACK, CLOSED, 'server', 'M 830 848 C 826 926 720 954 605 959', 794, 930, 'start'),
  shape(TIME_WAIT, CLOSED, 'client', 'M 520 848 L 520 927', 532, 892, 'start'),
  shape(
    TIME_WAIT,
    SYN_RECV,
    'rare',
    'M 470 848 C 380 930 54 930 42 760 C 34 620 40 420 124 360',
    100,
    908,
    'start',
  ),
]);

/** The path of an edge; a straight line for one that nobody has laid out. */
export function shapeOf(from: State, to: State): EdgeShape {
  const known = SHAPES.get(key(from, to));
  if (known !== undefined) return known;
  const [x1, y1] = PLACES[from];
  const [x2, y2] = PLACES[to];
  const [ax, ay] = leave(x1, y1, x2, y2);
  const [bx, by] = leave(x2, y2, x1, y1);
  return {
    path: `M ${ax} ${ay} L ${bx} ${by}`,
    label: [Math.round((ax + bx) / 2) + 8, Math.round((ay + by) / 2), 'start'],
    role: 'rare',
  };
}

/** Where the line from the centre of a box to a point leaves the box. */
function leave(x: number, y: number, toX: number, toY: number): [number, number] {
  const dx = toX - x;
  const dy = toY - y;
  const scale = Math.min(
    dx === 0 ? Infinity : (BOX_WIDTH / 2 + 3) / Math.abs(dx),
    dy === 0 ? Infinity : (BOX_HEIGHT / 2 + 3) / Math.abs(dy),
  );
  return [Math.round(x + dx * scale), Math.round(y + dy * scale)];
}
