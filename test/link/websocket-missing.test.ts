import { expect, test, vi } from 'vitest';
import { NodeLoop } from '../../src/driver/node.ts';
import { connectWebSocket, serveWebSockets } from '../../src/link/websocket/server.ts';

vi.mock('ws', () => {
  throw new Error("Cannot find package 'ws'");
});

test('without the package ws both ends say how to install it', async () => {
  const clock = new NodeLoop();
  await expect(serveWebSockets({ clock, onlink: () => {} })).rejects.toThrow('npm install ws');
  await expect(connectWebSocket('ws://127.0.0.1:1/', { clock })).rejects.toThrow('npm install ws');
});
