import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Micros } from '../../src/base/time.ts';
import { Driver } from '../../src/driver/driver.ts';
import type { Clock, Task } from '../../src/link/link.ts';
import { Stack } from '../../src/stack/stack.ts';

/** A clock that the test turns, and whose timers it can count. */
class HandClock implements Clock {
  time: Micros = 1;
  tasks: Task[] = [];
  timers: { task: Task; at: Micros }[] = [];
  now(): Micros {
    return this.time;
  }
  soon(task: Task): void {
    this.tasks.push(task);
  }
  schedule(task: Task, at: Micros): void {
    this.timers.push({ task, at });
  }
  /** Lets the time pass to `time`, one timer after the other. */
  to(time: Micros): void {
    this.settle();
    for (;;) {
      this.timers.sort((a, b) => a.at - b.at);
      const first = this.timers[0];
      if (first === undefined || first.at > time) break;
      this.timers.shift();
      this.time = Math.max(this.time, first.at);
      first.task.run();
      this.settle();
    }
    this.time = time;
  }
  private settle(): void {
    for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) task.run();
  }
}

test('a timer that an earlier one has overtaken sets no other: one deadline has one timer', () => {
  const clock = new HandClock();
  const stack = new Stack({ random: seededRandom(1), start: clock.now() });
  const driver = new Driver(stack, clock);
  const ended: number[] = [];
  const wait = (ms: number): void => driver.whenDone(driver.enter().begin.poll([], ms), () => ended.push(ms));
  for (const ms of [500, 400, 300, 200]) {
    wait(ms);
    clock.to(clock.time + 1);
  }
  clock.to(450_000);
  expect(ended).toEqual([200, 300, 400]);
  wait(1000);
  clock.to(600_000);
  expect(ended).toEqual([200, 300, 400, 500]);
  expect(clock.timers.length).toBe(1);
  clock.to(2_000_000);
  expect(ended.at(-1)).toBe(1000);
  expect(clock.timers.length).toBe(0);
});
