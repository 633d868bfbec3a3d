import type { Socket } from 'node:net';
import type { Net } from '../api/net/net.ts';
import { MICROS_PER_MS, type Micros, NEVER } from '../base/time.ts';
import type { Loop } from '../driver/loop.ts';

/** One time-out of a socket on a loop's clock. */
class IdleTimer {
  private readonly loop: Loop;
  private readonly time: Micros;
  private readonly fire: () => void;
  private at: Micros = NEVER;
  private scheduled = false;

  constructor(loop: Loop, ms: number, fire: () => void) {
    this.loop = loop;
    this.time = ms * MICROS_PER_MS;
    this.fire = fire;
    this.refresh();
  }

  refresh(): void {
    this.at = this.loop.now() + this.time;
    if (!this.scheduled) this.schedule();
  }

  cancel(): void {
    this.at = NEVER;
  }

  private schedule(): void {
    this.scheduled = true;
    this.loop.schedule(this, this.at);
  }

  run(): void {
    this.scheduled = false;
    if (this.at === NEVER) return;
    if (this.at > this.loop.now()) this.schedule();
    else {
      this.at = NEVER;
      // Application code does not run inside a turn of the loop.
      setImmediate(this.fire);
    }
  }
}

interface Idle extends Socket {
  _unrefTimer(): void;
  _onTimeout(): void;
}

/**
 * `socket.setTimeout` of this `net` counts on the network's clock, and with it everything in `node:http` that
 * is built on it: the `timeout` of requests and agents, `keepAliveTimeout`.
 */
export function timeoutsOn(net: Net, loop: Loop): void {
  const proto = net.Socket.prototype as Idle;
  const { setTimeout: own, _unrefTimer: refresh } = proto;
  const timers = new WeakMap<Socket, IdleTimer>();
  proto.setTimeout = function (this: Idle, ms: number, callback?: () => void): Idle {
    if (!Number.isFinite(ms) || ms <= 0 || this.destroyed) {
      timers.get(this)?.cancel();
      own.call(this, ms, callback);
      return this;
    }
    // Checks the arguments, and takes an older timer away.
    own.call(this, 0);
    timers.get(this)?.cancel();
    Object.defineProperty(this, 'timeout', {
      value: ms,
      writable: true,
      enumerable: true,
      configurable: true,
    });
    const fire = (): void => {
      if (!this.destroyed) this._onTimeout();
    };
    timers.set(this, new IdleTimer(loop, ms, fire));
    if (callback !== undefined) this.once('timeout', callback);
    return this;
  };
  proto._unrefTimer = function (this: Idle): void {
    refresh.call(this);
    timers.get(this)?.refresh();
  };
}
