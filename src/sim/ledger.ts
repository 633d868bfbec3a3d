import { MSG_OOB, MSG_PEEK } from '../socket/constants.ts';
import { TcpSocket } from '../socket/tcp-socket.ts';
import { Tcb } from '../tcp/tcb.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** One direction of one connection: what its sender wrote and its receiver has not read. */
export class Stream {
  readonly name: string;
  /** Bytes written and not read, oldest first; `at` of the first piece have been read. */
  pieces: Uint8Array[] = [];
  at = 0;
  written = 0;
  read = 0;
  /** Urgent data was sent: where it is taken out of the stream is not followed. */
  blind = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Compares what was read with what was written next. @returns null if it is the same, else where it differs */
  match(bytes: Uint8Array, n: number, keep: boolean): number | null {
    let piece = 0;
    let at = this.at;
    for (let i = 0; i < n; i++) {
      while (piece < this.pieces.length && at >= this.pieces[piece]!.length) {
        piece++;
        at = 0;
      }
      if (piece >= this.pieces.length || this.pieces[piece]![at] !== bytes[i]) return i;
      at++;
    }
    if (!keep) {
      this.pieces.splice(0, piece);
      this.at = at;
      this.read += n;
    }
    return null;
  }
}

/** A send that was begun: its bytes may arrive before it returns. */
export interface Offer {
  readonly stream: Stream;
  readonly length: number;
}

/** Where a world's ledgers meet: streams by both ends and the sender's initial sequence number. */
export class Streams {
  private readonly byName = new Map<string, Stream>();

  /** Null if nobody has written to it, unless it is to be made. */
  get(name: string, make: boolean): Stream | null {
    let stream = this.byName.get(name) ?? null;
    if (stream === null && make) {
      stream = new Stream(name);
      this.byName.set(name, stream);
    }
    return stream;
  }
}

/**
 * Holds each host's programs to the promise of TCP: what is read is a prefix of what was written, byte for
 * byte. Kept while a world checks invariants. What raw peers write is not known and not checked.
 */
export class Ledger {
  private readonly world: World;
  private readonly host: Host;

  constructor(host: Host) {
    this.world = host.world;
    this.host = host;
  }

  /** Notes what a send offers; null if the descriptor is no TCP connection. */
  offer(fd: number, bytes: Uint8Array, flags: number): Offer | null {
    const stream = this.stream(fd, true);
    if (stream === null) return null;
    if (flags & MSG_OOB) stream.blind = true;
    stream.pieces.push(bytes.slice());
    stream.written += bytes.length;
    return { stream, length: bytes.length };
  }

  /** The send has returned: what it did not take is not part of the stream. */
  accept(offer: Offer, result: number): void {
    let excess = offer.length - Math.max(0, result);
    offer.stream.written -= excess;
    while (excess > 0) {
      const last = offer.stream.pieces.pop();
      if (last === undefined) return;
      if (last.length > excess) offer.stream.pieces.push(last.subarray(0, last.length - excess));
      excess -= last.length;
    }
  }

  read(fd: number, bytes: Uint8Array, n: number, flags: number): void {
    const stream = this.stream(fd, false);
    if (stream === null || stream.blind || flags & MSG_OOB) return;
    const wrong = stream.match(bytes, n, (flags & MSG_PEEK) !== 0);
    if (wrong !== null)
      throw this.world.broken(
        `${this.host.name}: byte ${stream.read + wrong} that was read on ${stream.name} is not what was written ` +
          `(${stream.written} written)`,
      );
  }

  /** The stream that a descriptor writes or reads. */
  private stream(fd: number, writes: boolean): Stream | null {
    const socket = this.host.sockets.find(fd);
    if (!(socket instanceof TcpSocket)) return null;
    const c = socket.connection;
    if (!(c instanceof Tcb)) return null;
    const name = writes
      ? `${c.local}:${c.localPort}>${c.remote}:${c.remotePort}#${c.iss}`
      : `${c.remote}:${c.remotePort}>${c.local}:${c.localPort}#${c.irs}`;
    return this.world.streams.get(name, writes);
  }
}
