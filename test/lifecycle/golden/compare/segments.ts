/**
 * Segments and injections: per sender, in exact order.
 *
 * A log does not say which connection a segment belongs to. Where there are several, each logged segment is
 * taken for the next one of that connection of the run which looks the same and comes first; so the order
 * within a connection is exact, and two connections may be interleaved otherwise than in the log, which
 * timers that fire in one jiffy are in reality too. Between the two directions no order is compared here:
 * the relay's two queues had none. `intervals.ts` does that, by time.
 */
import {
  type HostName,
  type InjectEvent,
  other,
  type SegmentEvent,
  type Shown,
  type Timeline,
} from '../timeline.ts';
import type { Finding, Pairs } from './finding.ts';

export function compareSegments(logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  return [
    ...compareSender('A', logged, simulated, pairs),
    ...compareSender('B', logged, simulated, pairs),
    ...compareInjects(logged, simulated, pairs),
  ];
}

function compareSender(from: HostName, logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  const sent = (t: Timeline): SegmentEvent[] =>
    t.events.filter((e): e is SegmentEvent => e.kind === 'segment' && e.from === from);
  const queues = new Map<number, SegmentEvent[]>();
  for (const s of sent(simulated)) {
    const queue = queues.get(s.conn);
    if (queue) queue.push(s);
    else queues.set(s.conn, [s]);
  }
  const heads = (): SegmentEvent[] =>
    [...queues.values()].flatMap(q => q.slice(0, 1)).sort((x, y) => x.t - y.t);
  const way = `${from}>${other(from)}`;
  for (const l of sent(logged)) {
    const found = heads().find(h => h.fate === l.fate && sameShown(l.shown, h.shown));
    if (!found) {
      const next = heads()[0] ?? null;
      const what = next ? `${way} segment differs: ${difference(l, next)}` : `${way} segment is not sent`;
      return [{ t: l.t, what, logged: l, simulated: next }];
    }
    pairs.set(l, found);
    queues.get(found.conn)!.shift();
  }
  const extra = heads().find(h => h.t < simulated.end - 0.005 && !mayBeLate(h, simulated));
  return extra
    ? [{ t: extra.t, what: `${way} segment is not in the log`, logged: null, simulated: extra }]
    : [];
}

/** A timer's segment so near the end that the real timer, late by its slack, may have fired after it. */
function mayBeLate(s: SegmentEvent, run: Timeline): boolean {
  const before = run.events
    .filter(e => e.t < s.t - 0.001 && e.conn === s.conn && e.kind === 'segment')
    .at(-1);
  return s.t + 0.13 * (s.t - (before?.t ?? s.t)) + 0.02 > run.end;
}

function compareInjects(logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  const injects = (t: Timeline): InjectEvent[] =>
    t.events.filter((e): e is InjectEvent => e.kind === 'inject');
  const mine = injects(simulated);
  for (const [i, l] of injects(logged).entries()) {
    const s = mine[i] ?? null;
    const same =
      s !== null &&
      s.to === l.to &&
      s.note === l.note &&
      (l.shown === null ? s.shown === null : s.shown !== null && sameShown(l.shown, s.shown));
    if (!same) return [{ t: l.t, what: 'the script injects something else', logged: l, simulated: s }];
    pairs.set(l, s);
  }
  return [];
}

/**
 * A number that depends on initial sequence numbers, which differ: an absolute number written as a relative
 * one (the 0 of a RST for a port where nobody listens), or the other way about.
 */
const wild = (n: number): boolean => n > 2 ** 20 && n < 2 ** 32 - 2 ** 20;

const sameNumber = (l: number | null, s: number | null): boolean =>
  l === s || (l !== null && s !== null && wild(l) && wild(s));

/** Windows depend on buffer tuning: only zero is compared. */
export const sameShown = (l: Shown, s: Shown): boolean => differing(l, s).length === 0;

function differing(l: Shown, s: Shown): string[] {
  const out: string[] = [];
  if (l.flags !== s.flags) out.push('flags');
  if (!sameNumber(l.seq, s.seq)) out.push('seq');
  if (!sameNumber(l.ack, s.ack)) out.push('ack');
  if (l.len !== s.len) out.push('len');
  if ((l.win === 0) !== (s.win === 0)) out.push('zero window');
  if (l.mss !== s.mss) out.push('mss');
  if (l.ws !== s.ws) out.push('ws');
  if (l.sackOk !== s.sackOk) out.push('sackok');
  const blocks = l.sack.length === s.sack.length;
  if (!blocks || !l.sack.every((b, i) => b[0] === s.sack[i]![0] && b[1] === s.sack[i]![1])) out.push('sack');
  return out;
}

function difference(l: SegmentEvent, s: SegmentEvent): string {
  const names = differing(l.shown, s.shown);
  if (l.fate !== s.fate) names.push('fate');
  return names.join(', ');
}
