import { describe, expect, test } from 'vitest';
import { EMSGSIZE } from '../../src/base/errno.ts';
import { type Host, type RawPeer, World } from '../../src/sim/index.ts';
import { F_SETFL, O_NONBLOCK } from '../../src/socket/constants.ts';

/** A host A and a peer B that the test plays. */
function lab(timestamps = false): { world: World; a: Host; b: RawPeer } {
  const world = new World({ hz: 250, invariants: true });
  const a = world.host('A', { addresses: ['10.9.0.1/24'] });
  const b = world.raw('B', { address: '10.9.0.2', timestamps });
  world.wire(a, b);
  return { world, a, b };
}

/** A connection of A's to the peer, established. */
function* established(a: Host, b: RawPeer) {
  const fd = a.os.socket();
  a.os.fcntl(fd, F_SETFL, O_NONBLOCK);
  a.os.connect(fd, '10.9.0.2', 5000);
  yield* b.accept();
  return fd;
}

describe('a raw peer', () => {
  test('answers an open, takes data and acknowledges it, as its script says', () => {
    const { world, a, b } = lab();
    const script = world.script(function* () {
      const fd = yield* established(a, b);
      a.os.send(fd, 'abc');
      const data = yield* b.expect(s => s.data.length > 0);
      expect([new TextDecoder().decode(data.data), data.event.seq, data.event.ack]).toEqual(['abc', 1, 1]);
      b.rcv += 3;
      b.send('.', b.snd, b.rcv);
      b.send('P.', b.snd, b.rcv, { data: 'defg' });
      yield* world.sleep(0.05);
      const got = yield* a.os.recv(fd, 10);
      expect(new TextDecoder().decode(got as Uint8Array)).toBe('defg');
      return b.replies();
    });
    world.run({ until: 1_000_000 });
    expect(script.result).toEqual([expect.stringMatching(/^\[\.\] seq 4 ack 5 win \d+ len 0$/)]);
  });

  test('opens a connection to a listener, with timestamps', () => {
    const { world, a, b } = lab(true);
    const script = world.script(function* () {
      const listener = a.os.socket();
      a.os.bind(listener, '10.9.0.1', 80);
      a.os.listen(listener, 5);
      yield* b.connect(80);
      const fd = yield* a.os.accept(listener);
      b.send('F.', b.snd, b.rcv);
      const ack = yield* b.expect();
      expect(ack.event.timestamps?.[1]).toBe(1002);
      return (yield* a.os.recv(fd, 1)) as Uint8Array;
    });
    world.run({ until: 1_000_000 });
    expect(script.result).toHaveLength(0);
    expect(world.log.some(e => e.kind === 'segment' && e.injected && e.flags === 'S' && e.to === 'A')).toBe(
      true,
    );
  });

  test('gets a reset from a closed port, and nothing for a reset', () => {
    const { world, a, b } = lab();
    b.port = 1234;
    b.peerPort = 9;
    b.send('S', 100, 0);
    world.run();
    expect(b.replies()).toEqual(['[R.] seq 1 ack 1 win 0 len 0']);
    b.send('R', 100, 0);
    world.run();
    expect(b.replies()).toEqual([]);
    expect(a.stack.mib.TcpOutRsts).toBe(1);
  });

  test('sends ICMP errors about what it got: a smaller MTU makes the data go again in two', () => {
    const { world, a, b } = lab();
    const script = world.script(function* () {
      const fd = yield* established(a, b);
      a.os.send(fd, new Uint8Array(1000));
      const s = yield* b.expect(r => r.data.length > 0);
      b.icmp(3, 4, s.bytes, 600, '10.9.0.99');
      yield* world.sleep(0.05);
      return b.replies();
    });
    world.run({ until: 1_000_000 });
    expect(script.result).toEqual([
      '[.] seq 1 ack 1 win 64240 len 560',
      '[P.] seq 561 ack 1 win 64240 len 440',
    ]);
    expect(EMSGSIZE).toBe(90);
  });

  test('says what it got if what it expects does not come', () => {
    const { world, a, b } = lab();
    world.script(function* () {
      yield* established(a, b);
      yield* b.expect(s => s.fin, 1);
    });
    expect(() => world.run({ until: 5_000_000 })).toThrow('nothing of the kind came within 1 s; got []');
  });

  test('refuses an Ethernet wire', () => {
    const world = new World();
    const a = world.host('A');
    expect(() => world.wire(a, world.raw('B', { address: '10.9.0.2' }), { medium: 'ethernet' })).toThrow(
      "medium 'ip'",
    );
  });
});
