import nodeNet, { type AddressInfo, type Server, type Socket } from 'node:net';
import { must, type Side, seconds } from './harness.ts';
import { Pattern } from './pattern.ts';

/** The same programs on whatever looks like Node's `net`; Node's own goes over the kernel's loopback. */

export type Net = typeof nodeNet;

export interface Door {
  readonly name: string;
  readonly net: Net;
  close(): Promise<unknown>;
}

export const nodeDoor = (name: string): Door => ({ name, net: nodeNet, close: async () => {} });

const SMALL = 1024;

export async function listen(server: Server, host = '127.0.0.1'): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0, backlog: 1024 }, resolve);
  });
  return server.address() as AddressInfo;
}

export const closed = (server: Server): Promise<void> =>
  new Promise(resolve => server.close(() => resolve()));

export async function connected(net: Net, to: AddressInfo): Promise<Socket> {
  const socket = net.connect({ host: to.address, port: to.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** Servers on as many ports of each of 8 loopback addresses, so that TIME_WAIT runs none dry. */
class Servers {
  private readonly servers: Server[] = [];
  private readonly targets: AddressInfo[] = [];
  private asked = 0;

  async open(net: Net, ports: number, onconnection: (socket: Socket) => void): Promise<void> {
    for (let i = 0; i < 8 * ports; i++) {
      const server = net.createServer({ allowHalfOpen: true, noDelay: true }, onconnection);
      this.targets.push(await listen(server, `127.0.0.${2 + (i % 8)}`));
      this.servers.push(server);
    }
  }

  /** Where the next connection goes: to each in turn. */
  next(): { host: string; port: number } {
    const { address, port } = this.targets[this.asked++ % this.targets.length]!;
    return { host: address, port };
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map(closed));
  }
}

/** Calls `then` once `socket` has delivered `bytes` bytes. */
function afterBytes(socket: Socket, bytes: number, then: () => void): void {
  let left = bytes;
  socket.on('data', data => {
    left -= data.length;
    if (left === 0) then();
  });
}

/** Does something `count` times, `width` at a time. @returns times a second */
export async function rate(count: number, width: number, once: () => Promise<void>): Promise<number> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await once();
  };
  const s = await seconds(async () => {
    await Promise.all(Array.from({ length: width }, worker));
  });
  return count / s;
}

/** Connections opened, 1 KB each way, closed by four segments, the client first; `width` at a time. */
export async function lives(door: Door, count: number, width: number): Promise<Side> {
  const { net } = door;
  const payload = Buffer.alloc(SMALL, 0x61);
  const servers = new Servers();
  await servers.open(net, 8, socket => {
    socket.on('error', () => {});
    afterBytes(socket, SMALL, () => socket.write(payload));
    socket.on('end', () => socket.end());
  });
  const life = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const options = { ...servers.next(), noDelay: true, allowHalfOpen: true };
      const socket = net.connect(options, () => socket.write(payload));
      afterBytes(socket, SMALL, () => socket.end());
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });
  return {
    name: door.name,
    run: () => rate(count, width, life),
    close: () => servers.close(),
  };
}

/**
 * One connection, one direction: the source fills its buffer anew for each write, the sink compares every byte.
 * @param chunk bytes per write
 * @param copies whether the sink copies each piece out first, as a program does that keeps what it reads
 */
export async function bulk(door: Door, bytes: number, chunk: number, copies: boolean): Promise<Side> {
  const { net } = door;
  const pattern = new Pattern(chunk);
  let done: () => void = () => {};
  const sink = Buffer.alloc(chunk);
  const server = net.createServer(socket => {
    let got = 0;
    socket.on('data', data => {
      if (copies) data.copy(sink);
      must(pattern.matches(copies ? sink : data, data.length, got), 'wrong bytes at', got);
      got += data.length;
      if (got === bytes) done();
    });
  });
  const address = await listen(server);
  return {
    name: door.name,
    async run() {
      const socket = await connected(net, address);
      const buffer = Buffer.alloc(chunk);
      const s = await seconds(
        () =>
          new Promise<void>(resolve => {
            done = resolve;
            let sent = 0;
            // The buffer is the socket's until the write is done: then it is filled again.
            const next = (): void => {
              if (sent >= bytes) return;
              pattern.fill(buffer, sent);
              const n = Math.min(chunk, bytes - sent);
              sent += n;
              socket.write(n === chunk ? buffer : buffer.subarray(0, n), next);
            };
            next();
          }),
      );
      await new Promise<void>(resolve => socket.end().once('close', () => resolve()));
      return bytes / s / 1e6;
    },
    close: () => closed(server),
  };
}

/** Opens `count` connections of Node's own that have carried 1 KB each way, and keeps them. */
export async function netIdle(count: number): Promise<{ ends: number; close(): Promise<void> }> {
  const payload = Buffer.alloc(SMALL, 0x61);
  const kept: Socket[] = [];
  const servers = new Servers();
  await servers.open(nodeNet, 4, socket => {
    kept.push(socket);
    socket.on('error', () => {});
    afterBytes(socket, SMALL, () => socket.write(payload));
  });
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = nodeNet.connect(servers.next(), () => socket.write(payload));
      afterBytes(socket, SMALL, resolve);
      socket.on('error', reject);
      kept.push(socket);
    });
  await rate(count, 64, open);
  return {
    ends: kept.length,
    async close() {
      for (const socket of kept) socket.destroy();
      await servers.close();
    },
  };
}
