import { MSG_OOB, MSG_PEEK } from '../socket/constants.ts';
import { TcpSocket } from '../socket/tcp-socket.ts';
import { Tcb } from '../tcp/tcb.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** What one end of a connection has written. */
export class Stream {
  readonly name: string;
  readonly pieces: Uint8Array[] = [];
  written = 0;
  /** Urgent data was sent: where it is taken out of the stream is not followed. */
  blind = false;

  constructor(name: string) {
    this.name = name;
  }
}

/** How far one receiver has read of a stream. */
class Reader {
  readonly stream: Stream;
  read = 0;
  private piece = 0;
  private at = 0;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /** Compares what was read with what was written next. @returns −1 if it is the same, else where it differs */
  match(bytes: Uint8Array, n: number, keep: boolean): number {
    const { pieces } = this.stream;
    let { piece, at } = this;
    for (let i = 0; i < n; i++) {
      while (piece < pieces.length && at >= pieces[piece]!.length) {
        piece++;
        at = 0;
      }
      if (piece >= pieces.length || pieces[piece]![at] !== bytes[i]) return i;
      at++;
    }
    if (!keep) {
      this.piece = piece;
      this.at = at;
      this.read += n;
    }
    return -1;
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
 * Holds each host's programs to the promise of TCP: what is read on a connection is a prefix of what was
 * written, byte for byte. Kept while a world checks invariants; it keeps all that was written. What raw
 * peers write is not known and not checked.
 */
export class Ledger {
  private readonly world: World;
  private readonly host: Host;
  private readonly readers = new WeakMap<Tcb, Reader>();

  constructor(host: Host) {
    this.world = host.world;
    this.host = host;
  }

  /** Notes what a send offers; null if the descriptor is no TCP connection. */
  offer(fd: number, bytes: Uint8Array, flags: number): Offer | null {
    const c = this.connection(fd);
    if (c === null) return null;
    const stream = this.world.streams.get(
      `${c.local}:${c.localPort}>${c.remote}:${c.remotePort}#${c.iss}`,
      true,
    )!;
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

  /** Compares what a read returned. @throws InvariantError if it is not what was written */
  read(fd: number, bytes: Uint8Array, n: number, flags: number): void {
    const c = this.connection(fd);
    const reader = c === null ? null : this.reader(c);
    if (reader === null || reader.stream.blind || flags & MSG_OOB) return;
    const wrong = reader.match(bytes, n, (flags & MSG_PEEK) !== 0);
    if (wrong < 0) return;
    const { name, written } = reader.stream;
    const where = `byte ${reader.read + wrong} that was read on ${name}`;
    throw this.world.broken(`${this.host.name}: ${where} is not what was written (${written} written)`);
  }

  private reader(c: Tcb): Reader | null {
    const known = this.readers.get(c);
    if (known !== undefined) return known;
    const name = `${c.remote}:${c.remotePort}>${c.local}:${c.localPort}#${c.irs}`;
    const stream = this.world.streams.get(name, false);
    if (stream === null) return null;
    const reader = new Reader(stream);
    this.readers.set(c, reader);
    return reader;
  }

  private connection(fd: number): Tcb | null {
    const socket = this.host.sockets.find(fd);
    const c = socket instanceof TcpSocket ? socket.connection : null;
    return c instanceof Tcb ? c : null;
  }
}
