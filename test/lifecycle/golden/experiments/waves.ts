/** The four waves of closing, each lost never, once, or for ever; the two hosts close as told. */

import type { Experiments, Lab, Script } from '../lab.ts';
import type { Packet } from '../packet.ts';
import { ackFromA, ackFromB, finFromA, finFromB, first, type Sock } from '../vocabulary.ts';

interface Wave {
  aclose?: 'close' | 'shutdown';
  bclose?: 'close' | 'shutdown';
  /** When B closes, in seconds after A; never if null. @default 0.3 */
  bdelay?: number | null;
  /** How long the two are watched. */
  dur: number;
  after?: (L: Lab, a: Sock, b: Sock) => Script;
}

type Lost = readonly [pred: (p: Packet) => boolean, times: number];
const FOR_EVER = Number.POSITIVE_INFINITY;

/** A closes at 0 on a fresh connection, B `bdelay` later; then everybody watches until `dur`. */
export function* wave(L: Lab, lost: Lost | null, o: Wave): Script {
  const { a, b } = yield* L.connect();
  b.setblocking(false);
  a.settimeout(0.01);
  if (lost) L.policy = first(lost[1], lost[0]);
  L.mark();
  if (o.aclose === 'shutdown') yield* L.call('A.shutdown(SHUT_WR)', a.shutdown(1));
  else yield* L.call('A.close()', a.close());
  const bdelay = o.bdelay === undefined ? 0.3 : o.bdelay;
  if (bdelay !== null) {
    yield* L.at(bdelay);
    yield* L.call('B.recv', b.recv(10));
    if (o.bclose === 'shutdown') yield* L.call('B.shutdown(SHUT_WR)', b.shutdown(1));
    else yield* L.call('B.close()', b.close());
  }
  if (o.after) yield* o.after(L, a, b);
  yield* watch(L, a, b, o.dur);
  for (const [name, s] of [
    ['A', a],
    ['B', b],
  ] as const) {
    if (s.closed) continue;
    s.setblocking(false);
    yield* L.call(`${name}.recv`, s.recv(10));
    yield* L.call(`${name}.recv again`, s.recv(10));
    yield* L.call(`${name}.send`, s.send('x'));
    yield* L.call(`${name}.SO_ERROR`, s.error());
  }
}

/** Notes what poll() says of each open socket whenever it changes; looks every 20 ms. */
function* watch(L: Lab, a: Sock, b: Sock, until: number): Script {
  const seen = new Map<Sock, string>();
  while (L.now < until) {
    for (const [name, s] of [
      ['A', a],
      ['B', b],
    ] as const) {
      if (s.closed) continue;
      const now = yield* s.polls();
      if (seen.get(s) === now) continue;
      L.note(`app poll(${name}) = ${now}`);
      seen.set(s, now);
    }
    yield* L.sleep(0.02);
  }
}

/** Four requests and answers, 60 ms apart: both ends come to expect answers, and delay their ACKs. */
function* pingPong(L: Lab, bdelay: number): Script {
  const { a, b } = yield* L.connect();
  for (let i = 0; i < 4; i++) {
    yield* a.send('req');
    yield* b.recv(9);
    yield* b.send('resp');
    yield* a.recv(9);
    yield* L.sleep(0.06);
  }
  L.mark();
  yield* L.call('A.close()', a.close());
  yield* L.sleep(bdelay);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.close()', b.close());
  yield* L.sleep(1);
}

function* orphanRetries(L: Lab, n: number): Script {
  L.A.sysctl('net.ipv4.tcp_orphan_retries', n);
  yield* wave(L, [finFromA, FOR_EVER], { bdelay: null, dur: n < 5 ? 20 : 40 });
}

function* slow(L: Lab, lost: Lost | null, o: Wave): Script {
  L.delay = 0.05;
  yield* wave(L, lost, o);
}

function* withSysctl(L: Lab, name: string, value: number, lost: Lost | null, o: Wave): Script {
  L.A.sysctl(name, value);
  yield* wave(L, lost, o);
}

export const waves: Experiments = {
  base4: L => wave(L, null, { dur: 63 }),
  base3: L => wave(L, null, { bdelay: 0, dur: 3 }),
  base3_pingpong: L => pingPong(L, 0.02),
  base4_pingpong: L => pingPong(L, 0.3),
  base4_rtt100: L => slow(L, null, { bdelay: 1.5, dur: 4 }),

  w1_once: L => wave(L, [finFromA, 1], { dur: 4 }),
  w1_once_rtt100: L => slow(L, [finFromA, 1], { bdelay: 1.5, dur: 4 }),
  w1_forever: L => wave(L, [finFromA, FOR_EVER], { bdelay: null, dur: 230 }),
  w1_forever_rtt100: L => slow(L, [finFromA, FOR_EVER], { bdelay: null, dur: 175 }),
  w1_forever_nosack: L =>
    withSysctl(L, 'net.ipv4.tcp_sack', 0, [finFromA, FOR_EVER], { bdelay: null, dur: 125 }),
  w1_forever_notlp: L =>
    withSysctl(L, 'net.ipv4.tcp_early_retrans', 0, [finFromA, FOR_EVER], { bdelay: null, dur: 125 }),
  w1_forever_shut: L => wave(L, [finFromA, FOR_EVER], { aclose: 'shutdown', bdelay: null, dur: 1000 }),

  w2_once: L => wave(L, [ackFromB, 1], { bdelay: 2, dur: 5 }),
  w2_forever_noBclose: L => wave(L, [ackFromB, FOR_EVER], { bdelay: null, dur: 230 }),
  w2_forever_Bclose2s: L => wave(L, [ackFromB, FOR_EVER], { bdelay: 2, dur: 6 }),
  w2_forever_shut_noBclose: L =>
    wave(L, [ackFromB, FOR_EVER], { aclose: 'shutdown', bdelay: null, dur: 1000 }),

  w3_once: L => wave(L, [finFromB, 1], { dur: 4 }),
  w3_forever: L => wave(L, [finFromB, FOR_EVER], { dur: 230 }),
  w3_forever_Ashut: L => wave(L, [finFromB, FOR_EVER], { aclose: 'shutdown', dur: 230 }),
  w3_forever_Bshut: L => wave(L, [finFromB, FOR_EVER], { bclose: 'shutdown', dur: 1000 }),

  w4_once: L => wave(L, [ackFromA, 1], { dur: 65 }),
  w4_forever: L => wave(L, [ackFromA, FOR_EVER], { dur: 230 }),
  w4_forever_Bshut: L => wave(L, [ackFromA, FOR_EVER], { bclose: 'shutdown', dur: 1000 }),

  orphan_retries_1: L => orphanRetries(L, 1),
  orphan_retries_5: L => orphanRetries(L, 5),
};
