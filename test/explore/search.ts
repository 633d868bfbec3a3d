import {
  actionOf,
  CUT_A,
  CUT_AB,
  CUT_B,
  DELAY,
  DROP,
  DUPLICATE,
  type Fault,
  fault,
  isCut,
  type Life,
  lifeName,
  type Setting,
  segmentOf,
  WINDOW,
} from './life.ts';
import { Pair } from './pair.ts';

/** How far patterns go. */
export interface Depth {
  /** Most faults in a pattern without a cut, and in one with it. */
  readonly faults: number;
  readonly faultsWithCut: number;
}

export interface Finding {
  readonly life: string;
  /** When it began, in whole seconds: initial sequence numbers depend on it. */
  readonly start: number;
  readonly what: string;
}

export interface Tally {
  lives: number;
  segments: number;
  events: number;
  /** Seconds of virtual time. */
  time: number;
  readonly findings: Finding[];
}

export const emptyTally = (): Tally => ({ lives: 0, segments: 0, events: 0, time: 0, findings: [] });

/** Hosts ready for use, by their options. */
export class Pairs {
  private readonly pairs = new Map<number, Pair>();

  get(setting: Setting): Pair {
    const key = (setting.sack ? 2 : 0) + (setting.timestamps ? 1 : 0);
    const old = this.pairs.get(key);
    if (old !== undefined && !old.worn) return old;
    const pair = new Pair(setting.sack, setting.timestamps, 1_000_000);
    this.pairs.set(key, pair);
    return pair;
  }

  /** After a violation: what is left on the hosts must not spoil the next life. */
  discard(pair: Pair): void {
    for (const [key, p] of this.pairs) if (p === pair) this.pairs.delete(key);
  }
}

/**
 * Lives every pattern of faults within a setting.
 *
 * A pattern is a list of faults in the order of segments. It grows at its end only, and only by faults on
 * segments that its own run has sent: up to the fault both runs are the same, so any other fault would
 * change nothing. Left out besides, because it is another pattern's run exactly: a fault on a segment that a
 * cut takes anyway; a cut behind a dropped segment of the same direction (the cut from that segment on).
 */
export function explore(setting: Setting, depth: Depth, pairs: Pairs, tally: Tally): void {
  const life = { ...setting, faults: [] as Fault[] };
  grow(life, 0, false, depth, pairs, tally);
}

function grow(
  life: Setting & { faults: Fault[] },
  faults: number,
  cut: boolean,
  depth: Depth,
  pairs: Pairs,
  tally: Tally,
): void {
  const pair = pairs.get(life);
  const wrong = liveGuarded(pair, life);
  const { segments, fromB, events, elapsed } = pair.outcome;
  tally.lives++;
  tally.segments += segments;
  tally.events += events;
  tally.time += elapsed / 1e6;
  if (wrong !== null) {
    tally.findings.push({ life: lifeName(life), start: pair.begun / 1e6, what: wrong });
    pairs.discard(pair);
  }
  const list = life.faults;
  const from = list.length === 0 ? 0 : segmentOf(list[list.length - 1]!) + 1;
  const to = Math.min(segments, WINDOW);
  const most = cut ? depth.faultsWithCut : depth.faults;
  for (let i = from; i < to; i++) {
    const side = (fromB >> i) & 1;
    if (faults < most && !taken(list, side)) {
      for (const action of [DROP, DUPLICATE, DELAY]) {
        list.push(fault(i, action));
        grow(life, faults + 1, cut, depth, pairs, tally);
        list.pop();
      }
    }
    if (cut || faults > depth.faultsWithCut) continue;
    for (const action of [side === 0 ? CUT_A : CUT_B, CUT_AB]) {
      if (dropsBefore(list, i, action, fromB)) continue;
      list.push(fault(i, action));
      grow(life, faults, true, depth, pairs, tally);
      list.pop();
    }
  }
}

/** A cut loses everything that this side sends. */
function taken(list: readonly Fault[], side: number): boolean {
  for (const f of list) {
    const a = actionOf(f);
    if (a === CUT_AB || a === (side === 0 ? CUT_A : CUT_B)) return true;
  }
  return false;
}

/** The last segment before `i` that the cut would take is dropped already. */
function dropsBefore(list: readonly Fault[], i: number, action: number, fromB: number): boolean {
  for (let k = i - 1; k >= 0; k--) {
    const side = (fromB >> k) & 1;
    if (action !== CUT_AB && side !== (action === CUT_A ? 0 : 1)) continue;
    return list.some(f => f === fault(k, DROP));
  }
  return false;
}

/** Nothing that arrives may throw: if it does, that is what is wrong. */
export function liveGuarded(pair: Pair, life: Life): string | null {
  try {
    return pair.live(life);
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

export const hasCut = (life: Life): boolean => life.faults.some(isCut);

/** Lives one life on fresh hosts, from the same second on. @param tell receives what happens */
export function again(life: Life, start: number, tell: ((line: string) => void) | null): string | null {
  const pair = new Pair(life.sack, life.timestamps, (start - 1) * 1e6);
  pair.tell = tell;
  return liveGuarded(pair, life);
}
