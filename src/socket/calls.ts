import type { Address } from '../base/address.ts';
import { EAGAIN, EINPROGRESS, EINTR } from '../base/errno.ts';
import {
  MSG_EOR,
  MSG_ERRQUEUE,
  MSG_FASTOPEN,
  MSG_OOB,
  MSG_PEEK,
  MSG_WAITALL,
  POLLERR,
  POLLHUP,
  POLLOUT,
  SOCK_STREAM,
} from './constants.ts';
import type { Descriptor } from './descriptor.ts';
import { Pending } from './pending.ts';
import type { Received, Socket } from './socket.ts';

/** The waiting forms of the calls on one socket. Each is tried once when it is made. */
abstract class SocketCall<S extends Descriptor = Socket> extends Pending {
  readonly socket: S;

  constructor(socket: S) {
    super();
    this.socket = socket;
  }

  on(): readonly Descriptor[] {
    return [this.socket];
  }

  protected finish(result: number): true {
    this.result = result;
    return true;
  }
}

/** recv: waits for the first byte, or for as many as SO_RCVLOWAT or MSG_WAITALL ask. */
export class RecvCall extends SocketCall implements Received {
  name: Received['name'] = null;
  flags = 0;
  error: Received['error'] = null;
  private copied = 0;
  private readonly bytes: Uint8Array | null;
  private readonly at: number;
  private readonly n: number;
  private readonly how: number;
  private readonly target: number;

  /** @param lowWater SO_RCVLOWAT */
  constructor(
    socket: Socket,
    bytes: Uint8Array | null,
    at: number,
    n: number,
    how: number,
    lowWater: number,
  ) {
    super(socket);
    this.bytes = bytes;
    this.at = at;
    this.n = n;
    this.how = how & ~MSG_WAITALL;
    this.target = Math.max(1, how & MSG_WAITALL ? n : Math.min(lowWater, n));
  }

  attempt(): boolean {
    const s = this.socket;
    const counts = s.type === SOCK_STREAM && !(this.how & (MSG_OOB | MSG_ERRQUEUE)) && this.n > 0;
    if (
      counts &&
      this.how & MSG_PEEK &&
      s.available > 0 &&
      s.available < this.target &&
      !s.ended &&
      !s.atMark
    ) {
      return false;
    }
    if (this.copied > 0 && s.available === 0) return s.ended ? this.finish(this.copied) : false;
    const r = s.recv(this.bytes, this.at + this.copied, this.n - this.copied, this.how, this);
    if (r === -EAGAIN) return false;
    if (r <= 0 || !counts || this.how & MSG_PEEK) return this.finish(this.copied || r);
    this.copied += r;
    if (this.copied >= this.target || s.atMark || (s.available === 0 && s.ended))
      return this.finish(this.copied);
    return false;
  }

  timeoutResult(): number {
    return this.copied || -EAGAIN;
  }

  override interruptResult(): number {
    return this.copied || -EINTR;
  }
}

const NOTHING = new Uint8Array(1);

/**
 * recv on a stream into bytes of its own, of which there are as many as have come: a buffer of 64 KiB for each
 * call, zeroed and mostly thrown away, was a fifth of the work of a short connection.
 */
export class RecvChunkCall extends SocketCall {
  chunk: Uint8Array = NOTHING;
  private readonly n: number;

  constructor(socket: Socket, n: number) {
    super(socket);
    this.n = n;
  }

  attempt(): boolean {
    const { available } = this.socket;
    const bytes = available > 0 ? new Uint8Array(Math.min(available, this.n)) : NOTHING;
    const r = this.socket.recv(bytes, 0, bytes.length, 0, null);
    if (r === -EAGAIN) return false;
    if (r > 0) this.chunk = bytes.subarray(0, r);
    return this.finish(r);
  }

  timeoutResult(): number {
    return -EAGAIN;
  }
}

/** send: waits until every byte has found room. */
export class SendCall extends SocketCall {
  private sent = 0;
  /** It has found no room: as a writer sleeps on Linux, it goes on when there is as much as POLLOUT means. */
  private blocked = false;
  /** Fast Open: the SYN is out, perhaps with the first bytes, and a call that may wait waits for the handshake. */
  private opening = false;
  private readonly bytes: Uint8Array | null;
  private readonly at: number;
  private readonly n: number;
  private how: number;
  private readonly to: Address | null;
  private readonly port: number;

  constructor(
    socket: Socket,
    bytes: Uint8Array | null,
    at: number,
    n: number,
    how: number,
    to: Address | null,
    port: number,
  ) {
    super(socket);
    this.bytes = bytes;
    this.at = at;
    this.n = n;
    this.how = how;
    this.to = to;
    this.port = port;
  }

  attempt(): boolean {
    const s = this.socket;
    if (this.blocked) {
      if (!(s.readiness() & (POLLOUT | POLLERR | POLLHUP))) return false;
      this.blocked = false;
    }
    if (this.opening) {
      const r = s.connected(-EINPROGRESS);
      if (r === -EINPROGRESS) return false;
      this.opening = false;
      if (r < 0 || this.sent >= this.n) return this.finish(r || this.sent);
    }
    for (;;) {
      if (this.sent > 0 && s.broken) return this.finish(this.sent);
      const left = this.n - this.sent;
      // The end of a record and the urgent byte belong to the last piece.
      const how = s.type === SOCK_STREAM && left > s.room ? this.how & ~(MSG_EOR | MSG_OOB) : this.how;
      const opens = (how & MSG_FASTOPEN) !== 0 || s.deferred;
      const r = s.send(this.bytes, this.at + this.sent, left, how, this.to, this.port);
      if (opens && (r > 0 || r === -EINPROGRESS)) {
        this.how &= ~MSG_FASTOPEN;
        this.sent += Math.max(r, 0);
        this.opening = true;
        return false;
      }
      if (r === -EAGAIN) {
        this.blocked = s.type === SOCK_STREAM;
        return false;
      }
      if (r < 0) return this.finish(this.sent || r);
      this.sent += r;
      if (this.sent >= this.n) return this.finish(this.sent);
      if (r === 0) return false;
    }
  }

  timeoutResult(): number {
    return this.sent || (this.opening ? -EINPROGRESS : -EAGAIN);
  }

  override interruptResult(): number {
    return this.sent || -EINTR;
  }
}

/** accept: `install` takes the next connection and gives it a number. */
export class AcceptCall extends SocketCall {
  private readonly install: (listener: Socket) => number;

  constructor(socket: Socket, install: (listener: Socket) => number) {
    super(socket);
    this.install = install;
  }

  attempt(): boolean {
    const r = this.install(this.socket);
    return r === -EAGAIN ? false : this.finish(r);
  }

  timeoutResult(): number {
    return -EAGAIN;
  }
}

/** connect: waits for the end of a handshake that runs; `pending` is what its start returned. */
export class ConnectCall extends SocketCall {
  private readonly pending: number;

  constructor(socket: Socket, pending: number) {
    super(socket);
    this.pending = pending;
  }

  attempt(): boolean {
    const r = this.socket.connected(this.pending);
    return r === this.pending ? false : this.finish(r);
  }

  timeoutResult(): number {
    return this.pending;
  }
}

/** close with SO_LINGER: waits until our FIN is acknowledged. Always 0. */
export class CloseCall extends SocketCall {
  attempt(): boolean {
    return this.socket.lingering ? false : this.finish(0);
  }

  timeoutResult(): number {
    return 0;
  }

  override interruptResult(): number {
    return 0;
  }
}
