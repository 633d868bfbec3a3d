import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { createHost, createNet } from '../../../src/api/net/index.ts';
import { DIFFERENCES } from './differences.ts';
import { run } from './kit.ts';
import { programs } from './programs/index.ts';

/**
 * Each program runs on `node:net` and on `lastack/net`, and what its actors see, in their order, must be the
 * same. What differs is in differences.ts, with the reason.
 */
describe('what a program sees on node:net it sees on lastack/net', () => {
  const ours = createNet(createHost());
  for (const [group, list] of Object.entries(programs)) {
    describe(group, () => {
      for (const p of list) {
        test(p.name, async () => {
          const theirs = await run(p, net);
          const mine = await run(p, ours);
          const known = DIFFERENCES[p.name];
          if (known !== undefined) {
            expect(known.adapt(mine), known.reason).toEqual(known.adapt(theirs));
            expect(mine, 'is no difference any more: take it out of differences.ts').not.toEqual(theirs);
          } else expect(mine).toEqual(theirs);
        });
      }
    });
  }
});
