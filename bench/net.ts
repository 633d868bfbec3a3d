import { connect, createServer, type Server, type Socket } from 'node:net';
import { must, type Side, seconds } from './harness.ts';
import { Pattern } from './pattern.ts';

/** Node's own `net` over loopback, doing what lastack does beside it. */

const CHUNK = 1024;

/** A server per port on each of several loopback addresses, so that TIME_WAIT runs no port dry. */
async function serve(
  addresses: number,
  ports: number,
  onconnection: (socket: Socket) => void,
): Promise<Server[]> {
  const servers: Server[] = [];
  for (let i = 0; i < addresses * ports; i++) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onconnection);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: `127.0.0.${2 + (i % addresses)}`, port: 0, backlog: 1024 }, resolve);
    });
    servers.push(server);
  }
  return servers;
}

function addressOf(server: Server): { host: string; port: number } {
  const address = server.address();
  must(address !== null && typeof address === 'object', 'a server without an address');
  return { host: address.address, port: address.port };
}

/** Calls `done` once `socket` has delivered `bytes` bytes. */
function afterBytes(socket: Socket, bytes: number, done: () => void): void {
  let left = bytes;
  socket.on('data', data => {
    left -= data.length;
    if (left === 0) done();
  });
}

/** @param count lives per round @param width how many at a time */
export async function netLives(count: number, width: number): Promise<Side> {
  const payload = Buffer.alloc(CHUNK, 0x61);
  const servers = await serve(8, 8, socket => {
    socket.on('error', () => {});
    afterBytes(socket, CHUNK, () => socket.write(payload));
    socket.on('end', () => socket.end());
  });
  const targets = servers.map(addressOf);
  let next = 0;
  const life = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const target = targets[next++ % targets.length]!;
      const socket = connect({ ...target, noDelay: true, allowHalfOpen: true }, () => socket.write(payload));
      afterBytes(socket, CHUNK, () => socket.end());
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });
  return {
    name: width === 1 ? 'net, one by one' : 'net, loopback',
    async run() {
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) await life();
      };
      const s = await seconds(async () => {
        await Promise.all(Array.from({ length: width }, worker));
      });
      return count / s;
    },
    close: () => closeAll(servers),
  };
}

/** @param bytes per round, a multiple of `chunk` @param chunk bytes per write */
export async function netBulk(bytes: number, chunk: number): Promise<Side> {
  let finished: () => void = () => {};
  const pattern = new Pattern(chunk);
  const servers = await serve(1, 1, socket => {
    let got = 0;
    socket.on('data', data => {
      must(pattern.matches(data, data.length, got), 'wrong bytes at', got);
      got += data.length;
      if (got === bytes) finished();
    });
    socket.on('end', () => socket.end());
  });
  const payload = Buffer.alloc(chunk);
  return {
    name: 'net, loopback',
    async run() {
      const socket = connect(addressOf(servers[0]!));
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      const s = await seconds(async () => {
        const done = new Promise<void>(resolve => {
          finished = resolve;
        });
        // The buffer is the socket's until the write is done: then it is filled again.
        let sent = 0;
        const next = (): void => {
          pattern.fill(payload, sent);
          sent += chunk;
          socket.write(payload, sent < bytes ? next : undefined);
        };
        next();
        await done;
      });
      await new Promise<void>(resolve => socket.end().once('close', () => resolve()));
      return bytes / s / 1e6;
    },
    close: () => closeAll(servers),
  };
}

/** Opens `count` connections that have carried 1 KB each way, and keeps them. */
export async function netIdle(count: number): Promise<{ ends: number; close(): Promise<void> }> {
  const payload = Buffer.alloc(CHUNK, 0x61);
  const kept: Socket[] = [];
  const servers = await serve(8, 4, socket => {
    kept.push(socket);
    socket.on('error', () => {});
    afterBytes(socket, CHUNK, () => socket.write(payload));
  });
  const targets = servers.map(addressOf);
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      const target = targets[begun++ % targets.length]!;
      await new Promise<void>((resolve, reject) => {
        const socket = connect(target, () => socket.write(payload));
        afterBytes(socket, CHUNK, resolve);
        socket.on('error', reject);
        kept.push(socket);
      });
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return {
    ends: kept.length,
    async close() {
      for (const socket of kept) socket.destroy();
      await closeAll(servers);
    },
  };
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(s => new Promise(resolve => s.close(resolve))));
}
