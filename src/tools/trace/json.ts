import { stateName } from '../../tcp/state.ts';
import type { Conversation, Endpoint, TraceEvent } from './event.ts';

/** A connection as the first line of its JSON. */
export const conversationJson = (c: {
  id: number;
  left: Endpoint;
  right: Endpoint;
  skipped?: number;
}): unknown => ({
  connection: c.id,
  left: c.left,
  right: c.right,
  ...(c.skipped ? { skipped: c.skipped } : {}),
});

/** An event with its states by name. */
export const eventJson = (connection: number, e: TraceEvent): unknown =>
  e.kind === 'state'
    ? { connection, ...e, from: stateName(e.from), state: stateName(e.state) }
    : { connection, ...e };

/** JSON lines: each connection, then its events. */
export function* traceJson(conversations: readonly Conversation[]): Generator<string> {
  for (const c of conversations) {
    yield JSON.stringify(conversationJson(c));
    for (const e of c.events) yield JSON.stringify(eventJson(c.id, e));
  }
}
