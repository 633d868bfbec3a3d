/** Sets two runs in real time beside each other: what Linux did with Linux, and what it did with lastack. */
import type { Finding, Pairs } from '../../lifecycle/golden/compare/finding.ts';
import { compareSegments } from '../../lifecycle/golden/compare/segments.ts';
import { compareScript, compareTail } from '../../lifecycle/golden/compare/texts.ts';
import {
  type Event,
  eventText,
  type HostName,
  type StateEvent,
  type Timeline,
} from '../../lifecycle/golden/timeline.ts';

export interface Tolerance {
  /** Seconds, and share of the longer of the two intervals: timers of the kernel's are late by up to an eighth. */
  readonly least: number;
  readonly share: number;
  /** States that last for less, in seconds, may be missed by either's poller. */
  readonly glance: number;
}

/** Every difference; none if there is none. */
export function compareReal(reference: Timeline, run: Timeline, tolerance: Tolerance): Finding[] {
  const pairs: Pairs = new Map();
  const findings = [
    ...connections(reference, run).flatMap(c => compareSegments(only(reference, c), only(run, c), pairs)),
    ...compareScript(reference, run, pairs),
    ...compareStates(reference, run, tolerance.glance),
    ...compareTail(reference, run),
    ...compareTimes(reference, pairs, tolerance),
  ];
  return findings.sort((x, y) => x.t - y.t);
}

const connections = (...timelines: Timeline[]): number[] =>
  [...new Set(timelines.flatMap(t => t.events).map(e => e.conn))].sort((x, y) => x - y);

/** What happened to one connection. */
const only = (t: Timeline, conn: number): Timeline => ({
  ...t,
  events: t.events.filter(e => e.conn === conn),
});

interface Stay {
  readonly state: string;
  readonly from: number;
  until: number;
  readonly event: StateEvent;
}

/** States by host and connection, in order; those that one side shows but briefly, the other need not show. */
function compareStates(reference: Timeline, run: Timeline, glance: number): Finding[] {
  for (const host of ['A', 'B'] as const)
    for (const conn of connections(reference, run)) {
      if (conn < 0) continue;
      const [l, s] = [stays(reference, host, conn), stays(run, host, conn)];
      const missing = firstMissing(l, s, glance) ?? firstMissing(s, l, glance);
      if (missing === null) continue;
      const what = `${host} connection ${conn}: ${names(l)} beside Linux, ${names(s)} here`;
      return [{ t: missing.from, what, logged: missing.event, simulated: null }];
    }
  return [];
}

const names = (list: readonly Stay[]): string => list.map(s => s.state).join(' ') || 'no state';

function stays(t: Timeline, host: HostName, conn: number): Stay[] {
  const out: Stay[] = [];
  for (const e of t.events) {
    if (e.kind !== 'state' || e.host !== host || e.conn !== conn || e.t > t.end) continue;
    const last = out.at(-1);
    if (last) last.until = e.t;
    out.push({ state: e.state, from: e.t, until: t.end, event: e });
  }
  return out;
}

/**
 * The first lasting state of one list that the other has not, in order. Who never caught a connection at all can't
 * tell that it is gone.
 */
function firstMissing(list: readonly Stay[], other: readonly Stay[], glance: number): Stay | null {
  let at = 0;
  for (const s of list) {
    if (s.until - s.from < glance || (s.state === 'gone' && other.length === 0)) continue;
    const found = other.findIndex((o, i) => i >= at && o.state === s.state);
    if (found < 0) return s;
    at = found + 1;
  }
  return null;
}

/** Which of several running timers sent a segment, or which act of the script, can't be told from outside. */
const EARLIER = 6;

/** Each segment, and each call that waited, is as long as beside Linux after one of the events before it. */
function compareTimes(reference: Timeline, pairs: Pairs, tolerance: Tolerance): Finding[] {
  const before: (readonly [Event, Event])[] = [];
  for (const l of reference.events) {
    const s = pairs.get(l);
    if (!s || l.kind === 'state') continue;
    const waited = l.kind === 'segment' || (l.kind === 'script' && l.blocked > 0.1);
    const off = ([pl, ps]: readonly [Event, Event]): boolean => {
      const [dl, ds] = [l.t - pl.t, s.t - ps.t];
      return Math.abs(dl - ds) > tolerance.least + tolerance.share * Math.max(dl, ds);
    };
    const last = before.at(-1);
    // When a connection begins is the script's doing.
    const first = l.kind === 'segment' && !before.some(([pl]) => pl.conn === l.conn);
    if (waited && !first && last !== undefined && before.slice(-EARLIER).every(off)) {
      const what = `${(s.t - last[1].t).toFixed(3)} s after the event before, ${(l.t - last[0].t).toFixed(3)} s beside Linux`;
      return [{ t: l.t, what, logged: l, simulated: s }];
    }
    before.push([l, s]);
  }
  return [];
}

/** The first difference and what stood around it on either side. */
export function reportReal(
  name: string,
  findings: readonly Finding[],
  reference: Timeline,
  run: Timeline,
): string {
  const first = findings[0];
  if (first === undefined) return '';
  const around = (t: Timeline): string[] =>
    t.events
      .filter(e => e.kind !== 'state' && Math.abs(e.t - first.t) < 3)
      .slice(0, 14)
      .map(e => `      ${eventText(e)}`);
  return [
    `${name}: ${first.what}${findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''}`,
    ...[first.logged, first.simulated].map(e => (e ? `    > ${eventText(e)}` : '    > nothing')),
    '    beside Linux:',
    ...around(reference),
    '    here:',
    ...around(run),
  ].join('\n');
}
