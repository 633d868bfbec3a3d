import { AsyncResource } from 'node:async_hooks';
import { type Address, parseAddress } from '../../base/address.ts';
import { EAGAIN, EBADF, ECONNREFUSED, EINPROGRESS, EINVAL, ENOTCONN } from '../../base/errno.ts';
import {
  AF_INET,
  AF_INET6,
  EPOLLERR,
  EPOLLHUP,
  EPOLLOUT,
  IPPROTO_TCP,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_REUSEADDR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from '../../socket/constants.ts';
import type { Sockets } from '../../socket/sockets.ts';
import { type ClientHandle, type Done, ECANCELED, EOF, type Name } from './handle.ts';
import type { NetHost } from './host.ts';
import { nameOf } from './name.ts';
import { Poller, type Watcher } from './poller.ts';
import { takeRead } from './read-buffer.ts';
import { Reference } from './ref.ts';

interface Write {
  readonly chunks: readonly Uint8Array[];
  index: number;
  at: number;
  readonly done: Done;
}

/** A read of so many bytes makes more of them likely, and so many may then follow in one turn of Node's loop. */
const MUCH = 32768;
const MOST_READS = 8;

/** Between connect() failing at once and its callback. */
const NO_DELAY = 0;

/** A TCP connection on a lastack host. */
export class TcpHandle implements ClientHandle, Watcher {
  received: (status: number, chunk: Buffer | null) => void = () => {};
  onread?: unknown;
  readInto: (() => Uint8Array) | null = null;
  reading = false;
  bytesRead = 0;
  bytesWritten = 0;
  writeQueueSize = 0;
  fd: number;
  private readonly host: NetHost;
  private readonly poller: Poller;
  private readonly reference = new Reference();
  private readonly resource = new AsyncResource('TCPWRAP', { requireManualDestroy: true });
  private serial = 0;
  private writes: Write[] = [];
  private ending: Done | null = null;
  private connecting: Done | null = null;
  /** A connect() that failed at once: told in a later turn. */
  private refused = NO_DELAY;
  private ready_ = 0;
  /** Steps that are to come in this turn of Node's loop or the next, and how many reads one shall have. */
  private scheduled = 0;
  private reads = 1;
  private closed = false;
  /** The end, or an error, has been read. */
  private over = false;

  constructor(host: NetHost, fd = -1) {
    this.host = host;
    this.poller = Poller.of(host);
    this.fd = fd;
    if (fd >= 0) this.watch();
  }

  bind(address: string, port: number): number {
    const a = parseAddress(address);
    if (a === null) return -EINVAL;
    const r = this.open(a);
    if (r < 0) return r;
    const s = this.sockets();
    s.setsockopt(this.fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return s.bind(this.fd, this.host.translate?.own(a) ?? a, port);
  }

  connect(address: string, port: number, done: Done): number {
    const a = parseAddress(address);
    if (a === null) return -EINVAL;
    const opened = this.open(a);
    if (opened < 0) return opened;
    const to = this.host.translate?.peer(a) ?? a;
    const r = this.sockets().connect(this.fd, to, port);
    if (r < 0 && r !== -EINPROGRESS && r !== -ECONNREFUSED) return r;
    this.refused = r === -ECONNREFUSED ? r : 0;
    this.connecting = done;
    this.reference.began();
    this.watch();
    if (r !== -EINPROGRESS) this.ready(EPOLLOUT);
    return 0;
  }

  readStart(): number {
    if (this.closed || this.over) return this.closed ? -EBADF : 0;
    this.reading = true;
    this.reference.activity(true);
    this.schedule();
    return 0;
  }

  readStop(): number {
    this.reading = false;
    this.reference.activity(false);
    return 0;
  }

  write(chunks: readonly Uint8Array[], done: Done): number {
    const w: Write = { chunks, index: 0, at: 0, done };
    const r = this.writes.length > 0 ? 1 : this.push(w);
    if (r < 0) return r;
    for (const c of chunks) this.bytesWritten += c.length;
    if (r === 0) return 0;
    for (let i = w.index; i < chunks.length; i++) this.writeQueueSize += chunks[i]!.length;
    this.writeQueueSize -= w.at;
    this.writes.push(w);
    this.reference.began();
    return 1;
  }

  shutdown(done: Done): number {
    if (this.closed || this.fd < 0) return -ENOTCONN;
    this.ending = done;
    this.reference.began();
    if (this.writes.length === 0) this.schedule();
    return 0;
  }

  close(done: () => void = nothing): void {
    this.finish(done);
  }

  reset(done: () => void): number {
    if (this.closed) return -EBADF;
    if (this.fd >= 0) this.sockets().setsockopt(this.fd, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 0 });
    this.finish(done);
    return 0;
  }

  ref(): void {
    this.reference.set(true);
  }

  unref(): void {
    this.reference.set(false);
  }

  getAsyncId(): number {
    return this.resource.asyncId();
  }

  hasRef(): boolean {
    return this.reference.has;
  }

  getsockname(): Name | number {
    if (this.fd < 0) return -EBADF;
    return nameOf(this.sockets(), this.fd, false, this.host);
  }

  getpeername(): Name | number {
    if (this.fd < 0) return -EBADF;
    return nameOf(this.sockets(), this.fd, true, this.host);
  }

  setNoDelay(on: boolean): number {
    if (this.fd < 0) return -EBADF;
    return this.sockets().setsockopt(this.fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
  }

  setKeepAlive(on: boolean, delay: number): number {
    if (this.fd < 0) return -EBADF;
    const s = this.sockets();
    const r = s.setsockopt(this.fd, SOL_SOCKET, SO_KEEPALIVE, on ? 1 : 0);
    if (r < 0 || !on || delay === 0) return r;
    return s.setsockopt(this.fd, IPPROTO_TCP, TCP_KEEPIDLE, delay);
  }

  /** Called by the poller: what is ready is done in a turn of its own. */
  ready(events: number): void {
    this.ready_ |= events;
    // On the kernel's loopback a listener has its end of a handshake before the client has.
    if (this.connecting !== null) setImmediate(() => this.schedule());
    else this.schedule();
  }

  private sockets(): Sockets {
    return this.host.driver.enter();
  }

  private open(address: Address): number {
    if (this.fd >= 0) return 0;
    const s = this.sockets();
    const fd = s.socket(address.is4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);
    if (fd < 0) return fd;
    this.fd = fd;
    this.host.opened?.(fd, 'client');
    return 0;
  }

  private watch(): void {
    if (this.serial === 0) this.serial = this.poller.watch(this.fd, this);
  }

  private schedule(): void {
    if (this.scheduled > 0 || this.closed) return;
    this.scheduled = this.poller.often(this.run, this.reads);
  }

  /** One piece of what is ready, then the loop's other callbacks have their turn. */
  private readonly run = (): void => {
    this.poller.began();
    this.scheduled--;
    if (!this.idle()) this.resource.runInAsyncScope(this.step);
  };

  /** One of several reads, and nothing has come. */
  private idle(): boolean {
    if (this.closed) return true;
    if (this.reads === 1 || this.connecting !== null || this.writes.length > 0 || this.ending !== null)
      return false;
    return !(this.reading && this.poller.mayRead(this.fd));
  }

  private readonly step = (): void => {
    const events = this.ready_;
    this.ready_ = 0;
    if (this.connecting !== null) {
      if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) this.connected();
      return;
    }
    if (this.reading) this.read();
    if (this.closed) return;
    if (this.writes.length > 0) this.flush();
    else if (this.ending !== null) this.end();
  };

  private connected(): void {
    let error = this.refused;
    if (error === 0) {
      const r = this.sockets().getsockopt(this.fd, SOL_SOCKET, SO_ERROR);
      error = r > 0 ? -r : r;
    }
    if (error === -EINPROGRESS) return;
    const done = this.connecting!;
    this.connecting = null;
    this.reference.ended();
    if (this.reading || this.writes.length > 0 || this.ending !== null) this.schedule();
    done(error);
  }

  private read(): void {
    const own = this.readInto === null ? null : this.readInto();
    const n = own === null ? takeRead(this.sockets(), this.fd) : this.sockets().recv(this.fd, own);
    if (typeof n === 'number') {
      if (n === -EAGAIN) return;
      if (own !== null && n > 0) {
        this.bytesRead += n;
        this.deliver(n, null);
        return;
      }
      if (own !== null && own.length === 0) return;
      this.over = true;
      this.readStop();
      this.received(n === 0 ? EOF : n, null);
      return;
    }
    this.bytesRead += n.length;
    this.reads = n.length < MUCH ? 1 : Math.min(2 * this.reads, MOST_READS);
    this.deliver(n.length, n);
  }

  private deliver(n: number, chunk: Buffer | null): void {
    try {
      this.received(n, chunk);
    } finally {
      // What comes later is told of by the poller.
      if (this.reading && this.poller.mayRead(this.fd)) this.schedule();
    }
  }

  /** Writes what fits. @returns 0: all, 1: some, or −errno */
  private push(w: Write): number {
    const s = this.sockets();
    while (w.index < w.chunks.length) {
      const c = w.chunks[w.index]!;
      const n = c.length - w.at;
      const r = n === 0 ? 0 : s.send(this.fd, c, 0, w.at, n);
      if (r === -EAGAIN) return 1;
      if (r < 0) return r;
      if (r < n) {
        w.at += r;
        return 1;
      }
      w.index++;
      w.at = 0;
    }
    return 0;
  }

  private flush(): void {
    const done: [Done, number][] = [];
    while (this.writes.length > 0) {
      const w = this.writes[0]!;
      const r = this.push(w);
      if (r === 1) break;
      this.writes.shift();
      this.reference.ended();
      done.push([w.done, r]);
    }
    this.writeQueueSize = 0;
    for (const w of this.writes) {
      for (let i = w.index; i < w.chunks.length; i++) this.writeQueueSize += w.chunks[i]!.length;
      this.writeQueueSize -= w.at;
    }
    if (this.writes.length === 0 && this.ending !== null) this.schedule();
    callAll(
      done.map(
        ([d, status]) =>
          () =>
            d(status),
      ),
    );
  }

  private end(): void {
    const done = this.ending!;
    this.ending = null;
    this.reference.ended();
    done(this.sockets().shutdown(this.fd, 1));
  }

  private finish(done: () => void): void {
    if (this.closed) return;
    this.closed = true;
    this.reading = false;
    this.poller.forget(this.serial);
    if (this.fd >= 0) this.sockets().close(this.fd);
    this.fd = -1;
    const cancelled: Done[] = this.writes.map(w => w.done);
    if (this.connecting !== null) cancelled.push(this.connecting);
    if (this.ending !== null) cancelled.push(this.ending);
    this.writes = [];
    this.connecting = null;
    this.ending = null;
    this.writeQueueSize = 0;
    this.reference.end();
    later(() => {
      this.resource.runInAsyncScope(() => callAll([...cancelled.map(c => () => c(ECANCELED)), done]));
      this.resource.emitDestroy();
    });
  }
}

/** For Node's own callers of `close`, some of which pass nothing. */
export const nothing = (): void => {};

/** Calls one after the other, also if one throws. */
function callAll(list: readonly (() => void)[], from = 0): void {
  let i = from;
  try {
    while (i < list.length) list[i++]!();
  } finally {
    if (i < list.length) callAll(list, i);
  }
}

/** Behind the immediates of this turn, where Node closes handles. */
export function later(task: () => void): void {
  setImmediate(() => setImmediate(task));
}
