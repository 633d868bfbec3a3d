import type { LogPiece } from './log.ts';
import type { Moment } from './view.ts';

/** What the page asks of the worker. `run` numbers runs: answers about an older one are of no use. */
export type Ask =
  | { readonly ask: 'run'; readonly run: number; readonly script: string }
  | { readonly ask: 'further'; readonly run: number; readonly until: number }
  | { readonly ask: 'moment'; readonly run: number; readonly step: number }
  | { readonly ask: 'bytes'; readonly run: number; readonly frame: number }
  | { readonly ask: 'captures'; readonly run: number; readonly step: number }
  | { readonly ask: 'qlog'; readonly run: number; readonly step: number }
  | {
      readonly ask: 'packetdrill';
      readonly run: number;
      readonly step: number;
      readonly side: 0 | 1;
      /** The host's first connection if left out. */
      readonly conn?: number;
    };

/** What the worker answers. */
export type Answer =
  | {
      readonly answer: 'log';
      readonly run: number;
      readonly piece: LogPiece;
      /** They stand behind the first `samplesFrom` numbers that were sent; 0: in the place of all. */
      readonly samplesFrom: number;
      readonly samples: Float64Array;
      /** When the events from number `timesFrom` on happened. */
      readonly timesFrom: number;
      readonly times: Float64Array;
      readonly connections: readonly string[];
      readonly steps: number;
      /** Virtual time up to which all is known, and whether that is all that was asked for. */
      readonly known: number;
      readonly done: boolean;
    }
  | {
      readonly answer: 'moment';
      readonly run: number;
      /** What was asked for. */
      readonly step: number;
      readonly moment: Moment;
      /** False: the nearest before it that is at hand; the exact one is looked for and follows. */
      readonly exact: boolean;
    }
  | {
      readonly answer: 'bytes';
      readonly run: number;
      readonly frame: number;
      readonly bytes: Uint8Array | null;
    }
  | {
      readonly answer: 'captures';
      readonly run: number;
      readonly files: readonly [Uint8Array, Uint8Array];
    }
  | {
      readonly answer: 'file';
      readonly run: number;
      readonly what: 'qlog' | 'packetdrill';
      readonly text: string;
    }
  | { readonly answer: 'error'; readonly run: number; readonly line: number; readonly error: string };
