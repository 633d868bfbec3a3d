import { Agent, createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import type { NetConnectOpts } from 'node:net';
import { createHost, createNet } from '../src/api/net/index.ts';
import { type Figure, interleave, type Side, seconds } from './harness.ts';
import { bulk, closed, connected, type Door, listen, lives, nodeDoor, rate } from './net.ts';

/** `lastack/net` beside Node's own `net` over the kernel's loopback: the same programs on both. */

/** Both; lastack's has the module's own kind of host: loopback only, both ends of a connection on it. */
export function doors(): Door[] {
  const host = createHost({ name: 'bench' });
  return [
    { name: 'lastack/net', net: createNet(host), close: () => host.close() },
    nodeDoor('node:net, loopback'),
  ];
}

const WRITE = 65536;
const SMALL = 1024;

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
  agent.createConnection = ((options: NetConnectOpts, then: () => void) =>
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
    run: () => rate(count, width, get),
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
        return bulk(door, work.bulkBytes, WRITE, true);
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
