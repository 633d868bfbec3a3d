import { PLAIN } from '../tools/cli/paint.ts';
import { hostAndPort } from '../tools/trace/event.ts';
import { ladderText } from '../tools/trace/ladder.ts';
import type { ConversationLog } from '../tools/trace/log.ts';
import { storyOf } from '../tools/trace/story.ts';

/** Connections that a report shows whole; of the others it tells the number. */
const SHOWN = 3;
const WIDTH = 100;

export interface LadderOptions {
  /** The connections with this port at either end; a port that one end chose tells one from another. */
  readonly port?: number;
  /** How many, newest last. @default 3 */
  readonly last?: number;
  /** Every segment, however many there are. @default false */
  readonly all?: boolean;
  /** Timers, loss marks and dropped segments too. @default false */
  readonly verbose?: boolean;
}

/** Connections as ladders, the newest last, with a line that tells of those left out. */
export function laddersOf(logs: readonly ConversationLog[], options: LadderOptions = {}): string {
  const { port, last = SHOWN } = options;
  const fitting = port === undefined ? logs : logs.filter(l => l.left.port === port || l.right.port === port);
  const shown = fitting.slice(-last);
  const out: string[] = [];
  if (shown.length < fitting.length)
    out.push(`(${fitting.length - shown.length} earlier connections not shown)`);
  for (const log of shown) {
    const lines = ladderText(log, {
      width: WIDTH,
      paint: PLAIN,
      headings: storyOf(log),
      all: options.all ?? false,
      verbose: options.verbose ?? false,
    });
    out.push(lines.join('\n'));
  }
  return out.length === 0 ? '(no connection was opened)' : out.join('\n\n');
}

/** 'client 10.0.0.1:40000 → server 10.0.0.2:80' */
export const titleOf = (log: ConversationLog): string =>
  `${log.left.host} ${hostAndPort(log.left.address, log.left.port)} → ` +
  `${log.right.host} ${hostAndPort(log.right.address, log.right.port)}`;

/**
 * Puts a report behind what an error says. Errors that can't be changed are wrapped.
 * @returns the error to throw
 */
export function attach(error: unknown, report: string): unknown {
  if (!(error instanceof Error)) return new Error(`${String(error)}\n\n${report}`, { cause: error });
  if (error.message.includes(report)) return error;
  // The stack begins with the message as it is when the stack is first looked at.
  const { message: before, stack } = error;
  try {
    error.message = `${before}\n\n${report}`;
    if (stack !== undefined) error.stack = stack.replace(before, () => error.message);
    return error;
  } catch {
    return new Error(`${before}\n\n${report}`, { cause: error });
  }
}
