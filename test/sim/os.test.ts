import { describe, expect, test } from 'vitest';
import { EADDRINUSE, EAGAIN, EBADF } from '../../src/base/errno.ts';
import { seconds } from '../../src/base/time.ts';
import { type Host, World } from '../../src/sim/index.ts';
import {
  EPOLL_CTL_ADD,
  EPOLLIN,
  MSG_DONTWAIT,
  POLLIN,
  POLLOUT,
  SO_LINGER,
  SO_RCVTIMEO,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../src/socket/constants.ts';

function pair(): { world: World; a: Host; b: Host } {
  const world = new World({ invariants: true });
  const a = world.host('A', { addresses: ['10.9.0.1/24'] });
  const b = world.host('B', { addresses: ['10.9.0.2/24'] });
  world.wire(a, b, { delay: '10ms' });
  return { world, a, b };
}

const text = (bytes: unknown): string =>
  bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : String(bytes);

describe('system calls of a simulated host', () => {
  test('datagrams come with their sender', () => {
    const { world, a, b } = pair();
    const heard = b.spawn(function* (os) {
      const fd = os.socket('inet', SOCK_DGRAM);
      os.bind(fd, '10.9.0.2', 53);
      const from = yield* os.recvfrom(fd, 100);
      if (typeof from === 'number') return from;
      yield* os.sendto(fd, 'answer', from.address, from.port);
      return `${text(from.data)} from ${from.address}`;
    });
    const asked = a.spawn(function* (os) {
      const fd = os.socket('inet', SOCK_DGRAM);
      yield* os.sendto(fd, 'question', '10.9.0.2', 53);
      return text(yield* os.recv(fd, 100));
    });
    world.run();
    expect([heard.result, asked.result]).toEqual(['question from 10.9.0.1', 'answer']);
    expect(world.log.some(e => e.kind === 'packet' && e.protocol === 'UDP')).toBe(true);
  });

  test('epoll and poll wait for readiness, in virtual time', () => {
    const { world, a, b } = pair();
    const server = b.spawn(function* (os) {
      const listener = os.socket();
      os.bind(listener, '10.9.0.2', 80);
      os.listen(listener);
      const ep = os.epollCreate();
      os.epollCtl(ep, EPOLL_CTL_ADD, listener, EPOLLIN);
      const none = yield* os.epollWait(ep, 8, 1);
      const some = yield* os.epollWait(ep, 8);
      const fd = yield* os.accept(listener);
      return [
        none,
        some,
        yield* os.pollFor(fd, POLLIN, 0.5),
        yield* os.pollFor(fd, POLLIN | POLLOUT),
        listener,
      ];
    });
    a.spawn(function* (os) {
      yield* os.sleep(2);
      yield* os.connect(os.socket(), '10.9.0.2', 80);
    });
    world.run();
    const [none, some, quiet, ready, listener] = server.result as [unknown, unknown, number, number, number];
    expect(none).toEqual([]);
    expect(some).toEqual([{ events: EPOLLIN, data: listener }]);
    expect([quiet, ready]).toEqual([0, POLLOUT]);
  });

  test('time-outs, MSG_DONTWAIT and lingering take the time that they should', () => {
    const { world, a, b } = pair();
    b.spawn(function* (os) {
      const listener = os.socket();
      os.bind(listener, '10.9.0.2', 80);
      os.listen(listener);
      yield* os.accept(listener);
    });
    const client = a.spawn(function* (os) {
      const fd = os.socket();
      yield* os.connect(fd, '10.9.0.2', 80);
      const connected = world.now;
      const now = yield* os.recv(fd, 1, MSG_DONTWAIT);
      os.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, { sec: 2, usec: 0 });
      const later = yield* os.recv(fd, 1);
      const waited = world.now - connected;
      os.setsockopt(fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 5 });
      yield* os.close(fd);
      return [now, later, waited, world.now - connected - waited, os.readiness(fd), yield* os.close(fd)];
    });
    world.run();
    const [now, later, waited, lingered] = client.result as number[];
    expect([now, later]).toEqual([-EAGAIN, -EAGAIN]);
    expect(waited).toBe(seconds(2));
    // One round trip, and the peer's delayed acknowledgement at the most.
    expect(lingered).toBeGreaterThanOrEqual(20_000);
    expect(lingered).toBeLessThanOrEqual(80_000);
    expect((client.result as number[])[5]).toBe(-EBADF);
  });

  test('two calls may be under way at once; a second waiter for one of them is refused', () => {
    const { world, a } = pair();
    const script = world.script(function* () {
      const [one, two] = [world.sleep(2), a.os.sleep(1)];
      yield* two;
      const first = world.now;
      yield* one;
      return [first, world.now];
    });
    world.run();
    expect(script.result).toEqual([seconds(1), seconds(2)]);
    const call = world.sleep(1);
    for (const name of ['x', 'y']) {
      world.script(function* () {
        yield* call;
      }, name);
    }
    expect(() => world.run()).toThrow('process y: another process waits for this sleep');
  });

  test('exit closes what a program has opened; errors are numbers', () => {
    const { world, a } = pair();
    const program = a.spawn(function* (os) {
      const fd = os.socket();
      os.bind(fd, '10.9.0.1', 80);
      os.listen(fd);
      const again = os.bind(os.socket(), '10.9.0.1', 80);
      yield* os.exit();
      return [again, os.bind(os.socket(), '10.9.0.1', 80)];
    });
    world.run();
    expect(program.result).toEqual([-EADDRINUSE, 0]);
    expect(a.sockets.count).toBe(1);
  });

  test('a host talks to itself, on a wire or without one', () => {
    const world = new World({ invariants: true });
    const alone = world.host('C');
    const { world: other, a } = pair();
    const results = [alone, a].map(host => {
      const served = host.spawn(function* (os) {
        const listener = os.socket();
        os.bind(listener, '127.0.0.1', 80);
        os.listen(listener);
        return text(yield* os.recvAll(yield* os.accept(listener)));
      });
      host.spawn(function* (os) {
        const fd = os.socket();
        yield* os.connect(fd, '127.0.0.1', 80);
        yield* os.send(fd, 'myself');
        yield* os.close(fd);
        return yield* os.connect(os.socket(), '127.0.0.1', 81);
      });
      return served;
    });
    world.run();
    other.run();
    expect(results.map(r => r.result)).toEqual(['myself', 'myself']);
    expect(world.processes).toEqual([]);
    expect(other.processes).toEqual([]);
  });
});
