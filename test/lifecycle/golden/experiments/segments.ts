/** Segments that do not belong: resets, SYNs, strange ACKs; in LISTEN, SYN_SENT, SYN_RECV, on closed ports. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { options } from '../packet.ts';
import { check, established, Raw } from '../raw.ts';

const mss1000 = (): Uint8Array => options({ mss: 1000 });

function* resetExact(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('R', r.snd, 0, { note: 'RST exact' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
}

function* resetInWindow(L: Lab): Script {
  const { r } = yield* established(L);
  yield* r.send('R', r.snd + 10, 0, { note: 'RST in window' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('R', r.snd + 100000, 0, { note: 'RST out of window' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('R', r.snd - 1, 0, { note: 'RST seq = rcv_nxt-1 in ESTAB' });
  yield* check(L, r);
}

function* synInEstablished(L: Lab): Script {
  const { r } = yield* established(L);
  yield* r.send('S', r.snd + 10, 0, { note: 'SYN in window' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('S', r.snd - 70000, 0, { note: 'SYN old' });
  yield* check(L, r);
  yield* r.send('S', r.snd - 70000, 0, { note: 'SYN again <500 ms' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('S.', r.isn, r.aisn + 1, { note: 'dup SYN|ACK' });
  yield* check(L, r);
}

function* ackUnsent(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('.', r.snd, r.rcv + 1000, { note: 'ACK beyond SND.NXT' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('.', r.snd, r.rcv - 100000, { note: 'ACK very old' });
  yield* check(L, r);
  yield* L.sleep(0.6);
  yield* r.send('P.', r.snd, r.rcv + 1000, { data: 'abc', note: 'data with ACK beyond' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
}

function* noAckFlag(L: Lab): Script {
  const { r, a } = yield* established(L);
  yield* r.send('P', r.snd, 0, { data: 'abc', note: 'data without ACK flag' });
  yield* check(L, r);
  yield* L.call('A.recv', a.recv(9));
}

type Probe = readonly [flags: string, ack: number, data: string, note: string];

/** Sends each to a port from port 1234 with sequence number 100. */
function* probes(L: Lab, r: Raw, port: number, list: readonly Probe[]): Script {
  r.sport = 1234;
  r.dport = port;
  L.mark();
  for (const [flags, ack, data, note] of list) {
    yield* r.send(flags, 100, ack, { data, note });
    yield* check(L, r);
  }
}

function* closedPort(L: Lab): Script {
  yield* probes(L, new Raw(L), 9, [
    ['S', 0, '', 'SYN'],
    ['.', 777, '', 'ACK'],
    ['', 0, 'abc', 'no flags 3 bytes'],
    ['F', 0, '', 'FIN no ack'],
    ['R', 0, '', 'RST'],
    ['S.', 777, '', 'SYN|ACK'],
    ['SF', 0, 'ab', 'SYN|FIN 2 bytes'],
  ]);
}

function* listenPort(L: Lab): Script {
  const r = new Raw(L);
  yield* listen80(L);
  yield* probes(L, r, 80, [
    ['.', 777, '', 'ACK to LISTEN'],
    ['R', 0, '', 'RST to LISTEN'],
    ['F', 0, '', 'FIN to LISTEN'],
    ['', 0, 'x', 'null flags to LISTEN'],
    ['SF', 0, '', 'SYN|FIN to LISTEN'],
    ['S.', 777, '', 'SYN|ACK to LISTEN'],
    ['SR', 0, '', 'SYN|RST'],
  ]);
  yield* r.send('S', 100, 0, { data: 'early', options: mss1000(), note: 'SYN with 5 bytes data' });
  yield* check(L, r);
}

function* listen80(L: Lab) {
  const ls = yield* L.A.socket();
  yield* ls.bind('10.9.0.1', 80);
  yield* ls.listen(5);
  return ls;
}

function* synReceived(L: Lab): Script {
  const r = new Raw(L);
  const ls = yield* listen80(L);
  ls.setblocking(false);
  r.sport = 1234;
  r.dport = 80;
  L.mark();
  const syn = (note: string): Script => r.send('S', 100, 0, { options: mss1000(), note });

  yield* syn('SYN');
  let s = yield* r.wait(p => p.S);
  yield* check(L, r);
  yield* syn('dup SYN');
  yield* check(L, r);
  yield* r.send('.', 101, s.seq + 500, { note: 'bad ACK' });
  yield* check(L, r);
  yield* r.send('S', 5000, 0, { note: 'different SYN in window' });
  yield* check(L, r);

  yield* syn('SYN anew');
  yield* r.wait(p => p.S);
  yield* r.send('R', 101, 0, { note: 'RST exact' });
  yield* check(L, r);
  yield* L.call('accept', ls.accept());

  yield* syn('SYN anew');
  yield* r.wait(p => p.S);
  yield* r.send('R', 105, 0, { note: 'RST in window not exact in SYN_RECV' });
  yield* check(L, r);

  yield* syn('SYN anew');
  s = yield* r.wait(p => p.S);
  yield* r.send('F.', 101, s.seq + 1, { note: 'FIN as third segment' });
  yield* check(L, r);
  const finished = (yield* L.call('accept', ls.accept())).sock;
  yield* L.call('recv', finished.recv(9));

  r.sport = 1235;
  yield* syn('SYN');
  s = yield* r.wait(p => p.S);
  yield* r.send('P.', 101, s.seq + 1, { data: 'first', note: 'data as third segment' });
  yield* check(L, r);
  const talking = (yield* L.call('accept', ls.accept())).sock;
  yield* finished.close();
  yield* L.call('recv', talking.recv(9));

  r.sport = 1236;
  yield* syn('SYN');
  s = yield* r.wait(p => p.S);
  yield* r.send('.', 101, s.seq + 1, { note: 'ACK' });
  yield* L.sleep(0.05);
  yield* r.send('R', 101, 0, { note: 'RST before accept' });
  yield* check(L, r);
  const reset = (yield* L.call('accept', ls.accept())).sock;
  yield* talking.close();
  yield* L.call('recv', reset.recv(9));
}

/** A non-blocking connect() of A, and the SYN it sent. */
function* synSent(L: Lab) {
  const r = new Raw(L);
  const a = yield* L.A.socket();
  a.setblocking(false);
  L.mark();
  yield* L.call('connect', a.connect('10.9.0.2', 5000));
  const s = yield* r.wait(p => p.S);
  r.sport = 5000;
  r.dport = s.sport;
  return { r, a, s };
}

function* strangersInSynSent(L: Lab): Script {
  const { r, a, s } = yield* synSent(L);
  const list = [
    ['S.', 300, s.seq + 100, 'SYN|ACK bad ack'],
    ['.', 300, s.seq + 1, 'ACK only, good ack'],
    ['R', s.seq, 0, 'RST no ACK'],
    ['R.', 0, s.seq + 50, 'RST bad ack'],
    ['F.', 300, s.seq + 1, 'FIN|ACK good ack'],
    ['R.', 0, s.seq + 1, 'RST|ACK good'],
  ] as const;
  for (const [flags, seq, ack, note] of list) {
    yield* r.send(flags, seq, ack, { note });
    yield* check(L, r);
  }
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('connect', a.connect('10.9.0.2', 5000));
}

/** RFC 9293 figure 10: the server believes in an old connection and answers with foreign numbers. */
function* halfOpen(L: Lab): Script {
  const { r, s } = yield* synSent(L);
  yield* r.send('.', 300, s.seq - 5000, { note: 'challenge-like ACK' });
  yield* check(L, r, 2.5);
}

function* simultaneousOpen(L: Lab): Script {
  const { r, a, s } = yield* synSent(L);
  yield* r.send('S', 300, 0, { options: options({ mss: 1460 }), note: 'crossing SYN' });
  yield* check(L, r);
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* r.send('S.', 300, s.seq + 1, { options: options({ mss: 1460 }), note: 'SYN|ACK' });
  yield* check(L, r);
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('connect', a.connect('10.9.0.2', 5000));
  yield* L.call('send', a.send('hi'));
  yield* check(L, r);
}

function* simultaneousOpenUnanswered(L: Lab): Script {
  const { r, a } = yield* synSent(L);
  yield* r.send('S', 300, 0, { options: options({ mss: 1460 }), note: 'crossing SYN' });
  yield* L.sleep(135);
  yield* L.say(`poll ${yield* a.polls()} SO_ERROR ${yield* a.number(a.error())}`);
}

/** Six SYNs from six ports for a listener whose queue holds three. */
function* flood(L: Lab, cookies: number): Script {
  if (cookies === 0) L.A.sysctl('net.ipv4.tcp_syncookies', 0);
  const r = new Raw(L);
  const ls = yield* L.A.socket();
  yield* ls.bind('10.9.0.1', 80);
  yield* ls.listen(2);
  r.dport = 80;
  L.mark();
  for (let i = 0; i < 6; i++) {
    r.sport = 1000 + i;
    yield* r.send('S', 100, 0, { options: options({ mss: 1460 }), note: `SYN #${i}` });
    yield* check(L, r, 0.05);
  }
  yield* L.say(() => L.A.ss().join(' | '));
  L.printCounters(L.A, ['Overflow', 'ListenDrop', 'Cookie', 'ReqQFull']);
}

export const segments: Experiments = {
  rst_exact: L => resetExact(L),
  rst_inwin: L => resetInWindow(L),
  syn_in_est: L => synInEstablished(L),
  ack_unsent: L => ackUnsent(L),
  noack_data: L => noAckFlag(L),
  closed_port: L => closedPort(L),
  listen_port: L => listenPort(L),
  synrcv: L => synReceived(L),
  synsent: L => strangersInSynSent(L),
  synsent_oldack_halfopen: L => halfOpen(L),
  simopen: L => simultaneousOpen(L),
  simopen_noanswer: L => simultaneousOpenUnanswered(L),
  syncookies_flood: L => flood(L, 1),
  synflood_nocookies: L => flood(L, 0),
};
