import { Agent, createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import nodeNet, { type AddressInfo, type Server, type Socket } from 'node:net';
import { createHost, createNet } from '../src/api/net/index.ts';
import { type Figure, interleave, must, type Side, seconds } from './harness.ts';

/** `lastack/net` beside Node's own `net` over the kernel's loopback: the same programs on both. */

type Net = typeof nodeNet;

/** The module's own kind of host: loopback only, both ends of a connection on it. */
export interface Door {
  readonly name: string;
  readonly net: Net;
  close(): Promise<unknown>;
}

export function doors(): Door[] {
  const host = createHost({ name: 'bench' });
  return [
    { name: 'lastack/net', net: createNet(host), close: () => host.close() },
    { name: 'node:net, loopback', net: nodeNet, close: async () => {} },
  ];
}

const WRITE = 65536;
const SMALL = 1024;
/** Bytes that no period of the stack's own divides: what arrives in the wrong place is seen. */
const PATTERN = pattern(1_000_003);

function pattern(period: number): Buffer {
  const block = Buffer.alloc(period + WRITE);
  for (let i = 0, x = 1; i < block.length; i++) {
    if (i >= period) block[i] = block[i - period]!;
    else {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0;
      block[i] = x >>> 16;
    }
  }
  return block;
}

async function listen(server: Server, host = '127.0.0.1'): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0, backlog: 1024 }, resolve);
  });
  return server.address() as AddressInfo;
}

const closed = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()));

async function connected(net: Net, to: AddressInfo): Promise<Socket> {
  const socket = net.connect({ host: to.address, port: to.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** One connection, one direction: the source fills its buffer anew for each write, the sink copies and compares. */
export async function bulk(door: Door, bytes: number): Promise<Side> {
  const { net } = door;
  let done: () => void = () => {};
  const sink = Buffer.alloc(WRITE);
  const server = net.createServer(socket => {
    let got = 0;
    socket.on('data', data => {
      const at = got % (PATTERN.length - WRITE);
      data.copy(sink);
      must(sink.compare(PATTERN, at, at + data.length, 0, data.length) === 0, 'other bytes arrived');
      got += data.length;
      if (got === bytes) done();
    });
  });
  const address = await listen(server);
  return {
    name: door.name,
    async run() {
      const socket = await connected(net, address);
      const buffer = Buffer.alloc(WRITE);
      const s = await seconds(
        () =>
          new Promise<void>(resolve => {
            done = resolve;
            let sent = 0;
            const next = (): void => {
              if (sent >= bytes) return;
              const at = sent % (PATTERN.length - WRITE);
              PATTERN.copy(buffer, 0, at, at + WRITE);
              const n = Math.min(WRITE, bytes - sent);
              sent += n;
              socket.write(n === WRITE ? buffer : buffer.subarray(0, n), next);
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

/** Calls `then` once `socket` has delivered `bytes` bytes. */
function afterBytes(socket: Socket, bytes: number, then: () => void): void {
  let left = bytes;
  socket.on('data', data => {
    left -= data.length;
    if (left === 0) then();
  });
}

/** Connections opened, 1 KB each way, closed by four segments, the client first. */
export async function lives(door: Door, count: number, width: number): Promise<Side> {
  const { net } = door;
  const payload = Buffer.alloc(SMALL, 0x61);
  const servers: Server[] = [];
  const targets: AddressInfo[] = [];
  // Many addresses and ports, so that TIME_WAIT runs none dry.
  for (let i = 0; i < 64; i++) {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      socket.on('error', () => {});
      afterBytes(socket, SMALL, () => socket.write(payload));
      socket.on('end', () => socket.end());
    });
    targets.push(await listen(server, `127.0.0.${2 + (i % 8)}`));
    servers.push(server);
  }
  let next = 0;
  const life = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const to = targets[next++ % targets.length]!;
      const options = { host: to.address, port: to.port, noDelay: true, allowHalfOpen: true };
      const socket = net.connect(options, () => socket.write(payload));
      afterBytes(socket, SMALL, () => socket.end());
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });
  return {
    name: door.name,
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
    async close() {
      await Promise.all(servers.map(closed));
    },
  };
}

/** Node's `http` over connections of either `net`: GET requests on connections that are kept alive. */
export async function http(door: Door, count: number, width: number): Promise<Side> {
  const { net } = door;
  const body = Buffer.alloc(SMALL, 0x61);
  const answers = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-length': body.length });
    response.end(body);
  });
  // As lastack/register joins them; on Node's own net this is what http.Server does itself.
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket =>
    answers.emit('connection', socket),
  );
  const to = await listen(server);
  const agent = new Agent({ keepAlive: true, maxSockets: width });
  agent.createConnection = ((options: nodeNet.NetConnectOpts, then: () => void) =>
    net.connect(options, then)) as typeof agent.createConnection;
  const get = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const one = request({ host: to.address, port: to.port, agent, path: '/' }, (m: IncomingMessage) => {
        let n = 0;
        m.on('data', data => {
          n += data.length;
        });
        m.on('end', () => (n === SMALL ? resolve() : reject(new Error(`an answer of ${n} bytes`))));
      });
      one.on('error', reject);
      one.end();
    });
  return {
    name: door.name,
    async run() {
      let left = count;
      const worker = async (): Promise<void> => {
        while (left-- > 0) await get();
      };
      const s = await seconds(async () => {
        await Promise.all(Array.from({ length: width }, worker));
      });
      return count / s;
    },
    async close() {
      agent.destroy();
      answers.closeAllConnections();
      await closed(server);
    },
  };
}

/** One connection, 64 bytes there and back, one at a time. */
export async function rtt(door: Door, count: number): Promise<Side> {
  const { net } = door;
  const server = net.createServer({ noDelay: true }, socket => {
    socket.on('data', data => socket.write(data));
  });
  const address = await listen(server);
  const payload = Buffer.alloc(64, 0x61);
  return {
    name: door.name,
    async run() {
      const socket = await connected(net, address);
      const s = await seconds(
        () =>
          new Promise<void>(resolve => {
            let left = count;
            socket.on('data', () => {
              if (--left > 0) socket.write(payload);
              else resolve();
            });
            socket.write(payload);
          }),
      );
      await new Promise<void>(resolve => socket.end().once('close', () => resolve()));
      return (s / count) * 1e6;
    },
    close: () => closed(server),
  };
}

/** How much work a round is. */
export interface NetWork {
  readonly rounds: number;
  readonly bulkBytes: number;
  readonly lives: number;
  readonly requests: number;
  readonly roundTrips: number;
}

export const NET_MEASUREMENTS = ['net-bulk', 'net-lives', 'net-http', 'net-rtt'] as const;
export type NetMeasurement = (typeof NET_MEASUREMENTS)[number];

const UNITS: Record<NetMeasurement, string> = {
  'net-bulk': 'MB/s',
  'net-lives': 'connections/s',
  'net-http': 'requests/s',
  'net-rtt': 'µs',
};

/** One of the measurements, on both in turn. */
export async function netStreams(what: NetMeasurement, work: NetWork): Promise<Figure[]> {
  const both = doors();
  const side = (door: Door): Promise<Side> => {
    switch (what) {
      case 'net-bulk':
        return bulk(door, work.bulkBytes);
      case 'net-lives':
        return lives(door, work.lives, 64);
      case 'net-http':
        return http(door, work.requests, 16);
      case 'net-rtt':
        return rtt(door, work.roundTrips);
    }
  };
  const sides = await Promise.all(both.map(side));
  const figures = await interleave(what, UNITS[what], sides, work.rounds);
  await Promise.all(both.map(d => d.close()));
  return figures;
}
