import type { Figure } from '../harness.ts';
import {
  atLeast,
  atMost,
  type Compared,
  comparison,
  finder,
  type Goal,
  type Table,
  times,
} from './compared.ts';

/** The tables of `npm run bench:tun` and `npm run bench:near`. */

/** @param figures of programs of the kernel's with another kernel, and with lastack */
export function tun(figures: readonly Figure[]): Table {
  const of = finder(figures);
  const rows = (measurement: string, what: string, goals: readonly Goal[]): Compared[] =>
    ['offload', 'no-offload'].map(side => ({
      what: `${what}, ${side.replace('-', ' ')}`,
      ours: of(measurement, side),
      beside: of(measurement, 'linux'),
      goals: side === 'offload' ? goals : [],
    }));
  return comparison('tun', 'TUN', 'Linux, veth', [
    ...rows('to the server', 'iperf3 to the server, Gbit/s', [times(0.5), atLeast(3)]),
    ...rows('from the server', 'iperf3 from the server (`-R`), Gbit/s', [times(0.5), atLeast(3)]),
    ...rows('lives', '`ab`, a connection per request, 20 at a time, a second', [times(0.4)]),
    ...rows('ping', 'ping, median, µs', []),
    ...['offload', 'no-offload'].map(side => ({
      what: `of that added, µs, ${side.replace('-', ' ')}`,
      ours: of('ping, added', side),
      goals: [atMost(150)],
    })),
    {
      what: 'added by a reader and writer without a stack, µs, no offload',
      ours: of('ping, added', 'empty, batched'),
      goals: [],
    },
    {
      what: 'two idle hosts and their devices, % of a core',
      ours: of('two idle hosts', 'lastack'),
      goals: [atMost(0.5)],
    },
  ]);
}

/** @param figures of lastack without offload, and of readers and writers that have no stack */
export function emptyReader(figures: readonly Figure[]): Table {
  const of = finder(figures);
  const rows = (measurement: string, what: string): Compared[] =>
    ['batched', 'touched', 'single'].map(kind => ({
      what: `${what}, beside \`${kind}\``,
      ours: of(measurement, 'no-offload'),
      beside: of(measurement, `empty, ${kind}`),
      goals: kind === 'touched' ? [] : [times(0.9)],
    }));
  return comparison('empty', 'socat, MTU 1500, no offload, Gbit/s', 'empty reader and writer', [
    ...rows('socat to', 'to the server'),
    ...rows('socat from', 'from the server'),
  ]);
}

export function gateway(figures: readonly Figure[]): Table {
  const of = finder(figures);
  const beside = of('gateway', 'net proxy');
  return comparison('gateway', '`wrk`, 100 connections', 'plain proxy of `node:net`', [
    { what: 'requests a second', ours: of('gateway', 'lastack up'), beside, goals: [times(0.5)] },
  ]);
}

/** @param figures of a short path that loses packets, with Linux */
export function near(figures: readonly Figure[]): Table {
  const of = finder(figures);
  return comparison(
    'near',
    '16 MB, MB/s',
    'Linux, veth',
    [1, 5].map(loss => ({
      what: `${loss} % lost`,
      ours: of(`near, ${loss} %`, 'lastack, memory'),
      beside: of(`near, ${loss} %`, 'Linux, veth'),
      // Those of gVisor in WebAssembly.
      goals: [times(1), atLeast(loss === 1 ? 27 : 2.8)],
    })),
  );
}
