import { expect, test } from 'vitest';
import type { Micros } from '../../src/base/time.ts';
import { Loop, WebLoop } from '../../src/driver/loop.ts';
import { NodeLoop } from '../../src/driver/node.ts';

/** A loop whose platform is the test. */
class HandLoop extends Loop {
  time = 0;
  asked = 0;
  armed: Micros[] = [];
  now(): Micros {
    return this.time;
  }
  go(): void {
    this.turn();
  }
  protected defer(): void {
    this.asked++;
  }
  protected arm(at: Micros): void {
    this.armed.push(at);
  }
}

test('tasks run in the order in which they were asked for, those asked for by tasks in the same turn', () => {
  const loop = new HandLoop();
  const ran: string[] = [];
  loop.soon({
    run: () => {
      ran.push('a');
      loop.soon({ run: () => ran.push('c') });
    },
  });
  loop.soon({ run: () => ran.push('b') });
  expect(loop.asked).toBe(1);
  loop.go();
  expect(ran).toEqual(['a', 'b', 'c']);
});

test('timers fire when due, equal ones in the order in which they were set, and the platform is armed for the first', () => {
  const loop = new HandLoop();
  const ran: string[] = [];
  loop.schedule({ run: () => ran.push('late') }, 500);
  loop.schedule({ run: () => ran.push('one') }, 100);
  loop.schedule({ run: () => ran.push('two') }, 100);
  expect(loop.armed).toEqual([500, 100]);
  loop.time = 99;
  loop.go();
  expect(ran).toEqual([]);
  loop.time = 100;
  loop.go();
  expect(ran).toEqual(['one', 'two']);
  expect(loop.armed.at(-1)).toBe(500);
});

test('flush() runs at once what waits for a turn, and leaves nothing for it', () => {
  const loop = new HandLoop();
  const ran: string[] = [];
  loop.flush();
  loop.soon({
    run: () => {
      ran.push('a');
      // From inside a turn it does nothing.
      loop.flush();
      loop.soon({ run: () => ran.push('b') });
    },
  });
  loop.flush();
  expect(ran).toEqual(['a', 'b']);
  loop.flush();
  loop.go();
  expect(ran).toEqual(['a', 'b']);
});

test('on Node, a flush leaves the immediate that was set without work, and the next task gets its own', async () => {
  const loop = new NodeLoop();
  const ran: string[] = [];
  loop.soon({ run: () => ran.push('a') });
  loop.flush();
  expect(ran).toEqual(['a']);
  await new Promise<void>(resolve => loop.soon({ run: resolve }));
  await new Promise<void>(resolve => loop.soon({ run: resolve }));
  expect(ran).toEqual(['a']);
  loop.stop();
});

test('tasks that go on for ever do not starve the platform: a turn ends and asks for another', () => {
  const loop = new HandLoop();
  let n = 0;
  const task = {
    run: () => {
      loop.time += 10;
      n++;
      loop.soon(task);
    },
  };
  loop.soon(task);
  loop.go();
  expect(n).toBeLessThan(2000);
  expect(loop.asked).toBe(2);
});

test('a task that throws does not lose those behind it', () => {
  const loop = new HandLoop();
  let ran = false;
  loop.soon({
    run: () => {
      throw new Error('broken');
    },
  });
  loop.soon({ run: () => (ran = true) });
  expect(() => loop.go()).toThrow('broken');
  expect(loop.asked).toBe(2);
  loop.go();
  expect(ran).toBe(true);
});

test.each([
  ['Node', () => new NodeLoop()],
  ['web', () => new WebLoop()],
])('the %s loop runs tasks and timers on the real clock', async (_name, make) => {
  const loop = make();
  const began = loop.now();
  await new Promise<void>(resolve => loop.soon({ run: resolve }));
  if (loop instanceof NodeLoop) loop.hold();
  await new Promise<void>(resolve => loop.schedule({ run: resolve }, began + 20_000));
  expect(loop.now() - began).toBeGreaterThanOrEqual(20_000);
  loop.stop();
});
