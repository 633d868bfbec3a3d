import type { LiveTraffic } from './live.ts';

/** `waiting`: the line has broken, and is tried again soon. */
export type LineState = 'connecting' | 'open' | 'waiting' | 'closed';

export interface Connection {
  close(): void;
}

/** What a line tells. */
export interface Ears {
  opened(): void;
  said(text: string): void;
  broken(): void;
}

/** Opens a line; returns what closes it. */
export type Open = (ears: Ears) => () => void;

/** Between two looks at what has come, in milliseconds; longer if a look takes more than a small share of that. */
const BATCH_MS = 250;
const SHARE = 8;
/** Before a broken line is tried again; longer each time, until it has been open. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** Feeds what a line says into the traffic, four times a second, and opens it again when it breaks. */
export function follow(traffic: LiveTraffic, open: Open, onstate: (state: LineState) => void): Connection {
  let closed = false;
  let wait = FIRST_WAIT_MS;
  let hang = (): void => {};
  let again: ReturnType<typeof setTimeout> | undefined;
  const say = (state: LineState): void => {
    if (!closed) onstate(state);
  };
  const dial = (): void => {
    say('connecting');
    let over = false;
    hang = open({
      opened: () => {
        if (over) return;
        wait = FIRST_WAIT_MS;
        say('open');
      },
      said: text => {
        if (!over) traffic.take(text);
      },
      broken: () => {
        if (over) return;
        over = true;
        hang();
        if (closed) return;
        say('waiting');
        again = setTimeout(dial, wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      },
    });
  };
  let batch: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    const begun = performance.now();
    traffic.flush();
    if (!closed) batch = setTimeout(look, Math.max(BATCH_MS, (performance.now() - begun) * SHARE));
  };
  batch = setTimeout(look, BATCH_MS);
  dial();
  return {
    close: () => {
      if (closed) return;
      say('closed');
      closed = true;
      clearTimeout(batch);
      clearTimeout(again);
      hang();
      traffic.flush();
    },
  };
}
