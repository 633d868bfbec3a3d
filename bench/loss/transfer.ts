import type { Micros } from '../../src/base/time.ts';
import { type Congestion, type Host, type Os, World } from '../../src/sim/index.ts';
import { IPPROTO_TCP, SO_RCVBUF, SOL_SOCKET, TCP_NODELAY } from '../../src/socket/constants.ts';
import { must } from '../harness.ts';
import { Direction, seedOf, type Wire } from './impairments.ts';

/** Bytes carried one way between two lastack hosts in virtual time: exact, and the same for the same seed. */

export interface Transfer extends Wire {
  /** With `seed` it decides all that is random. */
  readonly name: string;
  readonly seed: number;
  readonly bytes: number;
  /** Bytes of the largest window that the receiver announces; null for the default, autotuning included. */
  readonly buffer: number | null;
  /** @default 1, connections that carry `bytes` each at the same time */
  readonly flows?: number;
  /** The flows begin at random times within so many seconds. @default 0 */
  readonly spread?: number;
  /** Stops at this time, whatever has been carried. @default when all bytes have been read */
  readonly until?: Micros;
  readonly sysctl?: Record<string, string | number>;
  /** Jiffies per second. @default 1000 */
  readonly hz?: number;
  /** Notes what has been carried so often, in microseconds. @default never */
  readonly every?: Micros;
  /** @default CUBIC */
  readonly congestion?: Congestion;
  /**
   * The window is the buffer to the byte, and the sender fills it to the byte (TCP_NODELAY), with tcp_shrink_window.
   * @default false: as Linux has it without window scaling, which a small buffer does not ask for, windows of whole segments
   */
  readonly exact?: boolean;
  /** TCP_MAXSEG of both ends. @default none: what the MTU of 1500 allows */
  readonly maxseg?: number;
  /** Events after which the run counts as one that does not end. @default by the bytes */
  readonly maxEvents?: number;
}

export interface Outcome {
  /** Of each connection: bytes that the receiver's program has read, in order, all as they were sent. */
  readonly carried: readonly number[];
  /** `carried` at each multiple of `every`. */
  readonly samples: readonly (readonly number[])[];
  /** From the first connect() having succeeded to the last byte read. */
  readonly seconds: number;
  /** Bytes per second of all connections together. */
  readonly rate: number;
  /** Packets of the data's direction: offered, lost by chance, dropped by a full queue. */
  readonly data: Direction;
  readonly world: World;
  readonly sender: Host;
}

const TCP_MAXSEG = 2;
const TCP_WINDOW_CLAMP = 10;
const PORT = 5001;
const CHUNK = 65_536;
/** The stream repeats it; its second half is there so that any 64 KiB of the stream are a stretch of it. */
const TEXT = Uint8Array.from({ length: 2 * CHUNK }, (_, i) => ((i & 0xffff) * 40_503) >>> 11);

/** @throws Error if a byte arrives that was not sent, a call fails, or the run does not end */
export function transfer(t: Transfer): Outcome {
  const flows = t.flows ?? 1;
  const world = new World({
    seed: `${t.name}/${t.seed}`,
    log: false,
    hz: t.hz ?? 1000,
    maxEvents: t.maxEvents ?? 2_000_000 + flows * t.bytes,
  });
  const options = {
    sysctl: { ...t.sysctl, ...(t.exact === true ? { tcp_shrink_window: 1 } : {}) },
    ...(t.congestion === undefined ? {} : { congestion: t.congestion }),
  };
  const sender = world.host('sender', { addresses: ['10.0.0.1/24'], ...options });
  const receiver = world.host('receiver', { addresses: ['10.0.0.2/24'], ...options });
  const wire = world.wire(sender, receiver);
  const data = new Direction(t, seedOf(t.name, t.seed, 'data'));
  const acks = new Direction(t, seedOf(t.name, t.seed, 'acks'));
  wire.model((now, length) => data.offer(now, length), 'sender');
  wire.model((now, length) => acks.offer(now, length), 'receiver');
  const run = { begun: -1, ended: -1, open: flows };
  const carried = new Array<number>(flows).fill(0);
  const samples: number[][] = [];
  if (t.every !== undefined) sampleEvery(world, t.every, () => samples.push([...carried]));
  world.spawn(receiver, os => serve(os, t, flows, carried, run));
  const starts = world.random.fork('starts');
  for (let i = 0; i < flows; i++) {
    const wait = (t.spread ?? 0) * starts.float();
    world.spawn(sender, os => send(os, t, wait, run));
  }
  world.runUntil(() => run.open === 0, t.until === undefined ? {} : { until: t.until });
  must(t.until !== undefined || run.open === 0, `${t.name}, seed ${t.seed}: the transfer has stalled`);
  const seconds = ((run.open === 0 ? run.ended : world.now) - run.begun) / 1e6;
  const total = carried.reduce((sum, n) => sum + n, 0);
  return { carried, samples, seconds, rate: total / seconds, data, world, sender };
}

function sampleEvery(world: World, every: Micros, sample: () => void): void {
  world.at(world.now + every, () => {
    sample();
    sampleEvery(world, every, sample);
  });
}

interface Run {
  begun: Micros;
  ended: Micros;
  /** Connections whose bytes have not all been read. */
  open: number;
}

function prepare(os: Os, t: Transfer): number {
  const fd = os.socket();
  if (t.maxseg !== undefined) os.setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, t.maxseg);
  if (t.buffer !== null) {
    // Room for more than the window, packets' own memory included: only the clamp shall limit it.
    os.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 2 ** 20);
    // Before the handshake it decides the window scale too, of which nothing is left; then `read` sets it.
    if (t.exact !== true) os.setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, t.buffer);
  }
  return fd;
}

function* serve(os: Os, t: Transfer, flows: number, carried: number[], run: Run) {
  const listener = prepare(os, t);
  os.bind(listener, '0.0.0.0', PORT);
  os.listen(listener, 1024);
  for (let i = 0; i < flows; i++) {
    const fd = yield* os.accept(listener);
    must(fd >= 0, `accept: ${fd}`);
    os.host.spawn(reader => read(reader, fd, t, carried, i, run));
  }
}

function* read(os: Os, fd: number, t: Transfer, carried: number[], i: number, run: Run) {
  const room = Buffer.alloc(CHUNK);
  // recv() gives each reader a buffer of its own: 64 KiB for every two segments took half of all time.
  const message = { iov: [{ bytes: room, length: CHUNK }] };
  const clamp = (): void => {
    if (t.buffer !== null) os.setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, t.buffer);
  };
  if (t.exact === true) clamp();
  for (let at = 0; at < t.bytes; ) {
    const n = yield* os.recvmsg(fd, message);
    must(n > 0, `${t.name}, seed ${t.seed}: recv: ${n} after ${at} bytes`);
    // As in Linux, the first segments that arrive undo a clamp that was set before them.
    clamp();
    const from = at % CHUNK;
    must(room.compare(TEXT, from, from + n, 0, n) === 0, `${t.name}, seed ${t.seed}: wrong bytes by ${at}`);
    at += n;
    carried[i] = at;
  }
  run.ended = os.host.world.now;
  run.open--;
}

function* send(os: Os, t: Transfer, wait: number, run: Run) {
  if (wait > 0) yield* os.sleep(wait);
  const fd = prepare(os, t);
  if (t.exact === true) os.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const connected = yield* os.connect(fd, '10.0.0.2', PORT);
  must(connected === 0, `${t.name}, seed ${t.seed}: connect: ${connected}`);
  if (run.begun < 0) run.begun = os.host.world.now;
  for (let left = t.bytes; left > 0; ) {
    const n = Math.min(left, CHUNK);
    const sent = yield* os.send(fd, TEXT.subarray(0, n));
    must(sent === n, `${t.name}, seed ${t.seed}: send: ${sent}`);
    left -= n;
  }
}
