import { execFileSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';

// Run as a person runs them: by Node, from the compiled package.
const play = (name: string): string[] =>
  execFileSync(process.execPath, [`examples/${name}`], { encoding: 'utf8', timeout: 30_000 })
    .trim()
    .split('\n');

test('websocket: a page’s worth of frames, and the end is told to the other side', () => {
  const [hello, frames, end] = play('websocket.mjs');
  expect(hello).toBe('near: hello, ::ffff:10.9.0.1');
  expect(frames).toMatch(/^frames: \d+ sent, \d+ received$/);
  expect(end).toBe('far: WebSocket closed with 1000: link closed');
});

test('message-port: a megabyte to another thread and back', () => {
  expect(play('message-port.mjs')).toEqual(['1000000 bytes came back from the other thread']);
});

test('udp-tunnel: the far end learns who is there', () => {
  expect(play('udp-tunnel.mjs')).toEqual([
    'through the tunnel',
    'MTU 1472; the far end has learnt its peer: true',
  ]);
});

test('replay: a stack answers a conversation that it was no part of', () => {
  const [recorded, replayed] = play('replay.mjs');
  expect(recorded).toMatch(/^recorded: \d+ packets$/);
  expect(replayed).toMatch(/^replayed: (\d+), of which the stack has answered \1 with a reset$/);
});

test('switch-and-router: within a switch and across the router', () => {
  const lines = play('switch-and-router.mjs');
  expect(lines.slice(0, 2)).toEqual(['10.1.0.2 greets ::ffff:10.1.0.1', '10.2.0.2 greets ::ffff:10.1.0.1']);
  expect(lines[2]).toMatch(/^the left switch knows 3 stations; \d+ packets went over the router$/);
});

test('transparent-proxy: the client reaches the real server and knows nothing of the gateway', () => {
  const lines = play('transparent-proxy.mjs');
  const alone = !Object.values(networkInterfaces())
    .flat()
    .some(i => i?.family === 'IPv4' && !i.internal);
  expect(lines).toEqual(
    alone
      ? ['client: this machine has no address but loopback']
      : ['gateway: a connection to the real server', 'client: a real server on its port'],
  );
});

test('dns: a name is found and connected to, another is not', () => {
  const lines = play('dns.mjs');
  expect(lines[0]).toBe('name server: greeter.example A?');
  expect(lines[1]).toBe('client: hello from 127.0.0.7');
  expect(lines.at(-1)).toBe('ENOTFOUND: nobody.example');
});
