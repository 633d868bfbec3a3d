import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { openFront } from '../../src/tools/up/front.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('a client that stays is asked by the kernel whether it is still there, a short one is not', async () => {
  const asked = vi.spyOn(Socket.prototype, 'setKeepAlive');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clients: Socket[] = [];
  const front = await openFront('127.0.0.1', 0, '--port', 10, client => clients.push(client.resume()));
  const [short, long] = [connect(front.port, '127.0.0.1'), connect(front.port, '127.0.0.1')];
  await vi.waitUntil(() => clients.length === 2);
  const first = clients.find(c => c.remotePort === short.localPort)!;
  first.end();
  short.end();
  await once(first, 'close');
  expect(asked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(30_000);
  expect(asked.mock.calls).toEqual([[true, 30_000]]);
  expect(asked.mock.contexts).toEqual([clients.find(c => c !== first)]);
  long.destroy();
  for (const c of clients) c.destroy();
  front.server.close();
});
