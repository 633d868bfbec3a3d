/** What calls return that no segment is needed for: errno, defaults and limits of options. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { SO_REUSEPORT, SOL_SOCKET, SOL_TCP, type Sock } from '../vocabulary.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';

function* unconnected(L: Lab): Script {
  const s = yield* L.A.socket();
  yield* L.call('send unconnected', s.send('x'));
  yield* L.call('recv unconnected', s.recv(1));
  yield* L.call('shutdown unconnected', s.shutdown(1));
  yield* L.call('getpeername', s.peer());
  yield* L.call('accept not listening', s.accept());
  yield* L.say(`poll fresh ${yield* s.polls()}`);
  yield* L.call('bind foreign addr', s.bind('1.2.3.4', 0));
  yield* L.call('bind', s.bind(A, 7000));
  yield* L.call('bind twice', s.bind(A, 7001));
  yield* L.call('listen', s.listen(1));
  yield* L.call('listen again', s.listen(10));
  yield* L.call('connect on listener', s.connect(B, 1));
  yield* L.call('recv on listener', s.recv(1));
  yield* L.call('send on listener', s.send('x'));
  s.setblocking(false);
  yield* L.call('accept nonblock', s.accept());
}

function* conflicts(L: Lab): Script {
  const s2 = yield* L.A.socket();
  yield* L.call('bind same port', s2.bind(A, 7000));
  yield* s2.reuseAddr();
  yield* L.call('bind same port w/ REUSEADDR vs listener without', s2.bind(A, 7000));
  const s3 = yield* L.A.socket();
  yield* s3.reuseAddr();
  yield* s3.bind(A, 7100);
  const s4 = yield* L.A.socket();
  yield* s4.reuseAddr();
  yield* L.call('bind REUSEADDR both bound not listening', s4.bind(A, 7100));
  yield* L.call('listen 3', s3.listen(1));
  yield* L.call('listen 4 (REUSEADDR)', s4.listen(1));
  const s5 = yield* L.A.socket();
  yield* s5.set(SOL_SOCKET, SO_REUSEPORT, 1);
  yield* s5.bind(A, 7200);
  yield* s5.listen(1);
  const s6 = yield* L.A.socket();
  yield* s6.set(SOL_SOCKET, SO_REUSEPORT, 1);
  yield* L.call('REUSEPORT second bind', s6.bind(A, 7200));
  yield* L.call('REUSEPORT second listen', s6.listen(1));
  const s7 = yield* L.A.socket();
  yield* L.call('no REUSEPORT third', s7.bind(A, 7200));
  const s8 = yield* L.A.socket();
  yield* L.call('bind 0.0.0.0:7000 vs specific listener', s8.bind('0.0.0.0', 7000));
}

function* addresses(L: Lab): Script {
  const s9 = yield* L.A.socket();
  yield* L.call('connect broadcast', s9.connect('255.255.255.255', 80));
  yield* L.call('connect multicast', s9.connect('224.0.0.1', 80));
  yield* L.call('connect net bcast', s9.connect('10.9.0.255', 80));
  yield* L.call('connect no route', s9.connect('99.9.9.9', 80));
  const zero = yield* L.A.socket();
  yield* L.call('connect port 0', zero.connect(A, 0));
  yield* zero.close();
  const s10 = yield* L.A.socket();
  yield* L.call('listen unbound (autobind)', s10.listen(1));
  yield* L.call('getsockname', s10.name());
  const s11 = yield* L.A.socket();
  yield* L.call('connect 0.0.0.0', s11.connect('0.0.0.0', 7000));
}

/** Level, option and name, in the order that the script asked. */
const DEFAULTS = [
  [SOL_TCP, 2, 'getsockopt TCP_MAXSEG'],
  [SOL_TCP, 7, 'TCP_SYNCNT default'],
  [SOL_TCP, 8, 'TCP_LINGER2 default'],
  [SOL_TCP, 4, 'KEEPIDLE'],
  [SOL_TCP, 5, 'KEEPINTVL'],
  [SOL_TCP, 6, 'KEEPCNT'],
  [SOL_TCP, 18, 'USER_TIMEOUT'],
  [SOL_SOCKET, 7, 'SNDBUF'],
  [SOL_SOCKET, 8, 'RCVBUF'],
  [SOL_TCP, 1, 'NODELAY'],
  [SOL_TCP, 12, 'QUICKACK'],
  [SOL_TCP, 9, 'DEFER_ACCEPT'],
  [SOL_TCP, 10, 'WINDOW_CLAMP'],
] as const;

/** Option of TCP and value. */
const LIMITS = [
  [4, 0],
  [4, 32768],
  [5, 0],
  [6, 128],
  [8, 121],
  [8, 120],
  [8, 0],
  [18, -1],
  [2, 87],
  [2, 88],
  [2, 40000],
] as const;

function* options(L: Lab): Script {
  const s: Sock = yield* L.A.socket();
  yield* L.call('connect AF_UNSPEC on fresh', s.disconnect());
  for (const [level, option, name] of DEFAULTS) yield* L.call(name, s.get(level, option));
  for (const n of [0, 128]) yield* L.call(`SYNCNT=${n}`, s.set(SOL_TCP, 7, n));
  for (const [option, value] of LIMITS) {
    yield* L.call(`setsockopt ${option}=${value}`, s.set(SOL_TCP, option, value));
    yield* L.call('get', s.get(SOL_TCP, option));
  }
}

function* errnos(L: Lab): Script {
  L.mark();
  yield* unconnected(L);
  yield* conflicts(L);
  yield* addresses(L);
  yield* options(L);
}

export const local: Experiments = { errnos: L => errnos(L) };
