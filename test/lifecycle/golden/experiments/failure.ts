/** Data that nobody answers, keepalive, user timeouts, closed windows, urgent data. */
import type { Experiments, Lab, Script } from '../lab.ts';
import {
  all,
  MSG_OOB,
  SIOCATMARK,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SOL_SOCKET,
  SOL_TCP,
  type Sock,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_USER_TIMEOUT,
} from '../vocabulary.ts';

function* dataBlackHole(L: Lab): Script {
  const { a } = yield* L.connect();
  L.policy = all;
  L.mark();
  yield* L.call('A.send', a.send('x'));
  yield* L.call('A.recv', a.recv(3));
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('A.send', a.send('x'));
  yield* L.call('A.recv', a.recv(3));
}

function* userTimeout(L: Lab): Script {
  const { a } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_USER_TIMEOUT, 10000) });
  L.policy = all;
  L.mark();
  yield* L.call('A.send', a.send('x'));
  yield* L.call('A.recv', a.recv(3));
  yield* L.say(`poll ${yield* a.polls()}`);
}

function* userTimeoutClose(L: Lab): Script {
  const { a } = yield* L.connect({ client: s => s.set(SOL_TCP, TCP_USER_TIMEOUT, 10000) });
  L.policy = all;
  L.mark();
  yield* L.call('A.close', a.close());
  yield* L.sleep(14);
}

/** Idle 2 s, then each second, three times. */
function* alive(s: Sock): Script {
  yield* s.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  yield* s.set(SOL_TCP, TCP_KEEPIDLE, 2);
  yield* s.set(SOL_TCP, TCP_KEEPINTVL, 1);
  yield* s.set(SOL_TCP, TCP_KEEPCNT, 3);
}

function* keepalive(L: Lab): Script {
  const { a } = yield* L.connect({ client: alive });
  L.mark();
  yield* L.at(5);
  L.policy = all;
  yield* L.say('blackhole');
  yield* L.call('A.recv', a.recv(3));
  yield* L.say(`poll ${yield* a.polls()}`);
  L.print(L.A.ss().join('\n'));
}

function* keepaliveUserTimeout(L: Lab): Script {
  const { a } = yield* L.connect({
    *client(s) {
      yield* alive(s);
      yield* s.set(SOL_TCP, TCP_USER_TIMEOUT, 7000);
    },
  });
  L.policy = all;
  L.mark();
  yield* L.call('A.recv', a.recv(3));
}

/** A writes until its buffer is full; B, with the smallest buffer, does not read. */
function* fill(L: Lab): Script<{ a: Sock; b: Sock }> {
  const { a, b } = yield* L.connect({ server: s => s.set(SOL_SOCKET, SO_RCVBUF, 4096) });
  a.setblocking(false);
  const block = 'z'.repeat(4096);
  while ((yield* a.send(block)).error === 0);
  return { a, b };
}

function* zeroWindowProbe(L: Lab): Script {
  const { b } = yield* fill(L);
  L.mark();
  yield* L.sleep(60);
  L.print(L.A.ss(true).join('\n'));
  b.setblocking(false);
  let total = 0;
  while (total < 1500) {
    const n = yield* b.number(b.count(b.recv(1500)));
    if (n < 0) break;
    total += n;
  }
  yield* L.say(`B read ${total}`);
  yield* L.sleep(1);
}

function* zeroWindowOrphan(L: Lab): Script {
  const { a } = yield* fill(L);
  yield* L.sleep(1);
  L.mark();
  yield* L.call('A.close()', a.close());
  yield* L.at(400);
  yield* L.say(() => L.A.ss().join('\n'));
}

function* urgent(L: Lab): Script {
  const { a, b } = yield* L.connect();
  L.mark();
  yield* L.call('A.send', a.send('abc'));
  yield* L.call('A.send OOB', a.send('XY', MSG_OOB));
  yield* L.call('A.send', a.send('def'));
  yield* L.sleep(0.2);
  yield* L.say(`poll B [(${b.fd}, ${yield* b.pollBits(3)})] (POLLPRI=2)`);
  yield* L.call('B.recv OOB', b.recv(9, MSG_OOB));
  yield* L.call('B.recv OOB again', b.recv(9, MSG_OOB));
  yield* L.call('sockatmark?', b.ioctl(SIOCATMARK));
  yield* L.call('B.recv', b.recv(99));
  yield* L.call('sockatmark?', b.ioctl(SIOCATMARK));
  yield* L.call('B.recv', b.recv(99));
}

export const failure: Experiments = {
  data_blackhole: L => dataBlackHole(L),
  user_timeout: L => userTimeout(L),
  user_timeout_close: L => userTimeoutClose(L),
  keepalive: L => keepalive(L),
  keepalive_user_timeout: L => keepaliveUserTimeout(L),
  zero_window_probe: L => zeroWindowProbe(L),
  zw_orphan_400: L => zeroWindowOrphan(L),
  oob: L => urgent(L),
};
