import { afterEach, expect, test, vi } from 'vitest';
import { testNetwork } from '../../../src/testing/index.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a server that thinks for five seconds', async () => {
  vi.useFakeTimers();
  const net = testNetwork({ wire: { delay: '10ms' } });
  const server = net.server.net.createServer(socket => {
    setTimeout(() => socket.end('yes'), 5000);
  });
  server.listen(7);
  const socket = net.client.net.connect(7, 'server');
  let answer = '';
  socket.on('data', chunk => (answer += chunk));

  await vi.advanceTimersByTimeAsync(4900);
  expect(answer).toBe('');
  await net.advance(200);
  expect(answer).toBe('yes');

  server.close();
  await net.close();
});
