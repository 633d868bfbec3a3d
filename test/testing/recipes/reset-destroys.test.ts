import { describe, expect, test } from 'vitest';
import * as fixed from '../../../examples/buggy/upload-server.fixed.mjs';
import * as buggy from '../../../examples/buggy/upload-server.mjs';
import { type TestNetwork, withNetwork } from '../../../src/testing/index.ts';

/** Uploads a megabyte; the segment with the answer is lost once. @returns what the client got */
async function upload(net: TestNetwork, server: typeof buggy.upload): Promise<string> {
  const listening = net.server.net.createServer({ allowHalfOpen: true }, server).listen(7);
  const socket = net.client.net.connect({ port: 7, host: 'server', allowHalfOpen: true });
  net.wire.rule('drop server DATA 1');
  let got = '';
  const answer = new Promise<string>(resolve => {
    socket.on('data', chunk => (got += chunk));
    socket.on('end', () => resolve(got));
    socket.on('error', (e: NodeJS.ErrnoException) => resolve(`${got}${e.code}`));
  });
  socket.end(Buffer.alloc(1_000_000));
  const told = await net.within(120_000, answer);
  listening.close();
  return told;
}

describe('a server that takes destroy() for delivery', () => {
  test(
    'the bug: a reset reaches the client instead of the answer',
    withNetwork({ wire: { delay: '20ms' } }, async net => {
      expect(await upload(net, buggy.upload)).toBe('ECONNRESET');
    }),
  );

  test(
    'fixed: the answer is sent again and arrives',
    withNetwork({ wire: { delay: '20ms' } }, async net => {
      expect(await upload(net, fixed.upload)).toBe('413 too large\n');
    }),
  );
});
