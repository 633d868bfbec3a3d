/** Listeners: the SYN queue, the accept queue, what happens when they are full, and a listener's end. */
import type { Experiments, Lab, Script } from '../lab.ts';
import type { Sock } from '../vocabulary.ts';

const B = '10.9.0.2';
const LISTEN_COUNTERS = ['ListenOver', 'ListenDrop', 'Cookie', 'ReqQFull', 'Embryonic'];

interface Knobs {
  abort?: number;
  cookies?: number;
}

function* limits(L: Lab, backlog: number, k: Knobs): Script<Sock> {
  L.B.sysctl('net.ipv4.tcp_abort_on_overflow', k.abort ?? 0);
  L.B.sysctl('net.ipv4.tcp_syncookies', k.cookies ?? 1);
  return yield* L.B.listen(5000, backlog);
}

/** n connections, 0.1 s apart, to a listener that accepts two at 3 s and the rest at 40 s, and closes each. */
function* oneByOne(L: Lab, backlog: number, n: number, k: Knobs = {}): Script {
  const ls = yield* limits(L, backlog, k);
  L.mark();
  const cs: Sock[] = [];
  for (let i = 0; i < n; i++) {
    const c = yield* L.A.socket();
    c.setblocking(false);
    cs.push(c);
    yield* L.call(`connect #${i}`, c.connect(B, 5000));
    yield* L.sleep(0.1);
  }
  yield* L.sleep(0.3);
  for (const [i, c] of cs.entries()) yield* L.say(`#${i} poll ${yield* c.polls()}`);
  printTables(L);
  yield* L.at(3);
  for (let i = 0; i < 2; i++) yield* L.callAndClose('B.accept', ls.accept());
  yield* L.at(40);
  ls.settimeout(0.01);
  for (let i = 0; i < n; i++) yield* L.callAndClose('B.accept', ls.accept());
  for (const [i, c] of cs.entries())
    yield* L.say(`#${i} poll ${yield* c.polls()} SO_ERROR ${yield* c.number(c.error())}`);
  printTables(L);
  L.printCounters(L.B, ['Overflow', 'ListenDrop', 'Cookie', 'ReqQFull', 'AttemptFail']);
}

function printTables(L: Lab): void {
  L.print(`ss B:\n${L.B.ss().join('\n')}`);
  L.print(`ss A:\n${L.A.ss().join('\n')}`);
}

/** Three handshakes at once, 50 ms away, race for one place. */
function* raceAbort(L: Lab): Script {
  L.B.sysctl('net.ipv4.tcp_abort_on_overflow', 1);
  yield* L.B.listen(5000, 0);
  L.delay = 0.05;
  L.mark();
  const cs: Sock[] = [];
  for (let i = 0; i < 3; i++) {
    const c = yield* L.A.socket();
    c.setblocking(false);
    cs.push(c);
    yield* L.call(`connect #${i}`, c.connect(B, 5000));
  }
  yield* L.sleep(0.5);
  for (const [i, c] of cs.entries())
    yield* L.say(`#${i} poll ${yield* c.polls()} SO_ERROR ${yield* c.number(c.error())}`);
}

function* startMany(L: Lab, n: number): Script<Sock[]> {
  const cs: Sock[] = [];
  for (let i = 0; i < n; i++) {
    const c = yield* L.A.socket();
    c.setblocking(false);
    cs.push(c);
    yield* c.connect(B, 5000);
  }
  return cs;
}

/** n handshakes at once race for the places of the queue. */
function* race(L: Lab, n: number, backlog: number, k: Knobs): Script {
  const ls = yield* limits(L, backlog, k);
  L.delay = 0.05;
  L.mark();
  const cs = yield* startMany(L, n);
  yield* L.sleep(0.5);
  for (const [i, c] of cs.entries()) yield* L.say(`#${i} port ${yield* c.port()} poll ${yield* c.polls()}`);
  L.print(`ss B at 0.5s:\n${L.B.ss().join('\n')}`);
  yield* L.at(3);
  yield* L.call('last.send', cs.at(-1)!.send('early'));
  yield* L.at(10);
  ls.setblocking(false);
  for (let i = 0; i < backlog + 1; i++) yield* L.callAndClose('B.accept', ls.accept());
  yield* L.at(75);
  yield* sayAll(L, cs);
  L.print(`ss B at 75s:\n${L.B.ss().join('\n')}`);
  L.printCounters(L.B, LISTEN_COUNTERS.slice(0, 4));
}

function* sayAll(L: Lab, cs: Sock[]): Script {
  for (const [i, c] of cs.entries()) {
    const [port, polls] = [yield* c.port(), yield* c.polls()];
    yield* L.say(`#${i} port ${port} poll ${polls} SO_ERROR ${yield* c.number(c.error())}`);
  }
}

/** Three connections fill the queue but for one place; three more handshakes race for it. */
function* raceForOne(L: Lab, k: Knobs): Script {
  const ls = yield* limits(L, 3, k);
  for (let i = 0; i < 3; i++) yield* (yield* L.A.socket()).connect(B, 5000);
  L.delay = 0.05;
  yield* L.sleep(0.1);
  L.mark();
  const cs = yield* startMany(L, 3);
  yield* L.sleep(0.5);
  yield* sayAll(L, cs);
  L.print(`ss B at 0.5s:\n${L.B.ss().join('\n')}`);
  yield* L.at(3);
  yield* L.call('#2 send', cs[2]!.send('early'));
  yield* L.at(9);
  ls.setblocking(false);
  for (let i = 0; i < 4; i++) yield* L.call('B.accept', ls.accept());
  yield* L.at(75);
  yield* sayAll(L, cs);
  for (let i = 0; i < 4; i++) yield* L.call('B.accept', ls.accept());
  L.print(`ss B at 75s:\n${L.B.ss().join('\n')}`);
  L.printCounters(L.B, LISTEN_COUNTERS);
}

function* listenerClose(L: Lab): Script {
  const ls = yield* L.B.listen(5000, 8);
  const a = yield* L.A.socket();
  // The relay was already slow when the third segment came to it.
  L.later(0, slowDown(L));
  yield* a.connect(B, 5000);
  const a2 = yield* L.A.socket();
  a2.setblocking(false);
  yield* L.call('a2.connect', a2.connect(B, 5000));
  yield* L.sleep(0.15);
  L.mark();
  yield* L.call('B.listener.close() with 1 unaccepted, 1 SYN_RECV', ls.close());
  yield* L.sleep(1);
  yield* L.say(`poll a ${yield* a.polls()}`);
  yield* L.call('a.recv', a.recv(3));
  yield* L.say(`poll a2 ${yield* a2.polls()}`);
  yield* L.call('a2.recv', a2.recv(3));
}

function* slowDown(L: Lab): Script {
  yield* L.sleep(0.0004);
  L.delay = 0.1;
}

function* listenerShutdown(L: Lab): Script {
  const ls = yield* L.B.listen(5000, 8);
  ls.settimeout(1);
  L.mark();
  yield* L.call('listener shutdown(RD)', ls.shutdown(0));
  yield* L.call('accept', ls.accept());
  yield* L.say(`poll ${yield* ls.polls()}`);
  yield* L.call('listen again', ls.listen(5));
}

export const backlog: Experiments = {
  backlog0: L => oneByOne(L, 0, 3),
  backlog1: L => oneByOne(L, 1, 5),
  backlog1_abort: L => oneByOne(L, 1, 5, { abort: 1 }),
  backlog1_nocookies: L => oneByOne(L, 1, 5, { cookies: 0 }),
  backlog_race_abort: L => raceAbort(L),
  race_bl3: L => race(L, 6, 3, { cookies: 0 }),
  race_bl3_abort: L => race(L, 6, 3, { abort: 1, cookies: 0 }),
  race2: L => raceForOne(L, { cookies: 0 }),
  race2_cookies: L => raceForOne(L, { cookies: 1 }),
  listener_close: L => listenerClose(L),
  listener_shutdown: L => listenerShutdown(L),
};
