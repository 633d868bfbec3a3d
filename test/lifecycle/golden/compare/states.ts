/**
 * States: each one that the log shows must be entered in the run, in order, and each one that lasts must be
 * in the log. The log's were seen by a poller that looked every 2 ms while segments passed and every 50 ms
 * otherwise: a state that lasted less than `GLANCE` may be missing. A host of which the poller found no
 * socket (a listener alone, a peer that the script plays) is 'gone' from the start.
 */
import { eventText, type HostName, type StateEvent, type Timeline } from '../timeline.ts';
import type { Finding, Pairs } from './finding.ts';

/** Seconds between two looks of the poller at worst. */
export const GLANCE = 0.06;

interface Stay {
  event: StateEvent | null;
  state: string;
  from: number;
  until: number;
}
interface Life {
  conn: number;
  stays: Stay[];
  /** Index of the stay that the log showed last. */
  at: number;
}

export function compareStates(logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  return [...compareHost('A', logged, simulated, pairs), ...compareHost('B', logged, simulated, pairs)];
}

function compareHost(host: HostName, logged: Timeline, simulated: Timeline, pairs: Pairs): Finding[] {
  const lives = livesOf(host, simulated);
  const byPort = new Map<number, Life>();
  const findings: Finding[] = [];
  for (const l of logged.events) {
    if (l.kind !== 'state' || l.host !== host) continue;
    const known = byPort.get(l.port);
    const found = choose(known ? [known] : lives, l);
    if (!found) {
      const next = known?.stays[known.at + 1]?.event ?? null;
      return [{ t: l.t, what: `${host} is not seen in ${l.state}`, logged: l, simulated: next }];
    }
    const [life, index] = found;
    const missed = life.stays.slice(Math.max(life.at + 1, 1), index).find(lasting);
    if (missed) findings.push(unseen(host, missed));
    life.at = index;
    const { event } = life.stays[index]!;
    if (event) pairs.set(l, event);
    // A client's port is its connection's own; a server's is shared.
    if (event && l.port > 32767) byPort.set(l.port, life);
  }
  for (const life of lives)
    for (const stay of life.stays.slice(life.at + 1))
      if (stay.event && lasting(stay) && stay.from + 0.13 * wait(life, stay) + GLANCE < simulated.end)
        findings.push(unseen(host, stay));
  return findings.slice(0, 1);
}

const lasting = (s: Stay): boolean => s.until - s.from > GLANCE;

/** How long the connection had been in the state before: a bound for the slack of the timer that ended it. */
const wait = (life: Life, stay: Stay): number => {
  const before = life.stays[life.stays.indexOf(stay) - 1];
  return before && Number.isFinite(before.from) ? stay.from - before.from : 0;
};

const unseen = (host: HostName, s: Stay): Finding => ({
  t: s.from,
  what: `${host} is in ${s.state} for ${(s.until - s.from).toFixed(3)} s, which the log does not show (${
    s.event ? eventText(s.event).trim() : ''
  })`,
  logged: null,
  simulated: s.event,
});

/** The connection that may have come to the logged state, nearest in time, and which of its stays that was. */
function choose(lives: readonly Life[], l: StateEvent): [Life, number] | null {
  let best: [Life, number] | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (const life of lives)
    for (let i = life.at + 1; i < life.stays.length; i++) {
      const stay = life.stays[i]!;
      if (stay.state === l.state) {
        const d = stay.event ? Math.abs(stay.from - l.t) : 1e6;
        if (d < distance) {
          best = [life, i];
          distance = d;
        }
        break;
      }
      if (i > 0 && lasting(stay)) break;
    }
  return best;
}

/** Each connection that the relay saw, with the states of this host's end. */
function livesOf(host: HostName, run: Timeline): Life[] {
  const lives = new Map<number, Life>();
  for (const e of run.events) {
    if (e.conn < 0) continue;
    let life = lives.get(e.conn);
    if (!life) {
      const nothing: Stay = { event: null, state: 'gone', from: -Infinity, until: Infinity };
      life = { conn: e.conn, stays: [nothing], at: -1 };
      lives.set(e.conn, life);
    }
    if (e.kind !== 'state' || e.host !== host) continue;
    const last = life.stays.at(-1)!;
    if (last.state === e.state) continue;
    last.until = e.t;
    life.stays.push({ event: e, state: e.state, from: e.t, until: Infinity });
  }
  return [...lives.values()];
}
