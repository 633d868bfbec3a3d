import type { Io } from '../../src/tools/cli/command.ts';

/** Standard streams of a command under test. */
export interface TestIo extends Io {
  readonly output: string;
  readonly errors: string;
  stop(): void;
}

export function testIo(env: Record<string, string | undefined> = {}, tty = false): TestIo {
  const out: string[] = [];
  const err: string[] = [];
  const abort = new AbortController();
  return {
    out: text => void out.push(text),
    err: text => void err.push(text),
    tty,
    columns: tty ? 100 : 0,
    rows: tty ? 40 : 0,
    env,
    signal: abort.signal,
    drained: async () => {},
    get output() {
      return out.join('');
    },
    get errors() {
      return err.join('');
    },
    stop: () => abort.abort(),
  };
}
