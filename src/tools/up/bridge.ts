import type { Socket } from 'node:net';
import { EAGAIN, errnoName } from '../../base/errno.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../../socket/constants.ts';
import type { InnerHost, Watcher } from './host.ts';

/** Bytes read from an inner socket at once, and reads before other connections have their turn. */
const CHUNK = 64 * 1024;
const TURNS = 8;
/** How long bytes that came before a reset may take to leave. */
const FLUSH_MS = 5_000;
const buffer = new Uint8Array(CHUNK);

/** Bytes that have passed a bridge. */
export class Traffic {
  /** From the ordinary socket into the inner one, and back. */
  in = 0;
  out = 0;
}

/** How a bridge ended: both directions at their end, or cut off by an errno or by the ordinary side. */
export type BridgeEnd = 'closed' | 'reset outside' | string;

/**
 * Joins an ordinary socket of this machine and a socket of an inner host: bytes, end of file, resets and
 * back-pressure pass in both directions. At most one chunk that the inner socket did not take is held, and
 * what Node holds of a socket whose `write` has said stop.
 */
export class Bridge implements Watcher {
  readonly host: InnerHost;
  readonly fd: number;
  readonly socket: Socket;
  /** Both ends have been told that there is nothing more, or one was reset. */
  ended = false;
  private readonly traffic: Traffic;
  private readonly onend: (how: BridgeEnd) => void;
  /** What the inner socket had no room for. */
  private waiting: Uint8Array | null = null;
  private waitingAt = 0;
  /** End of file has come from the ordinary socket; it has been passed on. */
  private outerEof = false;
  private passedEof = false;
  /** The same from the inner socket. */
  private innerEof = false;
  /** The ordinary socket takes no more for now. */
  private full = false;
  private again = false;

  constructor(
    host: InnerHost,
    fd: number,
    socket: Socket,
    traffic: Traffic,
    onend: (how: BridgeEnd) => void,
  ) {
    this.host = host;
    this.fd = fd;
    this.socket = socket;
    this.traffic = traffic;
    this.onend = onend;
  }

  /** Begins to carry. @param first bytes that were read from the ordinary socket before */
  start(first: Uint8Array | null = null): void {
    const { socket } = this;
    this.host.rewatch(this.fd, this);
    socket.on('data', chunk => this.take(chunk));
    socket.on('end', () => {
      this.outerEof = true;
      this.passEof();
    });
    socket.on('drain', () => {
      this.full = false;
      this.pull();
    });
    socket.on('error', () => this.outerFailed());
    socket.on('close', hadError => this.outerClosed(hadError));
    if (socket.destroyed) {
      this.outerFailed();
      return;
    }
    if (first !== null && first.length > 0) this.take(first);
    if (this.waiting === null) socket.resume();
    this.pull();
  }

  ready(events: number): void {
    if (this.ended) return;
    if (events & EPOLLOUT) this.push();
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) this.pull();
  }

  /** Ends it from outside: both sides are reset. */
  abort(why: string): void {
    if (this.ended) return;
    this.finish(why);
    this.host.abort(this.fd);
    this.socket.resetAndDestroy();
  }

  private take(chunk: Uint8Array): void {
    if (this.ended) return;
    if (this.waiting !== null) {
      // Node may hand over one more chunk after pause().
      const joined = new Uint8Array(this.waiting.length - this.waitingAt + chunk.length);
      joined.set(this.waiting.subarray(this.waitingAt));
      joined.set(chunk, this.waiting.length - this.waitingAt);
      this.waiting = joined;
      this.waitingAt = 0;
      return;
    }
    this.waiting = chunk;
    this.waitingAt = 0;
    this.push();
    if (this.waiting !== null) this.socket.pause();
  }

  /** Gives the inner socket what waits, as far as it takes it. */
  private push(): void {
    const w = this.waiting;
    if (w === null || this.ended) return;
    while (this.waitingAt < w.length) {
      const n = this.host.send(this.fd, w, this.waitingAt, w.length - this.waitingAt);
      if (n === -EAGAIN) return;
      if (n < 0) {
        // The error is also what recv reports; the bytes that came before it are read first.
        this.waiting = null;
        this.pull();
        if (!this.ended) this.innerFailed(-n);
        return;
      }
      this.waitingAt += n;
      this.traffic.in += n;
    }
    this.waiting = null;
    if (this.outerEof) this.passEof();
    else this.socket.resume();
  }

  private passEof(): void {
    if (this.ended || this.passedEof || this.waiting !== null) return;
    this.passedEof = true;
    this.host.shutdownWrite(this.fd);
    this.endIfDone();
  }

  /** Reads the inner socket as far as the ordinary one takes it. */
  private pull(): void {
    for (let i = 0; !this.full && !this.innerEof && !this.ended; i++) {
      if (i === TURNS) {
        this.pullLater();
        return;
      }
      const n = this.host.recv(this.fd, buffer);
      if (n === -EAGAIN) return;
      if (n < 0) {
        this.innerFailed(-n);
        return;
      }
      if (n === 0) {
        this.innerEof = true;
        // The other direction may close at once; the peer's FIN gets its ACK before, not with, our own.
        this.host.acknowledge(this.fd);
        this.socket.end();
        this.endIfDone();
        return;
      }
      this.traffic.out += n;
      this.full = !this.socket.write(buffer.slice(0, n));
    }
  }

  private pullLater(): void {
    if (this.again) return;
    this.again = true;
    setImmediate(() => {
      this.again = false;
      this.pull();
    });
  }

  private endIfDone(): void {
    if (!this.innerEof || !this.passedEof || this.ended) return;
    this.finish('closed');
    this.host.close(this.fd);
  }

  /** The inner connection broke: what it had delivered goes out first, then the ordinary one is reset too. */
  private innerFailed(errno: number): void {
    this.finish(errnoName(errno));
    this.host.close(this.fd);
    const { socket } = this;
    if (socket.writableLength === 0) {
      socket.resetAndDestroy();
      return;
    }
    // An empty write is done when all before it is; a reader that has stopped is not waited for.
    const timer = setTimeout(() => socket.resetAndDestroy(), FLUSH_MS);
    timer.unref();
    const flushed = (): void => {
      clearTimeout(timer);
      socket.resetAndDestroy();
    };
    if (socket.writableEnded) socket.once('finish', flushed);
    else socket.write('', flushed);
  }

  /** The ordinary connection broke: the inner one is reset. */
  private outerFailed(): void {
    if (this.ended) return;
    this.finish('reset outside');
    this.host.abort(this.fd);
  }

  private outerClosed(hadError: boolean): void {
    // Closed in both directions by the book: what it sent may still wait for room in the inner socket.
    if (this.outerEof && this.innerEof && !hadError) return;
    this.outerFailed();
  }

  private finish(how: BridgeEnd): void {
    this.ended = true;
    this.waiting = null;
    this.onend(how);
  }
}
