/** Ports and addresses: bind() beside TIME_WAIT, tcp_tw_reuse, tcp_max_tw_buckets, ephemeral ports. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { Raw } from '../raw.ts';
import { errorName, first, IP_BIND_ADDRESS_NO_PORT, SOL_IP, type Sock } from '../vocabulary.ts';

const B = '10.9.0.2';

/** Connects, A closes, B closes 50 ms later: A is left in TIME_WAIT. */
function* life(L: Lab, ls: Sock): Script {
  const a = yield* L.A.socket();
  yield* a.connect(B, 5000);
  const b = yield* ls.accepted();
  yield* a.close();
  yield* L.sleep(0.05);
  yield* b.close();
}

function* onlyPort(L: Lab, mode: number): Script<Sock> {
  L.A.sysctl('net.ipv4.tcp_tw_reuse', mode);
  L.A.sysctl('net.ipv4.ip_local_port_range', '40000 40000');
  return yield* L.B.listen(5000);
}

function* twReuse(L: Lab, mode: number, wait: number): Script {
  const ls = yield* onlyPort(L, mode);
  yield* life(L, ls);
  yield* L.sleep(0.02);
  L.mark();
  yield* L.say(() => `A: ${L.A.ss().join('\n')}`);
  yield* L.sleep(wait);
  const c = yield* L.A.socket();
  const when = `tw_reuse=${mode} after ${wait.toFixed(1)}s`;
  yield* L.call(`connect, only port 40000 (in TIME_WAIT), ${when}`, c.connect(B, 5000));
  yield* L.sleep(0.1);
}

/** The peer is still in LAST_ACK when the reusing SYN comes. */
function* twReuseLastAck(L: Lab): Script {
  const ls = yield* onlyPort(L, 1);
  const a = yield* L.A.socket();
  yield* a.connect(B, 5000);
  const b = yield* ls.accepted();
  yield* a.close();
  yield* L.sleep(0.05);
  L.policy = first(5, p => p.dir === 'A>B' && !p.S && !p.R && p.rack >= 2);
  L.mark();
  yield* b.close();
  yield* L.sleep(1.3);
  const c = yield* L.A.socket();
  c.settimeout(8);
  yield* L.call('connect', c.connect(B, 5000));
  yield* L.sleep(1);
}

function* twReuseLoopback(L: Lab): Script {
  L.A.sysctl('net.ipv4.ip_local_port_range', '40000 40000');
  const lo = '127.0.0.1';
  const ls = yield* L.A.socket();
  yield* ls.bind(lo, 5000);
  yield* ls.listen(5);
  const a = yield* L.A.socket();
  yield* a.connect(lo, 5000);
  const b = yield* ls.accepted();
  yield* a.close();
  yield* L.sleep(0.05);
  yield* b.close();
  yield* L.sleep(0.02);
  L.mark();
  yield* L.say(() => L.A.ss().join(' | '));
  const c = yield* L.A.socket();
  yield* L.call('connect at once, tw_reuse=2 on 127.0.0.1', c.connect(lo, 5000));
  yield* L.sleep(1.3);
  const d = yield* L.A.socket();
  yield* L.call('connect after 1.3 s', d.connect(lo, 5000));
}

function* maxBuckets(L: Lab): Script {
  L.A.sysctl('net.ipv4.tcp_max_tw_buckets', 2);
  const ls = yield* L.B.listen(5000);
  L.mark();
  for (let i = 0; i < 4; i++) {
    yield* life(L, ls);
    yield* L.sleep(0.05);
  }
  yield* L.say(() => `A: ${L.A.ss().join(' | ')}`);
  L.printCounters(L.A, ['TimeWait', 'TW']);
}

function* bindBesideTimeWait(L: Lab): Script {
  const ls = yield* L.B.socket();
  yield* ls.bind(B, 5000);
  yield* ls.listen(5);
  const c = yield* L.A.socket();
  yield* c.connect(B, 5000);
  const x = yield* ls.accepted();
  L.mark();
  yield* x.close();
  yield* L.sleep(0.05);
  yield* c.close();
  yield* L.sleep(0.05);
  yield* ls.close();
  const n = yield* L.B.socket();
  yield* L.call('listener never had REUSEADDR: rebind without', n.bind(B, 5000));
  yield* n.reuseAddr();
  yield* L.call('with REUSEADDR', n.bind(B, 5000));

  yield* L.say('-- with ESTABLISHED child and listener with REUSEADDR closed');
  const m = yield* L.B.socket();
  yield* m.reuseAddr();
  yield* m.bind(B, 5001);
  yield* m.listen(5);
  const d = yield* L.A.socket();
  yield* d.connect(B, 5001);
  yield* m.accepted();
  yield* m.close();
  const m2 = yield* L.B.socket();
  yield* L.call('rebind no REUSEADDR', m2.bind(B, 5001));
  yield* m2.reuseAddr();
  yield* L.call('rebind REUSEADDR', m2.bind(B, 5001));
  yield* L.call('listen', m2.listen(1));
}

function* connectTo(L: Lab, port: number): Script<{ s: Sock; error: number; port: number }> {
  const s = yield* L.A.socket();
  s.setblocking(false);
  const { error } = yield* s.connect(B, port);
  return { s, error, port: yield* s.port() };
}

function* ports(L: Lab): Script {
  new Raw(L);
  L.mark();
  const same: number[] = [];
  for (let i = 0; i < 12; i++) same.push((yield* connectTo(L, 5000)).port);
  yield* L.say(`connect() ports same dst: [${same.join(', ')}]`);
  const different: number[] = [];
  for (let i = 0; i < 12; i++) different.push((yield* connectTo(L, 6000 + i)).port);
  yield* L.say(`connect() ports diff dport: [${different.join(', ')}]`);
  const bound: number[] = [];
  for (let i = 0; i < 12; i++) {
    const c = yield* L.A.socket();
    yield* c.bind('10.9.0.1', 0);
    bound.push(yield* c.port());
  }
  yield* L.say(`bind(0) ports: [${bound.join(', ')}]`);
  L.A.sysctl('net.ipv4.ip_local_port_range', '40000 40003');
  for (let i = 0; i < 6; i++) {
    const c = yield* connectTo(L, 7000);
    const name = errorName(c.error);
    yield* L.say(name === 'EINPROGRESS' ? `port ${c.port}` : `ERR ${name}`);
  }
  const c = yield* L.A.socket();
  c.setblocking(false);
  yield* L.call('connect other dport with same exhausted range', c.connect(B, 7001));
  yield* L.say(`port ${yield* c.port()}`);
  for (let i = 0; i < 2; i++) {
    const d = yield* L.A.socket();
    yield* L.call('bind(0) exhausted', d.bind('10.9.0.1', 0));
  }
  const e = yield* L.A.socket();
  yield* e.set(SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  yield* L.call('bind(0) IP_BIND_ADDRESS_NO_PORT', e.bind('10.9.0.1', 0));
  yield* L.say(`name ${(yield* e.name()).value}`);
}

export const reuse: Experiments = {
  twreuse_0_3: L => twReuse(L, 0, 0.3),
  twreuse_1_13: L => twReuse(L, 1, 1.3),
  twreuse_2_3: L => twReuse(L, 2, 0.3),
  twreuse_2_13: L => twReuse(L, 2, 1.3),
  twreuse_1_lastack: L => twReuseLastAck(L),
  twreuse_lo: L => twReuseLoopback(L),
  max_tw: L => maxBuckets(L),
  tw_bind_noreuse_server: L => bindBesideTimeWait(L),
  ports: L => ports(L),
};
