import type { Verdict } from '../book/markdown.ts';

/** One section of the report: what is printed, and what goes into the book. */
export interface Section {
  /** Its place in the book. */
  readonly name: string;
  readonly title: string;
  /** Markdown: text and tables. */
  readonly text: string;
  readonly verdicts: readonly Verdict[];
  /** The figures behind it, for --json. */
  readonly data: unknown;
}

/** Says how far the work is, on one line that overwrites itself where standard error is a terminal. */
export class Progress {
  private readonly total: number;
  private done = 0;
  private readonly began = performance.now();
  private told = 0;

  constructor(total: number) {
    this.total = total;
  }

  step(what: string): void {
    this.done++;
    const now = performance.now();
    const end = this.done === this.total;
    const { isTTY } = process.stderr;
    if (!end && now - this.told < (isTTY ? 200 : 10_000)) return;
    this.told = now;
    const seconds = (now - this.began) / 1000;
    const left = Math.round((seconds / this.done) * (this.total - this.done));
    const text = `${this.done}/${this.total} ${what}, ${Math.round(seconds)} s${end ? '' : `, about ${left} s left`}`;
    process.stderr.write(isTTY ? `\r${text.padEnd(78)}${end ? '\n' : ''}` : `${text}\n`);
  }
}
