import type { Args, Io } from '../cli/command.ts';
import { choosePaint } from '../cli/paint.ts';
import { integer } from '../cli/units.ts';
import type { Conversation } from './event.ts';
import { traceJson } from './json.ts';
import { ladderText } from './ladder.ts';
import { storyOf } from './story.ts';
import { tableRows, tableText } from './table.ts';

export const FORMATS = ['ladder', 'table', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** Writes connections in one of the three forms. */
export async function render(
  shown: readonly Conversation[],
  args: Args,
  io: Io,
  format: Format,
): Promise<void> {
  const paint = choosePaint(args.text('color'), io.tty, io.env);
  if (format === 'json') {
    for (const line of traceJson(shown)) {
      io.out(`${line}\n`);
      await io.drained();
    }
    return;
  }
  if (format === 'table') {
    for (const line of tableText(tableRows(shown), paint)) {
      io.out(`${line}\n`);
      await io.drained();
    }
    return;
  }
  const width = widthOf(args, io);
  for (const c of shown) {
    if (c !== shown[0]) io.out('\n');
    const lines = ladderText(c, {
      width,
      paint,
      all: args.flag('all'),
      verbose: args.flag('verbose'),
      ...(args.flag('plain') ? {} : { headings: storyOf(c) }),
    });
    for (const line of lines) io.out(`${line}\n`);
    await io.drained();
  }
}

export function widthOf(args: Args, io: Io): number {
  const w = args.text('width');
  return w === null ? Math.min(io.columns || 100, 120) : integer('--width', w, 40, 400);
}
