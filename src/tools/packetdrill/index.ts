import { FAMILIES, type Family, isFamily } from './config.ts';
import { findScripts, readScript } from './files.ts';
import { jsonReport, type Outcome, tally, tapLine } from './report.ts';
import { type RunOptions, runSource } from './run-file.ts';

export { parseScript } from './parse.ts';
export { type Outcome, tapLine } from './report.ts';
export { type RunOptions, runSource } from './run-file.ts';

/** What `lastack packetdrill` was asked to do. */
export interface PacketdrillRequest {
  readonly paths: readonly string[];
  readonly json: boolean;
  readonly options: RunOptions;
}

export const USAGE =
  'usage: lastack packetdrill [--json] [--ip_version ipv4|ipv6|ipv4-mapped-ipv6] [-D NAME=VALUE] [--OPTION=VALUE] PATH…';

const PLUMBING = new Set([
  'speed',
  'init_scripts',
  'dry_run',
  'debug',
  'verbose',
  'v',
  'is_anyip',
  'so_filename',
  'so_flags',
]);

/**
 * Reads the words behind `lastack packetdrill`. Options other than --json, --ip_version and -D are those
 * that a script may have too, and win over the script's.
 * @returns the request, or what is wrong with the words
 */
export function parseRequest(words: readonly string[]): PacketdrillRequest | string {
  const paths: string[] = [];
  const defines = new Map<string, string>();
  const overrides = new Map<string, string>();
  let families: Family[] | null = null;
  let json = false;
  for (let i = 0; i < words.length; i++) {
    const w = words[i]!;
    if (!w.startsWith('-') || w === '-') {
      paths.push(w);
      continue;
    }
    if (w === '--') {
      paths.push(...words.slice(i + 1));
      break;
    }
    const eq = w.indexOf('=');
    const define = /^(?:-D|--define(?:=|$))/.exec(w);
    if (define) {
      const text = w.length > define[0].length ? w.slice(define[0].length) : (words[++i] ?? '');
      const m = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(text);
      if (!m) return `-D wants NAME=VALUE, not '${text}'`;
      defines.set(m[1]!, m[2]!);
      continue;
    }
    const name = (eq < 0 ? w : w.slice(0, eq)).replace(/^--?/, '');
    if (name === 'json') json = true;
    else if (name === 'ip_version') {
      const value = eq < 0 ? (words[++i] ?? '') : w.slice(eq + 1);
      const list = value.split(',');
      if (!list.every(isFamily)) return `--ip_version is one of ${FAMILIES.join(', ')}, not '${value}'`;
      families = [...(families ?? []), ...list];
    } else if (!PLUMBING.has(name)) overrides.set(name, eq < 0 ? '' : w.slice(eq + 1));
  }
  if (paths.length === 0) return 'which scripts? Give files or folders';
  return { paths, json, options: { families, defines, overrides } };
}

/**
 * `lastack packetdrill`: runs scripts and prints TAP 14, or one JSON document.
 * @param words what follows the command's name
 * @param print where the report goes
 * @returns the exit code: 0 nothing failed, 1 something did, 2 it could not be begun
 */
export async function runPaths(
  words: readonly string[],
  print: (text: string) => void = text => void process.stdout.write(text),
  complain: (text: string) => void = text => void process.stderr.write(text),
): Promise<number> {
  const request = parseRequest(words);
  if (typeof request === 'string') {
    complain(`lastack packetdrill: ${request}\n${USAGE}\n`);
    return 2;
  }
  const files: string[] = [];
  for (const path of request.paths) {
    const found = await findScripts(path);
    if (found === null) {
      complain(`lastack packetdrill: there is nothing at '${path}'\n`);
      return 2;
    }
    files.push(...found);
  }
  if (!request.json) print('TAP version 14\n');
  const outcomes: Outcome[] = [];
  for (const file of files) {
    for (const outcome of runSource(file, await readScript(file), request.options)) {
      outcomes.push(outcome);
      if (!request.json) print(tapLine(outcomes.length, outcome));
    }
  }
  if (request.json) print(jsonReport(outcomes));
  else {
    const { passed, failed, skipped } = tally(outcomes);
    print(`1..${outcomes.length}\n# ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
  return outcomes.some(o => o.status === 'failed') ? 1 : 0;
}
