/** FIN_WAIT_1 and 2, CLOSING, CLOSE_WAIT, LAST_ACK, delayed ACKs against a peer played by the script. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { check, established, type Raw } from '../raw.ts';

/** A has closed and its FIN is acknowledged. */
function* orphan(L: Lab): Script<Raw> {
  const { r, a } = yield* established(L);
  yield* L.call('A.close', a.close());
  yield* r.wait(p => p.F);
  yield* L.sleep(0.02);
  r.rcv++;
  yield* r.send('.', r.snd, r.rcv);
  yield* L.sleep(0.05);
  r.rx.length = 0;
  yield* L.say(() => `A ss: ${L.A.ss().join('\n')}`);
  return r;
}

/** One segment for an orphan in FIN_WAIT_2. */
function* toOrphan(L: Lab, flags: string, offset: number, data: string, note: string): Script {
  const r = yield* orphan(L);
  yield* r.send(flags, r.snd + offset, flags === 'R' ? 0 : r.rcv, { data, note });
  yield* check(L, r);
}

function* duplicateAck(L: Lab): Script {
  const r = yield* orphan(L);
  yield* L.sleep(3);
  yield* r.send('.', r.snd, r.rcv, { note: 'dup ACK' });
  yield* check(L, r);
}

/** The FIN comes before five bytes that precede it. */
function* outOfOrderFin(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* L.call('A.shutdown WR', a.shutdown(1));
  yield* r.wait(p => p.F);
  r.rcv++;
  yield* r.send('.', r.snd, r.rcv);
  yield* L.sleep(0.05);
  r.rx.length = 0;
  yield* r.send('F.', r.snd + 5, r.rcv, { note: 'FIN out of order (5 bytes missing)' });
  yield* check(L, r);
  yield* L.say(`poll A ${yield* a.polls()}`);
  yield* L.call('A.recv', a.recv(9));
  yield* r.send('P.', r.snd, r.rcv, { data: 'abcde', note: 'fill hole' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('A.recv', a.recv(9));
}

function* dataAfterFin(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('F.', r.snd, r.rcv, { note: 'FIN' });
  r.snd++;
  yield* check(L, r);
  yield* r.send('P.', r.snd, r.rcv, { data: 'beyond', note: 'data after FIN' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
  yield* L.say(`poll A ${yield* a.polls()}`);
}

function* finWithDataTwice(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('FP.', r.snd, r.rcv, { data: 'abc', note: 'data+FIN' });
  yield* check(L, r);
  yield* r.send('FP.', r.snd, r.rcv, { data: 'abc', note: 'same again' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
  yield* L.call('A.recv', a.recv(9));
}

function* finThrice(L: Lab): Script {
  const { r } = yield* established(L, { ts: true });
  for (const note of ['FIN', 'FIN again', 'FIN again']) {
    yield* r.send('F.', r.snd, r.rcv, { note });
    yield* check(L, r);
  }
}

/** A closes; the peer answers its FIN with one segment, which may or may not acknowledge it. */
function* answerToFin(L: Lab, flags: string, acks: boolean, data: string, note: string): Script<Raw> {
  const { r, a } = yield* established(L);
  yield* L.call('A.close', a.close());
  yield* r.wait(p => p.F);
  yield* r.send(flags, r.snd, acks ? r.rcv + 1 : r.rcv, { data, note });
  yield* check(L, r);
  return r;
}

function* closing(L: Lab): Script {
  const r = yield* answerToFin(L, 'F.', false, '', 'FIN not acking ours -> CLOSING');
  yield* r.send('P.', r.snd + 1, r.rcv, { data: 'junk', note: 'data beyond FIN in CLOSING (orphan)' });
  yield* check(L, r);
}

function* lastAck(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('F.', r.snd, r.rcv, { note: 'FIN' });
  yield* L.sleep(0.05);
  yield* L.call('A.close', a.close());
  yield* r.wait(p => p.F);
  r.rx.length = 0;
  yield* r.send('P.', r.snd + 1, r.rcv, { data: 'junk', note: 'data beyond FIN in LAST_ACK' });
  yield* check(L, r, 0.1);
  yield* r.send('.', r.snd + 1, r.rcv + 1, { note: 'final ACK' });
  yield* check(L, r);
}

function* zeroWindow(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('.', r.snd, r.rcv, { win: 0, note: 'window 0' });
  yield* L.sleep(0.05);
  yield* L.call('send', a.send('abc'));
  yield* L.sleep(0.5);
  yield* L.call('close', a.close());
  yield* L.sleep(1.5);
}

function* disconnect(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* L.call('connect(AF_UNSPEC)', a.disconnect());
  yield* check(L, r);
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('SO_ERROR', a.error());
}

function* delayedAck(L: Lab): Script {
  const { r } = yield* established(L);
  r.rx.length = 0;
  for (let i = 0; i < 20; i++) {
    yield* r.send('P.', r.snd, r.rcv, { data: 'x'.repeat(10) });
    r.snd += 10;
    yield* L.sleep(0.25);
  }
  yield* L.sleep(0.3);
}

function* shutdownTwice(L: Lab): Script {
  const { a } = yield* established(L);
  yield* L.call('shutdown', a.shutdown(1));
  yield* L.call('shutdown again', a.shutdown(1));
  yield* L.call('send', a.send('x'));
  yield* L.call('shutdown RD', a.shutdown(0));
  yield* L.call('shutdown 3', a.shutdown(3));
  yield* L.sleep(0.2);
}

/** A process that lingers in close() is not kept from exiting. */
function* lingerExit(L: Lab): Script {
  const { a } = yield* established(L);
  yield* a.linger(1, 5);
  L.policy = () => 'drop';
  yield* L.sleep(0.002);
  yield* a.send('x'.repeat(100));
  yield* L.sleep(0.5);
  yield* L.say(`child exit took ${yield* a.closeOnExit()} s after its 0.5 s sleep`);
  yield* L.sleep(0.1);
  yield* L.say(() => L.A.ss().join('\n'));
}

export const closingStates: Experiments = {
  fw2_data: L => toOrphan(L, 'P.', 0, 'data', 'data in orphan FIN_WAIT_2'),
  fw2_ooo_fin: L => toOrphan(L, 'F.', 10, '', 'FIN beyond a hole of 10'),
  fw2_rst: L => toOrphan(L, 'R', 10, '', 'RST in window not exact'),
  fw2_dupack: L => duplicateAck(L),
  fw2_live_ooo_fin_then_fill: L => outOfOrderFin(L),
  est_data_after_fin: L => dataAfterFin(L),
  est_fin_with_data_retrans: L => finWithDataTwice(L),
  est_old_fin_retx: L => finThrice(L),
  fw1_acks_variants: L => run(answerToFin(L, 'FP.', true, 'late', 'data+FIN acking our FIN on orphan')),
  fw1_finack: L => run(answerToFin(L, 'F.', true, '', 'FIN acking our FIN (3-segment close)')),
  closing_data: L => closing(L),
  lastack_data: L => lastAck(L),
  urg_zero_window: L => zeroWindow(L),
  user_disconnect: L => disconnect(L),
  delack: L => delayedAck(L),
  shut_wr_twice: L => shutdownTwice(L),
  linger_exit: L => lingerExit(L),
};

/** For its effect alone. */
function* run(script: Script<unknown>): Script {
  yield* script;
}
