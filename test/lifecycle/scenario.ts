/** Short stories in the lab of the golden timelines: two hosts, a relay, one script for both. */
import { SimLab as Lab, type Script } from './golden/lab.ts';
import type { SegmentEvent, Timeline } from './golden/timeline.ts';
import { SO_RCVBUF, SOL_SOCKET, type Sock } from './golden/vocabulary.ts';

const NO_LOG: Timeline = { events: [], timers: [], tail: [], end: 0 };

/** Runs a script; what it throws (its expectations) is thrown. States are looked up with `states` alone. */
export function scenario(script: (L: Lab) => Script): Timeline {
  return new Lab(NO_LOG, false).run(script);
}

/** States of a host's sockets but for listeners, sorted. */
export const states = (L: Lab, host: 'A' | 'B'): string[] =>
  L[host]
    .ss()
    .map(row => row.split(/\s+/)[0]!)
    .filter(state => state !== 'LISTEN')
    .sort();

/** Text that a recv() gave, or the name of its error. */
export function* text(s: Sock, n = 65536): Script<string> {
  const o = yield* s.recv(n);
  return o.value instanceof Uint8Array ? String.fromCharCode(...o.value) : String(o).split(' ')[1]!;
}

/** Reads to the end of the stream: how many bytes there were. */
export function* drain(s: Sock): Script<number> {
  let total = 0;
  for (;;) {
    const o = yield* s.recv(65536);
    if (!(o.value instanceof Uint8Array)) throw new Error(`recv: ${o}`);
    if (o.value.length === 0) return total;
    total += o.value.length;
  }
}

/** What a host put on the wire, as 'F.' or 'P. 5'. */
export const sent = (t: Timeline, from: 'A' | 'B'): string[] =>
  segmentsOf(t, from).map(e => (e.shown.len > 0 ? `${e.shown.flags} ${e.shown.len}` : e.shown.flags));

export const segmentsOf = (t: Timeline, from: 'A' | 'B'): SegmentEvent[] =>
  t.events.filter((e): e is SegmentEvent => e.kind === 'segment' && e.from === from);

/** A has written until its buffer was full; B, with a small buffer, has not read. */
export function* stuffed(L: Lab): Script<{ a: Sock; b: Sock; bytes: number }> {
  const { a, b } = yield* L.connect({ server: s => s.set(SOL_SOCKET, SO_RCVBUF, 4096) });
  a.setblocking(false);
  let bytes = 0;
  for (;;) {
    const o = yield* a.send('z'.repeat(4096));
    if (o.error !== 0) break;
    bytes += Number(o.value);
  }
  yield* L.sleep(1);
  return { a, b, bytes };
}
