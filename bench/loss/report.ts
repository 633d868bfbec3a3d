/** Progress on standard error, results on standard output. */

const LARGE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const whole = (n: number): string => LARGE.format(n);
export const fixed = (n: number, digits = 2): string => n.toFixed(digits);

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** What a condition came to, in words for the last lines of a report. */
export interface Verdict {
  readonly what: string;
  readonly holds: boolean;
}

export const verdictLine = (v: Verdict): string => `${v.holds ? 'holds' : 'FAILS'}: ${v.what}`;

/** One section of the report. */
export interface Section {
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
