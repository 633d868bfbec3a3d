/** ICMP errors of every type and code in SYN_SENT and on an established connection. */
import type { Experiments, Lab, Script } from '../lab.ts';
import { icmpError, type Packet } from '../packet.ts';
import { established, Raw } from '../raw.ts';
import { SOL_TCP, TCP_USER_TIMEOUT } from '../vocabulary.ts';

const ROUTER = '10.9.0.99';
const A = '10.9.0.1';
const B = '10.9.0.2';

/** Name, type, code, and the word after the checksum. */
const KINDS = [
  ['net', 3, 0, 0],
  ['host', 3, 1, 0],
  ['proto', 3, 2, 0],
  ['port', 3, 3, 0],
  ['frag', 3, 4, 600],
  ['srcroute', 3, 5, 0],
  ['netunk', 3, 6, 0],
  ['hostunk', 3, 7, 0],
  ['netprohib', 3, 9, 0],
  ['hostprohib', 3, 10, 0],
  ['filtered', 3, 13, 0],
  ['ttl', 11, 0, 0],
  ['param', 12, 0, 0],
  ['quench', 4, 0, 0],
] as const;
type Kind = (typeof KINDS)[number];

function* error(L: Lab, [, type, code, rest]: Kind, inSynSent: boolean): Script {
  const r = new Raw(L);
  const a = yield* L.A.socket();
  a.setblocking(false);
  L.mark();
  let sent: Packet;
  if (inSynSent) {
    yield* L.call('connect', a.connect(B, 5000));
    sent = yield* r.wait(p => p.S);
  } else {
    yield* r.accept(a);
    yield* L.call('send', a.send('x'.repeat(1000)));
    sent = yield* r.wait(p => p.length > 0);
  }
  yield* L.inject(L.A, icmpError(ROUTER, A, type, code, sent.raw, rest));
  yield* L.sleep(0.1);
  yield* L.say(`poll ${yield* a.polls()}`);
  yield* L.call('SO_ERROR', a.error());
  yield* L.say(() => L.A.ss(true).join(' '));
  if (inSynSent) yield* L.call('connect/again', a.connect(B, 5000));
  else yield* L.call('send', a.send('y'));
  yield* L.sleep(1);
}

function* softErrorThenTimeout(L: Lab): Script {
  const { r, a } = yield* established(L, { setup: s => s.set(SOL_TCP, TCP_USER_TIMEOUT, 3000) });
  a.setblocking(true);
  yield* a.send('x'.repeat(10));
  const s = yield* r.wait(p => p.length > 0);
  yield* L.inject(L.A, icmpError(ROUTER, A, 3, 1, s.raw, 0));
  yield* L.call('recv', a.recv(9));
}

const inSynSent = ['net', 'host', 'port', 'frag', 'srcroute', 'filtered', 'ttl', 'quench'];
const inEstablished = [
  'net',
  'host_then_timeout',
  'proto',
  'frag',
  'netunk',
  'hostunk',
  'netprohib',
  'hostprohib',
  'filtered',
  'param',
];
const kind = (name: string): Kind => KINDS.find(k => k[0] === name)!;

export const icmp: Experiments = {
  ...Object.fromEntries(inSynSent.map(n => [`icmp_syn_${n}`, (L: Lab) => error(L, kind(n), true)])),
  ...Object.fromEntries(inEstablished.map(n => [`icmp_est_${n}`, (L: Lab) => error(L, kind(n), false)])),
  icmp_est_host_then_timeout: L => softErrorThenTimeout(L),
};
