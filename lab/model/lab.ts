import { batch, computed, effect, signal } from '@preact/signals';
import { SYN_SENT } from '../../src/tcp/state.ts';
import { MARK_INJECTED, PACKET, SEGMENT, STATE } from '../engine/log.ts';
import { parseScript, timeText, upTo, withLine } from '../engine/script.ts';
import { type Lesson, lessonOf } from '../lessons/index.ts';
import type { Place } from '../url/url.ts';
import { Client, type Line } from './client.ts';
import { Clock } from './clock.ts';
import type { Feed, Read } from './feed.ts';

/** What is done so shortly before the end of a run makes the run longer: it shall be seen what comes of it. */
const SHORTLY = 10e6;
const MINUTE = 60;

export type Lang = 'en' | 'zh';
/** While a long run comes in, laying out the ladder takes at most this share of the time. */
const SHARE = 1 / 12;

/** What the page knows and does: the script, what came of it, and what is looked at. */
export class Lab {
  readonly client: Client;
  readonly feed;
  readonly clock: Clock;
  readonly lessonId = signal('');
  readonly script = signal('');
  /** A text that can not be run, null if there is none: what ran before goes on. */
  readonly refused = signal<string | null>(null);
  readonly lang = signal<Lang>('en');
  /** The connection whose states are shown, and whether the others are left out. */
  readonly conn = signal(0);
  readonly only = signal(false);
  /** Someone has scrolled the moment out of sight. */
  readonly away = signal(false);
  /** The row that was chosen, −1 none. */
  readonly chosen = signal(-1);
  readonly lesson: Read<Lesson | null> = computed(() => lessonOf(this.lessonId.value));
  /** Whether the hosts are the page's own and do what one tells them. */
  readonly live: Read<boolean> = computed(() => this.feed.value === this.client);
  /** Movement is to be spared: what would play by itself is shown at its end. */
  still = false;
  private chosenByHand = false;
  /** Up to when the ladder has been laid out. */
  private laid = 0;
  private patientUntil = 0;
  /** When someone opens a connection, which is then the one that is looked at; −1 never. */
  private opensAt = -1;
  private pending: { time: number; play: boolean } | null = null;

  constructor(line: Line) {
    this.client = new Client(line);
    this.feed = signal<Feed>(this.client);
    this.clock = new Clock(this.feed);
    effect(() => {
      void this.feed.value.version.value;
      this.rebuild();
    });
    effect(() => {
      const step = this.clock.step.value;
      if (this.live.value) this.client.look(step);
    });
  }

  /** Opens what an address says; a lesson of which it says nothing more begins to play. */
  open(place: Place): void {
    const begins = place.time === 0 && lessonOf(place.lesson)?.script === place.script;
    batch(() => {
      this.lessonId.value = place.lesson;
      if (place.lang !== '') this.lang.value = place.lang;
      this.run(place.script, place.time, begins && !this.still);
    });
  }

  teach(id: string, play = true): void {
    const lesson = lessonOf(id);
    if (lesson === null) return;
    this.chosenByHand = false;
    batch(() => {
      this.lessonId.value = id;
      this.only.value = false;
      this.run(lesson.script, 0, play);
    });
  }

  /**
   * Runs a script and goes to a moment of it, as soon as that is known.
   * @param opensAt when a connection is opened that is to be looked at then, −1 if none is
   */
  run(script: string, time: number, play = false, opensAt = -1): void {
    const parsed = parseScript(script);
    batch(() => {
      this.refused.value = parsed.ok ? null : script;
      if (!parsed.ok) {
        this.client.error.value = { line: parsed.line, text: parsed.error };
        return;
      }
      this.clock.playing.value = false;
      this.feed.value = this.client;
      this.script.value = script;
      this.chosen.value = -1;
      this.away.value = false;
      this.pending = { time, play };
      this.opensAt = opensAt;
      this.client.begin(script);
    });
  }

  /** Shows what the page's engine did not make. */
  show(feed: Feed): void {
    batch(() => {
      this.clock.playing.value = false;
      this.chosen.value = -1;
      this.chosenByHand = false;
      this.only.value = false;
      this.pending = null;
      this.laid = 0;
      this.feed.value = feed;
    });
    this.clock.toEnd();
  }

  /** Does something at this moment: what would have come is forgotten and made anew. */
  act(words: string): void {
    // Behind all that has happened at this moment already.
    const at = Math.floor(this.clock.time.value) + 1;
    const { playing, time, end } = this.clock;
    const play = playing.value || time.value >= end;
    const script = withLine(this.script.value, `${timeText(at)} ${words}`);
    const long = endOf(script) < at + SHORTLY ? withEnd(script, at) : script;
    this.run(long, at, play && !this.still, /^\w+ connect /.test(words) ? at : -1);
  }

  /** Gives a frame another fate ('' its own), goes to where it is sent and plays from there. */
  decide(row: number, fate: string, play = true): void {
    const c = this.client.log.columns;
    const kept = this.script.value
      .split('\n')
      .filter(l => !l.startsWith(`frame ${c.frame[row]} `))
      .join('\n');
    const script = fate === '' ? kept : withLine(kept, `frame ${c.frame[row]} ${fate}`);
    this.run(script, c.time[row]!, play);
  }

  /** The chosen segment is lost, if it can be. */
  loseChosen(): void {
    const row = this.chosen.value;
    const c = this.client.log.columns;
    if (!this.live.value || row < 0 || (c.frame[row] ?? -1) < 0 || c.marks[row]! & MARK_INJECTED) return;
    this.decide(row, 'drop');
  }

  /** Chooses the next row with a segment; the last that has happened where none is chosen. @returns it, or −1 */
  chooseNext(by: 1 | -1): number {
    const { log } = this.feed.peek();
    const { kind } = log.columns;
    const arrow = (i: number): boolean => kind[i] === SEGMENT || kind[i] === PACKET;
    const from = this.chosen.peek();
    let row = from < 0 ? this.clock.lastRow : from + by;
    const step = from < 0 ? -1 : by;
    while (row >= 0 && row < log.length && !arrow(row)) row += step;
    if (row < 0 || row >= log.length) return -1;
    this.chosen.value = row;
    return row;
  }

  /** The fate that the script gives a frame, '' if none. */
  fateOf(frame: number): string {
    return (
      this.script.value
        .split('\n')
        .find(l => l.startsWith(`frame ${frame} `))
        ?.split(' ')
        .slice(2)
        .join(' ') ?? ''
    );
  }

  /** From here on nothing happens by the script. */
  whatIf(): void {
    this.run(upTo(this.script.value, this.clock.time.value), this.clock.time.value);
  }

  /** Goes on for a minute more. */
  extend(): void {
    const { time, playing } = this.clock;
    const end = Math.max(endOf(this.script.value), this.client.known.value);
    this.run(withEnd(this.script.value, end), time.value, playing.value);
  }

  choose(conn: number): void {
    this.chosenByHand = true;
    this.conn.value = conn;
  }

  get place(): Place {
    return {
      lesson: this.lessonId.value,
      script: this.refused.value ?? this.script.value,
      time: this.clock.time.value,
      lang: this.lang.value,
    };
  }

  private rebuild(): void {
    const feed = this.feed.peek();
    const { log } = feed;
    const done = feed.done.peek();
    const known = feed.known.peek();
    if (log.length === 0 && !done) return;
    const begun = performance.now();
    if (!done && begun < this.patientUntil) return;
    // Who stands at the end of what goes on by itself stays there.
    const follows = feed !== this.client && this.clock.time.peek() >= this.laid;
    this.laid = known;
    batch(() => {
      this.clock.lay();
      const now = performance.now();
      this.patientUntil = now + (now - begun) / SHARE;
      if (follows) this.clock.goTime(known);
      if (this.opensAt >= 0) this.chooseOpened(this.opensAt);
      const gone = done && this.conn.peek() >= feed.connections.length;
      if (!this.chosenByHand || gone) this.conn.value = this.firstConnection();
      const p = this.pending;
      if (p === null || (!done && (known < p.time || (p.play && this.still)))) return;
      this.pending = null;
      this.clock.goTime(p.play && this.still ? known : p.time);
      // The same step may look different in the new run.
      this.client.look(this.clock.step.peek());
      this.clock.playing.value = p.play && !this.still;
    });
  }

  private chooseOpened(at: number): void {
    const { log } = this.feed.peek();
    const { kind, time, to, conn } = log.columns;
    for (let i = log.lastOfTime(at - 1) + 1; i < log.length && time[i] === at; i++)
      if (kind[i] === STATE && to[i] === SYN_SENT) {
        this.opensAt = -1;
        this.choose(conn[i]!);
        return;
      }
  }

  private firstConnection(): number {
    const { log } = this.feed.peek();
    const { kind, side, conn } = log.columns;
    for (let i = 0; i < log.length; i++) if (kind[i] === STATE && side[i] === 0) return conn[i]!;
    return 0;
  }
}

function endOf(script: string): number {
  const parsed = parseScript(script);
  return parsed.ok ? parsed.script.end : 0;
}

/** The script with an end a minute behind a moment. */
const withEnd = (script: string, moment: number): string =>
  withLine(script, `end ${Math.ceil(moment / 1e6) + MINUTE}s`);
