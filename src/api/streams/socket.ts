import { ECONNABORTED, ENETDOWN } from '../../base/errno.ts';
import { POLLERR, POLLHUP, POLLNVAL, POLLRDHUP } from '../../socket/constants.ts';
import { formatSocketAddress } from './address.ts';
import { failure, type Handle } from './handle.ts';
import { Reading } from './reading.ts';
import { Writing } from './writing.ts';

/** What `opened` resolves with. */
export interface SocketInfo {
  /** The peer, 'address:port' ('[address]:port' for IPv6). */
  readonly remoteAddress: string;
  /** This end, likewise. */
  readonly localAddress: string;
  /** There is no TLS, and therefore no ALPN. */
  readonly alpn: null;
}

export interface SocketOptions {
  /** 'off', the default, is all there is: TLS is not offered. */
  readonly secureTransport?: 'off' | 'on' | 'starttls';
  /**
   * Whether the writable half stays open after the peer's end of file. If false, what was written before
   * is sent, then the FIN. @default false
   */
  readonly allowHalfOpen?: boolean;
  /** Send small writes at once (TCP_NODELAY). @default false */
  readonly noDelay?: boolean;
}

/** What a socket is made from: a descriptor that will be there, or why there is none. */
export interface SocketOrigin {
  readonly handle: Handle;
  /** Resolves when `handle.fd` is connected. */
  readonly connected: Promise<SocketInfo>;
  /** For messages until the addresses are known. */
  readonly about: string;
}

/**
 * A TCP connection as WinterTC's sockets API has it: two streams and promises for its begin and end. Made
 * by `connect` and by iterating over what `listen` gives.
 */
export class Socket {
  /**
   * What the peer sends, a byte stream (it has BYOB readers). `cancel()` throws away what still comes
   * without holding the peer up.
   */
  readonly readable: ReadableStream<Uint8Array>;
  /** Takes Uint8Array and other BufferSources. `close()` sends the FIN, `abort()` resets the connection. */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when the connection is established; rejects with a SocketError if it can't be. */
  readonly opened: Promise<SocketInfo>;
  /**
   * Resolves when both halves are done: the end of `readable` reached (or it was cancelled) and the FIN
   * written behind the last byte. Rejects with what broke the connection, a SocketError such as ECONNRESET.
   */
  readonly closed: Promise<void>;
  readonly secureTransport = 'off';
  /** TLS was started on the connection: never. */
  readonly upgraded = false;
  private readonly handle: Handle;
  private readonly reading: Reading;
  private readonly writing: Writing;
  private readonly halfOpen: boolean;
  private about: string;
  private over = false;
  private open = false;
  private resolveClosed: () => void = () => {};
  private rejectClosed: (error: unknown) => void = () => {};
  private rejectOpened: (error: unknown) => void = () => {};

  /** For this folder; programs call `connect`. */
  constructor(origin: SocketOrigin, options: SocketOptions) {
    this.handle = origin.handle;
    this.about = origin.about;
    this.halfOpen = options.allowHalfOpen ?? false;
    this.closed = new Promise((resolve, reject) => {
      this.resolveClosed = resolve;
      this.rejectClosed = reject;
    });
    this.opened = new Promise((resolve, reject) => {
      this.rejectOpened = reject;
      origin.connected.then(
        info => {
          if (this.over) return;
          this.open = true;
          this.about = `${info.localAddress} to ${info.remoteAddress}`;
          if (options.noDelay) this.handle.setNoDelay(true);
          resolve(info);
          void this.watch();
        },
        error => this.fail(error),
      );
    });
    const ready = this.opened.then(
      () => {},
      () => {},
    );
    // A program that looks at one of the promises only must not die of the others.
    this.closed.catch(() => {});
    const socket = this;
    const owner = {
      handle: this.handle,
      ready,
      get about() {
        return socket.about;
      },
      broke: (syscall: string, errno: number) => this.fail(failure(syscall, errno, this.about)),
      reset: (reason: unknown) => this.reset(reason),
      readingDone: (eof: boolean) => this.readingDone(eof),
      writingDone: () => this.look(),
    };
    this.reading = new Reading(owner);
    this.writing = new Writing(owner);
    this.readable = this.reading.stream;
    this.writable = this.writing.stream;
  }

  /**
   * Ends both halves: what was written before is sent, then the FIN; reads give `done`. What the peer still
   * sends is answered with a reset, as after close(2). A connection that is not there yet is given up, and
   * `opened` rejects. To be sure that the peer has got everything, use `closeWrite` and read to the end.
   * @param reason why: `opened` rejects with it if it is pending
   * @returns `closed`
   */
  close(reason?: unknown): Promise<void> {
    if (this.over) return this.closed;
    if (!this.open) {
      const error = reason ?? failure('connect', ECONNABORTED, this.about);
      this.end(error, false);
      this.resolveClosed();
      return this.closed;
    }
    this.reading.stop();
    this.look();
    this.writing.finish().catch(() => {});
    return this.closed;
  }

  /**
   * Sends the FIN behind all that was written before, also while somebody holds a writer; `readable` goes
   * on. Resolves when the FIN is in the send buffer.
   */
  closeWrite(): Promise<void> {
    return this.writing.finish();
  }

  /**
   * Resets the connection at once (RST); what is in the buffers is lost on both sides.
   * @param reason what `closed`, `readable` and `writable` fail with. @default a SocketError ECONNABORTED
   */
  reset(reason?: unknown): void {
    if (this.over) return;
    this.handle.abort();
    this.fail(reason ?? failure('reset', ECONNABORTED, this.about), false);
  }

  /** @throws TypeError always: TLS is not offered */
  startTls(): never {
    throw new TypeError("startTls: TLS is not offered; speak it over 'readable' and 'writable'");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {});
  }

  /** Notices what happens while nobody reads: the peer's FIN and the end of the connection. */
  private async watch(): Promise<void> {
    for (let events = POLLRDHUP; !this.handle.closed; events = 0) {
      const got = await this.handle.until(events);
      if (this.over || this.handle.closed) return;
      if (got & POLLNVAL) this.fail(failure('poll', ENETDOWN, this.about));
      else if (got & POLLERR) this.fail(failure('read', this.handle.takeError(), this.about));
      else if (got & POLLRDHUP) this.reading.finArrived();
      if (got & POLLHUP) return;
    }
  }

  private readingDone(eof: boolean): void {
    this.look();
    if (eof && !this.halfOpen) void this.endWriting();
  }

  /** The end of file ends the other half too; whoever is about to pass on the last chunk may do so first. */
  private async endWriting(): Promise<void> {
    if (this.writable.locked) await this.handle.moment();
    await this.writing.finish().catch(() => {});
  }

  /** Both halves done: nothing is left to do. */
  private look(): void {
    if (this.over || !this.reading.done || !this.writing.done) return;
    this.over = true;
    // What lies unread would make a reset of the FIN.
    this.handle.discard();
    this.handle.close();
    this.resolveClosed();
  }

  private fail(error: unknown, keep = true): void {
    if (this.over) return;
    this.end(error, keep);
    this.rejectClosed(error);
  }

  private end(error: unknown, keep: boolean): void {
    this.over = true;
    this.rejectOpened(error);
    this.writing.fail(error);
    this.reading.fail(error, keep);
    this.handle.close();
  }
}

/** @throws TypeError for what is not offered */
export function checkOptions(options: SocketOptions): void {
  const secure = options.secureTransport ?? 'off';
  if (secure === 'on' || secure === 'starttls')
    throw new TypeError(`secureTransport '${secure}': TLS is not offered, only 'off'`);
  if (secure !== 'off') throw new TypeError(`secureTransport: expected 'off', found '${secure}'`);
}

export const infoOf = (
  local: { address: { toString(): string }; port: number },
  remote: { address: { toString(): string }; port: number },
): SocketInfo => ({
  remoteAddress: formatSocketAddress(remote.address.toString(), remote.port),
  localAddress: formatSocketAddress(local.address.toString(), local.port),
  alpn: null,
});
