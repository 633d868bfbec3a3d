import { parseAddress } from '../src/base/address.ts';
import { EAGAIN, EINPROGRESS } from '../src/base/errno.ts';
import { EPOLLIN, EPOLLOUT, SOCK_NONBLOCK } from '../src/socket/constants.ts';
import { must, type Side, seconds } from './harness.ts';
import { type App, Pair } from './pair.ts';

const PORT = 5001;

/** Reads everything on every connection. */
class Reader implements App {
  received = 0;
  private readonly pair: Pair;
  private readonly listener: number;
  private readonly buffer = new Uint8Array(65536);

  constructor(pair: Pair) {
    this.pair = pair;
    this.listener = pair.server.listen(PORT);
  }

  event(fd: number): void {
    const { server } = this.pair;
    if (fd === this.listener) {
      const child = server.sockets.accept(fd, SOCK_NONBLOCK);
      must(child >= 0, `accept: ${child}`);
      server.watch(child, EPOLLIN);
      return;
    }
    for (;;) {
      const n = server.sockets.recv(fd, this.buffer);
      if (n === -EAGAIN) return;
      must(n >= 0, `recv: ${n}`);
      if (n === 0) {
        server.sockets.close(fd);
        return;
      }
      this.received += n;
    }
  }
}

/** Writes as much as there is room for, whenever there is some. */
class Writer implements App {
  left = 0;
  private readonly pair: Pair;
  private readonly payload: Uint8Array;

  constructor(pair: Pair, chunk: number) {
    this.pair = pair;
    this.payload = new Uint8Array(chunk).fill(0x61);
  }

  event(fd: number): void {
    const { sockets } = this.pair.client;
    while (this.left > 0) {
      const n = sockets.send(fd, this.payload, 0, 0, Math.min(this.left, this.payload.length));
      if (n === -EAGAIN) return;
      must(n > 0, `send: ${n}`);
      this.left -= n;
    }
  }
}

/** @param bytes per round @param chunk bytes per write */
export function lastackBulk(bytes: number, chunk: number): Side {
  const pair = new Pair();
  const reader = new Reader(pair);
  const writer = new Writer(pair, chunk);
  const { client, server } = pair;
  return {
    name: 'lastack',
    async run() {
      const fd = client.socket();
      const r = client.sockets.connect(fd, parseAddress(server.address)!, PORT);
      must(r === -EINPROGRESS, `connect: ${r}`);
      client.watch(fd, EPOLLOUT);
      const target = reader.received + bytes;
      writer.left = bytes;
      const s = await seconds(() => pair.run(writer, reader, () => reader.received === target));
      must(client.stack.mib.TcpRetransSegs === 0, 'a retransmission');
      client.sockets.close(fd);
      return bytes / s / 1e6;
    },
  };
}
