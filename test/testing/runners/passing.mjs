// Run by runners.test.ts under `node --test`.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { testNetwork, withNetwork } from 'lastack/testing';

test(
  'a conversation in virtual time',
  withNetwork({ wire: { delay: '10ms', rules: ['drop server FIN 1'] } }, async net => {
    const server = net.server.net.createServer(socket => socket.end('good day')).listen(7);
    const socket = net.client.net.connect(7, 'server');
    const [greeting] = await net.within(60_000, socket.toArray());
    assert.equal(String(greeting), 'good day');
    server.close();
  }),
);

test('the runner’s mock timers rule the network', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const net = testNetwork({ tick: ms => mock.timers.tick(ms) });
  const server = net.server.net.createServer(socket => setTimeout(() => socket.end('late'), 3000)).listen(7);
  const socket = net.client.net.connect(7, 'server');
  const answer = socket.toArray();
  await net.advance(3100);
  assert.equal(String((await answer)[0]), 'late');
  server.close();
  await net.close();
  mock.timers.reset();
});
