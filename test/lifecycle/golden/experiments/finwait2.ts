/** FIN_WAIT_2: how long it lasts, what its peer may still do, TCP_LINGER2 and tcp_fin_timeout. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { ackFromB, finFromA, first, SOL_TCP, TCP_CORK, TCP_LINGER2 } from '../vocabulary.ts';
import { wave } from './waves.ts';

function* linger2(L: Lab, value: number): Script {
  const { a, b } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_LINGER2, value) });
  yield* L.say(`TCP_LINGER2 set ${value} get ${yield* a.number(a.get(SOL_TCP, TCP_LINGER2))}`);
  L.mark();
  yield* L.call('A.close()', a.close());
  yield* L.at(0.5);
  yield* L.call('B.recv', b.recv(3));
  yield* L.at(value < 120 ? value + 8 : 130);
  yield* L.call('B.send', b.send('x'));
  yield* L.sleep(0.2);
  yield* L.call('B.send', b.send('x'));
  yield* L.call('B.recv', b.recv(3));
}

/** TCP_LINGER2 of −1: no FIN_WAIT_2 at all. The first ACK of the FIN is lost. */
function* noFinWait2(L: Lab): Script {
  const { a, b } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_LINGER2, -1) });
  L.policy = first(1, ackFromB);
  L.mark();
  yield* L.call('A.close()', a.close());
  yield* L.sleep(3);
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.send', b.send('x'));
  yield* L.sleep(0.2);
  yield* L.call('B.recv', b.recv(3));
}

function* finTimeout90(L: Lab): Script {
  L.A.sysctl('net.ipv4.tcp_fin_timeout', 90);
  yield* wave(L, null, { bdelay: null, dur: 95 });
}

/** Data and FIN in one segment for an orphan. */
function* dataPlusFin(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.1);
  yield* b.set(SOL_TCP, TCP_CORK, 1);
  yield* b.send('hello');
  yield* L.call('B.close (data+FIN in one segment)', b.close());
  yield* L.sleep(0.5);
}

/** A has closed, its FIN is lost for ever, and B sends data. */
function* dataOnFinWait1(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.policy = first(Number.POSITIVE_INFINITY, finFromA);
  L.mark();
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.1);
  yield* L.call('B.send', b.send('hello'));
  yield* L.sleep(0.1);
  yield* L.say(`app poll(B) = ${yield* b.polls()}`);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send', b.send('x'));
}

/** The FIN rides on the last data. */
function* corkedClose(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* a.set(SOL_TCP, TCP_CORK, 1);
  yield* a.send('hello');
  yield* L.call('A.close with corked data', a.close());
  yield* L.sleep(0.3);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.close', b.close());
  yield* L.sleep(0.2);
}

function* halfCloseTransfer(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.shutdown(WR)', a.shutdown(1));
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(9));
  yield* L.call('B.send 5000', b.send('q'.repeat(5000)));
  yield* L.sleep(0.1);
  yield* L.call('A.recv', a.count(a.recv(9999)));
  yield* L.call('A.send', a.send('x'));
  yield* L.call('B.close', b.close());
  yield* L.sleep(0.1);
  yield* L.call('A.recv', a.recv(9));
  yield* L.say(`poll A ${yield* a.polls()}`);
  L.print(L.A.ss().join('\n'));
  yield* L.call('A.close', a.close());
  yield* L.sleep(0.2);
  L.print(L.A.ss().join('\n'));
}

function* closeWaitForEver(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.close', a.close());
  yield* L.at(150);
  L.print(L.B.ss().join('\n'));
  yield* L.call('B.send', b.send('x'));
  yield* L.sleep(0.1);
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.send', b.send('x'));
}

function* peerClosed(L: Lab): Script {
  const { a, b } = yield* L.connect();
  yield* a.close();
  yield* L.sleep(0.1);
  L.mark();
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.send#1', b.send('x'));
  yield* L.sleep(0.1);
  yield* L.say(`poll B ${yield* b.polls()}`);
  yield* L.call('B.send#2', b.send('x'));
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.SO_ERROR', b.error());
}

/** B, not an orphan, in LAST_ACK: A's socket is gone and answers with a reset. */
function* lastAckReset(L: Lab): Script {
  const { a, b } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_LINGER2, 2) });
  L.mark();
  yield* L.call('A.close (linger2=2)', a.close());
  yield* L.at(5);
  yield* L.call('B.shutdown WR', b.shutdown(1));
  yield* L.sleep(0.2);
  yield* L.say(`poll B ${yield* b.polls()}`);
  yield* L.call('B.SO_ERROR', b.error());
  yield* L.call('B.recv', b.recv(3));
  yield* L.call('B.send', b.send('x'));
}

export const finWait2: Experiments = {
  fw2_orphan: L => wave(L, null, { bdelay: null, dur: 66 }),
  fw2_orphan_then_Bsend30: L =>
    wave(L, null, {
      bdelay: null,
      dur: 32,
      *after(L, _a, b) {
        yield* L.at(30);
        yield* L.call('B.send', b.send('hello'));
        yield* L.sleep(0.3);
      },
    }),
  fw2_orphan_then_Bfin65: L =>
    wave(L, null, {
      bdelay: null,
      dur: 68,
      *after(L, _a, b) {
        yield* L.at(65);
        yield* L.call('B.close()', b.close());
      },
    }),
  fw2_nonorphan: L => wave(L, null, { aclose: 'shutdown', bdelay: null, dur: 200 }),
  linger2_5: L => linger2(L, 5),
  linger2_90: L => linger2(L, 90),
  linger2_200: L => linger2(L, 200),
  linger2_m1_w2lost: L => noFinWait2(L),
  fin_timeout_sysctl90: L => finTimeout90(L),
  data_plus_fin_on_orphan_fw2: L => dataPlusFin(L),
  data_on_orphan_fw1: L => dataOnFinWait1(L),
  closing_data_pending: L => corkedClose(L),
  half_close_transfer: L => halfCloseTransfer(L),
  closewait_forever: L => closeWaitForEver(L),
  peer_closed_send_send: L => peerClosed(L),
  lastack_rst: L => lastAckReset(L),
};
