/** connect(): refused, lost, pending, given up; the handshake's third segment; deferred accept. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { all, first, SOL_TCP, type Sock, TCP_DEFER_ACCEPT } from '../vocabulary.ts';

const B = '10.9.0.2';

function* refused(L: Lab): Script {
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.call('A.SO_ERROR', a.error());
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('A.connect again', a.connect(B, 5000));
}

function* refusedNonblocking(L: Lab): Script {
  const a = yield* nonblocking(L);
  L.mark();
  yield* L.call('connect', a.connect(B, 5000));
  yield* L.sleep(0.1);
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
  yield* L.call('send', a.send('x'));
  yield* L.call('SO_ERROR', a.error());
  yield* L.call('recv', a.recv(3));
  yield* L.call('connect again', a.connect(B, 5000));
  yield* L.call('connect again', a.connect(B, 5000));
}

function* nonblocking(L: Lab): Script<Sock> {
  const a = yield* L.A.socket();
  a.setblocking(false);
  return a;
}

function* synForEver(L: Lab): Script {
  L.policy = all;
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.call('A.SO_ERROR', a.error());
  yield* L.say(`app poll(A) = ${yield* a.polls()}`);
}

function* synNoLinear(L: Lab): Script {
  L.A.sysctl('net.ipv4.tcp_syn_linear_timeouts', 0);
  L.policy = all;
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
}

function* synAckForEver(L: Lab): Script {
  yield* L.B.listen(5000);
  L.policy = p => (p.dir === 'B>A' ? 'drop' : 'fwd');
  const a = yield* L.A.socket();
  L.mark();
  a.setblocking(false);
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.sleep(1.5);
  L.policy = all;
  yield* L.sleep(140);
}

/** The third segment of the handshake and everything after it is lost until 70 s. */
function* thirdLostForEver(L: Lab): Script {
  yield* L.B.listen(5000);
  L.policy = p => (p.dir === 'A>B' && !p.S ? 'drop' : 'fwd');
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.sleep(70);
  yield* L.say(`poll(A) ${yield* a.polls()}`);
  L.policy = null;
  yield* L.call('A.send', a.send('x'));
  yield* L.sleep(1);
  yield* L.call('A.recv', a.recv(9));
}

function* thirdLostThenData(L: Lab): Script {
  const ls = yield* L.B.listen(5000);
  L.policy = first(1, p => p.dir === 'A>B' && !p.S);
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.sleep(0.1);
  yield* L.call('A.send', a.send('data'));
  yield* L.sleep(0.1);
  yield* L.callAndClose('B.accept', ls.accept());
  yield* L.sleep(2);
}

function* connectStates(L: Lab): Script {
  yield* L.B.listen(5000);
  L.delay = 0.2;
  const a = yield* nonblocking(L);
  L.mark();
  yield* L.call('connect', a.connect(B, 5000));
  yield* L.call('connect (pending)', a.connect(B, 5000));
  yield* L.call('send pending', a.send('x'));
  yield* L.call('recv pending', a.recv(1));
  yield* L.say('skip');
  yield* L.say('app shutdown(WR) pending = None');
  yield* L.sleep(0.6);
  yield* L.call('connect (done)', a.connect(B, 5000));
  yield* L.call('connect (again)', a.connect(B, 5000));
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('listen on connected', a.listen(1));
  yield* L.call('bind on connected', a.bind('0.0.0.0', 0));
}

function* synSentShutdown(L: Lab): Script {
  L.policy = all;
  const a = yield* nonblocking(L);
  L.mark();
  yield* L.call('connect', a.connect(B, 5000));
  yield* L.sleep(0.3);
  yield* L.call('shutdown WR', a.shutdown(1));
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('SO_ERROR', a.error());
  yield* L.call('connect', a.connect(B, 5000));
  yield* L.sleep(2);
}

function* lateSynAck(L: Lab): Script {
  const ls = yield* L.B.listen(5000);
  L.delay = 0.2;
  const a = yield* nonblocking(L);
  L.mark();
  yield* L.call('connect', a.connect(B, 5000));
  yield* L.sleep(0.1);
  yield* L.call('close', a.close());
  yield* L.sleep(2);
  ls.settimeout(0.1);
  yield* L.call('B.accept', ls.accept());
}

function* deferAccept(L: Lab): Script {
  const ls = yield* L.B.listen(5000, 8, s => s.set(SOL_TCP, TCP_DEFER_ACCEPT, 10));
  yield* L.say(`TCP_DEFER_ACCEPT get ${yield* ls.number(ls.get(SOL_TCP, TCP_DEFER_ACCEPT))}`);
  ls.setblocking(false);
  const a = yield* L.A.socket();
  L.mark();
  yield* L.call('A.connect', a.connect(B, 5000));
  yield* L.at(5);
  yield* L.call('B.accept', ls.accept());
  L.print(L.B.ss().join('\n'));
  yield* L.at(40);
  yield* L.callAndClose('B.accept', ls.accept());
}

export const open: Experiments = {
  refused: L => refused(L),
  refused_nonblock: L => refusedNonblocking(L),
  syn_forever: L => synForEver(L),
  syn_linear0: L => synNoLinear(L),
  synack_forever: L => synAckForEver(L),
  ack3_lost_forever: L => thirdLostForEver(L),
  ack3_lost_data: L => thirdLostThenData(L),
  connect_states: L => connectStates(L),
  syn_sent_shutdown: L => synSentShutdown(L),
  syn_sent_then_late_synack: L => lateSynAck(L),
  defer_accept: L => deferAccept(L),
};
