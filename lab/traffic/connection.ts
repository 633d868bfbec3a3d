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

/** Feeds what a line says into the traffic, four times a second, and opens it again when it breaks. */
export function follow(_traffic: LiveTraffic, _open: Open, _onstate: (state: LineState) => void): Connection {
  return { close: () => {} };
}
