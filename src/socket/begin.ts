import type { Address } from '../base/address.ts';
import { EALREADY, EBADF, EFAULT, EINPROGRESS, EINVAL } from '../base/errno.ts';
import { MICROS_PER_MS, MICROS_PER_SECOND, type Micros, NEVER } from '../base/time.ts';
import { AcceptCall, CloseCall, ConnectCall, RecvCall, RecvChunkCall, SendCall } from './calls.ts';
import { MSG_DONTWAIT, MSG_ERRQUEUE, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './constants.ts';
import type { EpollEvent } from './epoll.ts';
import { checkControl, gather, type Message, scatter } from './message.ts';
import { Pending } from './pending.ts';
import { EpollCall, PollCall, type PollEntry } from './poll.ts';
import { fits, rest, Socket } from './socket.ts';
import type { Sockets } from './sockets.ts';

/** A call that was over when it was made. */
class Over extends Pending {
  constructor(result: number) {
    super();
    this.result = result;
    this.done = true;
  }

  attempt(): boolean {
    return true;
  }

  timeoutResult(): number {
    return this.result;
  }

  on(): readonly [] {
    return [];
  }
}

/** recvmsg: fills in the message when the bytes have come. */
class RecvMessageCall extends RecvCall {
  private readonly sockets: Sockets;
  private readonly message: Message;
  private readonly gathered: Uint8Array | null;
  private readonly asked: number;

  constructor(
    sockets: Sockets,
    socket: Socket,
    message: Message,
    span: { bytes: Uint8Array | null; at: number; n: number; gathered: boolean },
    flags: number,
  ) {
    super(socket, span.bytes, span.at, span.n, flags, socket.options.rcvlowat);
    this.sockets = sockets;
    this.message = message;
    this.gathered = span.gathered ? span.bytes : null;
    this.asked = flags;
  }

  override attempt(): boolean {
    return super.attempt() && this.deliver(this.result);
  }

  override timeoutResult(): number {
    const r = super.timeoutResult();
    this.deliver(r);
    return r;
  }

  private deliver(r: number): true {
    if (r >= 0) this.sockets.finishMessage(this.socket, this.message, this, this.asked);
    if (r > 0 && this.gathered !== null) scatter(this.gathered, r, this.message.iov);
    return true;
  }
}

/**
 * The calls in the form that may wait. Each is tried at once and `done` if it could finish, or if the
 * descriptor is non-blocking (O_NONBLOCK, MSG_DONTWAIT); otherwise `Sockets.settle` returns it later.
 */
export class Begin {
  private readonly sockets: Sockets;

  constructor(sockets: Sockets) {
    this.sockets = sockets;
  }

  recv(fd: number, bytes: Uint8Array | null, flags = 0, at = 0, n = rest(bytes, at)): RecvCall | Pending {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number') return new Over(s);
    if (!fits(bytes, at, n)) return new Over(-EFAULT);
    const p = new RecvCall(s, bytes, at, n, flags, s.options.rcvlowat);
    return this.start(s, p, this.limit(s, flags, s.settings.rcvTimeout));
  }

  /** recv of up to `n` bytes, 1 or more, from a stream: what came is in `chunk`; null: use `recv`. */
  recvChunk(fd: number, n: number): RecvChunkCall | null {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number' || s.type !== SOCK_STREAM || s.options.rcvlowat > 1) return null;
    return this.start(s, new RecvChunkCall(s, n), this.limit(s, 0, s.settings.rcvTimeout));
  }

  /** read(2): as recv, except that no bytes are read at once. */
  read(fd: number, bytes: Uint8Array | null, at = 0, n = rest(bytes, at)): Pending {
    const s = this.sockets.lookup(fd);
    return typeof s === 'number' || n === 0
      ? new Over(typeof s === 'number' ? s : 0)
      : this.recv(fd, bytes, 0, at, n);
  }

  recvmsg(fd: number, message: Message, flags = 0): Pending {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number') return new Over(s);
    const span = gather(message.iov, false);
    if (typeof span === 'number') return new Over(span);
    const p = new RecvMessageCall(this.sockets, s, message, span, flags);
    return this.start(s, p, this.limit(s, flags, s.settings.rcvTimeout));
  }

  send(fd: number, bytes: Uint8Array | null, flags = 0, at = 0, n = rest(bytes, at)): Pending {
    return this.sendto(fd, bytes, flags, null, 0, at, n);
  }

  sendto(
    fd: number,
    bytes: Uint8Array | null,
    flags: number,
    to: Address | null,
    port: number,
    at = 0,
    n = rest(bytes, at),
  ): Pending {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number') return new Over(s);
    if (!fits(bytes, at, n)) return new Over(-EFAULT);
    const limit = this.limit(s, flags, s.settings.sndTimeout);
    // Without waiting it is one attempt, whose error (−EINPROGRESS of a fast open) stands.
    if (limit === null) return new Over(this.sockets.sendto(fd, bytes, flags, to, port, at, n));
    return this.start(s, new SendCall(s, bytes, at, n, flags, to, port), limit);
  }

  sendmsg(fd: number, message: Message, flags = 0): Pending {
    const span = gather(message.iov, true);
    if (typeof span === 'number') return new Over(span);
    const bad = checkControl(message.control);
    if (bad < 0) return new Over(bad);
    const { name } = message;
    return this.sendto(fd, span.bytes, flags, name?.address ?? null, name?.port ?? 0, span.at, span.n);
  }

  /** The result is the new descriptor. */
  accept(fd: number, flags = 0): Pending {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number') return new Over(s);
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) return new Over(-EINVAL);
    const p = new AcceptCall(s, listener => this.sockets.acceptOn(listener, flags));
    return this.start(s, p, this.limit(s, 0, s.settings.rcvTimeout));
  }

  connect(fd: number, address: Address | null, port = 0): Pending {
    const s = this.sockets.lookup(fd);
    if (typeof s === 'number') return new Over(s);
    const r = this.sockets.connect(fd, address, port);
    if (r !== -EINPROGRESS && r !== -EALREADY) return new Over(r);
    return this.start(s, new ConnectCall(s, r), this.limit(s, 0, s.settings.sndTimeout));
  }

  /** close(2): with SO_LINGER and a time it waits for the peer to acknowledge the FIN, also on a non-blocking socket. */
  close(fd: number): Pending {
    const d = this.sockets.find(fd);
    if (!(d instanceof Socket) || d.waiters.length > 0 || !d.beginLinger())
      return new Over(this.sockets.close(fd));
    if (this.sockets.forget(fd) === null) return new Over(-EBADF);
    d.closing = true;
    const limit = this.sockets.host.now + d.settings.lingerSeconds * MICROS_PER_SECOND;
    return this.sockets.waits.start(new CloseCall(d), limit);
  }

  /** poll(2). @param timeout milliseconds; negative: no limit */
  poll(entries: readonly PollEntry[], timeout: number): PollCall {
    const p = new PollCall(entries, fd => this.sockets.find(fd));
    return this.sockets.waits.start(p, this.until(timeout));
  }

  /** epoll_wait(2): fills `out` from its start. @param timeout milliseconds; negative: no limit */
  epollWait(epfd: number, out: EpollEvent[], max: number, timeout: number): Pending {
    const e = this.sockets.epollOf(epfd);
    if (typeof e === 'number') return new Over(e);
    if (!(max > 0)) return new Over(-EINVAL);
    return this.sockets.waits.start(new EpollCall(e, out, max), this.until(timeout));
  }

  private start<P extends Pending>(s: Socket, p: P, deadline: Micros | null): P {
    this.sockets.waits.start(p, deadline);
    if (s.watchers !== null) s.lowered();
    return p;
  }

  /** When a blocking call gives up; null if it must not wait. */
  private limit(s: Socket, flags: number, timeout: Micros): Micros | null {
    if (s.nonblocking || flags & (MSG_DONTWAIT | MSG_ERRQUEUE) || timeout === 0) return null;
    return timeout === NEVER ? NEVER : this.sockets.host.now + timeout;
  }

  private until(ms: number): Micros | null {
    if (ms === 0) return null;
    return ms < 0 ? NEVER : this.sockets.host.now + ms * MICROS_PER_MS;
  }
}
