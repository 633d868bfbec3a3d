import { describe, expect, test } from 'vitest';
import * as fixed from '../../../examples/buggy/count-server.fixed.mjs';
import * as buggy from '../../../examples/buggy/count-server.mjs';
import { LeakError, type TestNetwork, testNetwork } from '../../../src/testing/index.ts';

/** Clients that send something, and one that sends nothing; then the server is told to stop. */
async function serve(net: TestNetwork, count: typeof buggy.count): Promise<void> {
  const server = net.server.net.createServer({ allowHalfOpen: true }, count).listen(7);
  for (const text of ['abc', '', 'defgh']) net.client.net.connect(7, 'server').resume().end(text);
  await net.settle();
  server.close();
  await net.close();
}

describe('a server that does not end its half on every path', () => {
  test('the bug: the end of the test finds a socket in CLOSE_WAIT', async () => {
    const error = await serve(testNetwork(), buggy.count).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LeakError);
    expect((error as Error).message).toMatch(/server: CLOSE_WAIT .* this program never closes/);
  });

  test('fixed: nothing is left', async () => {
    await serve(testNetwork(), fixed.count);
  });
});
