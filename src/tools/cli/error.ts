/**
 * What `lastack` exits with:
 *
 * | code | meaning |
 * |---|---|
 * | 0 | done |
 * | 1 | the command ran, and what it looked at failed (a packetdrill script, a refused setting) |
 * | 2 | the command line is wrong |
 * | 3 | no running instance, or it does not answer |
 * | 4 | this machine says no: port in use, no such host, no such file, no permission |
 * | 130 | ended by Ctrl-C |
 */
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_NO_INSTANCE = 3;
export const EXIT_MACHINE = 4;
export const EXIT_INTERRUPTED = 130;

/** An error that a person is shown: what was wrong, and what to do about it. Never a stack trace. */
export class CliError extends Error {
  readonly code: number;
  readonly hint: string;

  constructor(code: number, what: string, hint = '') {
    super(what);
    this.name = 'CliError';
    this.code = code;
    this.hint = hint;
  }
}

export const usage = (what: string, hint = ''): CliError => new CliError(EXIT_USAGE, what, hint);

/** The `code` of a Node system error such as EADDRINUSE, or ''. */
export const errorCode = (e: unknown): string =>
  e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : '';

export const errorText = (e: unknown): string => (e instanceof Error ? e.message : String(e));
