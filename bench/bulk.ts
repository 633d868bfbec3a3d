import { EAGAIN, EINPROGRESS } from '../src/base/errno.ts';
import { EPOLLIN, EPOLLOUT, SOCK_NONBLOCK } from '../src/socket/constants.ts';
import { must, type Side, seconds } from './harness.ts';
import { type App, Pair, type PairLink } from './pair.ts';
import { Pattern } from './pattern.ts';

const PORT = 5001;

/** Reads everything on every connection into a buffer of its own, and compares it with what was sent. */
class Reader implements App {
  received = 0;
  private readonly pair: Pair;
  private readonly listener: number;
  private readonly buffer: Buffer;
  private readonly pattern: Pattern;

  constructor(pair: Pair, chunk: number) {
    this.pair = pair;
    this.buffer = Buffer.alloc(chunk);
    this.pattern = new Pattern(chunk);
    this.listener = pair.server.listen(PORT);
  }

  event(fd: number): void {
    const { server } = this.pair;
    if (fd === this.listener) {
      const child = server.sockets.accept(fd, SOCK_NONBLOCK);
      must(child >= 0, 'accept', child);
      server.watch(child, EPOLLIN);
      return;
    }
    for (;;) {
      const n = server.sockets.recv(fd, this.buffer);
      if (n === -EAGAIN) return;
      must(n >= 0, 'recv', n);
      if (n === 0) {
        server.sockets.close(fd);
        return;
      }
      must(this.pattern.matches(this.buffer, n, this.received), 'wrong bytes at', this.received);
      this.received += n;
    }
  }
}

/** Writes as much as there is room for, whenever there is some, from a buffer that it fills anew for each write. */
class Writer implements App {
  left = 0;
  private sent = 0;
  /** What of the buffer the last write left over. */
  private waiting = 0;
  private readonly pair: Pair;
  private readonly payload: Buffer;
  private readonly pattern: Pattern;

  constructor(pair: Pair, chunk: number) {
    this.pair = pair;
    this.payload = Buffer.alloc(chunk);
    this.pattern = new Pattern(chunk);
  }

  event(fd: number): void {
    const { sockets } = this.pair.client;
    const { length } = this.payload;
    while (this.left > 0) {
      if (this.waiting === 0) {
        this.pattern.fill(this.payload, this.sent);
        this.waiting = length;
      }
      const n = sockets.send(fd, this.payload, 0, length - this.waiting, this.waiting);
      // Not connected yet, or no room.
      if (n === -EAGAIN) return;
      must(n > 0, 'send', n);
      this.waiting -= n;
      this.sent += n;
      this.left -= n;
    }
  }
}

/** One connection after another between a pair, each of which carries bytes one way. */
export class BulkWork {
  readonly pair: Pair;
  private readonly reader: Reader;
  private readonly writer: Writer;
  private fd = -1;

  /** @param chunk bytes per write */
  constructor(chunk: number, link: PairLink) {
    this.pair = new Pair({}, link);
    this.reader = new Reader(this.pair, chunk);
    this.writer = new Writer(this.pair, chunk);
  }

  /** Carries so many bytes over the connection that is open, or a new one. */
  transfer(bytes: number): void {
    const { pair, reader, writer } = this;
    if (this.fd < 0) this.open();
    const target = reader.received + bytes;
    writer.left = bytes;
    // The socket may be writable since long: no edge will say so.
    writer.event(this.fd);
    pair.run(writer, reader, () => reader.received === target);
  }

  end(): void {
    const { client } = this.pair;
    must(client.stack.mib.TcpRetransSegs === 0, 'a retransmission');
    client.sockets.close(this.fd);
    this.fd = -1;
  }

  private open(): void {
    const { client, server } = this.pair;
    this.fd = client.socket();
    const r = client.sockets.connect(this.fd, server.addresses[0]!, PORT);
    must(r === -EINPROGRESS, 'connect', r);
    client.watch(this.fd, EPOLLOUT);
  }
}

/** @param bytes per round, a multiple of `chunk` @param chunk bytes per write */
export function lastackBulk(bytes: number, chunk: number, link: PairLink): Side {
  const work = new BulkWork(chunk, link);
  return {
    name: `lastack, ${link}`,
    async run() {
      const s = await seconds(() => work.transfer(bytes));
      work.end();
      return bytes / s / 1e6;
    },
  };
}

/** The machine's own limit: as many bytes copied once from one buffer to another, which stay in the cache. */
export function memoryCopy(bytes: number, chunk: number): Side {
  const [from, to] = [new Uint8Array(chunk), new Uint8Array(chunk)];
  return {
    name: 'a copy',
    async run() {
      const s = await seconds(() => {
        for (let done = 0; done < bytes; done += chunk) to.set(from);
      });
      return bytes / s / 1e6;
    },
  };
}
