import type { Figure } from '../harness.ts';
import {
  atLeast,
  atMost,
  type Compared,
  comparison,
  finder,
  type Table,
  times,
  timesAtMost,
} from './compared.ts';

/** The tables of `npm run bench`: what is measured in one process, by the groups that can be asked for. */

type Rows = (of: ReturnType<typeof finder>, figures: readonly Figure[]) => Compared[];

const NET = 'net, loopback';
/** Node's streams beside `lastack/net`. */
const STREAMS = 'node:net, loopback';

const lives: Rows = of => {
  const waits = of('lives on', 'TIME_WAIT').median.toLocaleString('en');
  return [
    { what: 'beside `net`, 64 at a time', ours: of('lives', 'lastack'), beside: of('lives', NET) },
    {
      what: 'beside `net`, one by one',
      ours: of('lives', 'lastack'),
      beside: of('lives', 'net, one by one'),
      goals: [times(5)],
    },
    {
      what: `for a minute, up to ${waits} TIME_WAITs; \`net\` one by one`,
      ours: of('lives on', 'lastack'),
      beside: of('lives on', 'net, one by one'),
      goals: [times(5), atLeast(40_000)],
    },
  ];
};

const bulk: Rows = of => [
  { what: 'offload', ours: of('bulk', 'lastack, offload'), beside: of('bulk', NET), goals: [times(2.5)] },
  ...['references', 'frames'].map(kind => ({
    what: `1500-byte frames, ${kind === 'frames' ? 'payload copied' : 'payload by reference'}`,
    ours: of('bulk', `lastack, ${kind}`),
    beside: of('bulk', NET),
    goals: [atLeast(500), times(0.45)],
  })),
  {
    what: 'offload, beside one copy of the same bytes',
    ours: of('bulk', 'lastack, offload'),
    beside: of('bulk', 'a copy'),
  },
];

const steady: Rows = of => {
  const [ours, theirs] = ['lastack/net', STREAMS];
  const transfer = (door: string, taking: string, size: string): Figure =>
    of('transfer', `${door}, ${taking}, ${size}`);
  return [
    ...['offload', 'references', 'frames'].map(kind => ({
      what: `garbage, bytes for each 1448 of payload: ${kind}`,
      ours: of('garbage', `lastack, ${kind}`),
      goals: [atMost(100)],
    })),
    ...['one buffer', 'pieces'].flatMap((taking): Compared[] => [
      ...['16 MB', '256 MB'].map(size => ({
        what: `transfer, MB/s: ${taking}, ${size}`,
        ours: transfer(ours, taking, size),
        beside: transfer(theirs, taking, size),
      })),
      {
        what: `transfer, MB/s: ${taking}, 256 MB beside 16 MB of the same`,
        ours: transfer(ours, taking, '256 MB'),
        beside: transfer(ours, taking, '16 MB'),
        goals: taking === 'one buffer' ? [times(1)] : [],
      },
      {
        what: `longest collection, ms: ${taking}`,
        ours: of('gc pause', `${ours}, ${taking}`),
        beside: of('gc pause', `${theirs}, ${taking}`),
        goals: taking === 'one buffer' ? [atMost(5)] : [],
      },
      {
        what: `longest gap of a timer of 5 ms, ms: ${taking}`,
        ours: of('timer gap', `${ours}, ${taking}`),
        beside: of('timer gap', `${theirs}, ${taking}`),
        goals: taking === 'one buffer' ? [atMost(20)] : [],
      },
    ]),
    { what: 'longest wait of a loop that only looks at the clock, ms', ours: of('away', 'clock') },
  ];
};

const net: Rows = of => {
  const row = (name: string, what: string, least?: number): Compared => ({
    what,
    ours: of(name, 'lastack/net'),
    beside: of(name, STREAMS),
    goals: least === undefined ? [] : [times(least)],
  });
  return [
    row('net-bulk', 'bulk, MB/s', 1.2),
    row('net-lives', 'connection lives a second', 2),
    row('net-http', 'HTTP requests a second, kept alive', 1),
    row('net-rtt', '64 bytes there and back, µs'),
  ];
};

const memory: Rows = of => {
  const row = (name: string, what: string, most: number): Compared => ({
    what,
    ours: of(`${name} sum`, 'lastack'),
    goals: [atMost(most)],
  });
  const crowd = (name: string): Figure => of(`crowd ${name}`, 'lastack');
  return [
    { ...row('established', 'idle ESTABLISHED end, bytes', 1000), beside: of('established sum', NET) },
    {
      what: 'the same, resident memory',
      ours: of('established resident', 'lastack'),
      beside: of('established resident', NET),
    },
    row('time_wait', 'row in TIME_WAIT, IPv4, bytes', 64),
    row('time_wait6', 'row in TIME_WAIT, IPv6, bytes', 96),
    row('fin_wait_2', 'row of an orphan in FIN_WAIT_2, bytes', 64),
    row('syn_queue', 'entry of a SYN queue, bytes', 160),
    { what: 'crowd, heap and buffers, MB', ours: crowd('heap+buffers'), goals: [atMost(300)] },
    { what: 'crowd, resident, MB', ours: crowd('resident'), goals: [atMost(300)] },
    { what: 'its rows expire, ms in all', ours: crowd('expiry') },
    { what: 'its rows expire, ms at once', ours: crowd('longest') },
  ];
};

/** Large numbers with commas. */
const spelt = (name: string): string => name.replace(/\d+/, n => Number(n).toLocaleString('en'));

const timers: Rows = (of, figures) => {
  const crowds = figures.filter(f => f.measurement === 'segment' && f.side !== 'alone').map(f => f.side);
  const armed = figures.filter(f => f.measurement === 'wheel arm').map(f => f.side);
  return [
    ...crowds.map(crowd => ({
      what: `a segment, ns of processor: with ${spelt(crowd)}, beside none`,
      ours: of('segment', crowd),
      beside: of('segment', 'alone'),
      goals: [timesAtMost(1.3)],
    })),
    ...['arm', 'move', 'cancel', 'expire'].map(what => ({
      what: `to ${what} a timer, ns: ${spelt(armed[1]!)}, beside ${spelt(armed[0]!)}`,
      ours: of(`wheel ${what}`, armed[1]!),
      beside: of(`wheel ${what}`, armed[0]!),
    })),
  ];
};

const TABLES = {
  lives: { head: 'connection lives a second', beside: '`net`, loopback', rows: lives },
  bulk: { head: 'bulk, MB/s', beside: '`net`, loopback', rows: bulk },
  steady: { head: 'a steady transfer', beside: '`node:net`, or as told', rows: steady },
  memory: { head: 'memory', beside: '`net`, loopback', rows: memory },
  timers: { head: 'crowds', beside: 'beside', rows: timers },
  net: { head: 'through `lastack/net`', beside: '`node:net`', rows: net },
} as const;

export type Group = keyof typeof TABLES;
export const GROUPS = Object.keys(TABLES) as readonly Group[];

/** @param figures all of the group's */
export function inProcess(group: Group, figures: readonly Figure[]): Table {
  const { head, beside, rows } = TABLES[group];
  return comparison(group, head, beside, rows(finder(figures), figures));
}
