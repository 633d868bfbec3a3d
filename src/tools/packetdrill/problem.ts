/**
 * What stops a script: a syntax error or a broken expectation, with the place in the script. The parser
 * and the runner throw it to unwind; `parseScript` and `runScript` turn it into a value.
 */
export class Problem extends Error {
  readonly line: number;
  readonly column: number;
  /** What the script wanted and what happened, in the script's own notation; absent if it says nothing more. */
  readonly expected: string | null;
  readonly actual: string | null;

  constructor(
    line: number,
    message: string,
    more: { column?: number; expected?: string; actual?: string } = {},
  ) {
    super(message);
    this.name = 'Problem';
    this.line = line;
    this.column = more.column ?? 0;
    this.expected = more.expected ?? null;
    this.actual = more.actual ?? null;
  }
}
