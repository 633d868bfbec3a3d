import { describe, expect, test } from 'vitest';
import * as fixed from '../../../examples/buggy/price-client.fixed.mjs';
import * as buggy from '../../../examples/buggy/price-client.mjs';
import { type TestNetwork, withNetwork } from '../../../src/testing/index.ts';

/** A request that the server has taken when it loses power. */
async function ask(net: TestNetwork, getPrice: typeof buggy.getPrice): Promise<string> {
  net.server.serve(() => net.halfOpen('server'), 80);
  return net.within(3_600_000, getPrice('tea', net.client.agent()));
}

describe('a client without a time-out and a peer that is gone', () => {
  test(
    'the bug: after an hour it still waits',
    withNetwork({ wire: { delay: '5ms' }, leaks: 'ignore' }, async net => {
      await expect(ask(net, buggy.getPrice)).rejects.toThrow(/still pending after 3600000 ms/);
    }),
  );

  test(
    'fixed: it gives up after ten seconds',
    withNetwork({ wire: { delay: '5ms' } }, async net => {
      await expect(ask(net, fixed.getPrice)).rejects.toThrow('no answer for 10 s');
      expect(net.now).toBeLessThan(11_000);
    }),
  );
});
