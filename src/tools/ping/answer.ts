import type { Request } from '../control/protocol.ts';
import type { Answer } from '../control/server.ts';
import { ping, traceroute } from './run.ts';
import { type PingHost, pairOf } from './target.ts';

/** What a running instance answers to `ping` and `traceroute`: who asks whom, then what happens. */
export function pingAnswer(
  hosts: readonly PingHost[],
  request: Extract<Request, { ask: 'ping' | 'traceroute' }>,
  signal: AbortSignal,
): Answer | string {
  const pair = pairOf(hosts, request.to, request.from ?? null);
  if (typeof pair === 'string') return pair;
  const head = { host: pair.host.name, address: pair.to.toString() };
  const items = request.ask === 'ping' ? ping(pair, request, signal) : traceroute(pair, request, signal);
  return { head, items };
}
