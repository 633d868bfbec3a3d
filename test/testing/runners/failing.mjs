// Run by runners.test.ts under `node --test`: both tests fail, on purpose.

import { test } from 'node:test';
import { withNetwork } from 'lastack/testing';

test(
  'a server that is never closed',
  withNetwork({ seed: 7 }, async net => {
    net.server.net.createServer(socket => socket.end()).listen(7);
    net.client.net.connect(7, 'server').resume();
    await net.settle();
  }),
);

test(
  'a test that hangs',
  { timeout: 1000 },
  withNetwork({ leaks: 'ignore' }, async net => {
    net.client.net.connect(7, 'server').on('error', () => {});
    await new Promise(() => setTimeout(() => {}, 1500));
  }),
);
