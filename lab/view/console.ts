import type { LogPiece } from '../engine/log.ts';
import type { Lab } from '../model/lab.ts';

/** What the browser's console finds as `lastackLab`: the page for those who would rather type. */
export interface LabConsole {
  /** The whole log, columns as plain lists. */
  log(): LogPiece;
  /** Microseconds up to which all is known, and whether that is all. */
  known(): { readonly time: number; readonly done: boolean };
  /** Goes to a moment, in seconds. */
  go(seconds: number): void;
  run(script: string): void;
  script(): string;
}

declare global {
  var lastackLab: LabConsole | undefined;
}

export function offerConsole(lab: Lab): void {
  globalThis.lastackLab = {
    log: () => plain(lab.feed.peek().log.piece(0, 0)),
    known: () => ({ time: lab.feed.peek().known.peek(), done: lab.feed.peek().done.peek() }),
    go: seconds => {
      lab.clock.playing.value = false;
      lab.clock.goTime(seconds * 1e6);
    },
    run: script => lab.run(script, 0),
    script: () => lab.script.peek(),
  };
}

/** Typed arrays do not survive as JSON. */
function plain(piece: LogPiece): LogPiece {
  const columns = Object.fromEntries(
    Object.entries(piece.columns).map(([name, column]) => [name, [...column]]),
  );
  return { ...piece, columns: columns as unknown as LogPiece['columns'] };
}
