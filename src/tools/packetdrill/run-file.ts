import { configure, environmentDefines, type Family, familiesOf } from './config.ts';
import { parseScript } from './parse.ts';
import { Problem } from './problem.ts';
import type { Failure, Outcome } from './report.ts';
import { runScript } from './runner.ts';
import { skipReason } from './skip.ts';

export interface RunOptions {
  /** Families asked for; null: each script's own. */
  readonly families: readonly Family[] | null;
  /** `-D NAME=value`. */
  readonly defines: ReadonlyMap<string, string>;
  /** Options of the command line, which win over the script's. */
  readonly overrides: ReadonlyMap<string, string>;
}

/**
 * Runs one script in each of its families.
 * @param path for the report and for the families that a name says
 * @param source its text; null if it could not be read
 */
export function runSource(path: string, source: string | null, options: RunOptions): Outcome[] {
  if (source === null) {
    const failure: Failure = {
      line: 0,
      message: 'the file cannot be read',
      expected: null,
      actual: null,
      time: null,
      source: '',
    };
    return [{ path, family: 'ipv4', status: 'failed', failure }];
  }
  // The options say which families there are; what a family defines may change everything else.
  const probe = parseScript(source, environmentDefines('ipv4'));
  const own = familiesOf(probe.ok ? probe.script.options : [], path);
  const wanted = options.families === null ? own : own.filter(f => options.families?.includes(f));
  return wanted.map(family => runFamily(path, source, family, options));
}

function runFamily(path: string, source: string, family: Family, options: RunOptions): Outcome {
  const defines = new Map([...environmentDefines(family), ...options.defines]);
  const parsed = parseScript(source, defines);
  const failed = (problem: Problem, time: number | null, notes: readonly string[]): Outcome => {
    const line = source.split('\n')[problem.line - 1] ?? '';
    const failure: Failure = {
      line: problem.line,
      message: problem.message,
      expected: problem.expected,
      actual: problem.actual,
      time,
      source: line.trim(),
    };
    return { path, family, status: 'failed', failure, ...(notes.length > 0 ? { notes } : {}) };
  };
  if (!parsed.ok) return failed(parsed.problem, null, []);
  const reason = skipReason(parsed.script);
  if (reason !== null) return { path, family, status: 'skipped', reason };
  try {
    const config = configure(family, parsed.script.options, options.overrides);
    const { problem, time, notes } = runScript(parsed.script, config);
    if (problem !== null) return failed(problem, time, notes);
    return { path, family, status: 'ok', ...(notes.length > 0 ? { notes } : {}) };
  } catch (e) {
    if (e instanceof Problem) return failed(e, null, []);
    throw e;
  }
}
