import type { Io } from '../cli/command.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals that know synchronized output show the picture at once, the others ignore this. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';
const TO_END_OF_LINE = '\x1b[K';
const TO_END_OF_SCREEN = '\x1b[J';

/**
 * A few lines at the bottom of the terminal that are drawn again and again; what is printed goes above them
 * and stays in the terminal's memory.
 */
export class Screen {
  private readonly io: Io;
  private readonly draw: (width: number, height: number) => readonly string[];
  private shown: readonly string[] = [];
  private last = '';
  private timer: NodeJS.Timeout | null = null;

  /** @param draw the picture for a size of the terminal */
  constructor(io: Io, draw: (width: number, height: number) => readonly string[]) {
    this.io = io;
    this.draw = draw;
  }

  start(everyMs = 150): void {
    this.io.out(HIDE_CURSOR);
    this.refresh();
    this.timer = setInterval(() => this.refresh(), everyMs);
    this.timer.unref();
  }

  /** Prints text above the picture. */
  print(text: string): void {
    this.io.out(`${BEGIN}${this.erase()}${text.endsWith('\n') ? text : `${text}\n`}`);
    this.shown = [];
    this.last = '';
    this.refresh();
    this.io.out(END);
  }

  refresh(): void {
    const lines = this.draw(Math.max(20, this.io.columns - 1), Math.max(4, this.io.rows - 1));
    const text = lines.join('\n');
    if (text === this.last) return;
    const body = lines.map(l => `${l}${TO_END_OF_LINE}\n`).join('');
    this.io.out(`${BEGIN}${this.up()}${body}${TO_END_OF_SCREEN}${END}`);
    this.shown = lines;
    this.last = text;
  }

  /** Takes the picture away. */
  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.io.out(`${this.erase()}${SHOW_CURSOR}`);
    this.shown = [];
  }

  private up(): string {
    return this.shown.length > 0 ? `\x1b[${this.shown.length}F` : '';
  }

  private erase(): string {
    return `${this.up()}${TO_END_OF_SCREEN}`;
  }
}
