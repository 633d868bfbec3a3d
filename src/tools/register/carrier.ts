import { Duplex } from 'node:stream';
import { BaseSocket } from '../../api/net/socket.ts';

/**
 * A plain stream over one of our sockets, for Node's TLS: it takes anything that calls itself `net.Socket`
 * for one with a native handle, and all else for a stream.
 */
export class Carrier extends Duplex {
  readonly raw: BaseSocket;

  constructor(raw: BaseSocket) {
    super({ allowHalfOpen: true, autoDestroy: true });
    this.raw = raw;
    raw.pause();
    raw.on('data', chunk => {
      if (!this.push(chunk)) raw.pause();
    });
    raw.on('end', () => this.push(null));
    raw.on('error', e => this.destroy(e));
    raw.on('close', () => this.destroy());
  }

  override _read(): void {
    this.raw.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.raw.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.raw.cork();
    chunks.forEach(({ chunk }, i) => {
      if (i < chunks.length - 1) this.raw.write(chunk);
      else this.raw.write(chunk, done);
    });
    this.raw.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.raw.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.raw.destroy();
    done(error);
  }
}

/** A stream that Node's TLS may have: our sockets in a carrier, all else as it is. */
export function forTls(stream: unknown): unknown {
  return stream instanceof BaseSocket ? new Carrier(stream) : stream;
}
