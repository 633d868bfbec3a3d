import { describe, expect, test } from 'vitest';
import { EAGAIN, ECONNREFUSED, ETIMEDOUT } from '../../src/base/errno.ts';
import { seconds } from '../../src/base/time.ts';
import { formatEvent } from '../../src/sim/format.ts';
import { type Host, type Os, type SegmentEvent, World, type WorldOptions } from '../../src/sim/index.ts';
import { checkEnded } from '../../src/sim/invariants.ts';
import type { Wire, WireOptions } from '../../src/sim/wire.ts';
import { F_SETFL, O_NONBLOCK, POLLIN, SHUT_WR } from '../../src/socket/constants.ts';

const text = (bytes: Uint8Array | number): string =>
  typeof bytes === 'number' ? String(bytes) : new TextDecoder().decode(bytes);

/** Two hosts on a wire, A at 10.9.0.1 and B at 10.9.0.2. */
function pair(
  wire: WireOptions = {},
  options: WorldOptions = {},
): { world: World; a: Host; b: Host; wire: Wire } {
  const world = new World({ invariants: true, ...options });
  const a = world.host('A', { addresses: ['10.9.0.1/24'] });
  const b = world.host('B', { addresses: ['10.9.0.2/24'] });
  return { world, a, b, wire: world.wire(a, b, { delay: 250, ...wire }) };
}

/** Serves one connection: reads to the end, answers, closes. */
function* server(os: Os) {
  const listener = os.socket();
  os.bind(listener, '0.0.0.0', 80);
  os.listen(listener, 5);
  const fd = yield* os.accept(listener);
  const request = yield* os.recvAll(fd);
  yield* os.send(fd, `you said ${text(request)}`);
  yield* os.close(fd);
  yield* os.close(listener);
  return text(request);
}

function* client(os: Os) {
  const fd = os.socket();
  const connected = yield* os.connect(fd, '10.9.0.2', 80);
  if (connected < 0) return connected;
  yield* os.send(fd, 'hello');
  os.shutdown(fd, 'wr');
  const answer = yield* os.recvAll(fd);
  yield* os.close(fd);
  return text(answer);
}

const segments = (world: World): SegmentEvent[] => world.log.filter(e => e.kind === 'segment');
const lines = (world: World): string[] => world.log.map(e => formatEvent(e, world.origin));

describe('a world of two hosts', () => {
  test('lets a client and a server talk and part, and nothing is left', () => {
    const { world, a, b } = pair();
    const served = world.spawn(b, server);
    const asked = world.spawn(a, client);
    world.run();
    expect([served.result, asked.result]).toEqual(['hello', 'you said hello']);
    checkEnded(a);
    checkEnded(b);
    expect(world.now).toBeGreaterThan(seconds(60));
  });

  test('shows the handshake and the close as analyzers would', () => {
    const { world, a, b } = pair();
    world.spawn(b, server);
    world.spawn(a, client);
    world.run();
    const flags = segments(world).map(s => `${s.from}>${s.to} [${s.flags}] ${s.seq} ${s.ack}`);
    expect(flags.slice(0, 3)).toEqual(['A>B [S] 0 null', 'B>A [S.] 0 1', 'A>B [.] 1 1']);
    const first = lines(world).find(l => l.includes('A>B'));
    expect(first).toBe('    0.000  A>B [S] seq 0 win 64240 len 0 mss=1460 sackok=1 ws=10');
    expect(lines(world)).toContain('    0.001     app A.send(3, 5) = 5');
    expect(lines(world).filter(l => l.includes('state'))).toContain(
      `    0.000     A:${segments(world)[0]!.sourcePort} state CLOSED -> SYN_SENT  (connect())`,
    );
    for (const state of ['FIN_WAIT_1', 'TIME_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'SYN_RECV'])
      expect(
        world.log.some(e => e.kind === 'state' && e.to === state),
        state,
      ).toBe(true);
  });

  test('is a function of its seed', () => {
    const run = (seed: number): string => {
      const { world, a, b } = pair({ loss: '20%', jitter: 1000, reorder: '5%', duplicate: '5%' }, { seed });
      world.spawn(b, server);
      world.spawn(a, client);
      world.run();
      return world.formatLog();
    };
    expect(run(5)).toBe(run(5));
    expect(run(5)).not.toBe(run(6));
  });

  test('a connect to a closed port is refused, one into the void times out', () => {
    const { world, a, wire } = pair();
    const refused = world.spawn(a, client);
    world.run();
    expect(refused.result).toBe(-ECONNREFUSED);
    wire.partition(true);
    const lost = world.spawn(a, client);
    world.run();
    expect(lost.result).toBe(-ETIMEDOUT);
    expect(segments(world).at(-1)).toMatchObject({ fate: 'dropped', reason: 'partition' });
  });

  test('a rule drops the second FIN that B sends', () => {
    const { world, a, b, wire } = pair();
    const rule = wire.rule('drop B FIN 2');
    wire.rule('drop B FIN 1');
    world.spawn(b, server);
    world.spawn(a, client);
    world.run();
    const fins = segments(world).filter(s => s.from === 'B' && s.flags.includes('F'));
    expect(fins.map(s => s.fate)).toEqual(['dropped', 'dropped', 'delivered']);
    expect(rule.acted).toBe(1);
  });

  test('large transfers arrive whole through loss, reordering, duplication and corruption', () => {
    const { world, a, b } = pair({
      loss: '3%',
      reorder: '3%',
      duplicate: '2%',
      corrupt: '1%',
      rate: '20mbit',
      delay: '5ms',
    });
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) ^ (i >> 8));
    const received = world.spawn(b, function* (os) {
      const listener = os.socket();
      os.bind(listener, '10.9.0.2', 80);
      os.listen(listener);
      const fd = yield* os.accept(listener);
      return yield* os.recvAll(fd);
    });
    world.spawn(a, function* (os) {
      const fd = os.socket();
      yield* os.connect(fd, '10.9.0.2', 80);
      yield* os.send(fd, data);
      yield* os.close(fd);
    });
    world.run({ until: seconds(300) });
    expect(received.result).toEqual(data);
  });

  test('works over Ethernet, with ARP, and over IPv6', () => {
    const { world, a, b } = pair({ medium: 'ethernet' });
    const served = world.spawn(b, server);
    world.spawn(a, client);
    world.run();
    expect(served.result).toBe('hello');
    expect(world.log.some(e => e.kind === 'packet' && e.protocol === 'ARP')).toBe(true);

    const six = new World();
    const c = six.host('C', { addresses: ['fd00::1/64'] });
    const d = six.host('D', { addresses: ['fd00::2/64'] });
    six.wire(c, d, { medium: 'ethernet', delay: 100 });
    const heard = d.spawn(function* (os) {
      const listener = os.socket('inet6');
      os.bind(listener, '::', 80);
      os.listen(listener);
      const fd = yield* os.accept(listener);
      return text(yield* os.recv(fd, 100));
    });
    c.spawn(function* (os) {
      yield* os.sleep(2);
      const fd = os.socket('inet6');
      yield* os.connect(fd, 'fd00::2', 80);
      yield* os.send(fd, 'six');
    });
    six.run({ until: seconds(10) });
    expect(heard.result).toBe('six');
  });
});

describe('programs', () => {
  test('a script may work several hosts, blocking on each', () => {
    const { world, a, b } = pair();
    const script = world.script(function* () {
      const listener = b.os.socket();
      b.os.bind(listener, '10.9.0.2', 5000);
      b.os.listen(listener);
      const c = a.os.socket();
      expect(yield* a.os.connect(c, '10.9.0.2', 5000)).toBe(0);
      const s = yield* b.os.accept(listener);
      yield* a.os.send(c, 'abc');
      yield* world.sleep(0.3);
      expect(b.os.readiness(s) & POLLIN).toBe(POLLIN);
      expect(text(yield* b.os.recv(s, 9))).toBe('abc');
      b.os.fcntl(s, F_SETFL, O_NONBLOCK);
      expect(yield* b.os.recv(s, 9)).toBe(-EAGAIN);
      expect(a.os.shutdown(c, SHUT_WR)).toBe(0);
      yield* world.sleep(0.1);
      expect((yield* b.os.recv(s, 9)) as Uint8Array).toHaveLength(0);
      return world.now;
    });
    world.run();
    expect(script.result).toBe(400_750);
  });

  test('async functions do the same', async () => {
    const { world, a, b } = pair();
    const served = world.spawn(b, async os => {
      const listener = os.socket();
      os.bind(listener, '0.0.0.0', 80);
      os.listen(listener);
      const fd = await os.accept(listener);
      const got = await os.recv(fd, 100);
      await os.sleep(1);
      await os.send(fd, got as Uint8Array);
      await os.close(fd);
      return 'served';
    });
    const asked = world.spawn(a, async os => {
      const fd = os.socket();
      await os.connect(fd, '10.9.0.2', 80);
      await os.send(fd, 'ping');
      const answer = text(await os.recv(fd, 100));
      await os.close(fd);
      return [answer, world.now];
    });
    await world.runAsync();
    expect(served.result).toBe('served');
    expect(asked.result).toEqual(['ping', 1_001_000]);
    expect(() => world.run()).toThrow('runAsync');
  });

  test('what a program throws, the run throws', async () => {
    const { world, a } = pair();
    world.spawn(a, function* (os) {
      yield* os.sleep(1);
      throw new Error('my own');
    });
    expect(() => world.run()).toThrow('my own');
    const other = pair();
    other.world.spawn(other.a, async os => {
      await os.sleep(1);
      throw new Error('mine too');
    });
    await expect(other.world.runAsync()).rejects.toThrow('mine too');
  });

  test('sleeping, waiting for a condition and for another program take virtual time only', () => {
    const { world, a } = pair();
    let flag = false;
    const first = world.spawn(a, function* (os) {
      yield* os.sleep(3600);
      flag = true;
    });
    const second = world.script(function* (w) {
      const met = yield* w.when(() => flag);
      const timedOut = yield* w.when(() => false, 5);
      yield* w.join(first);
      return [met, timedOut, w.now];
    });
    world.run();
    expect(second.result).toEqual([1, 0, seconds(3605)]);
  });

  test('a killed program’s sockets are closed by its host', () => {
    const { world, a, b } = pair();
    const served = world.spawn(b, server);
    const sleeper = world.spawn(a, function* (os) {
      const fd = os.socket();
      yield* os.connect(fd, '10.9.0.2', 80);
      yield* os.send(fd, 'last words');
      yield* os.recv(fd, 1);
    });
    world.at(seconds(1), () => sleeper.kill());
    world.run();
    expect(served.result).toBe('last words');
    checkEnded(a);
  });
});

describe('hosts', () => {
  test('a crash is silent; the peer learns of it when it sends to the restarted host', () => {
    const { world, a, b } = pair();
    const echo = world.spawn(b, function* (os) {
      const listener = os.socket();
      os.bind(listener, '10.9.0.2', 80);
      os.listen(listener);
      yield* os.recv(yield* os.accept(listener), 10);
    });
    const seen = world.script(function* () {
      const fd = a.os.socket();
      yield* a.os.connect(fd, '10.9.0.2', 80);
      b.crash();
      yield* world.sleep(1);
      yield* a.os.send(fd, 'anybody?');
      yield* world.sleep(1);
      b.restart();
      return yield* a.os.recv(fd, 10);
    });
    world.run();
    expect(echo.killed).toBe(true);
    expect(seen.result).toBe(-104);
    expect(
      segments(world)
        .filter(s => s.from === 'B')
        .at(-1)?.flags,
    ).toBe('R');
    checkEnded(b);
  });

  test('a router forwards between two wires', () => {
    const world = new World({ invariants: true });
    const a = world.host('A', { addresses: ['10.1.0.1/24'], gateway: '10.1.0.254' });
    const b = world.host('B', { addresses: ['10.2.0.1/24'], gateway: '10.2.0.254' });
    const r = world.router('R');
    world.wire(a, r, { delay: 1000, addresses: { R: ['10.1.0.254/24'] } });
    const far = world.wire(r, b, { delay: 2000, addresses: { R: ['10.2.0.254/24'] }, mtu: 1000 });
    const served = world.spawn(b, function* (os) {
      const listener = os.socket();
      os.bind(listener, '10.2.0.1', 80);
      os.listen(listener);
      return (yield* os.recvAll(yield* os.accept(listener))) as Uint8Array;
    });
    world.spawn(a, function* (os) {
      const fd = os.socket();
      yield* os.connect(fd, '10.2.0.1', 80);
      yield* os.send(fd, new Uint8Array(20_000).fill(7));
      yield* os.close(fd);
    });
    world.run();
    expect(served.result).toHaveLength(20_000);
    expect(far.count).toBeGreaterThan(20);
    expect(segments(world).every(s => s.wire !== 'R-B' || s.fate === 'delivered')).toBe(true);
  });
});
