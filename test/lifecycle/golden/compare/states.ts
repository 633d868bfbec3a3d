/**
 * States: each one that the log shows must be entered in the run, in order, and each one that lasts must be
 * in the log. The log's were seen by a poller that looked every 2 ms while segments passed and every 50 ms
 * otherwise: a state that lasted less than `GLANCE` may be missing. A host of which the poller found no
 * socket (a listener alone, a peer that the script plays) is 'gone' from the start.
 */
import type { HostName, StateEvent, Timeline } from '../timeline.ts';
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
  const lines = logged.events.filter((e): e is StateEvent => e.kind === 'state' && e.host === host);
  const byPort = assign(lines, lives);
  const findings: Finding[] = [];
  for (const l of lines) {
    const known = byPort.get(l.port);
    const found = choose(known ? [known] : lives, l);
    if (!found) {
      const next = known?.stays[known.at + 1]?.event ?? null;
      const only = known ?? (lives.length === 1 ? lives[0]! : null);
      const instead = only?.stays.slice(only.at + 1).find(s => s.event && stays(only, s));
      if (instead) return [unseen(host, instead)];
      return [{ t: l.t, what: `${host} is not seen in ${l.state}`, logged: l, simulated: next }];
    }
    const [life, index] = found;
    const missed = life.stays.slice(Math.max(life.at + 1, 1), index).find(s => stays(life, s));
    if (missed) findings.push(unseen(host, missed));
    life.at = index;
    const { event } = life.stays[index]!;
    if (!event) continue;
    pairs.set(l, event);
    const wrong = l.state === 'gone' ? null : timerDifference(l, event, simulated);
    if (wrong) findings.push({ t: l.t, what: wrong, logged: l, simulated: event });
  }
  for (const life of lives)
    for (const stay of life.stays.slice(life.at + 1))
      if (stay.event && stays(life, stay) && stay.from + 0.13 * wait(life, stay) + GLANCE < simulated.end)
        findings.push(unseen(host, stay));
  return findings.slice(0, 1);
}

/**
 * Which connection a client's port means (a server's is shared): one that went through all the states that
 * the log shows for the port, in time. A port for which there is none is looked for line by line.
 */
function assign(lines: readonly StateEvent[], lives: readonly Life[]): Map<number, Life> {
  const ports = [...new Set(lines.map(l => l.port))].filter(p => p > 32767).sort((x, y) => x - y);
  const owner = new Map<Life, number>();
  const wanted = (port: number): Life[] => lives.filter(life => couldBe(life, lines, port));
  const place = (port: number, tried: Set<Life>): boolean => {
    const choices = wanted(port);
    const life =
      choices.find(c => !owner.has(c)) ??
      choices.find(c => {
        if (tried.has(c)) return false;
        tried.add(c);
        return place(owner.get(c)!, tried);
      });
    if (life) owner.set(life, port);
    return life !== undefined;
  };
  for (const port of ports) place(port, new Set());
  return new Map([...owner].map(([life, port]) => [port, life]));
}

function couldBe(life: Life, lines: readonly StateEvent[], port: number): boolean {
  const trial = { ...life };
  for (const l of lines) {
    if (l.port !== port) continue;
    const i = reachable(trial, l);
    if (i < 0 || trial.stays[i]!.from > l.t + EARLY) return false;
    trial.at = i;
  }
  return true;
}

/** Late by the poller, early by what timers that began before the state had been late. */
const fitsTimer = (logged: number, least: number, most: number): boolean =>
  logged >= least - 0.008 && logged <= most + 0.008 + 0.05 * logged;

/** The timer that the log shows must have run at a moment at which the poller may have looked. */
function timerDifference(l: StateEvent, s: StateEvent, run: Timeline): string | null {
  const samples = run.timers.filter(x => x.host === s.host && x.conn === s.conn);
  const kinds = new Set<string>();
  for (const [i, x] of samples.entries()) {
    const from = Math.max(x.t, s.t);
    const until = Math.min(samples[i + 1]?.t ?? Infinity, s.t + GLANCE);
    if (from > until || (samples[i + 1]?.t ?? Infinity) < s.t) continue;
    if (
      x.kind === null
        ? l.timer === null
        : l.timer?.kind === x.kind && fitsTimer(l.timer.ms / 1000, x.at - until, x.at - from)
    )
      return null;
    kinds.add(x.kind === null ? 'none' : `${x.kind} ${((x.at - from) * 1000).toFixed(0)} ms`);
  }
  const logged = l.timer === null ? 'none' : `${l.timer.kind} ${l.timer.ms} ms`;
  return `timer: ${logged} in the log, ${[...kinds].join(' or ')} in the run`;
}

const lasting = (s: Stay): boolean => s.until - s.from > GLANCE;

/** It lasted, and was not what the log showed anyhow (a socket gone, made anew and gone again). */
const stays = (life: Life, s: Stay): boolean => lasting(s) && s.state !== life.stays[life.at]?.state;

/** How long the connection had been in the state before: a bound for the slack of the timer that ended it. */
const wait = (life: Life, stay: Stay): number => {
  const before = life.stays[life.stays.indexOf(stay) - 1];
  return before && Number.isFinite(before.from) ? stay.from - before.from : 0;
};

const unseen = (host: HostName, s: Stay): Finding => {
  const long = s.until === Infinity ? 'for ever' : `for ${(s.until - s.from).toFixed(3)} s`;
  return {
    t: s.from,
    what: `${host} is in ${s.state} ${long}, from ${s.from.toFixed(3)}, which the log does not show`,
    logged: null,
    simulated: s.event,
  };
};

/**
 * The connection that may have come to the logged state, and which of its stays that was: of one connection
 * the latest that the poller could have reached by then, of several connections the one that came first.
 */
function choose(lives: readonly Life[], l: StateEvent): [Life, number] | null {
  let best: [Life, number] | null = null;
  for (const life of lives) {
    const i = reachable(life, l);
    if (i < 0) continue;
    if (best === null || rank(life.stays[i]!, l) < rank(best[0].stays[best[1]]!, l)) best = [life, i];
  }
  return best;
}

function reachable(life: Life, l: StateEvent): number {
  let found = -1;
  for (let i = life.at + 1; i < life.stays.length; i++) {
    const stay = life.stays[i]!;
    if (stay.state === l.state && (found < 0 || stay.from <= l.t + EARLY)) found = i;
    if (i > 0 && stays(life, stay)) break;
  }
  return found;
}

/** Those that are due come first, by time; then sockets that never were; then those to come. */
const rank = (s: Stay, l: StateEvent): number =>
  s.event === null ? 1e6 : s.from <= l.t + EARLY ? s.from : 1e7 + s.from;

/** How much earlier than in the run the log may show a state. */
const EARLY = 0.005;

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
