import type { Axis } from './axis.ts';

/** Numbers of one sample: step, time, side, conn, cwnd, ssthresh, inFlight, srtt. */
const SAMPLE = 8;
/** The words for each line of the chart. */
export const SERIES = { cwnd: 'cwnd', inFlight: 'flight', ssthresh: 'ssthresh', srtt: 'srtt' } as const;

type Line = (number | null)[];

/** What a sender's congestion control did, over places on the ladder. */
export interface Series {
  readonly x: number[];
  readonly cwnd: Line;
  readonly inFlight: Line;
  readonly ssthresh: Line;
  /** Milliseconds. */
  readonly srtt: Line;
}

/** The sides of a connection of which there are samples, the one with more of them first. */
export function sidesWith(samples: readonly Float64Array[], conn: number): number[] {
  const counts = [0, 0];
  for (const piece of samples)
    for (let i = 0; i + SAMPLE <= piece.length; i += SAMPLE)
      if (piece[i + 3] === conn) counts[piece[i + 2]!] = (counts[piece[i + 2]!] ?? 0) + 1;
  return [0, 1].filter(s => counts[s]! > 0).sort((a, b) => counts[b]! - counts[a]!);
}

/** Points of a line at most: more than a screen has columns can't be seen. */
const MOST_POINTS = 3000;

export function seriesOf(samples: readonly Float64Array[], conn: number, side: number, axis: Axis): Series {
  const s: Series = { x: [], cwnd: [], inFlight: [], ssthresh: [], srtt: [] };
  for (const piece of samples)
    for (let i = 0; i + SAMPLE <= piece.length; i += SAMPLE) {
      if (piece[i + 3] !== conn || piece[i + 2] !== side) continue;
      const x = axis.yAfter(piece[i + 1]!);
      // Of what happens at one place the last is what remains.
      if (s.x.length > 0 && x - s.x.at(-1)! <= axis.height / MOST_POINTS)
        for (const line of Object.values(s)) line.pop();
      s.x.push(x);
      s.cwnd.push(known(piece[i + 4]!));
      s.ssthresh.push(known(piece[i + 5]!));
      s.inFlight.push(known(piece[i + 6]!));
      s.srtt.push(piece[i + 7]! > 0 ? piece[i + 7]! / 1000 : null);
    }
  return s;
}

const known = (n: number): number | null => (n < 0 ? null : n);
