/**
 * Sets what a lesson shows beside the timeline measured on Linux that it names: the same segments in the
 * same order per direction, and the same end. Times are not compared: the lab's wire is forty times as slow
 * as the one that was measured on, so that one can see something.
 */
import { readFileSync } from 'node:fs';
import type { EventLog } from '../../lab/engine/log.ts';
import {
  FATES,
  MARK_AGAIN,
  MARK_COPY,
  MARK_INJECTED,
  MARK_LOOP,
  SEGMENT,
  STATE,
} from '../../lab/engine/log.ts';
import type { Lesson } from '../../lab/lessons/index.ts';
import { formatFlags } from '../../src/sim/format.ts';
import { type State, stateName } from '../../src/tcp/state.ts';
import { type Event, type HostName, parseLog } from '../lifecycle/golden/timeline.ts';

/** A segment as a page shows it; numbers relative to the initial ones, `ack` 0 without the flag. */
export interface ShownSegment {
  readonly from: HostName;
  /** S F R P . U, as analyzers write them. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly len: number;
  readonly lost: boolean;
  readonly retransmission: boolean;
}

/** What a lesson has shown when it is at its end. Plain data: a browser can hand it over. */
export interface ShownLesson {
  /** States of the first connection on each host, in order. */
  readonly states: { readonly A: readonly string[]; readonly B: readonly string[] };
  readonly segments: readonly ShownSegment[];
}

/** `ss` names of states, as the measured timelines write them. */
const STATES: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT_1',
  'FIN-WAIT-2': 'FIN_WAIT_2',
  'TIME-WAIT': 'TIME_WAIT',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  CLOSING: 'CLOSING',
  gone: 'CLOSED',
};

/** Sentences about what differs from the measured timeline; none if the lesson tells the same story. */
export function goldenDifferences(lesson: Lesson, view: ShownLesson): string[] {
  if (lesson.golden === undefined) return [];
  const events = eventsOf(lesson);
  const one = portsOf(events).size < 2;
  const out: string[] = [];
  for (const host of ['A', 'B'] as const) {
    const measured = events.flatMap(e => (e.kind === 'segment' && e.from === host ? [segmentOf(e)] : []));
    const shown = view.segments.filter(s => s.from === host);
    out.push(
      ...compareSegments(host, measured, shown),
      ...(one ? compareRepeats(host, measured, shown) : []),
    );
    out.push(...compareStates(host, statesOf(events, host), view.states[host]));
  }
  return out;
}

/** What a log of the engine shows: of a run in Node, or of one that came to a page. */
export function shownOf(log: EventLog): ShownLesson {
  const { columns: c } = log;
  const segments: ShownSegment[] = [];
  const states: Record<HostName, string[]> = { A: [], B: [] };
  let conn = -1;
  for (let i = 0; i < log.length; i++) {
    const from: HostName = c.side[i] === 0 ? 'A' : 'B';
    if (c.kind[i] === STATE) {
      if (conn < 0 && from === 'A') conn = c.conn[i]!;
      if (c.conn[i] === conn) states[from].push(stateName(c.to[i] as State));
    }
    if (c.kind[i] !== SEGMENT || c.marks[i]! & (MARK_LOOP | MARK_INJECTED | MARK_COPY)) continue;
    segments.push({
      from,
      flags: formatFlags(c.flags[i]!),
      seq: c.seq[i]!,
      ack: c.ack[i]!,
      len: c.length[i]!,
      lost: FATES[c.fate[i]!] === 'dropped',
      retransmission: (c.marks[i]! & MARK_AGAIN) !== 0,
    });
  }
  return { states, segments };
}

function eventsOf(lesson: Lesson): readonly Event[] {
  const file = new URL(`../lifecycle/golden/timelines/${lesson.golden}.txt`, import.meta.url);
  const until = lesson.goldenUntil ?? Number.POSITIVE_INFINITY;
  return parseLog(readFileSync(file, 'utf8')).events.filter(e => e.t < until);
}

function segmentOf(e: Extract<Event, { kind: 'segment' }>): ShownSegment {
  const { flags, seq, ack, len } = e.shown;
  return { from: e.from, flags, seq, ack: ack ?? 0, len, lost: e.fate === 'drop', retransmission: false };
}

/** A number reckoned from an initial one that nobody has seen: only that it is one is compared. */
const wild = (n: number): boolean => n > 2 ** 20 && n < 2 ** 32 - 2 ** 20;
const same = (x: number, y: number): boolean => x === y || (wild(x) && wild(y));

/** PSH stands at the end of a burst, and how many full segments make one depends on the round trip. */
const flagsOf = (s: ShownSegment): string => (s.len >= FULL ? s.flags.replace('P', '') : s.flags);
const FULL = 1448;

const text = (s: ShownSegment): string =>
  `[${s.flags}] seq ${s.seq} ack ${s.ack} len ${s.len}${s.lost ? ' lost' : ''}`;

function compareSegments(
  host: HostName,
  measured: readonly ShownSegment[],
  shown: readonly ShownSegment[],
): string[] {
  for (let i = 0; i < Math.max(measured.length, shown.length); i++) {
    const m = measured[i];
    const s = shown[i];
    if (m === undefined) return [`${host} sends ${text(s!)}, which Linux did not`];
    if (s === undefined) return [`${host} does not send ${text(m)}, as Linux did`];
    const equal =
      flagsOf(m) === flagsOf(s) &&
      same(m.seq, s.seq) &&
      same(m.ack, s.ack) &&
      m.len === s.len &&
      m.lost === s.lost;
    if (!equal) return [`${host} sends ${text(s)} as number ${i + 1}, Linux sent ${text(m)}`];
  }
  return [];
}

/** How often something was sent again. A timeline of several connections does not say what belongs to which. */
function compareRepeats(
  host: HostName,
  measured: readonly ShownSegment[],
  shown: readonly ShownSegment[],
): string[] {
  let theirs = 0;
  let end = 0;
  for (const s of measured) {
    // A SYN may be a second connection's: SYNs are compared as segments only.
    if (s.flags.includes('S')) end = 0;
    const size = s.len + (s.flags.includes('F') ? 1 : 0);
    if (size > 0 && s.seq + size <= end) theirs++;
    else if (size > 0) end = s.seq + size;
  }
  const ours = shown.filter(s => s.retransmission && !s.flags.includes('S')).length;
  return ours === theirs ? [] : [`${host} retransmits ${ours} times, Linux did ${theirs} times`];
}

/** Local ports of the connections on A: a timeline names connections by them. */
const portsOf = (events: readonly Event[]): Set<number> =>
  new Set(events.flatMap(e => (e.kind === 'state' && e.host === 'A' ? [e.port] : [])));

/**
 * The states that the measuring script saw of the first connection; a `gone` at the start says that it saw
 * none yet. Of several connections those on B all have the same port.
 */
function statesOf(events: readonly Event[], host: HostName): string[] {
  const seen = events.filter(e => e.kind === 'state');
  const ports = portsOf(events);
  if (host === 'B' && ports.size > 1) return [];
  const [first] = ports;
  const all = seen
    .filter(e => e.host === host && (host === 'B' || e.port === first))
    .map(e => STATES[e.state] ?? e.state);
  return all[0] === 'CLOSED' && all.length > 1 ? all.slice(1) : all;
}

/** It looked every few milliseconds and may have missed states: those that it saw must come in this order. */
function compareStates(host: HostName, measured: readonly string[], shown: readonly string[]): string[] {
  let at = 0;
  for (const state of measured) {
    const found = shown.indexOf(state, at);
    if (found < 0) return [`${host} does not go through ${measured.join(' ')} but ${shown.join(' ')}`];
    at = found + 1;
  }
  const end = shown.at(-1);
  const last = measured.at(-1);
  // Many a timeline ends while TIME_WAIT still runs.
  const over = last === 'TIME_WAIT' && end === 'CLOSED' && shown.at(-2) === 'TIME_WAIT';
  return last === undefined || end === last || over ? [] : [`${host} ends in ${end}, on Linux in ${last}`];
}
