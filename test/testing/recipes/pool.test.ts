import { describe, expect, test } from 'vitest';
import * as fixed from '../../../examples/buggy/pool.fixed.mjs';
import * as buggy from '../../../examples/buggy/pool.mjs';
import { testNetwork } from '../../../src/testing/index.ts';

/** Asks, waits, asks again; the server ends connections that were silent for 10 s. */
async function askTwice(Pool: typeof buggy.Pool, silence: number): Promise<string> {
  const net = testNetwork({ wire: { delay: '40ms' }, leaks: 'ignore' });
  net.server.net
    .createServer(socket => {
      socket.on('data', line => socket.write(`you said ${line}`));
      socket.setTimeout(10_000, () => socket.end());
      socket.on('error', () => {});
    })
    .listen(7);
  const pool = new Pool({ port: 7, host: 'server', connect: net.client.net.connect });
  try {
    await net.within(1000, pool.ask('one'));
    await net.advance(silence);
    return await net.within(5000, pool.ask('two'));
  } finally {
    pool.close();
    await net.close();
  }
}

/** The pauses at which the second question fails. */
async function failures(Pool: typeof buggy.Pool): Promise<number[]> {
  const failed: number[] = [];
  for (let silence = 9_800; silence <= 10_200; silence += 20)
    await askTwice(Pool, silence).catch(() => failed.push(silence));
  return failed;
}

describe('a pool whose connections the server closes when they are idle', () => {
  test('the bug: questions fail behind the FIN, and when they cross it', async () => {
    const failed = await failures(buggy.Pool);
    expect(failed).toContain(10_200);
    expect(failed.some(silence => silence < 10_000)).toBe(true);
  });

  test('fixed: every question is answered, whatever the pause', async () => {
    expect(await failures(fixed.Pool)).toEqual([]);
  });
});
