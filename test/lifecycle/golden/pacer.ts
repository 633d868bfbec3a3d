import type { Event, InjectEvent, ScriptEvent, Timeline } from './timeline.ts';

/**
 * What a script's own work cost in the real lab, read from the log: the time between two of its lines is an
 * input of the run, as far as it is more than the script's sleeps. Lines are recognised by how they begin,
 * in order; one that is not found is not paced.
 */
export class Pacer {
  private readonly lines: readonly (ScriptEvent | InjectEvent)[];
  private next = 0;
  /** The line that `overhead` was asked about last, −1 if it is not in the log. */
  private current = -1;
  private anchor: { logged: number; simulated: number } | null = null;

  constructor(logged: Timeline) {
    this.lines = logged.events.filter(
      (e): e is ScriptEvent | InjectEvent =>
        e.kind === 'inject' || (e.kind === 'script' && !e.text.includes('other thread')),
    );
  }

  /**
   * How many seconds to wait before the line that begins so.
   * @param text the line, or its beginning up to ' = '; null for a line that can't be told beforehand
   */
  overhead(text: string | null, now: number): number {
    this.current = this.find(text);
    const line = this.lines[this.current];
    if (!line || !this.anchor) return 0;
    const began = line.t - (line.kind === 'script' ? line.blocked : 0);
    return Math.max(0, this.anchor.simulated + began - this.anchor.logged - now);
  }

  /** The line was written. */
  wrote(now: number): void {
    const line = this.lines[this.current];
    if (!line) return;
    this.anchor = { logged: line.t, simulated: now };
    this.next = this.current + 1;
    this.current = -1;
  }

  private find(text: string | null): number {
    const head = text === null ? null : headOf(text);
    for (let i = this.next; i < this.lines.length; i++) {
      const e = this.lines[i]!;
      if (head === null ? isTable(e) : beginning(e) === head) return i;
      // Changes of poll() are what a script noticed; other lines are not passed over.
      if (!beginning(e).startsWith('app poll(')) return -1;
    }
    return -1;
  }
}

const headOf = (text: string): string =>
  text.startsWith('app ') ? text.split(' =')[0]! : text.split(' ')[0]!;

const beginning = (e: Event): string =>
  e.kind === 'inject' ? `->${e.to}` : e.kind === 'script' ? headOf(e.text) : '';

const isTable = (e: Event): boolean => e.kind === 'script' && !e.text.startsWith('app ');
