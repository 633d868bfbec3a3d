/**
 * Times: not absolute ones but intervals, from an earlier event of the same connection on the same host.
 *
 * A real timer fires late by up to an eighth of its time, never early, and the lab's threads kept each other
 * waiting for up to 5 ms. So an interval fits if
 *     simulated ≤ logged + 5 ms   and   logged ≤ simulated × 1.13 + 20 ms.
 * It must fit from one of the four events before, or of the four last acts of the script: which of several running timers
 * was meant (a delayed ACK's, a retransmission's) can't be read from a log. What the script itself did is
 * where intervals begin, never where one ends; its calls that waited are checked when they return.
 */
import type { Event, HostName, Timeline } from '../timeline.ts';
import type { Finding, Pairs } from './finding.ts';
import { GLANCE } from './states.ts';

/** A moment that both timelines have, as a host saw it. */
interface Moment {
  conn: number;
  logged: number;
  simulated: number;
  source: Event;
}

const EARLIER = 4;

export function compareIntervals(logged: Timeline, pairs: Pairs): Finding[] {
  const findings: Finding[] = [];
  for (const host of ['A', 'B'] as const) {
    const moments = momentsOf(host, logged, pairs);
    for (const l of logged.events) {
      const s = pairs.get(l);
      if (!s || !ends(l, host)) continue;
      const extra = tolerance(l);
      const before = earlier(moments, l, s);
      if (before.length === 0 || before.some(m => fits(s.t - m.simulated, l.t - m.logged, extra))) continue;
      findings.push(misfit(before[0]!, l, s));
    }
  }
  return findings;
}

/** Whether the event ends an interval on this host. */
function ends(e: Event, host: HostName): boolean {
  if (e.kind === 'segment') return e.from === host;
  if (e.kind === 'state') return e.host === host;
  return e.kind === 'script' && host === 'A' && (e.blocked > 0 || isNoticed(e));
}

/** Changes that a script looking every 20 ms wrote down. */
const isNoticed = (e: Event): boolean => e.kind === 'script' && e.text.startsWith('app poll(');

/** Seconds that the observer adds, as [the run's, the log's]. */
function tolerance(e: Event): readonly [number, number] {
  if (e.kind === 'state') return [0, GLANCE];
  return isNoticed(e) ? [0.02, 0.03] : [0, 0];
}

const fits = (simulated: number, logged: number, extra: readonly [number, number]): boolean =>
  simulated <= Math.max(logged, 0) + 0.005 + extra[0] && logged <= simulated * 1.13 + 0.02 + extra[1];

/** The last few moments of the connection before the event, and of the script, latest first. */
function earlier(moments: readonly Moment[], l: Event, s: Event): Moment[] {
  const before = moments.filter(m => m.source !== l && m.simulated <= s.t);
  const own = before.filter(m => m.conn >= 0 && (l.kind === 'script' || m.conn === s.conn));
  const scripts = before.filter(m => m.conn < 0);
  const out = [...own.slice(-EARLIER), ...scripts.slice(-EARLIER)];
  return out.sort((x, y) => y.simulated - x.simulated);
}

/** What a host sent, received and was told by the script, in the run's order. */
function momentsOf(host: HostName, logged: Timeline, pairs: Pairs): Moment[] {
  const out: Moment[] = [];
  for (const l of logged.events) {
    const s = pairs.get(l);
    if (!s || l.kind === 'state') continue;
    if (l.kind === 'inject' && l.to !== host) continue;
    let under = 0;
    if (s.kind === 'segment' && s.from !== host) {
      if (s.fate !== 'fwd') continue;
      under = s.delay;
    }
    out.push({ conn: s.conn, logged: l.t + under, simulated: s.t + under, source: l });
    if (l.kind === 'script' && l.blocked > 0 && s.kind === 'script')
      out.push({ conn: -1, logged: l.t - l.blocked, simulated: s.t - s.blocked, source: l });
  }
  return out.sort((x, y) => x.simulated - y.simulated);
}

function misfit(m: Moment, l: Event, s: Event): Finding {
  const [simulated, logged] = [s.t - m.simulated, l.t - m.logged];
  const word = simulated > logged ? 'late' : 'early';
  const what = `${word}: ${simulated.toFixed(3)} s after the event before, logged ${logged.toFixed(3)} s`;
  return { t: l.t, what, logged: l, simulated: s };
}
