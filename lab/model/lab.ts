import { batch, computed, effect, type Signal, signal } from '@preact/signals';
import { PACKET, SEGMENT, STATE } from '../engine/log.ts';
import { timeText, upTo, withLine } from '../engine/script.ts';
import { type Lesson, lessonOf } from '../lessons/index.ts';
import type { Place } from '../url/url.ts';
import { Axis } from './axis.ts';
import { Client, type Line } from './client.ts';

export type Lang = 'en' | 'zh';
/** Virtual seconds in a second; 0: evenly along the ladder. */
export const SPEEDS = [0, 0.001, 0.01, 0.1, 1, 10, 100, 1000] as const;
/** Pixels of the ladder in a second of even play. */
const PACE = 75;

/** What the page knows and does: the script, the moment that is looked at, and how time passes. */
export class Lab {
  readonly client: Client;
  readonly axis = new Axis();
  /** Counts rebuildings of the axis. */
  readonly shape = signal(0);
  readonly lessonId = signal('');
  readonly script = signal('');
  /** The moment: virtual time, and how many events have happened. */
  readonly time = signal(0);
  readonly step = signal(0);
  readonly playing = signal(false);
  readonly speed = signal(0);
  readonly lang = signal<Lang>('en');
  /** The connection whose states are shown. */
  readonly conn = signal(0);
  /** The row that was chosen, −1 none. */
  readonly chosen = signal(-1);
  readonly lesson: { readonly value: Lesson | null } = computed(() => lessonOf(this.lessonId.value));
  private chosenByHand = false;
  private pending: number | null = null;

  constructor(line: Line) {
    this.client = new Client(line);
    effect(() => {
      void this.client.version.value;
      this.rebuild();
    });
    effect(() => this.client.look(this.step.value));
  }

  open(place: Place): void {
    batch(() => {
      this.lessonId.value = place.lesson;
      if (place.lang !== '') this.lang.value = place.lang;
      this.run(place.script, place.time);
    });
  }

  teach(id: string): void {
    const lesson = lessonOf(id);
    if (lesson === null) return;
    this.chosenByHand = false;
    batch(() => {
      this.lessonId.value = id;
      this.run(lesson.script, 0);
    });
  }

  /** Runs a script and goes to a moment of it, as soon as that is known. */
  run(script: string, time: number): void {
    batch(() => {
      this.playing.value = false;
      this.script.value = script;
      this.chosen.value = -1;
      this.pending = time;
      this.client.begin(script);
    });
  }

  /** Does something at this moment: what would have come is forgotten and made anew. */
  act(words: string): void {
    // Behind all that has happened at this moment already.
    this.run(
      withLine(this.script.value, `${timeText(Math.floor(this.time.value) + 1)} ${words}`),
      this.time.value + 1,
    );
  }

  /** Gives a frame another fate, and stays where it is sent. */
  decide(row: number, fate: string): void {
    const c = this.client.log.columns;
    const kept = this.script.value
      .split('\n')
      .filter(l => !l.startsWith(`frame ${c.frame[row]} `))
      .join('\n');
    this.run(withLine(kept, `frame ${c.frame[row]} ${fate}`), c.time[row]!);
  }

  /** From here on nothing happens by the script. */
  whatIf(): void {
    this.run(upTo(this.script.value, this.time.value), this.time.value);
  }

  /** Goes on for a minute more. */
  extend(): void {
    const end = Math.ceil(this.client.known.value / 1e6) + 60;
    this.run(withLine(this.script.value, `end ${end}s`), this.time.value);
  }

  // Time.

  goTime(time: number): void {
    const t = Math.max(0, Math.min(time, this.client.known.value));
    const row = this.client.log.lastOfTime(t);
    batch(() => {
      this.time.value = t;
      this.step.value = row < 0 ? 0 : this.client.log.columns.step[row]!;
    });
  }

  goRow(row: number): void {
    const c = this.client.log.columns;
    batch(() => {
      this.time.value = c.time[row]!;
      this.step.value = c.step[row]!;
    });
  }

  goY(y: number): void {
    this.goTime(this.axis.timeAt(y));
  }

  get y(): number {
    const { time, step } = this;
    const row = this.client.log.lastOfStep(step.value);
    const all = this.client.log.lastOfTime(time.value);
    if (row >= 0 && row < all) return (this.axis.rows[row] ?? 0) + 9;
    return this.axis.yAfter(time.value);
  }

  /** To the next event for which `test` holds; to the end if there is none. */
  next(test: (row: number) => boolean): void {
    const { log } = this.client;
    const from = this.lastRow + 1;
    for (let i = from; i < log.length; i++)
      if (test(i) && log.columns.step[i]! >= this.step.value) {
        this.goRow(this.endOfStep(i));
        return;
      }
    this.goTime(this.client.known.value);
  }

  stepEvent(): void {
    this.next(() => true);
  }

  stepSegment(): void {
    const { kind } = this.client.log.columns;
    this.next(i => kind[i] === SEGMENT || kind[i] === PACKET);
  }

  stepState(): void {
    const { kind } = this.client.log.columns;
    this.next(i => kind[i] === STATE);
  }

  back(): void {
    const { log } = this.client;
    const row = this.lastRow;
    if (row < 0) {
      this.goTime(0);
      return;
    }
    const between = this.time.value > log.columns.time[row]!;
    let i = row;
    if (!between) while (i >= 0 && log.columns.step[i] === log.columns.step[row]) i--;
    if (i < 0) this.goTime(0);
    else this.goRow(i);
  }

  /** The last row that has happened, −1 if nothing has. */
  get lastRow(): number {
    const { log } = this.client;
    return Math.min(log.lastOfStep(this.step.value), log.lastOfTime(this.time.value));
  }

  /** Lets a share of a real second pass. */
  tick(seconds: number): void {
    const end = this.client.known.value;
    if (this.speed.value === 0) {
      const y = this.axis.yOf(this.time.value);
      const after = this.axis.yAfter(this.time.value);
      // Inside a block time stands still: it is passed by its height.
      this.within = this.within > 0 || after > y ? this.within + seconds * PACE : 0;
      if (this.within > 0 && this.within < after - y) return;
      const rest = this.within > 0 ? this.within - (after - y) : seconds * PACE;
      this.within = 0;
      const next = this.axis.timeAt(after + rest);
      const block = this.axis.blockOf(next);
      const stop = this.axis.times[block] ?? next;
      // No block is jumped over.
      this.goTime(stop > this.time.value ? stop : next);
    } else this.goTime(this.time.value + seconds * 1e6 * this.speed.value);
    if (this.time.value >= end && this.client.done.value) this.playing.value = false;
  }
  private within = 0;

  toggle(): void {
    if (!this.playing.value && this.time.value >= this.client.known.value) this.goTime(0);
    this.within = 0;
    this.playing.value = !this.playing.value;
  }

  choose(conn: number): void {
    this.chosenByHand = true;
    this.conn.value = conn;
  }

  get place(): Place {
    return {
      lesson: this.lessonId.value,
      script: this.script.value,
      time: this.time.value,
      lang: this.lang.value,
    };
  }

  private rebuild(): void {
    const { client } = this;
    const { log } = client;
    if (log.length === 0 && !client.done.peek()) return;
    // A long run comes in many pieces: the ladder is laid out anew when it has grown by a quarter.
    const large = log.length > 20_000;
    if (large && !client.done.peek() && log.length < this.axis.rows.length * 1.25) return;
    this.axis.build(log, client.known.peek());
    batch(() => {
      this.shape.value = this.shape.peek() + 1;
      if (!this.chosenByHand) this.conn.value = this.firstConnection();
      if (this.pending !== null && (client.done.peek() || client.known.peek() >= this.pending)) {
        const at = this.pending;
        this.pending = null;
        this.goTime(at);
        // The same step may look different in the new run.
        client.look(this.step.peek());
      }
    });
  }

  private firstConnection(): number {
    const { kind, side, conn } = this.client.log.columns;
    for (let i = 0; i < this.client.log.length; i++) if (kind[i] === STATE && side[i] === 0) return conn[i]!;
    return 0;
  }

  private endOfStep(row: number): number {
    const { step } = this.client.log.columns;
    let i = row;
    while (i + 1 < this.client.log.length && step[i + 1] === step[row]) i++;
    return i;
  }
}

/** Kept for views that only read. */
export type Read<T> = Pick<Signal<T>, 'value'>;
