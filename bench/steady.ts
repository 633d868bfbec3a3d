import type { AddressInfo } from 'node:net';
import { BulkWork } from './bulk.ts';
import { type Figure, figure, interleave, must, type Side, seconds } from './harness.ts';
import type { Door } from './net.ts';
import { doors } from './net-streams.ts';
import type { PairLink } from './pair.ts';
import { Pattern } from './pattern.ts';

/** What a steady transfer costs beside its speed: its garbage, and what its length does to it. */

/** Bytes between two looks at the heap: few enough that most windows see no collection. */
const WINDOW = 61 * 65536;
const WRITE = 65536;
const SHORT = 16 << 20;
export const LONG = 256 << 20;

/** Bytes of heap allocated for each segment of 1448 bytes of payload, median over windows without a collection. */
export function garbage(link: PairLink, windows: number): Figure {
  const work = new BulkWork(65536, link);
  const { mib } = work.pair.client.stack;
  // Compiled, and with its pools at their size.
  for (let i = 0; i < 100; i++) work.transfer(WINDOW);
  const each: number[] = [];
  while (each.length < windows) {
    const segments = mib.TcpOutSegs;
    const before = process.memoryUsage().heapUsed;
    work.transfer(WINDOW);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) each.push(grown / (mib.TcpOutSegs - segments));
  }
  work.end();
  return figure('garbage', `lastack, ${link}`, 'bytes a segment', each);
}

/** How a program takes what arrives: each piece as a buffer of its own, or all into one (`onread` of net.connect). */
export type Taking = 'pieces' | 'one buffer';

/** One connection, from its server: what is written is made anew each time, what arrives is compared. */
export async function download(door: Door, bytes: number, taking: Taking): Promise<Side> {
  const { net } = door;
  const pattern = new Pattern(WRITE);
  const server = net.createServer(socket => {
    const buffer = Buffer.alloc(WRITE);
    let sent = 0;
    const next = (): void => {
      if (sent >= bytes) {
        socket.end();
        return;
      }
      pattern.fill(buffer, sent);
      sent += WRITE;
      socket.write(buffer, next);
    };
    next();
  });
  await new Promise<void>(resolve => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const one = Buffer.alloc(WRITE);
  return {
    name: `${door.name}, ${taking}`,
    async run() {
      let got = 0;
      const take = (n: number, data: Buffer): boolean => {
        must(pattern.matches(data, n, got), 'wrong bytes at', got);
        got += n;
        return true;
      };
      const onread = { buffer: one, callback: (n: number) => take(n, one) };
      const s = await seconds(
        () =>
          new Promise<void>((resolve, reject) => {
            const socket = net.connect({
              host: '127.0.0.1',
              port,
              ...(taking === 'one buffer' ? { onread } : {}),
            });
            socket.on('error', reject);
            socket.on('data', data => take(data.length, data));
            socket.on('end', resolve);
          }),
      );
      must(got === bytes, 'bytes that arrived', got);
      return bytes / s / 1e6;
    },
    async close() {
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** A transfer of `SHORT` beside one of `LONG` bytes: neither buffers nor garbage pile up. */
export async function longAndShort(rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const door of doors()) {
    for (const taking of ['one buffer', 'pieces'] as const) {
      const sides = [
        { ...(await download(door, SHORT, taking)), name: `${door.name}, ${taking}, 16 MB` },
        { ...(await download(door, LONG, taking)), name: `${door.name}, ${taking}, 256 MB` },
      ];
      figures.push(...(await interleave('transfer', 'MB/s', sides, rounds)));
      for (const side of sides) await side.close?.();
    }
    await door.close();
  }
  return figures;
}
