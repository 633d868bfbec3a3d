/** Pieces of reports in Markdown. */

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
/** The same as an item of a list in Markdown. */
export const verdictItem = (v: Verdict): string => `- ${v.holds ? '✓' : '✗'} ${v.what}`;
