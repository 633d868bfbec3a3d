import { secondsText } from './packet-text.ts';

/** How one run of one script in one family ended. */
export interface Outcome {
  readonly path: string;
  readonly family: string;
  readonly status: 'ok' | 'failed' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  readonly failure?: Failure;
  /** What ended within tolerance but should be known: ignored commands, lenient mismatches, printed lines. */
  readonly notes?: readonly string[];
}

export interface Failure {
  /** Line of the script, from 1; 0 where no line is to blame. */
  readonly line: number;
  readonly message: string;
  readonly expected: string | null;
  readonly actual: string | null;
  /** Virtual time since the script's start, microseconds; null before it began. */
  readonly time: number | null;
  /** The line of the script. */
  readonly source: string;
}

const yaml = (text: string): string => JSON.stringify(text);

/** One test point of TAP 14 (https://testanything.org), with a YAML block where it failed. */
export function tapLine(n: number, o: Outcome): string {
  const title = `${o.path} (${o.family})`.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
  if (o.status === 'skipped') return `ok ${n} - ${title} # SKIP ${o.reason ?? ''}\n`;
  let out = `${o.status === 'ok' ? 'ok' : 'not ok'} ${n} - ${title}\n`;
  const f = o.failure;
  if (f === undefined) return out;
  out += '  ---\n';
  out += `  line: ${f.line}\n`;
  out += `  message: ${yaml(f.message)}\n`;
  if (f.expected !== null) out += `  expected: ${yaml(f.expected)}\n`;
  if (f.actual !== null) out += `  actual: ${yaml(f.actual)}\n`;
  if (f.time !== null) out += `  time: ${secondsText(f.time)}\n`;
  if (f.source !== '') out += `  script: ${yaml(f.source)}\n`;
  for (const [i, note] of (o.notes ?? []).entries())
    out += `${i === 0 ? '  notes:\n' : ''}    - ${yaml(note)}\n`;
  return `${out}  ...\n`;
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const tally = (outcomes: readonly Outcome[]): Tally => ({
  passed: outcomes.filter(o => o.status === 'ok').length,
  failed: outcomes.filter(o => o.status === 'failed').length,
  skipped: outcomes.filter(o => o.status === 'skipped').length,
});

/** The report as one JSON document. */
export const jsonReport = (outcomes: readonly Outcome[]): string =>
  `${JSON.stringify({ ...tally(outcomes), tests: outcomes.map(jsonOutcome) }, null, 2)}\n`;

function jsonOutcome(o: Outcome): object {
  const f = o.failure;
  return f === undefined ? o : { ...o, failure: { ...f, time: f.time === null ? null : f.time / 1e6 } };
}
