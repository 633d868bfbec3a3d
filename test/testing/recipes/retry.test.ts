import { describe, expect, test } from 'vitest';
import * as fixed from '../../../examples/buggy/orders.fixed.mjs';
import * as buggy from '../../../examples/buggy/orders.mjs';
import { type TestNetwork, withNetwork } from '../../../src/testing/index.ts';

/** The connection is reset when the first order has been taken and its answer is about to leave. */
async function order(net: TestNetwork, program: typeof buggy | typeof fixed): Promise<string[]> {
  const orders: string[] = [];
  let broken = false;
  const server = net.server.serve(
    program.shop(orders, () => {
      if (!broken) net.reset();
      broken = true;
    }),
    80,
  );
  expect(await net.within(60_000, program.order('one ship', net.client.agent()))).toBe(200);
  server.close();
  return orders;
}

describe('a client that repeats a request that failed', () => {
  test(
    'the bug: the order is there twice',
    withNetwork({}, async net => {
      expect(await order(net, buggy)).toEqual(['one ship', 'one ship']);
    }),
  );

  test(
    'fixed: it is there once',
    withNetwork({}, async net => {
      expect(await order(net, fixed)).toEqual(['one ship']);
    }),
  );
});
