import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NEVER } from '../../src/base/time.ts';
import { TimeQueue } from '../../src/link/time-queue.ts';

test('an empty queue is never due', () => {
  const q = new TimeQueue<number>();
  expect(q.next).toBe(NEVER);
  expect(q.pop()).toBeUndefined();
});

test('things leave by time, equal times in the order in which they were pushed, however pushes and pops interleave', () => {
  const step = fc.oneof(fc.nat(5), fc.constant('pop' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const q = new TimeQueue<number>();
      let model: { time: number; n: number }[] = [];
      let n = 0;
      for (const s of [...steps, ...steps.map(() => 'pop' as const)]) {
        if (s !== 'pop') {
          q.push(s, n);
          model.push({ time: s, n: n++ });
          continue;
        }
        model = model.sort((a, b) => a.time - b.time || a.n - b.n);
        expect(q.next).toBe(model[0]?.time ?? NEVER);
        expect(q.pop()).toBe(model.shift()?.n);
      }
      expect(q.size).toBe(0);
    }),
  );
});
