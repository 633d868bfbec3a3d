import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What Linux did in the cells: bench/loss/linux/results.json, read from the top of the clone. */

interface File {
  readonly recorded: readonly { hz: number | null; sysctls: Readonly<Record<string, string>> }[];
  readonly columns: readonly string[];
  readonly runs: readonly (readonly [string, ...number[]])[];
}

/** Sysctls that are the same here as where it was recorded; all others are lastack's defaults, which are Linux's. */
const SHARED = ['tcp_rmem', 'tcp_wmem', 'tcp_slow_start_after_idle', 'tcp_adv_win_scale'];

export interface Recorded {
  /** Seconds of each run of a cell; empty if it was not recorded. */
  seconds(cell: string): number[];
  /** Bytes per second of each. */
  rates(cell: string): number[];
  /** The recording kernel's, for lastack's hosts. */
  readonly hz: number;
  readonly sysctl: Readonly<Record<string, string>>;
}

export function readRecorded(root = process.cwd()): Recorded {
  const path = join(root, 'bench', 'loss', 'linux', 'results.json');
  const file = JSON.parse(readFileSync(path, 'utf8')) as File;
  const column = (name: string, cell: string): number[] => {
    const at = file.columns.indexOf(name);
    return file.runs.filter(run => run[0] === cell).map(run => Number(run[at]));
  };
  const origin = file.recorded[0]!;
  return {
    seconds: cell => column('seconds', cell),
    rates: cell => column('bytesPerSecond', cell),
    hz: origin.hz ?? 1000,
    sysctl: Object.fromEntries(
      SHARED.flatMap(name => (origin.sysctls[name] === undefined ? [] : [[name, origin.sysctls[name]]])),
    ),
  };
}
