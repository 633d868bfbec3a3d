import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createHost, createNet, type Host } from '../../../src/api/net/index.ts';

/** Turns of Node's event loop, counted: what is told in which. */

let host: Host | null = null;
afterEach(async () => {
  await host?.close();
});

class Turns {
  count = 0;
  private over = false;
  private readonly turn = (): void => {
    if (this.over) return;
    this.count++;
    setImmediate(this.turn);
  };
  constructor() {
    setImmediate(this.turn);
  }
  stop(): void {
    this.over = true;
  }
}

async function connected(listener: (socket: Socket) => void): Promise<{ server: Server; client: Socket }> {
  host = createHost();
  const net = createNet(host);
  const server = net.createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  return { server, client };
}

test('what is written in one turn of the loop is read in the next', async () => {
  const { server, client } = await connected(s => s.on('data', d => s.write(d)));
  const trips = 200;
  const turns = new Turns();
  let left = trips;
  client.write('x');
  await new Promise<void>(resolve => {
    client.on('data', () => {
      if (--left === 0) resolve();
      else client.write('x');
    });
  });
  turns.stop();
  // Two for each round trip, and some slack for the beginning.
  expect(turns.count).toBeGreaterThanOrEqual(trips);
  expect(turns.count).toBeLessThan(2 * trips + 20);
  client.destroy();
  server.close();
});

test('a reader of much gets several pieces in a turn, ticks and promises run between them, and others are not kept', async () => {
  const size = 16 << 20;
  const turns = new Turns();
  let got = 0;
  let pieces = 0;
  let inTurn = 0;
  let most = 0;
  let turn = -1;
  let between = true;
  let broken = 0;
  let done: () => void = () => {};
  const all = new Promise<void>(resolve => (done = resolve));
  const { server, client } = await connected(s =>
    s.on('data', d => {
      if (!between) broken++;
      between = false;
      process.nextTick(() => Promise.resolve().then(() => (between = true)));
      if (turns.count !== turn) inTurn = 0;
      turn = turns.count;
      most = Math.max(most, ++inTurn);
      pieces++;
      got += d.length;
      if (got === size) done();
    }),
  );
  client.end(Buffer.alloc(size));
  await all;
  turns.stop();
  expect(broken).toBe(0);
  expect(pieces).toBeGreaterThan(100);
  // At most eight reads of one handle, and what the counter's place in the turn adds.
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(16);
  client.destroy();
  server.close();
});
