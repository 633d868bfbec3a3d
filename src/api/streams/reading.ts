import { EAGAIN, ENETDOWN } from '../../base/errno.ts';
import { POLLIN, POLLNVAL, POLLRDHUP } from '../../socket/constants.ts';
import type { Handle } from './handle.ts';

/** Largest piece that is enqueued for a reader without a buffer of its own. */
const CHUNK = 65536;

/** What a reading half tells the socket. */
export interface ReadingOwner {
  readonly handle: Handle;
  /** Settled when the connection is there or has failed. */
  readonly ready: Promise<void>;
  /** The connection broke. @param errno positive */
  broke(syscall: string, errno: number): void;
  /** The half is done: end of file has been read up to, or nobody wants to read any more. */
  readingDone(eof: boolean): void;
}

/**
 * The readable half of a socket. A chunk is taken out of the receive buffer only when somebody asks for
 * it: whoever reads slowly closes the window.
 */
export class Reading {
  readonly stream: ReadableStream<Uint8Array>;
  /** Nothing will be read any more. */
  done = false;
  private readonly owner: ReadingOwner;
  private controller: ReadableByteStreamController | null = null;
  /** The peer's FIN has come. */
  private fin = false;
  /** What had arrived before the connection broke, and the error that stands behind it. */
  private left: Uint8Array[] = [];
  private behind: { readonly error: unknown } | null = null;

  constructor(owner: ReadingOwner) {
    this.owner = owner;
    this.stream = new ReadableStream({
      type: 'bytes',
      start: controller => {
        this.controller = controller as ReadableByteStreamController;
      },
      pull: () => this.pull(),
      cancel: () => this.cancelled(),
    });
  }

  /** The peer has sent its FIN: the end, once all before it has been read. */
  finArrived(): void {
    this.fin = true;
    this.lookForEnd();
  }

  /** Ends the stream from this side: reads give `done`. */
  stop(): void {
    if (this.done) return;
    this.done = true;
    this.end();
  }

  /** The connection broke. What has arrived can still be read; the error comes behind it. */
  fail(error: unknown, keep: boolean): void {
    if (this.done) return;
    this.done = true;
    const { handle } = this.owner;
    if (keep && handle.fd >= 0) {
      for (let n = handle.available; n > 0; n = handle.available) {
        const bytes = new Uint8Array(Math.min(n, CHUNK));
        const got = handle.read(bytes);
        if (got <= 0) break;
        this.left.push(bytes.subarray(0, got));
      }
    }
    if (this.left.length > 0) this.behind = { error };
    else this.controller?.error(error);
  }

  private async pull(): Promise<void> {
    const { owner } = this;
    const { handle } = owner;
    await owner.ready;
    for (;;) {
      if (this.behind !== null) {
        this.pullLeft(this.behind.error);
        return;
      }
      if (this.done) return;
      const n = this.take();
      if (n > 0) {
        if (this.fin) this.lookForEnd();
        return;
      }
      if (n === 0) {
        this.finished();
        return;
      }
      if (n !== -EAGAIN) {
        owner.broke('read', -n);
        return;
      }
      if ((await handle.until(POLLIN | POLLRDHUP)) & POLLNVAL) owner.broke('read', ENETDOWN);
    }
  }

  /** Moves bytes to the reader. @returns what recv(2) gives */
  private take(): number {
    const { handle } = this.owner;
    const request = this.controller!.byobRequest;
    const view = request?.view ?? null;
    if (request !== null && view !== null) {
      const n = handle.read(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      if (n > 0) request.respond(n);
      return n;
    }
    const bytes = new Uint8Array(Math.min(Math.max(handle.available, 1), CHUNK));
    const n = handle.read(bytes);
    if (n > 0) this.controller!.enqueue(n === bytes.length ? bytes : bytes.slice(0, n));
    return n;
  }

  /** The same from what was saved when the connection broke. The error comes with the pull after the last. */
  private pullLeft(error: unknown): void {
    const first = this.left[0];
    const request = this.controller!.byobRequest;
    const view = request?.view ?? null;
    if (first === undefined) this.controller!.error(error);
    else if (request === null || view === null) {
      this.left.shift();
      this.controller!.enqueue(first);
    } else {
      const n = Math.min(view.byteLength, first.length);
      new Uint8Array(view.buffer, view.byteOffset, n).set(first.subarray(0, n));
      if (n < first.length) this.left[0] = first.subarray(n);
      else this.left.shift();
      request.respond(n);
    }
  }

  private lookForEnd(): void {
    if (!this.done && this.owner.handle.available === 0) this.finished();
  }

  private finished(): void {
    if (this.done) return;
    this.done = true;
    this.end();
    this.owner.readingDone(true);
  }

  private end(): void {
    const c = this.controller;
    c?.close();
    // A reader that waits with a buffer of its own gets it back.
    c?.byobRequest?.respond(0);
  }

  private cancelled(): void {
    this.left = [];
    this.behind = null;
    if (this.done) return;
    this.done = true;
    this.owner.readingDone(false);
    void this.discard();
  }

  /** Nobody reads any more, but the peer must not be held up by a full window: what comes is thrown away. */
  private async discard(): Promise<void> {
    const { handle, ready } = this.owner;
    await ready;
    while (!handle.closed) {
      const n = handle.discard();
      if (n === 0 || (n < 0 && n !== -EAGAIN)) return;
      if (n < 0 && (await handle.until(POLLIN | POLLRDHUP)) & POLLNVAL) return;
    }
  }
}
