import type { PingSettings, TraceSettings } from '../ping/run.ts';
import type { Endpoint, TraceEvent } from '../trace/event.ts';

/**
 * The control socket of a running instance: a Unix stream socket in a directory that only its user can
 * enter. The client writes one JSON object and a line feed; the server answers with JSON lines, the first
 * `{"ok":true,…}` or `{"ok":false,"error":…}`, then any number of `{"item":…}`, and `{"end":true}`.
 */
export const PROTOCOL = 1;

/** Longest request, and longest line of an answer, in bytes. */
export const MAX_REQUEST = 64 * 1024;
export const MAX_LINE = 4 * 1024 * 1024;

export type Request =
  | { readonly ask: 'hello' }
  | { readonly ask: 'sockets'; readonly host?: string; readonly info?: boolean }
  | { readonly ask: 'summary'; readonly host?: string }
  | { readonly ask: 'counters'; readonly host?: string }
  | { readonly ask: 'metrics' }
  | { readonly ask: 'sysctl'; readonly host?: string; readonly names?: readonly string[] }
  | { readonly ask: 'sysctl-set'; readonly host?: string; readonly name: string; readonly value: string }
  | ({ readonly ask: 'ping'; readonly to: string; readonly from?: string } & PingSettings)
  | ({ readonly ask: 'traceroute'; readonly to: string; readonly from?: string } & TraceSettings)
  | { readonly ask: 'trace'; readonly last: number; readonly follow: boolean };

/** What a running instance says of itself. */
export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** Seconds since it started. */
  readonly uptime: number;
  readonly hosts: readonly string[];
  /** The addresses it listens on and what stands behind them. */
  readonly fronts: readonly string[];
}

export interface SysctlItem {
  readonly host: string;
  readonly name: string;
  readonly value: string;
  readonly default: string;
  readonly description: string;
  readonly unit: string;
  readonly range: string;
}

export type TraceItem =
  | { readonly conversation: number; readonly left: Endpoint; readonly right: Endpoint }
  | { readonly of: number; readonly event: TraceEvent }
  /** So many events were left out, because the reader was too slow. */
  | { readonly missed: number };

const isText = (x: unknown): x is string => typeof x === 'string' && x.length <= 1000;
const isTexts = (x: unknown): x is string[] => Array.isArray(x) && x.length <= 1000 && x.every(isText);

/** A request from untrusted text, or a sentence that says what is wrong with it. */
export function parseRequest(line: string): Request | string {
  let o: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      return 'a request is a JSON object';
    o = parsed as Record<string, unknown>;
  } catch {
    return 'the request is not JSON';
  }
  const host = o['host'];
  if (host !== undefined && !isText(host)) return 'host: a name is expected';
  const where = host === undefined ? {} : { host };
  switch (o['ask']) {
    case 'hello':
    case 'metrics':
      return { ask: o['ask'] };
    case 'sockets':
      return { ask: 'sockets', ...where, info: o['info'] === true };
    case 'summary':
    case 'counters':
      return { ask: o['ask'], ...where };
    case 'sysctl': {
      const names = o['names'];
      if (names !== undefined && !isTexts(names)) return 'names: a list of names is expected';
      return { ask: 'sysctl', ...where, ...(names === undefined ? {} : { names }) };
    }
    case 'sysctl-set': {
      const { name, value } = o;
      if (!isText(name) || !isText(value)) return 'sysctl-set needs a name and a value';
      return { ask: 'sysctl-set', ...where, name, value };
    }
    case 'ping':
    case 'traceroute':
      return parsePing(o['ask'], o);
    case 'trace': {
      const last = o['last'];
      const n = typeof last === 'number' && Number.isInteger(last) && last >= 0 ? Math.min(last, 1000) : 1;
      return { ask: 'trace', last: n, follow: o['follow'] === true };
    }
    default:
      return `unknown request '${String(o['ask']).slice(0, 40)}'`;
  }
}

/** Limits of what a client may ask a running instance to send. */
export const PING_LIMITS = {
  count: [0, 1_000_000],
  interval: [10_000, 3_600_000_000],
  wait: [1_000, 600_000_000],
  size: [0, 65_507],
  ttl: [0, 255],
  hops: [1, 255],
  queries: [1, 10],
} as const;

function parsePing(ask: 'ping' | 'traceroute', o: Readonly<Record<string, unknown>>): Request | string {
  const { to, from } = o;
  if (!isText(to)) return 'to: an address or a host is expected';
  if (from !== undefined && !isText(from)) return 'from: a name is expected';
  const numbers: Record<string, number> = {};
  const names =
    ask === 'ping'
      ? (['count', 'interval', 'wait', 'size', 'ttl'] as const)
      : (['hops', 'queries', 'wait', 'size'] as const);
  for (const name of names) {
    const [low, high] = PING_LIMITS[name];
    const n = o[name];
    if (typeof n !== 'number' || !Number.isInteger(n) || n < low || n > high)
      return `${name}: a whole number from ${low} to ${high} is expected`;
    numbers[name] = n;
  }
  const where = from === undefined ? {} : { from };
  return { ask, to, ...where, ...numbers } as Request;
}
