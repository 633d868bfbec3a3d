import { closeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { koffi } from './koffi.ts';
import type { System } from './system.ts';

/**
 * Who says when a descriptor can be read. Node polls no descriptor of a device: `net.Socket` and
 * `tty.ReadStream` refuse one, and `fs.read` sleeps in a thread of the pool for each read. Measured with
 * echoed pings on the machine of BENCHMARKS.md, all idle at 0.1 % of a core: the event loop's own poll (8.9 µs
 * of CPU per packet, 0.10 ms RTT) beats a worker thread with poll(2) and a shared ring (16 µs, 0.17 ms),
 * SIGIO (28 µs, 0.12 ms) and `fs.read` (90 µs, and stalls of 200 ms while the pool is busy).
 */
export interface Watch {
  /** Whether it keeps the process alive. */
  hold(on: boolean): void;
  /** No call comes any more; the descriptor is closed. */
  close(): void;
}

/** @param error 0, or something is wrong with the descriptor */
export type Ready = (error: number) => void;

/** Calls `ready` while the descriptor can be read, at most once per turn of the event loop; takes the descriptor over. */
export function watch(system: System, fd: number, ready: Ready): Watch {
  const loop = isMainThread ? eventLoop() : null;
  return loop === null ? new PoolWatch(system, fd, ready) : new LoopWatch(loop, fd, ready);
}

const UV_POLL = 8;
const UV_READABLE = 1;

/** libuv, which node exports to native add-ons; null where it does not. */
function eventLoop(): Uv | null {
  uv ??= loadUv();
  return uv === false ? null : uv;
}

let uv: Uv | false | null = null;

function loadUv(): Uv | false {
  try {
    return new Uv();
  } catch {
    return false;
  }
}

class Uv {
  readonly k = koffi();
  private readonly self = this.k.load(null);
  readonly pollCallback = this.k.pointer(this.k.proto('void', ['void *', 'int', 'int']));
  readonly closeCallback = this.k.pointer(this.k.proto('void', ['void *']));
  readonly defaultLoop = this.self.func('void *uv_default_loop()');
  readonly handleSize = this.self.func('size_t uv_handle_size(int kind)');
  readonly init = this.self.func('int uv_poll_init(void *loop, void *handle, int fd)');
  readonly start = this.self.func('uv_poll_start', 'int', ['void *', 'int', this.pollCallback]);
  readonly stop = this.self.func('int uv_poll_stop(void *handle)');
  readonly ref = this.self.func('void uv_ref(void *handle)');
  readonly unref = this.self.func('void uv_unref(void *handle)');
  readonly close = this.self.func('uv_close', 'void', ['void *', this.closeCallback]);
}

/** Handles that libuv still knows: their memory must stay. */
const living = new Set<LoopWatch>();

/** The event loop of the main thread polls the descriptor itself. */
class LoopWatch implements Watch {
  private readonly uv: Uv;
  private readonly fd: number;
  private readonly handle: Uint8Array;
  private readonly onpoll: bigint;
  private readonly onclose: bigint;
  private closed = false;

  constructor(loop: Uv, fd: number, ready: Ready) {
    this.uv = loop;
    this.fd = fd;
    this.handle = new Uint8Array(loop.handleSize(UV_POLL) as number);
    // Nothing may be thrown into libuv.
    this.onpoll = loop.k.register((_handle, status) => {
      if (!this.closed) ready(status);
    }, loop.pollCallback);
    this.onclose = loop.k.register(() => this.gone(), loop.closeCallback);
    const r = loop.init(loop.defaultLoop(), this.handle, fd) as number;
    if (r < 0) throw new Error(`uv_poll_init failed with ${r}`);
    living.add(this);
    loop.start(this.handle, UV_READABLE, this.onpoll);
  }

  hold(on: boolean): void {
    if (this.closed) return;
    if (on) this.uv.ref(this.handle);
    else this.uv.unref(this.handle);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.uv.stop(this.handle);
    this.uv.close(this.handle, this.onclose);
    closeSync(this.fd);
  }

  /** libuv has forgotten the handle. A callback can't be freed while it runs. */
  private gone(): void {
    living.delete(this);
    setImmediate(() => {
      this.uv.k.unregister(this.onpoll);
      this.uv.k.unregister(this.onclose);
    });
  }
}

const POLLIN = 1;
/** A worker that is terminated waits for as long at most. */
const PATIENCE_MS = 500;

/**
 * In a worker: poll(2) in one thread of Node's pool, for all descriptors of the worker and a bell that says
 * that there are others. (A handle of libuv's that is open when a worker is terminated would abort the whole
 * process.)
 */
class PoolWatch implements Watch {
  readonly fd: number;
  readonly ready: Ready;
  closed = false;
  private readonly pool: Pool;

  constructor(system: System, fd: number, ready: Ready) {
    this.fd = fd;
    this.ready = ready;
    this.pool = pool ??= new Pool(system);
    this.pool.add(this);
  }

  /** A poll that is under way always keeps the worker alive. */
  hold(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pool.ring();
  }
}

let pool: Pool | null = null;

class Pool {
  private readonly system: System;
  private readonly bell: number;
  private readonly bellBytes = new Uint8Array(8);
  private watches: PoolWatch[] = [];
  private waiting = false;

  constructor(system: System) {
    this.system = system;
    this.bell = system.eventfd();
  }

  add(watch: PoolWatch): void {
    this.watches.push(watch);
    if (this.waiting) this.ring();
    else this.wait();
  }

  ring(): void {
    this.system.write(this.bell, ONE);
  }

  private wait(): void {
    for (const w of this.watches) if (w.closed) closeSync(w.fd);
    const watches = this.watches.filter(w => !w.closed);
    this.watches = watches;
    this.waiting = watches.length > 0;
    if (!this.waiting) {
      this.system.close(this.bell);
      pool = null;
      return;
    }
    const fds = new Int32Array(2 * (watches.length + 1));
    for (const [i, w] of watches.entries()) {
      fds[2 * i] = w.fd;
      fds[2 * i + 1] = POLLIN;
    }
    fds[2 * watches.length] = this.bell;
    fds[2 * watches.length + 1] = POLLIN;
    this.system.poll.async(fds, watches.length + 1, PATIENCE_MS, (error: unknown, n: number) => {
      this.system.read(this.bell, this.bellBytes);
      for (const [i, w] of watches.entries()) {
        const events = fds[2 * i + 1]! >>> 16;
        if (w.closed) continue;
        if (error) w.ready(-1);
        else if (n > 0 && events !== 0) w.ready((events & ~POLLIN) !== 0 ? -1 : 0);
      }
      // After the immediates in which they are read: what is still readable then, was not read to its end.
      setImmediate(() => this.wait());
    });
  }
}

const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
