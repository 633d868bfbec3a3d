import { EPIPE } from '../../base/errno.ts';
import { failure, type Handle } from './handle.ts';

/** What a writing half tells the socket. */
export interface WritingOwner {
  readonly handle: Handle;
  /** Settled when the connection is there or has failed. */
  readonly ready: Promise<void>;
  /** Both ends, for messages. */
  readonly about: string;
  /** The connection broke. @param errno positive */
  broke(syscall: string, errno: number): void;
  /** What was written must not pass for the whole: the connection is to be reset. */
  reset(reason: unknown): void;
  /** The half is done: the FIN stands behind the last byte. */
  writingDone(): void;
}

/** The writable half of a socket. A write is done when its bytes are in the send buffer. */
export class Writing {
  readonly stream: WritableStream<Uint8Array>;
  /** Nothing will be written any more. */
  done = false;
  private readonly owner: WritingOwner;
  private controller: WritableStreamDefaultController | null = null;
  /** Chunks that were given to the stream, and those that have left it. */
  private given = 0;
  private written = 0;
  /** Chunks up to this one are still sent; what is written later is refused. */
  private last = Number.POSITIVE_INFINITY;
  private finishing: Promise<void> | null = null;
  private drained: (() => void) | null = null;
  /** What broke the connection. */
  private error: unknown = null;

  constructor(owner: WritingOwner) {
    this.owner = owner;
    this.stream = new WritableStream<Uint8Array>(
      {
        start: controller => {
          this.controller = controller;
        },
        write: chunk => this.write(chunk),
        close: () => this.closed(),
        abort: reason => owner.reset(reason),
      },
      {
        highWaterMark: 1,
        size: () => {
          this.given++;
          return 1;
        },
      },
    );
  }

  /**
   * Sends what was written before and then the FIN, also while somebody holds the stream's lock: later
   * writes of theirs are refused with EPIPE.
   */
  finish(): Promise<void> {
    this.finishing ??= this.done ? Promise.resolve() : this.finishNow();
    return this.finishing;
  }

  /** The connection broke. */
  fail(error: unknown): void {
    if (this.done) return;
    this.done = true;
    this.error = error;
    this.controller?.error(error);
    this.drained?.();
  }

  private async finishNow(): Promise<void> {
    const { stream, owner } = this;
    if (!stream.locked) {
      await stream.close();
      return;
    }
    this.last = this.given;
    if (this.written < this.last) {
      await new Promise<void>(resolve => {
        this.drained = resolve;
      });
    }
    await owner.ready;
    // The stream itself stays as it is: its holder may still close it, and be refused when writing.
    if (!this.done) this.fin();
  }

  private async write(chunk: unknown): Promise<void> {
    const { owner } = this;
    await owner.ready;
    if (this.done || this.written >= this.last) throw this.refusal();
    const bytes = toBytes(chunk);
    if (bytes === null) {
      const error = new TypeError(
        `write: expected a Uint8Array or another BufferSource, found ${kind(chunk)}`,
      );
      // The stream is broken by this; the peer must not take what it has for all there was.
      owner.reset(error);
      throw error;
    }
    const n = bytes.length === 0 ? 0 : await owner.handle.write(bytes);
    if (this.done) throw this.refusal();
    if (n < bytes.length) {
      const errno = n < 0 ? -n : owner.handle.takeError() || EPIPE;
      owner.broke('write', errno);
      throw failure('write', errno, owner.about);
    }
    this.written++;
    if (this.written >= this.last) this.drained?.();
  }

  private async closed(): Promise<void> {
    await this.owner.ready;
    if (!this.done) this.fin();
  }

  private fin(): void {
    this.done = true;
    this.owner.handle.finish();
    this.owner.writingDone();
  }

  private refusal(): unknown {
    return this.error ?? failure('write', EPIPE, this.owner.about);
  }
}

function toBytes(chunk: unknown): Uint8Array | null {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : null;
}

const kind = (x: unknown): string =>
  x === null ? 'null' : typeof x === 'string' ? 'a string (encode it first)' : typeof x;
