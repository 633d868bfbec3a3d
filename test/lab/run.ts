import { NOTE, SEGMENT, STATE } from '../../lab/engine/log.ts';
import { Run } from '../../lab/engine/run.ts';
import { parseScript } from '../../lab/engine/script.ts';
import { type State, stateName } from '../../src/tcp/state.ts';

/** A run of a script, to its end. @throws Error if the script can not be read */
export function runOf(text: string): Run {
  const parsed = parseScript(text);
  if (!parsed.ok) throw new Error(`line ${parsed.line}: ${parsed.error}`);
  return new Run(parsed.script).finish();
}

/** Rows as text, to compare runs by. */
export function rowsOf(run: Pick<Run, 'log'>, until = Number.POSITIVE_INFINITY): string[] {
  const { columns: c } = run.log;
  const out: string[] = [];
  for (let i = 0; i < run.log.length && c.step[i]! <= until; i++) {
    out.push(
      `${[c.kind, c.step, c.time, c.side, c.conn, c.flags, c.seq, c.ack, c.length, c.fate, c.from, c.to]
        .map(column => column[i])
        .join(' ')} ${run.log.textOf(i)}`,
    );
  }
  return out;
}

/** The states that a host's end of a connection went through. */
export function pathOf(run: Run, side: number, conn: number): string {
  const { columns: c } = run.log;
  const out: string[] = [];
  for (let i = 0; i < run.log.length; i++)
    if (c.kind[i] === STATE && c.side[i] === side && c.conn[i] === conn)
      out.push(stateName(c.to[i] as State));
  return out.join(' ');
}

/** The connection that host A opened first. */
export function firstConnection(run: Run): number {
  const { columns: c } = run.log;
  for (let i = 0; i < run.log.length; i++) if (c.kind[i] === STATE && c.side[i] === 0) return c.conn[i]!;
  return 0;
}

export function notesOf(run: Run): string[] {
  const out: string[] = [];
  for (let i = 0; i < run.log.length; i++) if (run.log.columns.kind[i] === NOTE) out.push(run.log.textOf(i));
  return out;
}

export function segmentsOf(run: Run): number[] {
  const out: number[] = [];
  for (let i = 0; i < run.log.length; i++) if (run.log.columns.kind[i] === SEGMENT) out.push(i);
  return out;
}
