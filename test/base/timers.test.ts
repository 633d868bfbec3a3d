import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineHeap } from '../../src/base/deadlines.ts';
import { TimerWheel } from '../../src/base/timers.ts';

/** The obvious thing: a list searched for the earliest deadline, then the earliest arming. */
class Model {
  armed = new Map<number, { due: number; order: number }>();
  now: number;
  private order = 0;

  constructor(now: number) {
    this.now = now;
  }

  arm(id: number, jiffy: number): void {
    this.armed.delete(id);
    if (jiffy < Number.POSITIVE_INFINITY)
      this.armed.set(id, { due: Math.max(jiffy, this.now), order: this.order++ });
  }

  next(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.armed.values()].map(t => t.due));
  }

  expire(jiffy: number, budget: number): number[] {
    const fired: number[] = [];
    while (fired.length < budget) {
      const first = [...this.armed].sort((a, b) => a[1].due - b[1].due || a[1].order - b[1].order)[0];
      if (first === undefined || first[1].due > jiffy) {
        this.now = Math.max(this.now, jiffy);
        return fired;
      }
      this.now = Math.max(this.now, first[1].due);
      this.armed.delete(first[0]);
      fired.push(first[0]);
    }
    if (this.next() > jiffy) this.now = Math.max(this.now, jiffy);
    return fired;
  }
}

const collect = (wheel: TimerWheel, jiffy: number, budget = 1e9): number[] => {
  const fired: number[] = [];
  const n = wheel.expire(jiffy, budget, id => fired.push(id));
  expect(n).toBe(fired.length);
  return fired;
};

describe('TimerWheel', () => {
  test('fires in order of deadline, within a jiffy in order of arming', () => {
    const w = new TimerWheel();
    w.arm(1, 500);
    w.arm(2, 70);
    w.arm(3, 500);
    w.arm(4, 5);
    w.arm(5, 70);
    expect(w.next()).toBe(5);
    expect(collect(w, 499)).toEqual([4, 2, 5]);
    expect(w.next()).toBe(500);
    expect(collect(w, 500)).toEqual([1, 3]);
    expect(w.next()).toBe(Number.POSITIVE_INFINITY);
  });

  test('ids of one jiffy keep their arming order though some were armed from afar and some from near', () => {
    const w = new TimerWheel();
    w.arm(1, 100_000);
    expect(collect(w, 90_000)).toEqual([]);
    w.arm(2, 100_000);
    expect(collect(w, 99_990)).toEqual([]);
    w.arm(3, 100_000);
    expect(collect(w, 99_999)).toEqual([]);
    w.arm(4, 100_000);
    expect(collect(w, 100_000)).toEqual([1, 2, 3, 4]);
  });

  test('arming again moves an id, and cancelling stops it', () => {
    const w = new TimerWheel();
    w.arm(1, 10);
    w.arm(1, 20);
    w.arm(2, 15);
    w.cancel(2);
    w.cancel(99);
    expect(w.isArmed(1)).toBe(true);
    expect(w.isArmed(2)).toBe(false);
    expect(w.deadlineOf(1)).toBe(20);
    expect(collect(w, 19)).toEqual([]);
    expect(collect(w, 20)).toEqual([1]);
    expect(w.count).toBe(0);
    w.arm(1, 30);
    w.arm(1, Number.POSITIVE_INFINITY);
    expect(w.isArmed(1)).toBe(false);
  });

  test('a deadline that has passed is due at once', () => {
    const w = new TimerWheel(1000);
    collect(w, 2000);
    w.arm(1, 5);
    w.arm(2, 2000);
    expect(w.next()).toBeLessThanOrEqual(2000);
    expect(collect(w, 2000)).toEqual([1, 2]);
  });

  test('stops at the budget, with the rest due at once', () => {
    const w = new TimerWheel();
    for (let id = 0; id < 10; id++) w.arm(id, 50 + (id >> 2));
    expect(collect(w, 100, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(w.next()).toBeLessThanOrEqual(100);
    expect(collect(w, 100, 100)).toEqual([6, 7, 8, 9]);
  });

  test('what fires may arm and cancel anything', () => {
    const w = new TimerWheel();
    w.arm(1, 10);
    w.arm(2, 10);
    w.arm(3, 11);
    const fired: number[] = [];
    w.expire(20, 100, id => {
      fired.push(id);
      if (id === 1) {
        w.cancel(2);
        w.arm(4, 10);
        w.arm(5, 3);
        w.arm(6, 21);
      }
    });
    expect(fired).toEqual([1, 4, 5, 3]);
    expect(w.next()).toBe(21);
  });

  test('an id that always arms itself for now is held by the budget', () => {
    const w = new TimerWheel();
    w.arm(0, 1);
    let n = 0;
    expect(
      w.expire(1, 1000, id => {
        n++;
        w.arm(id, 1);
      }),
    ).toBe(1000);
    expect(n).toBe(1000);
  });

  test('takes jiffies beyond 2^31 and 2^40', () => {
    const start = 2 ** 40 + 12345;
    const w = new TimerWheel(start);
    w.arm(1, start + 2 ** 33);
    w.arm(2, start + 7);
    w.arm(3, start + 2 ** 30);
    expect(collect(w, start + 2 ** 30 - 1)).toEqual([2]);
    expect(w.next()).toBe(start + 2 ** 30);
    expect(collect(w, start + 2 ** 34)).toEqual([3, 1]);
  });

  test('agrees with a sorted list under any sequence of calls', () => {
    const delay = fc.oneof(
      fc.integer({ min: -10, max: 70 }),
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.constantFrom(
        0,
        63,
        64,
        65,
        4095,
        4096,
        2 ** 30 - 1,
        2 ** 30,
        2 ** 30 + 1,
        2 ** 36,
        Number.POSITIVE_INFINITY,
      ),
    );
    const op = fc.oneof(
      fc.record({ kind: fc.constant('arm' as const), id: fc.nat(40), delay }),
      fc.record({ kind: fc.constant('arm' as const), id: fc.nat(40), delay }),
      fc.record({ kind: fc.constant('cancel' as const), id: fc.nat(40), delay }),
      fc.record({ kind: fc.constant('expire' as const), id: fc.nat(12), delay }),
      fc.record({ kind: fc.constant('toNext' as const), id: fc.nat(12), delay }),
    );
    fc.assert(
      fc.property(
        fc.array(op, { maxLength: 60 }),
        fc.constantFrom(0, 1, 63, 4000, 2 ** 30 - 5, 2 ** 31 - 1, 2 ** 41 + 77),
        (ops, start) => {
          const w = new TimerWheel(start);
          const m = new Model(start);
          let clock = start;
          for (const o of ops) {
            if (o.kind === 'arm') {
              // While a budget holds ids back, where one armed for the past goes among them is left open.
              const due = clock + (m.next() <= clock ? Math.max(0, o.delay) : o.delay);
              w.arm(o.id, due);
              m.arm(o.id, due);
            } else if (o.kind === 'cancel') {
              w.cancel(o.id);
              m.armed.delete(o.id);
            } else {
              let to = o.kind === 'toNext' ? w.next() : clock + Math.max(0, o.delay);
              to = to === Number.POSITIVE_INFINITY ? clock : Math.max(to, clock);
              clock = to;
              const budget = o.id === 0 ? 1e9 : o.id;
              expect(collect(w, to, budget)).toEqual(m.expire(to, budget));
            }
            expect(w.count).toBe(m.armed.size);
            // Never late.
            expect(w.next()).toBeLessThanOrEqual(m.next());
            if (m.armed.size === 0) expect(w.next()).toBe(Number.POSITIVE_INFINITY);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('a crowd is dealt out piece by piece: everything fires, in the order in which it would have at once', () => {
    const delay = fc.oneof(
      fc.integer({ min: 60, max: 5000 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.constantFrom(4096, 4100, 2 ** 30, 2 ** 36),
    );
    const step = fc.record({
      arms: fc.array(fc.record({ id: fc.nat(60), delay }), { maxLength: 40 }),
      cancels: fc.array(fc.nat(60), { maxLength: 4 }),
      to: delay,
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 7 }), (steps, budget) => {
        const piecemeal = new TimerWheel(0, budget);
        const whole = new TimerWheel(0);
        let clock = 0;
        for (const { arms, cancels, to } of steps) {
          for (const a of arms) {
            piecemeal.arm(a.id, clock + a.delay);
            whole.arm(a.id, clock + a.delay);
          }
          clock += to;
          const fired: number[] = [];
          // Between two pieces others are armed for later and cancelled.
          piecemeal.expire(clock, 3, id => fired.push(id));
          const expected: number[] = [];
          whole.expire(clock, 3, id => expected.push(id));
          for (const id of cancels) {
            if (fired.includes(id) !== expected.includes(id)) continue;
            piecemeal.cancel(id);
            whole.cancel(id);
          }
          for (let turns = 0; piecemeal.next() <= clock; turns++) {
            piecemeal.expire(clock, 3, id => fired.push(id));
            expect(turns).toBeLessThan(10_000);
          }
          whole.expire(clock, 1e9, id => expected.push(id));
          expect(fired).toEqual(expected);
          expect(piecemeal.count).toBe(whole.count);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('what is armed for a jiffy while others of that jiffy are being dealt out fires after them', () => {
    const w = new TimerWheel(0, 2);
    for (let id = 0; id < 5; id++) w.arm(id, 100);
    expect(collect(w, 90)).toEqual([]);
    expect(w.next()).toBeLessThanOrEqual(90);
    w.arm(9, 100);
    w.cancel(1);
    w.cancel(4);
    const fired: number[] = [];
    while (w.count > 0) w.expire(100, 10, id => fired.push(id));
    expect(fired).toEqual([0, 2, 3, 9]);
  });

  test('an empty wheel keeps nothing of a crowd, and takes the next', () => {
    const w = new TimerWheel(0, 8192);
    for (let round = 0; round < 2; round++) {
      for (let id = 0; id < 5000; id++) w.arm(id, 10 + round * 100);
      expect(collect(w, 50 + round * 100)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
      expect(w.isArmed(4999)).toBe(false);
    }
  });

  test('expiring at next() always makes progress, though next() may be early after cancels', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 32 }), { minLength: 2, maxLength: 50 }), delays => {
        const w = new TimerWheel();
        for (const [id, d] of delays.entries()) w.arm(id, d);
        for (let id = 0; id < delays.length; id += 2) w.cancel(id);
        let rounds = 0;
        let fired = 0;
        while (w.count > 0) {
          fired += collect(w, w.next()).length;
          expect(++rounds).toBeLessThan(delays.length * 10);
        }
        expect(fired).toBe(delays.length >> 1);
      }),
    );
  });
});

describe('DeadlineHeap', () => {
  test('gives ids in order of deadline, equal ones in the order they were set', () => {
    const h = new DeadlineHeap(2);
    h.set(5, 30.5);
    h.set(1, 10);
    h.set(9, 10);
    h.set(3, 20);
    h.set(3, 10);
    expect(h.next()).toBe(10);
    expect(h.popDue(9)).toBe(-1);
    expect([h.popDue(10), h.popDue(10), h.popDue(10), h.popDue(10)]).toEqual([1, 9, 3, -1]);
    h.clear(5);
    expect(h.next()).toBe(Number.POSITIVE_INFINITY);
  });

  test('agrees with a sorted list under any sequence of calls', () => {
    const op = fc.record({
      kind: fc.constantFrom('set', 'set', 'clear', 'pop'),
      id: fc.nat(30),
      at: fc.oneof(fc.nat(20), fc.constant(Number.POSITIVE_INFINITY)),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 100 }), ops => {
        const h = new DeadlineHeap(1);
        const model = new Map<number, { at: number; order: number }>();
        let order = 0;
        const first = () => [...model].sort((a, b) => a[1].at - b[1].at || a[1].order - b[1].order)[0];
        for (const { kind, id, at } of ops) {
          if (kind === 'set') {
            h.set(id, at);
            model.delete(id);
            if (at < Number.POSITIVE_INFINITY) model.set(id, { at, order: order++ });
          } else if (kind === 'clear') {
            h.clear(id);
            model.delete(id);
          } else {
            const f = first();
            const expected = f !== undefined && f[1].at <= at ? f[0] : -1;
            expect(h.popDue(at)).toBe(expected);
            if (expected >= 0) model.delete(expected);
          }
          expect(h.count).toBe(model.size);
          expect(h.next()).toBe(first()?.[1].at ?? Number.POSITIVE_INFINITY);
          expect(h.isSet(id)).toBe(model.has(id));
        }
      }),
    );
  });
});
