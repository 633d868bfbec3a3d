import { relative } from 'node:path';

export type Seed = number | string;

/** The seed of a network: the environment's, else the one that was asked for. */
export function chooseSeed(asked: Seed = 1): Seed {
  const env = process.env['LASTACK_SEED'];
  if (env !== undefined && env !== '') return /^\d{1,15}$/.test(env) ? Number(env) : env;
  return asked === 'random' ? Math.floor(Math.random() * 0x7fffffff) : asked;
}

/** The line that runs a test again. @param command of the user's own; '{seed}' in it is replaced */
export function replayLine(seed: Seed, command?: string): string {
  const quoted = typeof seed === 'number' ? String(seed) : `'${seed.replaceAll("'", "'\\''")}'`;
  if (command !== undefined) return command.replaceAll('{seed}', quoted);
  return `LASTACK_SEED=${quoted} ${runner()}`;
}

interface RunnerState {
  readonly currentTestName?: string;
  readonly testPath?: string;
}

/** How the present test is started, as far as that can be told. */
function runner(): string {
  const { env } = process;
  // Both vitest and jest keep what is running in the state of their `expect`.
  const expect = (globalThis as unknown as Record<PropertyKey, unknown>)['expect'] as
    | { getState?: () => RunnerState }
    | undefined;
  const state = expect?.getState?.() ?? workerState();
  const file = state.testPath === undefined ? '' : ` ${relative(process.cwd(), state.testPath)}`;
  const name = state.currentTestName;
  const test = name === undefined ? '' : ` -t ${JSON.stringify(name.replace(/^.* > /, ''))}`;
  if (env['VITEST'] !== undefined) return `npx vitest run${file}${test}`;
  if (env['JEST_WORKER_ID'] !== undefined) return `npx jest${file}${test}`;
  const script = process.argv[1];
  return script === undefined ? 'node --test' : `node --test ${relative(process.cwd(), script)}`;
}

/** What vitest keeps of its worker, if it is there. */
function workerState(): RunnerState {
  const worker = (globalThis as unknown as Record<string, unknown>)['__vitest_worker__'] as
    | { filepath?: string; current?: { name?: string } }
    | undefined;
  return {
    ...(worker?.filepath === undefined ? {} : { testPath: worker.filepath }),
    ...(worker?.current?.name === undefined ? {} : { currentTestName: worker.current.name }),
  };
}
