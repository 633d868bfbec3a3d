import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { themes } from '../../lifecycle/golden/experiments/index.ts';
import type { Experiment } from '../../lifecycle/golden/stage.ts';
import { parseLog } from '../../lifecycle/golden/timeline.ts';

export interface RealExperiment {
  readonly name: string;
  readonly run: Experiment;
  /** How long it took when it was measured, in seconds. */
  readonly seconds: number;
  /** The script plays the peer: only A is a host. */
  readonly alone: boolean;
}

/** Those that can't be done here, each with its reason. */
export const OMITTED: Readonly<Record<string, string>> = {
  linger_exit: 'a process that exits',
  listener_close: 'the relay becomes slow just when a segment comes to it: each run is another',
  zero_window_probe: 'the second write and the ACK of the first race; zw_orphan_400 probes a window too',
};

// From the top of the clone: a compiled program lies elsewhere.
const LOGS = 'test/lifecycle/golden/timelines';

/** All golden experiments that need no more than a wire between two hosts. */
export const experiments: readonly RealExperiment[] = Object.values(themes)
  .flatMap(t => Object.entries(t))
  .filter(([name]) => OMITTED[name] === undefined)
  .map(([name, run]) => {
    const log = parseLog(readFileSync(join(LOGS, `${name}.txt`), 'utf8'));
    const times = log.events.map(e => e.t);
    const alone = !log.events.some(e => e.kind === 'segment' && e.from === 'B');
    return { name, run, seconds: Math.max(...times) - Math.min(...times), alone };
  });
