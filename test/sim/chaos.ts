import { type Random, seededRandom } from '../../src/base/random.ts';
import { seconds } from '../../src/base/time.ts';
import { checkEnded, type Host, type Os, type Read, World } from '../../src/sim/index.ts';
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_SNDBUF,
  SOL_SOCKET,
  TCP_CORK,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
} from '../../src/socket/constants.ts';

/** One thing that goes on in a random world. A world is a list of them, so that it can be made smaller. */
export type Deed =
  | {
      readonly kind: 'talk';
      readonly at: number;
      readonly from: number;
      readonly to: number;
      readonly talk: Talk;
    }
  | { readonly kind: 'wire'; readonly host: number; readonly set: Record<string, number> }
  | { readonly kind: 'rule'; readonly host: number; readonly rule: string }
  | { readonly kind: 'partition'; readonly at: number; readonly host: number; readonly seconds: number }
  | { readonly kind: 'crash'; readonly at: number; readonly host: number; readonly seconds: number }
  | { readonly kind: 'sysctl'; readonly host: number; readonly name: string; readonly value: number };

/** A conversation: the client sends, the server answers, they part in one of these ways. */
export interface Talk {
  readonly up: number;
  readonly down: number;
  readonly end: 'client' | 'server' | 'both' | 'half' | 'abort' | 'leave';
  /** Seconds that the reader sleeps between reads of `chunk` bytes. */
  readonly pause: number;
  readonly chunk: number;
  readonly buffer: number;
  readonly nodelay: boolean;
  readonly cork: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly hosts: number;
  readonly family: 4 | 6;
  readonly deeds: readonly Deed[];
}

const PORT = 7000;
const ENDS = ['client', 'server', 'both', 'half', 'abort', 'leave'] as const;
const HEADER = 12;
/** Only this host's wire corrupts: of two flipped bits in one segment the checksum may miss both. */
const CORRUPTING = 0;

/** A random plan: two to four hosts around a router. @param scale up to so many times as much of everything */
export function makePlan(seed: number, scale = 1): Plan {
  const r = seededRandom(`chaos ${seed}`);
  const hosts = 2 + r.below(3 * scale);
  const deeds: Deed[] = [];
  for (let host = 0; host < hosts; host++)
    if (r.below(3) > 0) deeds.push({ kind: 'wire', host, set: conditions(r, host) });
  for (let n = r.below(3); n > 0; n--) {
    const text = rule(r);
    deeds.push({ kind: 'rule', host: text.startsWith('corrupt') ? CORRUPTING : r.below(hosts), rule: text });
  }
  for (let n = r.below(3); n > 0; n--) deeds.push(sysctl(r, hosts));
  for (let n = 1 + r.below(12 * scale); n > 0; n--) {
    const from = r.below(hosts);
    deeds.push({
      kind: 'talk',
      at: r.below(20_000) / 1000,
      from,
      to: (from + 1 + r.below(hosts - 1)) % hosts,
      talk: talk(r),
    });
  }
  if (r.below(4) === 0)
    deeds.push({ kind: 'partition', at: r.below(20), host: r.below(hosts), seconds: 2 ** r.below(11) });
  if (r.below(4) === 0)
    deeds.push({ kind: 'crash', at: r.below(20), host: r.below(hosts), seconds: r.below(100) });
  return { seed, hosts, family: r.below(3) === 0 ? 6 : 4, deeds };
}

function conditions(r: Random, host: number): Record<string, number> {
  const set: Record<string, number> = { delay: 2 ** r.below(18) };
  if (r.below(2)) set['loss'] = r.below(200) / 1000;
  if (r.below(3) === 0) set['jitter'] = r.below(20_000);
  if (r.below(3) === 0) set['reorder'] = r.below(100) / 1000;
  if (r.below(3) === 0) set['duplicate'] = r.below(100) / 1000;
  if (r.below(3) === 0 && host === CORRUPTING) set['corrupt'] = r.below(50) / 1000;
  if (r.below(3) === 0) set['rate'] = 100_000 * 2 ** r.below(10);
  if (r.below(3) === 0) set['queue'] = 3 + r.below(50);
  return set;
}

function rule(r: Random): string {
  const action = ['drop', 'delay 300ms', 'reorder', 'duplicate', 'duplicate 2s', 'corrupt', 'delay 5s'][
    r.below(7)
  ];
  const what = ['SYN', 'SYN-ACK', 'FIN', 'pure-ACK', 'DATA', 'RST', 'any', 'retransmit', 'ICMP'][r.below(9)];
  const count = ['1', '2', '1..3', '2,4', '3..', '1..8'][r.below(6)];
  return `${action} * ${what} ${count}`;
}

function sysctl(r: Random, hosts: number): Deed {
  const choices: [string, number[]][] = [
    ['tcp_sack', [0]],
    ['tcp_timestamps', [0]],
    ['tcp_window_scaling', [0]],
    ['tcp_abort_on_overflow', [1]],
    ['tcp_syncookies', [0, 2]],
    ['tcp_fin_timeout', [1, 120]],
    ['tcp_tw_reuse', [0, 1]],
    ['tcp_early_retrans', [0]],
    ['tcp_recovery', [0]],
    ['tcp_max_tw_buckets', [1, 0]],
    ['tcp_orphan_retries', [1]],
    ['tcp_frto', [0]],
    ['tcp_slow_start_after_idle', [0]],
  ];
  const [name, values] = choices[r.below(choices.length)]!;
  return { kind: 'sysctl', host: r.below(hosts), name, value: values[r.below(values.length)]! };
}

function talk(r: Random): Talk {
  const size = (): number => [0, 1, 10, 1448, 1449, 5000, 30_000, 100_000][r.below(8)]!;
  return {
    up: size(),
    down: size(),
    end: ENDS[r.below(ENDS.length)]!,
    pause: r.below(4) === 0 ? r.below(1000) / 1000 : 0,
    chunk: [1000, 4096, 65536][r.below(3)]!,
    buffer: r.below(3) === 0 ? 2048 + r.below(20_000) : 0,
    nodelay: r.below(2) === 0,
    cork: r.below(8) === 0,
  };
}

/** Lets a plan happen, with all invariants checked. @throws what is wrong */
export function live(plan: Plan, log = false): World {
  const world = new World({
    seed: plan.seed,
    invariants: true,
    log,
    replay: 'LASTACK_CHAOS={seed} npx vitest run test/sim/random.test.ts',
    maxEvents: 3_000_000,
  });
  const prefix = plan.family === 4 ? '10.0.' : 'fd00:';
  const address = (i: number, host: number): string =>
    plan.family === 4 ? `${prefix}${i}.${host}` : `${prefix}${i}::${host}`;
  const length = plan.family === 4 ? 24 : 64;
  const router = world.router('R', {
    sysctl: plan.family === 4 ? {} : { 'net.ipv6.conf.all.forwarding': 1 },
  });
  const hosts = Array.from({ length: plan.hosts }, (_, i) => {
    const host = world.host(`H${i}`, { addresses: [`${address(i, 1)}/${length}`], gateway: address(i, 254) });
    world.wire(host, router, { addresses: { R: [`${address(i, 254)}/${length}`] } });
    return host;
  });
  let talks = 0;
  const serve = (host: Host): void => void host.spawn(os => server(os, plan.family), `server ${host.name}`);
  for (const host of hosts) serve(host);
  for (const d of plan.deeds) {
    switch (d.kind) {
      case 'wire':
        world.wires[d.host]!.set(d.set);
        break;
      case 'rule':
        world.wires[d.host]!.rule(d.rule);
        break;
      case 'sysctl': {
        const set = hosts[d.host]!.stack.sysctl.set(d.name, String(d.value));
        if (!set.ok) throw new Error(set.error);
        break;
      }
      case 'partition':
        world.at(seconds(d.at), () => world.wires[d.host]!.partition(true));
        world.at(seconds(d.at + d.seconds), () => world.wires[d.host]!.partition(false));
        break;
      case 'crash':
        world.at(seconds(d.at), () => hosts[d.host]!.crash());
        world.at(seconds(d.at + d.seconds), () => {
          hosts[d.host]!.restart();
          serve(hosts[d.host]!);
        });
        break;
      case 'talk':
        world.at(seconds(d.at), () => {
          if (hosts[d.from]!.down) return;
          hosts[d.from]!.spawn(os => client(os, address(d.to, 1), d.talk, plan.family), `client ${++talks}`);
        });
    }
  }
  world.run();
  for (const host of [...hosts, router]) checkEnded(host, true);
  const waiting = world.processes.filter(p => !p.name.startsWith('server'));
  if (waiting.length > 0)
    throw world.broken(`at the end ${waiting.map(p => `${p.name} waits in ${p.waiting?.name}`).join(', ')}`);
  return world;
}

function* server(os: Os, family: 4 | 6) {
  const listener = os.socket(family === 4 ? 'inet' : 'inet6');
  os.setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  os.bind(listener, family === 4 ? '0.0.0.0' : '::', PORT);
  os.listen(listener, 4);
  for (;;) {
    const fd = yield* os.accept(listener);
    if (fd < 0) return fd;
    os.host.spawn(own => handle(own, fd), `handler ${os.host.name}/${fd}`);
  }
}

function* handle(os: Os, fd: number) {
  keepAlive(os, fd);
  const header = yield* read(os, fd, HEADER, HEADER, 0);
  if (typeof header === 'number' || header.length < HEADER) return yield* os.close(fd);
  const view = new DataView(header.buffer, header.byteOffset);
  const end = ENDS[header[8]!]!;
  const wanted = end === 'half' ? Number.POSITIVE_INFINITY : view.getUint32(0);
  const pause = header[9]! / 255;
  const got = yield* read(os, fd, wanted, header[10]! * 256 + 256, pause);
  if (typeof got === 'number') return yield* os.close(fd);
  yield* os.send(fd, pattern(view.getUint32(4)));
  if (end === 'client') yield* os.recv(fd, 1);
  return yield* os.close(fd);
}

function* client(os: Os, to: string, t: Talk, family: 4 | 6) {
  const fd = os.socket(family === 4 ? 'inet' : 'inet6');
  keepAlive(os, fd);
  if (t.buffer > 0) {
    os.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, t.buffer);
    os.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, t.buffer);
  }
  if (t.nodelay) os.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const connected = yield* os.connect(fd, to, PORT);
  if (connected === 0) {
    if (t.cork) os.setsockopt(fd, IPPROTO_TCP, TCP_CORK, 1);
    const header = new Uint8Array(HEADER);
    const view = new DataView(header.buffer);
    view.setUint32(0, t.up);
    view.setUint32(4, t.down);
    header[8] = ENDS.indexOf(t.end);
    header[9] = Math.floor(t.pause * 255);
    header[10] = Math.min(255, t.chunk >> 8);
    yield* os.send(fd, header);
    yield* os.send(fd, pattern(t.up));
    if (t.end === 'half') os.shutdown(fd, 'wr');
    if (t.end === 'abort') os.setsockopt(fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    if (t.end !== 'abort' && t.end !== 'leave') {
      const all = t.end === 'server' || t.end === 'half';
      const got = yield* read(os, fd, all ? Number.POSITIVE_INFINITY : t.down, t.chunk, t.pause);
      const received = typeof got === 'number' ? got : got.length;
      // Whoever gave up has had an error: an end of stream comes after all bytes.
      if (received >= 0 && received !== t.down)
        throw os.host.world.broken(
          `${os.host.name}: ${received} of ${t.down} bytes, then the end of the stream`,
        );
    }
  }
  yield* os.close(fd);
}

/** Reads up to `n` bytes, slowly. */
function* read(os: Os, fd: number, n: number, chunk: number, pause: number) {
  const parts: number[] = [];
  while (parts.length < n) {
    const got: Read = yield* os.recv(fd, Math.min(chunk, n - parts.length));
    if (typeof got === 'number') return got;
    if (got.length === 0) break;
    for (const b of got) parts.push(b);
    if (pause > 0) yield* os.sleep(pause);
  }
  return Uint8Array.from(parts);
}

/** Nobody waits for ever for a peer that has gone. */
function keepAlive(os: Os, fd: number): void {
  os.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  os.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  os.setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  os.setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 13) ^ (i >> 8));

/** Simpler forms of a deed, for the shrinker. */
export function simplerDeeds(d: Deed): Deed[] {
  if (d.kind === 'wire') {
    const names = Object.keys(d.set);
    return names.map(n => ({
      ...d,
      set: Object.fromEntries(Object.entries(d.set).filter(([k]) => k !== n)),
    }));
  }
  if (d.kind !== 'talk') return [];
  const { talk: t } = d;
  const simpler: Talk[] = [];
  if (t.up > 0) simpler.push({ ...t, up: 0 }, { ...t, up: t.up >> 1 });
  if (t.down > 0) simpler.push({ ...t, down: 0 }, { ...t, down: t.down >> 1 });
  if (t.pause > 0) simpler.push({ ...t, pause: 0 });
  if (t.buffer > 0) simpler.push({ ...t, buffer: 0 });
  if (t.cork) simpler.push({ ...t, cork: false });
  return [...(d.at > 0 ? [{ ...d, at: 0 }] : []), ...simpler.map(s => ({ ...d, talk: s }))];
}
