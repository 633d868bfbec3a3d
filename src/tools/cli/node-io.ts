import type { Io } from './command.ts';
import { EXIT_INTERRUPTED } from './error.ts';

/** Standard streams and signals of this process. A closed pipe (`lastack ss | head`) ends the command quietly. */
export function nodeIo(): Io {
  const stop = new AbortController();
  const { stdout, stderr } = process;
  stdout.on('error', (e: NodeJS.ErrnoException) => {
    if (e.code === 'EPIPE') process.exit(0);
    stop.abort();
  });
  stderr.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second time at once: whoever presses Ctrl-C twice means it.
      if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
      stop.abort();
    });
  }
  return {
    out: text => void stdout.write(text),
    err: text => void stderr.write(text),
    get tty(): boolean {
      return stdout.isTTY === true;
    },
    get columns(): number {
      return stdout.isTTY ? stdout.columns : 0;
    },
    get rows(): number {
      return stdout.isTTY ? stdout.rows : 0;
    },
    env: process.env,
    signal: stop.signal,
    async drained(): Promise<void> {
      if (!stdout.writableNeedDrain) return;
      await new Promise<void>(resolve => stdout.once('drain', resolve));
    },
  };
}
