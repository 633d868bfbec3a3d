import type { TraceItem } from '../control/protocol.ts';
import type { SocketRow } from '../ss/row.ts';
import type { WireSettings } from '../up/options.ts';

/** Where the page finds the connections of the `lastack up` that serves it. */
export const LIVE_PATH = '/live';
export const LIVE_INFO_PATH = '/live/info';

/** By this element the page knows that a running gateway serves it, and does not ask in vain elsewhere. */
export const LIVE_MARK = 'lastack-gateway';

/** What a running gateway says of itself, at /live/info and first on /live. */
export interface LiveHello {
  readonly lastack: string;
  /** Another one whenever the gateway has been started anew. */
  readonly instance: string;
  /** The names of the two hosts; the first opens the connections. */
  readonly hosts: readonly [string, string];
  /** What it listens on, as URLs or `host:port`. */
  readonly fronts: readonly string[];
  /** The wire's conditions in words, and as numbers. */
  readonly wire: string;
  readonly settings: WireSettings;
  /** The present by the clock of the trace, in microseconds. */
  readonly now: number;
}

/** The sockets of one host as `lastack ss -i` shows them. */
export interface HostSockets {
  readonly host: string;
  readonly rows: readonly SocketRow[];
  /** Those that there was no room for. */
  readonly more: number;
  /** How many there are in each state, by Linux's numbers. */
  readonly counts: readonly number[];
}

/** One message of /live: a JSON object in the data of a server-sent event. */
export type LiveMessage =
  | { readonly hello: LiveHello }
  /** `at`: when they were looked at, by the clock of the trace. */
  | { readonly sockets: readonly HostSockets[]; readonly at: number }
  | TraceItem;
