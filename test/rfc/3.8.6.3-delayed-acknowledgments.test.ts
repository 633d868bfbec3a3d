import { expect, test } from 'vitest';
import { type Conn, Lab } from './kit.ts';

/**
 * A connection that has been interactive: it answers what comes, and so its bare ACKs wait.
 * @param roundTrip in seconds
 */
function interactive(lab = new Lab(), roundTrip = 0): Conn {
  const c = lab.accepted();
  for (let i = 0; i < 4; i++) {
    lab.run(0.05);
    c.say('P.', { data: 'question' });
    c.heard();
    c.send('answer');
    lab.run(roundTrip);
    c.heard();
    c.say('.');
  }
  c.readAll();
  lab.run(0.05);
  c.heard();
  return c;
}

test('SHLD-18: the acknowledgement of one small segment waits a little', () => {
  const c = interactive();
  c.say('P.', { data: 'question' });
  expect(c.heard()).toEqual([]);
  c.lab.run(0.5);
  expect(c.heard()).toHaveLength(1);
});

test('SHLD-18: it travels with the answer if there is one in time', () => {
  const c = interactive();
  c.say('P.', { data: 'question' });
  c.send('answer');
  expect(c.heard()).toMatchObject([{ ack: c.seq, data: { length: 6 } }]);
  c.lab.run(0.19);
  expect(c.heard()).toEqual([]);
});

test('MUST-40: no acknowledgement is held back for 500 ms', () => {
  const lab = new Lab();
  const c = interactive(lab);
  let worst = 0;
  for (let i = 0; i < 200; i++) {
    const from = lab.world.now;
    c.say('P.', { data: 1 + ((i * 37) % 1460) });
    lab.run(0.6);
    const ack = c.heard().find(h => h.ack === c.seq);
    expect(ack).toBeDefined();
    worst = Math.max(worst, ack!.time - from);
    if (i % 3 === 0) c.send('x');
    c.readAll();
    c.heard();
    c.say('.');
    lab.run((i % 5) / 10);
    c.heard();
  }
  expect(worst).toBeLessThan(500_000);
  expect(worst).toBeGreaterThan(0);
});

test('SHLD-19: at least every second full-sized segment is acknowledged at once', () => {
  const c = interactive();
  for (let i = 0; i < 40; i += 2) {
    c.say('.', { data: 1460 });
    c.readAll();
    c.say('.', { data: 1460 });
    c.readAll();
    expect(c.heard().at(-1)?.ack).toBe(c.seq);
  }
});

test('SHLD-19: also where the segments are small but make up two full ones', () => {
  const c = interactive();
  c.say('.', { data: 1460 });
  c.heard();
  let unanswered = 0;
  for (let i = 0; i < 60; i++) {
    c.say('P.', { data: 730 });
    unanswered += 730;
    if (c.heard().some(h => h.ack === c.seq)) unanswered = 0;
    expect(unanswered).toBeLessThanOrEqual(2 * 1460);
    c.readAll();
    if (c.heard().length > 0) unanswered = 0;
  }
});

test('SHLD-19: once packets have been lost on the path, also while the program does not read', () => {
  const unread = (lossy: boolean): boolean[] => {
    // Not so short a path that every segment is acknowledged at once.
    const c = interactive(new Lab(), 0.05);
    if (lossy) {
      const first = c.seq;
      c.say('.', { seq: first + 1460, data: 1460 });
      c.say('.', { seq: first, data: 1460 });
      c.seq = first + 2920;
      c.readAll();
    }
    // Quick-ack mode, in which every segment is acknowledged, comes to its end.
    for (let i = 0; i < 8; i++) {
      c.say('P.', { data: 'question' });
      c.send('answer');
      c.readAll();
      c.heard();
      c.say('.');
      c.lab.run(0.05);
    }
    c.heard();
    return [0, 1, 2, 3].map(() => {
      c.say('.', { data: 1460 });
      c.say('.', { data: 1460 });
      return c.heard().some(h => h.ack === c.seq);
    });
  };
  expect(unread(true)).toEqual([true, true, true, true]);
  // Otherwise as Linux does it: while the announced window can't move on, not before the program has read.
  expect(unread(false).at(-1)).toBe(false);
});
