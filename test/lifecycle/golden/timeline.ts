/**
 * A timeline: what happened in one experiment, in the order it was noted. A log is read into one, a
 * simulated run makes one, and `compare.ts` sets them side by side.
 */
export type HostName = 'A' | 'B';
export const other = (h: HostName): HostName => (h === 'A' ? 'B' : 'A');

/** What the relay did with a segment; one that is eaten goes to the script, which plays the peer. */
export type Fate = 'fwd' | 'drop' | 'eat';

/** The fields of a segment that logs show; numbers relative to the initial ones, modulo 2^32. */
export interface Shown {
  flags: string;
  seq: number;
  ack: number | null;
  win: number;
  len: number;
  mss: number | null;
  ws: number | null;
  sackOk: boolean;
  sack: readonly (readonly [number, number])[];
}

interface Common {
  /** Seconds from the experiment's mark. */
  t: number;
  /** Which connection, as a number in order of appearance; −1 if it is not known (in logs it never is). */
  conn: number;
}

export interface SegmentEvent extends Common {
  kind: 'segment';
  from: HostName;
  shown: Shown;
  fate: Fate;
  /** Seconds it is under way. */
  delay: number;
}
export interface InjectEvent extends Common {
  kind: 'inject';
  to: HostName;
  /** Null for ICMP. */
  shown: Shown | null;
  note: string;
}
export interface StateEvent extends Common {
  kind: 'state';
  host: HostName;
  port: number;
  state: string;
  timer: Timer | null;
}
/** The timer that the socket diagnostics show: rexmit, keepalive/finwait2, timewait, probe0. */
export interface Timer {
  kind: string;
  /** Until it goes off. */
  ms: number;
}
/** A line that the script wrote: a call and its result (`app …`), or a remark. */
export interface ScriptEvent extends Common {
  kind: 'script';
  text: string;
  /** Seconds that the call took; its line was written when it returned. */
  blocked: number;
}
/** In a run: from `t` on, until the next of the same connection and host. */
export interface TimerSample {
  t: number;
  host: HostName;
  conn: number;
  /** Null if none runs; else its kind, and the second at which it goes off. */
  kind: string | null;
  at: number;
}
export type Event = SegmentEvent | InjectEvent | StateEvent | ScriptEvent;

export interface Timeline {
  events: Event[];
  /** Lines after the last event: `ss` tables and counters, written by the script at its end. */
  tail: string[];
  /** Every change of a timer that the diagnostics show; none in a log. */
  timers: TimerSample[];
  /** When the script ended, in seconds: what comes later only shows sockets that nobody holds being closed. */
  end: number;
}

const LINE = /^\s*(-?\d+\.\d{3})(?: {2}|$)(.*)$/;
const SEGMENT = /^([AB])>([AB]) (\[.*?)(?:\s*<<<(drop|eat)>>>)?$/;
const INJECT = /^->([AB]) inject (.*)$/;
const STATE = /^([AB]):(\d+) state -> (\S+)(?:\s+\(timer (\S+) (-?\d+) ms\))?$/;
const SHOWN = /^\[([A-Z.]*)\] seq (\d+)(?: ack (\d+))? win (\d+) len (\d+)(.*)$/;

/** Reads a log. Throws on a line it does not understand: the logs are part of the tests. */
export function parseLog(text: string): Timeline {
  const lines = text.split('\n');
  const last = lines.findLastIndex(l => LINE.test(l));
  const events: Event[] = [];
  for (let i = 0; i <= last; i++) {
    const m = LINE.exec(lines[i]!);
    if (m) events.push(parseEvent(Number(m[1]), m[2]!.trim()));
    else append(events.at(-1), lines[i]!.trim());
  }
  const end = events.reduce((t, e) => (e.kind === 'script' || e.kind === 'inject' ? e.t : t), 0);
  return { events, tail: lines.slice(last + 1).filter(l => l.trim() !== ''), timers: [], end };
}

/** A remark may hold several lines: the table `ss` printed. */
function append(event: Event | undefined, line: string): void {
  if (event?.kind !== 'script') throw new Error(`no event to append to: ${line}`);
  event.text += ` | ${line}`;
}

function parseEvent(t: number, text: string): Event {
  const seg = SEGMENT.exec(text);
  if (seg) {
    const shown = parseShown(seg[3]!.trim())?.shown;
    if (!shown) throw new Error(`not a segment: ${text}`);
    const fate = (seg[4] ?? 'fwd') as Fate;
    return { kind: 'segment', t, conn: -1, from: seg[1] as HostName, shown, fate, delay: 0 };
  }
  const inject = INJECT.exec(text);
  if (inject) {
    const to = inject[1] as HostName;
    const parsed = parseShown(inject[2]!);
    return {
      kind: 'inject',
      t,
      conn: -1,
      to,
      shown: parsed?.shown ?? null,
      note: parsed?.rest ?? inject[2]!,
    };
  }
  const state = STATE.exec(text);
  if (state)
    return {
      kind: 'state',
      t,
      conn: -1,
      host: state[1] as HostName,
      port: Number(state[2]),
      state: state[3]!,
      timer: state[4] === undefined ? null : { kind: state[4], ms: Number(state[5]) },
    };
  const blocked = /\s+\(blocked (\d+\.\d+)s\)$/.exec(text);
  return {
    kind: 'script',
    t,
    conn: -1,
    text: blocked ? text.slice(0, blocked.index) : text,
    blocked: blocked ? Number(blocked[1]) : 0,
  };
}

/** Reads `[S.] seq 0 ack 1 win 65535 len 0 mss=1460 sack 1-2 and words`; null if it is none. */
export function parseShown(text: string): { shown: Shown; rest: string } | null {
  const m = SHOWN.exec(text);
  if (!m) return null;
  const shown: Shown = {
    flags: m[1]!,
    seq: Number(m[2]),
    ack: m[3] === undefined ? null : Number(m[3]),
    win: Number(m[4]),
    len: Number(m[5]),
    mss: null,
    ws: null,
    sackOk: false,
    sack: [],
  };
  let rest = m[6]!;
  const take = (pattern: RegExp, use: (value: string) => void): void => {
    const found = pattern.exec(rest);
    if (!found) return;
    rest = rest.replace(found[0], '');
    use(found[1]!);
  };
  take(/ mss=(\d+)/, n => (shown.mss = Number(n)));
  take(/ sackok=(1)/, () => (shown.sackOk = true));
  take(/ ws=(\d+)/, n => (shown.ws = Number(n)));
  take(/ sack ((?:\d+-\d+,?)+)/, blocks => {
    shown.sack = blocks.split(',').map(block => block.split('-').map(Number) as [number, number]);
  });
  return { shown, rest: rest.trim() };
}

/** As the logs write it. */
export function shownText(s: Shown): string {
  const words = [`[${s.flags}] seq ${s.seq}`];
  if (s.ack !== null) words.push(`ack ${s.ack}`);
  words.push(`win ${s.win} len ${s.len}`);
  if (s.mss !== null) words.push(`mss=${s.mss}`);
  if (s.sackOk) words.push('sackok=1');
  if (s.ws !== null) words.push(`ws=${s.ws}`);
  if (s.sack.length > 0) words.push(`sack ${s.sack.map(([l, r]) => `${l}-${r}`).join(',')}`);
  return words.join(' ');
}

/** One line for reports. */
export function eventText(e: Event): string {
  const time = e.t.toFixed(3).padStart(9);
  switch (e.kind) {
    case 'segment': {
      const fate = e.fate === 'fwd' ? '' : ` <${e.fate}>`;
      return `${time} ${e.from}>${other(e.from)} ${shownText(e.shown)}${fate}`;
    }
    case 'inject':
      return `${time} ->${e.to} ${e.shown ? shownText(e.shown) : ''} ${e.note}`;
    case 'state':
      return `${time} ${e.host}:${e.port} ${e.state}${e.timer === null ? '' : ` (${e.timer.kind} ${e.timer.ms} ms)`}`;
    case 'script':
      return `${time} ${e.text}${e.blocked > 0 ? ` (blocked ${e.blocked.toFixed(3)}s)` : ''}`;
  }
}
