import type { Micros } from '../../src/base/time.ts';
import { parseTime } from '../../src/link/units.ts';

/**
 * A scenario as text, one line for each thing that is done, and when:
 *
 * ```
 * seed 7                          heads: what holds for the whole run
 * end 70s                         how far it goes by itself
 * 0 wire delay 20ms               time, who, what, words
 * 0 B listen s 80 5               B: socket s, bind to port 80, listen with backlog 5
 * 0 B accept s b                  wait for a connection; its socket is called b
 * 10ms A connect a B:80
 * 1s A close a
 * frame 3 drop                    the fourth frame on the wire is lost
 * ```
 *
 * Empty lines and what follows `#` mean nothing. The text is all there is to know of a run: the same text
 * gives the same events.
 */
export interface Script {
  readonly seed: number;
  readonly hz: number;
  readonly end: Micros;
  readonly lines: readonly Line[];
  readonly frames: readonly FrameFate[];
}

/** Something that is done at a time, by one of the hosts or to the wire. */
export interface Line {
  readonly at: Micros;
  readonly who: Who;
  readonly verb: string;
  readonly words: readonly string[];
}

export type Who = 'A' | 'B' | 'wire';

/** What happens to one frame, by its number on the wire from 0. */
export interface FrameFate {
  readonly frame: number;
  readonly action: FrameAction;
  readonly time: Micros;
}

export const FRAME_ACTIONS = ['drop', 'delay', 'duplicate', 'reorder', 'corrupt'] as const;
export type FrameAction = (typeof FRAME_ACTIONS)[number];

/** Verbs, and how many words each wants at least. */
export const VERBS: Readonly<Record<Who, Readonly<Record<string, number>>>> = {
  A: hostVerbs(),
  B: hostVerbs(),
  wire: { delay: 1, loss: 1, rate: 1, queue: 1, jitter: 1, rule: 3, clear: 0, partition: 1, flood: 3 },
};

function hostVerbs(): Record<string, number> {
  return {
    listen: 2,
    accept: 2,
    serve: 1,
    connect: 2,
    fetch: 3,
    write: 2,
    read: 1,
    drain: 1,
    shutdown: 2,
    close: 1,
    abort: 1,
    linger: 2,
    set: 3,
    bind: 2,
    sysctl: 2,
    crash: 0,
    restart: 0,
  };
}

/** The longest run, and the most lines: a text from an address bar is not to be trusted. */
const LONGEST: Micros = 30 * 24 * 3600 * 1e6;
const MOST_LINES = 2000;
export const DEFAULT_END: Micros = 70_000_000;

export type Parsed =
  | { readonly ok: true; readonly script: Script }
  | { readonly ok: false; readonly error: string; readonly line: number };

/** Reads a script; the error of the first line that can not be read. */
export function parseScript(text: string): Parsed {
  let seed = 1;
  let hz = 1000;
  let end = DEFAULT_END;
  const lines: Line[] = [];
  const frames: FrameFate[] = [];
  const rows = text.split('\n');
  const wrong = (line: number, error: string): Parsed => ({ ok: false, error, line: line + 1 });
  if (rows.length > MOST_LINES) return wrong(MOST_LINES, `more than ${MOST_LINES} lines`);
  for (const [n, row] of rows.entries()) {
    const words = row.replace(/#.*$/, '').trim().split(/\s+/);
    const [first = '', second = '', third = '', ...rest] = words;
    if (first === '') continue;
    if (first === 'seed' || first === 'hz') {
      if (!/^\d{1,9}$/.test(second)) return wrong(n, `${first}: a number is expected`);
      if (first === 'seed') seed = Number(second);
      else hz = Math.min(1000, Math.max(100, Number(second)));
    } else if (first === 'end') {
      const t = timeOf(second);
      if (t === null) return wrong(n, `end: a time is expected (70s)`);
      end = Math.min(t, LONGEST);
    } else if (first === 'frame') {
      const action = FRAME_ACTIONS.find(a => a === third);
      const time = rest[0] === undefined ? 0 : timeOf(rest[0]);
      if (!/^\d{1,7}$/.test(second) || action === undefined || time === null) {
        return wrong(n, `frame NUMBER ${FRAME_ACTIONS.join('|')} [TIME]`);
      }
      frames.push({ frame: Number(second), action, time });
    } else {
      const at = timeOf(first);
      if (at === null || at > LONGEST) return wrong(n, `'${first}': a time is expected (0, 20ms, 1.5s)`);
      if (second !== 'A' && second !== 'B' && second !== 'wire')
        return wrong(n, `'${second}': A, B or wire is expected`);
      const least = Object.hasOwn(VERBS[second], third) ? VERBS[second][third] : undefined;
      if (least === undefined) return wrong(n, `'${third}': one of ${Object.keys(VERBS[second]).join(', ')}`);
      if (rest.length < least) return wrong(n, `${third}: ${least} words are expected behind it`);
      lines.push({ at, who: second, verb: third, words: rest });
    }
  }
  return { ok: true, script: { seed, hz, end, lines, frames } };
}

/** A bare number is 0; anything else has a unit. */
function timeOf(text: string): Micros | null {
  return text === '0' ? 0 : /[a-zµ]$/.test(text) ? parseTime(text) : null;
}

/** A time as scripts write it, to the microsecond. */
export function timeText(t: Micros): string {
  if (t === 0) return '0';
  if (t % 1000 !== 0 && t < 1000) return `${t}us`;
  if (t < 1_000_000) return `${t / 1000}ms`;
  return `${Math.round(t) / 1_000_000}s`;
}

/** The script with one more line; a head (`end`) replaces the one that was there. */
export function withLine(text: string, line: string): string {
  const head = /^(?:seed|hz|end)\b/.exec(line)?.[0];
  const rows = text.split('\n').filter(r => r.trim() !== '' && (head === undefined || !r.startsWith(head)));
  return [...rows, line].join('\n');
}

/** The script without what it would have done after a moment: from there one is on one's own. */
export function upTo(text: string, moment: Micros): string {
  return text
    .split('\n')
    .filter(row => {
      const at = timeOf(row.trim().split(/\s+/)[0] ?? '');
      return at === null || at <= moment;
    })
    .join('\n');
}
