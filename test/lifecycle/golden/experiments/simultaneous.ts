/** Both ends close, or open, at once; and connections of a socket with itself. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { ackFromA, finFromA, first, type Policy } from '../vocabulary.ts';

/** RTT 40 ms; both call close() at 0. */
function* crossing(L: Lab, policy: Policy | null, watch: number): Script {
  L.delay = 0.02;
  const { a, b } = yield* L.connect();
  if (policy) L.policy = policy;
  L.mark();
  yield* L.call('A.close()', a.close());
  yield* L.call('B.close()', b.close());
  yield* L.sleep(watch);
}

function* tables(L: Lab): Script {
  yield* crossing(L, null, 3);
  L.print(`ss A: ${L.A.ss().join('\n')}`);
  L.print(`ss B: ${L.B.ss().join('\n')}`);
}

/** A's FIN crosses B's data and FIN. */
function* withData(L: Lab): Script {
  L.delay = 0.05;
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.shutdown WR', a.shutdown(1));
  yield* L.call('B.send', b.send('crossing'));
  yield* L.call('B.close', b.close());
  yield* L.sleep(0.4);
  yield* L.call('A.recv', a.recv(99));
  yield* L.call('A.recv', a.recv(99));
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.2);
}

function* selfConnect(L: Lab): Script {
  const s = yield* L.A.socket();
  yield* s.bind('10.9.0.1', 33333);
  L.mark();
  yield* L.call('connect self', s.connect('10.9.0.1', 33333));
  yield* L.say(() => L.A.ss().join(' '));
  yield* L.call('send', s.send('echo'));
  yield* L.call('recv', s.recv(9));
  yield* L.call('shutdown WR', s.shutdown(1));
  yield* L.sleep(0.1);
  yield* L.say(() => L.A.ss().join(' '));
  yield* L.call('recv', s.recv(9));
  yield* L.call('close', s.close());
  yield* L.sleep(0.1);
  yield* L.say(() => L.A.ss().join(' '));
}

export const simultaneous: Experiments = {
  simclose: L => tables(L),
  simclose_ackAlost: L => crossing(L, first(1, ackFromA), 3),
  simclose_ackAlost_forever: L => crossing(L, p => (p.F ? 'fwd' : 'drop'), 230),
  simclose_finAlost_forever: L => crossing(L, first(Number.POSITIVE_INFINITY, finFromA), 230),
  simclose_data: L => withData(L),
  selfconnect: L => selfConnect(L),
};
