import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Packet } from '../../src/link/packet.ts';
import type { Waitable } from '../../src/sim/call.ts';
import { type Host, type Os, World } from '../../src/sim/index.ts';
import type { Wire, WireOptions } from '../../src/sim/wire.ts';
import type { Connection } from '../../src/tcp/connection.ts';

/** Random worlds for loss recovery and congestion control: one sender, one receiver, a bottleneck between them. */

export interface Bottleneck {
  readonly seed: number;
  readonly r: Random;
  readonly world: World;
  readonly a: Host;
  readonly b: Host;
  readonly wire: Wire;
}

export type Sysctls = Record<string, string | number>;

/** Sender A, receiver B; A's direction has the rate and the queue, both half of the round trip. */
export function bottleneck(
  seed: number,
  options: { rtt: number; rate: number; queue?: number; both?: Sysctls; a?: Sysctls; wire?: WireOptions },
): Bottleneck {
  const world = new World({ seed, invariants: true, log: false, maxEvents: 3_000_000 });
  const a = world.host('A', { addresses: ['10.9.0.1/24'], sysctl: { ...options.both, ...options.a } });
  const b = world.host('B', { addresses: ['10.9.0.2/24'], sysctl: options.both ?? {} });
  const wire = world.wire(a, b, { delay: Math.round(options.rtt / 2), ...options.wire });
  wire.set({ rate: options.rate, queue: options.queue ?? 10_000 }, 'A');
  return { seed, r: seededRandom(`recovery ${seed}`), world, a, b, wire };
}

/** Frames that wait at A's end of the wire. */
export const queued = (net: Bottleneck): number => net.wire.channels[0].queued(net.world.now);

/**
 * An active queue: from `threshold` waiting frames on, ECN-capable data is marked and other data dropped, each with
 * the probability given.
 */
export function aqm(
  net: Bottleneck,
  threshold: number,
  probability = 1,
): { marked(): number; dropped(): number } {
  const over = (p: Packet): boolean => p.segment.length > 0 && queued(net) >= threshold;
  const capable = (p: Packet): boolean => (p.tos & 3) !== 0;
  const mark = net.wire.rule({
    action: 'mark',
    from: 'A',
    probability,
    match: (p: Packet) => over(p) && capable(p),
  });
  const drop = net.wire.rule({
    action: 'drop',
    from: 'A',
    probability,
    match: (p: Packet) => over(p) && !capable(p),
  });
  return { marked: () => mark.acted, dropped: () => drop.acted };
}

const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 13) ^ (i >> 8));

export interface Outcome {
  /** Bytes that the receiver has read, and whether they were right; −errno of the sender. */
  received: number;
  right: boolean;
  error: number;
  /** Seconds from the first write to the last byte's arrival. */
  seconds: number;
  /** The sender's connection, while it lives. */
  sender(): Connection | undefined;
}

/** The one connection of a host. */
export const connectionOf = (host: Host): Connection | undefined =>
  [...host.stack.tcp.connections()][0] as Connection | undefined;

/** Starts the sending of `n` bytes from A to B; `prepare` sees A's descriptor before it connects. */
export function transfer(
  net: Bottleneck,
  n: number,
  prepare: (os: Os, fd: number) => void = () => {},
  write?: (os: Os, fd: number, data: Uint8Array) => Generator<Waitable, number, unknown>,
): Outcome {
  const data = pattern(n);
  const outcome: Outcome = {
    received: 0,
    right: true,
    error: 0,
    seconds: 0,
    sender: () => connectionOf(net.a),
  };
  let began = 0;
  net.b.spawn(function* (os) {
    const listener = os.serve('0.0.0.0', 80);
    const fd = yield* os.accept(listener);
    for (;;) {
      const got = yield* os.recv(fd, 65536);
      if (typeof got === 'number' || got.length === 0) break;
      for (let i = 0; i < got.length; i++) if (got[i] !== data[outcome.received + i]) outcome.right = false;
      outcome.received += got.length;
      outcome.seconds = (net.world.now - began) / 1e6;
    }
    yield* os.close(fd);
    yield* os.close(listener);
  }, 'receiver');
  net.a.spawn(function* (os) {
    const fd = os.socket();
    prepare(os, fd);
    const connected = yield* os.connect(fd, '10.9.0.2', 80);
    began = net.world.now;
    let sent = connected;
    if (connected >= 0) sent = write === undefined ? yield* os.send(fd, data) : yield* write(os, fd, data);
    if (sent < 0) outcome.error = sent;
    yield* os.close(fd);
  }, 'sender');
  return outcome;
}

/** Looks at the sender every `step` microseconds while its connection lives. */
export function watch(net: Bottleneck, step: number, look: (c: Connection, now: number) => void): void {
  const again = (): void => {
    const c = connectionOf(net.a);
    if (c !== undefined) look(c, net.world.now);
    if (c !== undefined || net.world.now < 1_000_000) net.world.at(net.world.now + step, again);
  };
  net.world.at(net.world.now + step, again);
}
