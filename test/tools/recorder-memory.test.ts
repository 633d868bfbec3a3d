import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Gateway } from '../../src/tools/up/gateway.ts';
import { gateway, pause } from './gateway-kit.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const firstLog = (g: Gateway): WeakRef<object> => new WeakRef(g.recorder.logs[0]!);

test('a connection that made room for others leaves nothing of its events in memory', async () => {
  const { gateway: g, port } = await gateway();
  const fetchOne = async (): Promise<void> => {
    await (await fetch(`http://127.0.0.1:${port}/hello`)).text();
  };
  await fetchOne();
  const first = firstLog(g);
  // The wire still knows the flows of all of them.
  for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 10 }, fetchOne));
  expect(g.recorder.logs.length).toBeLessThanOrEqual(256);
  for (let i = 0; i < 20 && first.deref() !== undefined; i++) {
    await pause(10);
    collect();
  }
  expect(first.deref()).toBeUndefined();
});
