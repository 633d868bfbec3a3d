/** Closes that reset: unread data, SO_LINGER, shutdown() of each kind, and what the peer is told. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { all, finFromA, first } from '../vocabulary.ts';

function* closeUnread(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* b.send('data');
  yield* L.sleep(0.1);
  L.mark();
  yield* L.call('A.close() with 4 unread bytes', a.close());
  yield* L.sleep(0.1);
  yield* L.say(`app poll(B) = ${yield* b.polls()}`);
  yield* L.call('B.SO_ERROR', b.error());
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('x'));
}

function* closeUnreadPendingSend(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* b.send('data');
  L.policy = p => (p.dir === 'A>B' && p.length > 0 ? 'drop' : 'fwd');
  yield* a.send('Z'.repeat(10000));
  yield* L.sleep(0.05);
  L.mark();
  yield* L.call('A.close() with unread + unsent', a.close());
  yield* L.sleep(1);
}

/** The peer has sent data and FIN; we close without reading. */
function* closeWaitUnread(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* b.send('data');
  yield* b.shutdown(1);
  yield* L.sleep(0.1);
  L.mark();
  yield* L.call('A.close() in CLOSE_WAIT with unread', a.close());
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
}

function* shutWrUnread(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* b.send('data');
  yield* L.sleep(0.1);
  L.mark();
  yield* L.call('A.shutdown(SHUT_WR) with unread', a.shutdown(1));
  yield* L.sleep(0.3);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('more'));
  yield* L.sleep(0.1);
  yield* L.call('A.recv', a.recv(99));
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.2);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('more'));
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('x'));
}

function* linger0(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* a.linger(1, 0);
  yield* a.send('lost');
  yield* L.sleep(0.1);
  L.mark();
  yield* L.call('A.close() linger0', a.close());
  yield* L.sleep(0.1);
  yield* L.say(`app poll(B) = ${yield* b.polls()}`);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('x'));
}

function* linger0Shut(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* a.linger(1, 0);
  L.mark();
  yield* L.call('A.shutdown(WR) linger0', a.shutdown(1));
  yield* L.sleep(0.1);
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.recv', b.recv(9));
}

function* linger5(L: Lab, works: boolean): Script {
  if (works) L.delay = 0.1;
  const { a } = yield* L.connect();
  yield* a.linger(1, 5);
  if (!works) L.policy = all;
  yield* a.send('x'.repeat(5000));
  L.mark();
  yield* L.call('A.close() linger5', a.close());
  yield* L.sleep(works ? 0.5 : 3);
  L.print(L.A.ss().join('\n'));
}

function* shutRd(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.shutdown(SHUT_RD)', a.shutdown(0));
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('B.send', b.send('hello'));
  yield* L.sleep(0.2);
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('A.send', a.send('still'));
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('hello'));
  yield* L.sleep(0.1);
  yield* L.call('A.close() with data unread after SHUT_RD', a.close());
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
}

function* shutRdwr(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.shutdown(SHUT_RDWR)', a.shutdown(2));
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('A.send', a.send('x'));
  yield* L.sleep(0.1);
  yield* L.call('B.send', b.send('hello'));
  yield* L.sleep(0.2);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('B.send', b.send('again'));
  yield* L.sleep(0.2);
  yield* L.call('A.recv', a.recv(9));
  yield* L.say(`app poll(B) = ${yield* b.polls()}`);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.close', b.close());
  yield* L.sleep(0.1);
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('A.shutdown again', a.shutdown(2));
  L.print(L.A.ss().join('\n'));
}

/** A reset meets FIN_WAIT_1. */
function* finWait1Reset(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.policy = first(Number.POSITIVE_INFINITY, finFromA);
  L.mark();
  yield* L.call('A.shutdown WR', a.shutdown(1));
  yield* b.linger(1, 0);
  yield* L.sleep(0.1);
  yield* L.call('B.close linger0', b.close());
  yield* L.sleep(0.1);
  yield* L.say(`poll A ${yield* a.polls()}`);
  yield* L.call('A.recv', a.recv(3));
  yield* L.call('A.recv', a.recv(3));
}

/** A is blocked in recv() when the reset comes. */
function* resetWhileReading(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* b.linger(1, 0);
  L.later(0.2, b.close());
  yield* L.call('A.recv (blocked)', a.recv(3));
}

/** A is blocked in recv() when another thread shuts its receiving side. */
function* shutWhileReading(L: Lab): Script {
  const { a } = yield* L.connect();
  L.mark();
  L.later(0.2, L.call('A.shutdown(RD) other thread', a.shutdown(0)));
  yield* L.call('A.recv (blocked)', a.recv(3));
  yield* L.sleep(0.1);
  yield* L.say(`poll ${yield* a.polls()}`);
}

export const abort: Experiments = {
  close_unread: L => closeUnread(L),
  close_unread_pending_send: L => closeUnreadPendingSend(L),
  closewait_unread_close: L => closeWaitUnread(L),
  shutwr_unread: L => shutWrUnread(L),
  linger0: L => linger0(L),
  linger0_shut: L => linger0Shut(L),
  linger5_ok: L => linger5(L, true),
  linger5_blackhole: L => linger5(L, false),
  shut_rd: L => shutRd(L),
  shut_rdwr: L => shutRdwr(L),
  fw1_rst: L => finWait1Reset(L),
  abort_pending_recv: L => resetWhileReading(L),
  close_while_recv_blocked: L => shutWhileReading(L),
};
